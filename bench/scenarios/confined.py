"""A mirror of many projects in little memory: whatever a run does, it ends as it should."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bench import draws, held, measure, peers
from bench.confined import Confined, confined
from bench.context import Bench
from bench.measure import Command, Contestant
from bench.results import Bar, Result
from bench.serve import Site

MEGABYTES = 256

ABOUT = """\
A mirror of everything on a list of {count} projects runs in a group of processes that may have {size} MB of memory and
no swap (cgroups), what the kernel keeps of files for it included: once the list came anew, and once one project
changed, which has the published list of projects written anew."""


def run(bench: Bench) -> Result:
    """Ours alone; a run that the kernel ended for want of memory is no run."""
    count = bench.size(20_000, 1_000_000)
    room = bench.room("confined")
    with held.standing(bench, count, room) as (site, mirror), confined(MEGABYTES) as group:
        rows = measure.compare(_contestants(site, mirror, group), bench.runs, room / "turns", site, count_syncs=False)
    bars = tuple(Bar("megabytes", row.name, "peak", MEGABYTES) for row in rows)
    return Result("confined", "Little memory", ABOUT.format(count=count, size=MEGABYTES), rows, bars, base=rows[0].name)


def _contestants(site: Site, mirror: Path, group: Confined) -> list[Contestant]:
    changed = next(site.tree.projects)
    serial = draws.NEWEST

    def renew() -> None:
        site.renew_list()

    def change() -> None:
        nonlocal serial
        serial += 1
        site.tree.change(serial)
        site.feed.rows = ((changed.display, None, 0, "new release", serial),)

    def after(happens: Callable[[], None]) -> Callable[[Path], Command]:
        def prepare(home: Path) -> Command:
            happens()
            return group.command(peers.ours(home, site, mirror=mirror))

        return prepare

    def check(home: Path) -> str:
        return f"{group.killed()} processes were ended for want of memory" if group.killed() else ""

    return [
        Contestant("new list", "ours", after(renew), check),
        Contestant("one project changed", "ours", after(change), check),
    ]
