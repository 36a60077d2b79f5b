"""What the catalogue does for each finished project, however many it holds (bar 5)."""

from __future__ import annotations

import contextlib
import os
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from bandersnatch.catalogue.base import Commit
from bandersnatch.catalogue.sqlite import SqliteCatalogue
from bandersnatch.model import Listed
from bench import draws, held
from bench.context import Bench
from bench.results import Bar, Result, Row

ABOUT = """\
A catalogue that holds so many projects takes note of {batch} changed ones, far apart from each other, finds them due,
reads what is published of them and commits their new state: microseconds and kilobytes written for each, over
{batches} such batches in a run. Nothing else is done: no page, no file."""

REMARK = """\
What grows is the way through the trees of the catalogue, from two levels to four, of which the lower ones no longer
stay in its cache of 16 MB. Beside what else a project costs (see the first sync), that is little."""

BATCH, BATCHES, SEED = 64, 20, 1


def run(bench: Bench) -> Result:
    """In this process, through the catalogue's port, the sizes in turns."""
    room = bench.room("bookkeeping")
    counts = bench.size((1_000, 30_000), (1_000, 10_000, 100_000, 1_000_000))
    kept = {f"{count} held": _Kept(room / f"{count}.sqlite", count) for count in counts}
    samples: dict[str, list[dict[str, float]]] = {name: [] for name in kept}
    for one in kept.values():
        with closing(SqliteCatalogue(one.path)) as catalogue:
            held.fill(catalogue, (draws.project(SEED, number) for number in range(one.count)))
        one.work()  # the pages of the file that everybody needs are in memory from now on
    for _ in range(bench.runs):
        for name, one in kept.items():
            samples[name].append(one.work())
    rows = tuple(Row(name, tuple(found)) for name, found in samples.items())
    first, last = rows[0].name, rows[-1].name
    bars = (
        Bar(f"time for each, {first}", last, "each", 1.2, first),
        Bar("kilobytes written for each", last, "each-written", 16),
    )
    about = ABOUT.format(batch=BATCH, batches=BATCHES)
    return Result("bookkeeping", "Bookkeeping", about, rows, bars, base=first, remark=REMARK)


@dataclass
class _Kept:
    """A catalogue of one size."""

    path: Path
    count: int
    serial: int = draws.NEWEST

    def work(self) -> dict[str, float]:
        """Some batches, each with a newer serial."""
        batches = [self._batch(number) for number in range(BATCHES)]
        os.sync()
        with closing(SqliteCatalogue(self.path)) as catalogue:
            before, began = _written(), time.perf_counter()
            for batch in batches:
                _finish(catalogue, batch)
            wall, after = time.perf_counter() - began, _written()
        sample = {"each": wall / BATCH / BATCHES * 1e6}
        if before is not None and after is not None:
            sample["each-written"] = (after - before) / BATCH / BATCHES / 1e3
        return sample

    def _batch(self, number: int) -> list[Commit]:
        self.serial += 1
        stride = self.count // BATCH
        projects = (draws.project(SEED, stride * place + number % stride) for place in range(BATCH))
        return [held.commit(one, self.serial) for one in projects]


def _finish(catalogue: SqliteCatalogue, commits: list[Commit]) -> None:
    entries = [commit.entry for commit in commits]
    catalogue.promise([Listed(one.name, one.display, one.serial) for one in entries], 1.0, {})
    due = {entry.name for entry in catalogue.due(1.0, "", 2 * BATCH)}
    assert due == {one.name for one in entries}
    for one in entries:
        catalogue.published(one.name)
    catalogue.commit(commits)


def _written() -> int | None:
    """Bytes that this process caused to be written to the disk so far; None where the kernel does not count."""
    with contextlib.suppress(OSError):
        return int(Path("/proc/self/io").read_text().partition("\nwrite_bytes: ")[2].split()[0])
    return None
