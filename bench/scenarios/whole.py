"""Many projects in one go, one small file each (bar 9): what a mirror of everything would take."""

from __future__ import annotations

from pathlib import Path

from bench import measure, peers
from bench.context import Bench
from bench.measure import Contestant
from bench.results import Bar, Result, Row
from bench.scenarios.first_sync import lacking
from bench.serve import serve
from bench.tree import Shape

EVERYTHING = 930_000
"""Projects on PyPI, about."""


def run(bench: Bench) -> Result:
    """Ours alone, once: a fifth, and all of it, to see that memory does not grow and time does so in proportion."""
    count = bench.size(1_000, 100_000)
    room = bench.room("whole")
    rows = [_once(bench, room, part) for part in (count // 5, count)]
    first, last = rows[0].name, rows[-1].name
    hours = EVERYTHING / count * (rows[1].median("wall") or 0.0) / 3600
    about = (
        f"{count} projects with one small wheel each, in one run; and a fifth of them, to compare. "
        f"At this rate, {EVERYTHING:,} such projects take {hours:.1f} hours."
    )
    bars = (
        Bar(f"memory for {first}", last, "peak", 1.2, first),
        Bar(f"wall time for {first}", last, "wall", 6.0, first),
    )
    return Result("whole", "Many projects in one go", about, tuple(rows), bars, base=last)


def _once(bench: Bench, room: Path, count: int) -> Row:
    with serve(bench.tree(Shape(count, files=1, size=1_000)), room / f"site-{count}") as site:
        contestant = Contestant(
            f"{count} projects", "ours", lambda home: peers.ours(home, site), lambda home: lacking(home, count)
        )
        [row] = measure.compare([contestant], 1, room / str(count), site, count_syncs=False)
        return row
