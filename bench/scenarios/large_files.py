"""A first sync of a few large files, where hashing is the limit (bar 7)."""

from __future__ import annotations

from bench import measure, peers, profile
from bench.context import Bench
from bench.measure import Contestant
from bench.results import Bar, Result
from bench.scenarios.first_sync import asked_paths, lacking, mirrors
from bench.serve import serve
from bench.tree import Shape

BOTH = "curl --parallel, then sha256sum"


def run(bench: Bench) -> Result:
    """Each file in a project of its own, so that everybody may fetch several at once."""
    count, size = bench.size((4, 25_000_000), (20, 200_000_000))
    room = bench.room("large-files")
    tree = bench.tree(Shape(count, files=1, size=size))
    with serve(tree, room / "site") as site:
        paths = asked_paths(site, room / "rehearsal")
        wheels = sorted((tree.root / "packages").rglob("*.whl"))
        contestants = [
            *mirrors(bench, site, count, paths),
            Contestant(BOTH, "curl", lambda home: peers.curl_and_sha256sum(home, site, paths)),
            Contestant("sha256sum alone", "sha256sum", lambda home: peers.sha256sum(home, wheels)),
        ]
        rows = measure.compare(bench.chosen(contestants), bench.runs, room, site, tidy=True)
        seen = profile.take(peers.ours(bench.room("profile"), site))
    assert not lacking(room / "rehearsal", count)
    about = f"{count} files of {size // 1_000_000} MB, each in a project of its own."
    bars = (Bar("wall time of curl, then sha256sum", "bandersnatch", "wall", 1 / 0.9, BOTH),)
    return Result("large-files", "Large files", about, rows, bars, profile=seen)
