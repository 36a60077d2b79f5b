"""A first sync of projects with three small files each (bar 1), and the same over a line with latency (bar 2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bench import measure, peers, profile
from bench.context import Bench
from bench.measure import Command, Contestant
from bench.results import Bar, Result
from bench.serve import Site, serve
from bench.tree import Shape

COPIED = "cp of what is published"
REMARK = """\
curl writes {paths:,} files into one folder. What is published has {objects:,} objects, most of them in folders of their
own, as pip and every other mirror expect them: pages in three forms, the older JSON, core metadata. "{copied}"
is what cp -a takes to write just that a second time, from memory, without network, digests, catalogue or fsync: the
kernel's part, which nobody who writes this tree is spared."""

ABOUT = """\
{count} projects with {files} small wheels each, into an empty directory, everything with its metadata: PyPA
bandersnatch asks upstream for it, bandersnatch takes it out of the wheels. curl fetches what bandersnatch asks for."""

FAR = """\
curl asks for the same over one connection, {streams} at a time: what it takes is the line's part, {paths:,} round trips
shared by so many, and the delaying proxy's, which runs on the same two cores."""

FILES = 3
ROUND_TRIP = 0.03
"""Seconds."""


def near(bench: Bench) -> Result:
    """On the loopback interface."""
    count = bench.size(200, 2_000)
    about = ABOUT.format(count=count, files=FILES)
    bars = (
        Bar("wall time of PyPA bandersnatch", "bandersnatch", "wall", 1 / 10, "PyPA bandersnatch"),
        Bar("wall time of curl with the same URLs", "bandersnatch", "wall", 2.0, "curl --parallel"),
    )
    return _compared(bench, Result("first-sync", "First sync", about, (), bars), count, 0.0, copied=True)


def far(bench: Bench) -> Result:
    """With 30 ms to and from upstream."""
    count = bench.size(60, 2_000)
    about = f"{count} projects, as above, over a line with a round trip of {ROUND_TRIP * 1000:.0f} ms."
    bars = (
        Bar("wall time of PyPA bandersnatch", "bandersnatch", "wall", 1 / 10, "PyPA bandersnatch"),
        Bar("connections", "bandersnatch", "connections", 10),
    )
    return _compared(bench, Result("first-sync-far", "First sync from far away", about, (), bars), count, ROUND_TRIP)


def _compared(bench: Bench, result: Result, count: int, delay: float, *, copied: bool = False) -> Result:
    room = bench.room(result.scenario)
    tree = bench.tree(Shape(count, files=FILES, size=2_000))
    with serve(tree, room / "site", delay=delay) as site:
        paths = asked_paths(site, room / "rehearsal")
        published = room / "rehearsal" / "mirror" / "web"
        contestants = [*mirrors(bench, site, count * FILES, paths), *([_copy(published)] if copied else [])]
        rows = measure.compare(bench.chosen(contestants), bench.runs, room, site)
        seen = profile.take(peers.ours(bench.room("profile"), site))
    objects = sum(1 for path in published.rglob("*") if not path.is_dir())
    near, far = (
        REMARK.format(paths=len(paths), objects=objects, copied=COPIED),
        FAR.format(streams=64, paths=len(paths)),
    )
    remark = near if copied else far
    return replace(result, rows=rows, profile=seen, remark=remark)


def _copy(published: Path) -> Contestant:
    def prepare(home: Path) -> Command:
        return Command(("cp", "-a", str(published), str(home / "copied")), peers.environment(home), home)

    return Contestant(COPIED, "others", prepare)


def asked_paths(site: Site, home: Path) -> list[str]:
    """What the product asks for in a first sync."""
    site.forget()
    home.mkdir()
    measure.run(peers.ours(home, site))
    return sorted({one.path for one in site.asked()})


def mirrors(bench: Bench, site: Site, files: int, paths: Sequence[str]) -> list[Contestant]:
    """Everybody who can make a mirror of *files* files, and curl, which fetches *paths*."""
    return [
        Contestant("bandersnatch", "ours", lambda home: peers.ours(home, site), lambda home: lacking(home, files)),
        Contestant(
            "PyPA bandersnatch", "pypa", lambda home: bench.pypa.mirror(home, site), lambda home: lacking(home, files)
        ),
        Contestant(
            "curl --parallel",
            "curl",
            lambda home: peers.curl(home, site, paths),
            lambda home: _fewer(sum(1 for _ in (home / "got").iterdir()), len(paths)),
        ),
    ]


def lacking(home: Path, files: int) -> str:
    """What is wrong with a mirror below *home* that is to hold *files* wheels."""
    return _fewer(sum(1 for _ in home.glob("*/web/packages/*/*/*/*.whl")), files)


def _fewer(found: int, wanted: int) -> str:
    return "" if found == wanted else f"{found} files came of {wanted}"
