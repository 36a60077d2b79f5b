"""What it costs to survive a power cut: the same first sync, with a disk that is waited for or not (bar 8)."""

from __future__ import annotations

from bench import measure, peers
from bench.context import Bench
from bench.measure import Contestant
from bench.results import Bar, Result
from bench.scenarios.first_sync import FILES, lacking
from bench.serve import serve
from bench.tree import Shape

ABOUT = """\
A first sync of {count} projects with {files} small wheels each, as it is, and with every fsync and syncfs left out, the
catalogue's too. The second is no option of the product: the bench replaces its calls."""


def run(bench: Bench) -> Result:
    """With and without."""
    count = bench.size(200, 2_000)
    room = bench.room("durability")
    careless = str(peers.PROGRAMS / "without_fsync.py")
    with serve(bench.tree(Shape(count, files=FILES, size=2_000)), room / "site") as site:
        contestants = [
            Contestant(name, "ours", prepare, lambda home: lacking(home, count * FILES))
            for name, prepare in {
                "bandersnatch": lambda home: peers.ours(home, site),
                "without fsync": lambda home: peers.ours(home, site, program=[careless]),
            }.items()
        ]
        rows = measure.compare(contestants, bench.runs, room, site)
    bars = (Bar("wall time without fsync", "bandersnatch", "wall", 2.0, "without fsync"),)
    return Result("durability", "Durability", ABOUT.format(count=count, files=FILES), rows, bars)
