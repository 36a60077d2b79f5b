"""A run that finds nothing new, against a long list of projects (bar 3)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bench import draws, held, measure, peers, profile
from bench.context import Bench
from bench.measure import Command, Contestant
from bench.results import Bar, Result
from bench.serve import Site
from bench.tree import LIST

ABOUT = """\
A mirror of everything on a list of {count} projects ({size:.0f} MB) runs again. The list is the one that it has seen
(304), or it came anew with the same content, or a changelog is asked instead. Beside it, what it takes to download the
list with curl and to parse it at once into typed values with msgspec."""

REMARK = "The profile is that of a new list."

PARSED = "curl, then msgspec"


def run(bench: Bench) -> Result:
    """The mirror is the same in all runs: none of them changes it."""
    count = bench.size(10_000, 1_000_000)
    room = bench.room("no-op")
    with held.standing(bench, count, room) as (site, mirror):
        contestants = [*_ours(site, mirror), *_peers(bench, site, room)]
        rows = measure.compare(bench.chosen(contestants), bench.runs, room / "turns", site)
        site.renew_list()
        seen = profile.take(peers.ours(bench.room("profile"), site, mirror=mirror))
    about = ABOUT.format(count=count, size=(site.tree.root / LIST).stat().st_size / 1e6)
    bars = (
        Bar("seconds on a 304", "bandersnatch", "wall", 0.5),
        Bar("download and parse", "bandersnatch, new list", "wall", 1.5, PARSED),
        Bar("megabytes", "bandersnatch, new list", "peak", 100),
        Bar("requests with a changelog", "bandersnatch, changelog", "requests", 1),
    )
    return Result("no-op", "Nothing new", about, rows, bars, profile=seen, remark=REMARK)


def _ours(site: Site, mirror: Path) -> list[Contestant]:
    def known(home: Path) -> Command:
        return peers.ours(home, site, mirror=mirror)

    def anew(home: Path) -> Command:
        site.renew_list()
        return peers.ours(home, site, mirror=mirror)

    def by_changelog(home: Path) -> Command:
        return peers.ours(home, site, mirror=mirror, settings='changes = "changelog"\n')

    def answered(status: int) -> Callable[[Path], str]:
        return lambda home: "" if site.asked()[0].status == status else f"the list was not answered with {status}"

    return [
        Contestant("bandersnatch", "ours", known, answered(304)),
        Contestant("bandersnatch, new list", "ours", anew, answered(200)),
        Contestant("bandersnatch, changelog", "ours", by_changelog),
    ]


def _peers(bench: Bench, site: Site, room: Path) -> list[Contestant]:
    def pypa(home: Path) -> Command:
        return bench.pypa.mirror(home, site, held=pypa_at(room / "pypa", draws.NEWEST))

    def parsed(home: Path) -> Command:
        fetch = peers.curl(home, site, ["/simple/"])
        program = peers.python(home, str(peers.PROGRAMS / "parse_list.py"), "got/0")
        script = f'"$@" && exec {" ".join(program.argv)}'
        return Command(("sh", "-c", script, "sh", *fetch.argv), program.env, home)

    return [Contestant("PyPA bandersnatch", "pypa", pypa), Contestant(PARSED, "curl", parsed)]


def pypa_at(place: Path, serial: int) -> Path:
    """A directory of PyPA bandersnatch's that says it has all changes up to *serial*."""
    place.mkdir(exist_ok=True)
    (place / "generation").write_text("5")
    (place / "status").write_text(str(serial))
    return place
