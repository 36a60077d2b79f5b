"""What it takes to start, and to do nothing (bar 10)."""

from __future__ import annotations

from pathlib import Path

from bench import measure, peers
from bench.context import Bench
from bench.measure import Command, Contestant
from bench.results import Bar, Result
from bench.serve import serve
from bench.tree import Shape

ABOUT = """\
The help of the command line; a run that finds nothing new in a mirror of ten projects; and, to compare, the bare
interpreter."""


def run(bench: Bench) -> Result:
    """Short commands, so many runs."""
    room = bench.room("starting")
    mirror = room / "mirror"
    with serve(bench.tree(Shape(10, files=3, size=2_000)), room / "site") as site:
        first = room / "first"
        first.mkdir()
        measure.run(peers.ours(first, site, mirror=mirror))

        def pypa(home: Path) -> Command:
            command = bench.pypa.mirror(home, site)
            return Command((command.argv[0], "--help"), command.env, home)

        contestants = [
            Contestant("bandersnatch", "ours", lambda home: peers.python(home, "-m", "bandersnatch", "--help")),
            Contestant("bandersnatch, nothing new", "ours", lambda home: peers.ours(home, site, mirror=mirror)),
            Contestant("PyPA bandersnatch", "pypa", pypa),
            Contestant("python -c pass", "others", lambda home: peers.python(home, "-c", "pass")),
        ]
        rows = measure.compare(bench.chosen(contestants), 4 * bench.runs, room / "turns", site)
    bars = (
        Bar("seconds for the help", "bandersnatch", "wall", 0.15),
        Bar("seconds for nothing new", "bandersnatch, nothing new", "wall", 0.3),
    )
    return Result("starting", "Starting", ABOUT, rows, bars)
