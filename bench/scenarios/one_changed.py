"""One project changed, in a mirror of many (bar 6)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from itertools import count as counting
from pathlib import Path

from bench import draws, held, measure, peers, profile
from bench.context import Bench
from bench.measure import Command, Contestant
from bench.results import Bar, Result
from bench.scenarios.no_op import pypa_at
from bench.serve import Site

REMARK = """\
Of the memory, {before:.0f} MB are there where nothing changed: the interpreter, the HTTP library with TLS, SQLite. The
profile is that of a change found in the list of projects."""

ABOUT = """\
A mirror of {count} projects learns that one of them changed: from the list of projects, or from a changelog. "commit"
is the time from the start of the run's work until the project's new state is committed, "index" what follows: the
published list of projects, which is written anew, and the end of the run. PyPA bandersnatch is given a directory that
holds {small} projects, so that its own list is short."""


UNCHANGED = "bandersnatch, nothing changed"


def run(bench: Bench) -> Result:
    """Each run finds another change, always of the same project."""
    count = bench.size(10_000, 1_000_000)
    room = bench.room("one-changed")
    with held.standing(bench, count, room) as (site, mirror):
        contestants = bench.chosen(_contestants(bench, site, room, mirror))
        rows = measure.compare(contestants, bench.runs, room / "turns", site)
        seen = profile.take(contestants[0].prepare(bench.room("profile")))
    bars = (
        Bar("seconds until the change is committed", "bandersnatch, changelog", "commit", 1),
        Bar("seconds for the list of projects", "bandersnatch, changelog", "index", 3),
        Bar("megabytes", "bandersnatch, changelog", "peak", 50),
    )
    result = Result("one-changed", "One project changed", ABOUT.format(count=count, small=held.SMALL), rows, bars)
    base = result.row(UNCHANGED)
    before = base.median("peak") if base else None
    return replace(result, profile=seen, remark=REMARK.format(before=before or 0.0))


def _contestants(bench: Bench, site: Site, room: Path, mirror: Path) -> list[Contestant]:
    serials = counting(draws.NEWEST + 1)
    changed = next(site.tree.projects)

    def change() -> int:
        serial = next(serials)
        site.tree.change(serial)
        site.feed.rows = ((changed.display, None, 0, "new release", serial),)
        return serial

    def by_list(home: Path) -> Command:
        change()
        return peers.ours(home, site, mirror=mirror, arguments=["--json"])

    def by_changelog(home: Path) -> Command:
        change()
        settings = 'changes = "changelog"\n'
        return peers.ours(home, site, mirror=mirror, settings=settings, arguments=["--json"])

    def unchanged(home: Path) -> Command:
        site.feed.rows = ()
        return peers.ours(home, site, mirror=mirror, settings='changes = "changelog"\n')

    def pypa(home: Path) -> Command:
        return bench.pypa.mirror(home, site, held=pypa_at(room / "pypa", change() - 1))

    return [
        Contestant("bandersnatch", "ours", by_list, facts=_parts),
        Contestant("bandersnatch, changelog", "ours", by_changelog, facts=_parts),
        Contestant(UNCHANGED, "ours", unchanged),
        Contestant("PyPA bandersnatch", "pypa", pypa),
    ]


def _parts(command: Command) -> Mapping[str, float]:
    """The parts of a run, from the events that it told."""
    events = [json.loads(line) for line in command.output.read_text().splitlines() if line.startswith("{")]
    times = {event["event"]: event["time"] for event in events}
    return {"commit": times["refreshed"] - times["started"], "index": times["finished"] - times["refreshed"]}
