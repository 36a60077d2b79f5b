"""What a run would do, found out by the run's own steps on a copy of the catalogue; nothing is changed."""

from __future__ import annotations

import asyncio
import heapq
import math
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field

from bandersnatch.catalogue.base import Entry, Failure, Totals
from bandersnatch.sync import events
from bandersnatch.sync.detect import detect
from bandersnatch.sync.hands import each
from bandersnatch.sync.mirror import Mirror
from bandersnatch.sync.page import prepare
from bandersnatch.sync.run import Gone, Health, Outcome, Prepared, Run

LARGEST = 20
"""Projects that are named because there is most to fetch for them."""


@dataclass(frozen=True, slots=True)
class Sum:
    """So many files, and their bytes as far as upstream states them."""

    files: int = 0
    bytes: int = 0

    def __add__(self, other: Sum) -> Sum:
        return Sum(self.files + other.files, self.bytes + other.bytes)


@dataclass(frozen=True, slots=True)
class Share:
    """What one project has of a sum."""

    project: str
    files: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """A sum that was drawn from a sample."""

    files: int
    bytes: int
    error: int
    """Two standard errors of ``bytes``: in 19 of 20 samples the true sum is no further away."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run would do. Projects that upstream has not changed and whose rules are the same are not looked at."""

    due: int
    """Projects to be looked at."""
    read: int
    """Projects whose page was read; fewer than ``due`` for a sample, and where pages cannot be read."""
    new: int
    """Of those read, the projects that would be published for the first time."""
    unchanged: int
    fetch: Sum
    unsized: int
    """Files to fetch of which upstream does not state the size."""
    keep: Sum
    """Held files that would stay, of the projects that were read."""
    leave: Sum
    """Held files that would leave their pages."""
    leaving: dict[str, Sum]
    """The same by cause: deleted, quarantined, yanked, deselected."""
    gone: tuple[str, ...]
    """Projects that would leave altogether, whose files are in ``leave`` as well."""
    refused: dict[str, Sum]
    """Files of upstream that the rules refuse, by the rule that decides."""
    largest: tuple[Share, ...]
    """The projects with the most to fetch, the largest first."""
    growth: dict[str, int]
    """Bytes that are selected, by the month of upload, ``YYYY-MM``; files without an upload time are left out."""
    failures: dict[str, str]
    """Projects of which nothing can be said, with the reason."""
    brake: str
    """Why a run would remove nothing; empty if it would remove what this plan says."""
    held: Totals
    """What the mirror holds now."""
    free: int | None
    """Bytes that can still be written."""
    forecast: Estimate | None = None
    """What is to be fetched for all that is due, where ``read`` is a sample."""


@dataclass(slots=True)
class _Tally:
    new: int = 0
    unchanged: int = 0
    read: int = 0
    unsized: int = 0
    fetch: Sum = Sum()
    keep: Sum = Sum()
    leaving: dict[str, Sum] = field(default_factory=dict)
    gone: list[str] = field(default_factory=list)
    refused: dict[str, Sum] = field(default_factory=dict)
    largest: list[tuple[int, str, int]] = field(default_factory=list)
    growth: Counter[str] = field(default_factory=Counter)
    failures: dict[str, str] = field(default_factory=dict)
    sizes: list[tuple[int, int]] = field(default_factory=list)
    """Files and bytes to fetch of each project that was read."""


async def plan(
    mirror: Mirror,
    now: float,
    *,
    free: int | None,
    full: bool = False,
    sample: int | None = None,
    tell: events.Tell = lambda _: None,
) -> Plan:
    """
    Find out what a run at *now* would do. *mirror* has a copy of the catalogue, which is written to.

    *sample*: read no more than so many pages, drawn at random, and forecast the rest. Raises UpstreamError,
    CatalogueError and UsageError.
    """
    held = await asyncio.to_thread(mirror.catalogue.totals)
    detected = await detect(mirror, now, full=full, accept_removals=True, tell=tell)
    run = Run(mirror, now, full, tell, asyncio.Semaphore(1), Health(), detected.listed)
    due = await asyncio.to_thread(_due, mirror, now)
    drawn = due if sample is None or len(due) <= sample else random.Random(len(due)).sample(due, sample)  # noqa: S311 - no secret
    tell(events.Planned(len(drawn), None, None, free))
    tally = _Tally()

    async def look(name: str) -> None:
        entry = await asyncio.to_thread(mirror.catalogue.entry, name)
        if entry is not None:
            _count(entry, await prepare(entry, run), tally, mirror)
            tell(events.Confirmed(name))

    await each(_stream(drawn), look, mirror.rules.projects_at_once, lambda: run.health.is_over)
    return _result(tally, len(due), held, mirror, free)


def _due(mirror: Mirror, now: float) -> list[str]:
    found: list[str] = []
    after = ""
    while entries := mirror.catalogue.due(now, after, 5000):
        found += [entry.name for entry in entries]
        after = found[-1]
    return found


async def _stream(items: Iterable[str]) -> AsyncIterator[str]:
    for item in items:
        yield item


def _count(entry: Entry, outcome: Prepared | Outcome, tally: _Tally, mirror: Mirror) -> None:
    match outcome:
        case Prepared():
            _count_page(entry, outcome, tally)
        case Gone(cause=cause):
            tally.gone.append(entry.name)
            held = mirror.catalogue.published(entry.name).held
            _add(tally.leaving, str(cause), Sum(len(held), sum(one.size for one in held)))
        case Failure(reason=reason):
            tally.failures[entry.name] = reason
        case _:
            tally.unchanged += 1


def _count_page(entry: Entry, page: Prepared, tally: _Tally) -> None:
    tally.read += 1
    tally.new += not entry.published and bool(page.shown.files)
    fetch = Sum(len(page.plan.fetch), page.plan.bytes)
    tally.fetch += fetch
    tally.sizes.append((fetch.files, fetch.bytes))
    tally.unsized += sum(file.size is None for file in page.plan.fetch)
    kept = (*page.plan.keep, *page.kept)
    tally.keep += Sum(len(kept), sum(one.size for one in kept))
    for departure in page.leaving:
        _add(tally.leaving, departure.reason.partition(":")[0], Sum(1, departure.held.size))
    for dropped in page.selected.dropped:
        _add(tally.refused, dropped.verdict.rule, Sum(1, dropped.file.size or 0))
    for file in page.shown.files:
        if file.upload_time is not None:
            tally.growth[file.upload_time[:7]] += file.size or 0
    if fetch.files:
        item = (fetch.bytes, entry.name, fetch.files)
        (heapq.heappushpop if len(tally.largest) >= LARGEST else heapq.heappush)(tally.largest, item)


def _add(sums: dict[str, Sum], key: str, more: Sum) -> None:
    sums[key] = sums.get(key, Sum()) + more


def _result(tally: _Tally, due: int, held: Totals, mirror: Mirror, free: int | None) -> Plan:
    leave = sum(tally.leaving.values(), Sum())
    return Plan(
        due=due,
        read=tally.read,
        new=tally.new,
        unchanged=tally.unchanged,
        fetch=tally.fetch,
        unsized=tally.unsized,
        keep=tally.keep,
        leave=leave,
        leaving=dict(sorted(tally.leaving.items())),
        gone=tuple(sorted(tally.gone)),
        refused=dict(sorted(tally.refused.items(), key=lambda one: -one[1].bytes)),
        largest=tuple(Share(name, files, size) for size, name, files in sorted(tally.largest, reverse=True)),
        growth=dict(sorted(tally.growth.items())),
        failures=dict(sorted(tally.failures.items())),
        brake=_brake(tally, leave.files, held, mirror),
        held=held,
        free=free,
        forecast=_forecast(tally.sizes, due - tally.unchanged - len(tally.gone)) if due > _looked_at(tally) else None,
    )


def _looked_at(tally: _Tally) -> int:
    return tally.read + tally.unchanged + len(tally.gone) + len(tally.failures)


def _brake(tally: _Tally, files: int, held: Totals, mirror: Mirror) -> str:
    brake = mirror.rules.brake
    if brake.refuses(len(tally.gone), held.projects):
        return f"{len(tally.gone)} of {held.projects} projects would leave"
    if brake.refuses_files(files, held.files):
        return f"{files} of {held.files} files would leave"
    return ""


def _forecast(sizes: Sequence[tuple[int, int]], due: int) -> Estimate | None:
    """The sum over *due* projects, from the files and bytes of some that were drawn at random."""
    count = len(sizes)
    if count < 2:
        return None
    mean = sum(size for _, size in sizes) / count
    variance = sum((size - mean) ** 2 for _, size in sizes) / (count - 1)
    # Without putting back: the more of all were drawn, the less is left to be wrong about.
    error = due * math.sqrt(variance / count * max(0.0, 1 - count / due))
    return Estimate(round(sum(files for files, _ in sizes) / count * due), round(mean * due), round(2 * error))
