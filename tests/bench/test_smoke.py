"""The product through the harness: nginx, twenty projects."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bench import held, measure, peers
from bench.measure import Contestant
from bench.scenarios.first_sync import lacking
from bench.serve import serve
from bench.tree import Shape, make
from tests.peers import programs

pytestmark = pytest.mark.peers


@pytest.fixture(autouse=True)
def nginx(monkeypatch: pytest.MonkeyPatch) -> None:
    """Skip without nginx, and find it where it is found elsewhere."""
    folder = Path(programs.find("nginx")).parent
    monkeypatch.setenv("PATH", f"{os.environ.get('PATH', os.defpath)}:{folder}")


@pytest.mark.parametrize("delay", [0.0, 0.01])
def test_first_sync(tmp_path: Path, delay: float) -> None:
    """Twenty projects are mirrored over HTTP/2, near and far, and every request is counted."""
    tree = make(tmp_path / "trees", Shape(20, files=3, size=2_000))
    with serve(tree, tmp_path / "site", delay=delay) as site:
        one = Contestant(
            "bandersnatch", "ours", lambda home: peers.ours(home, site), lambda home: lacking(home, 60)
        )  # fmt: skip
        [row] = measure.compare([one], 1, tmp_path / "runs", site, count_syncs=False)
    [sample] = row.samples
    assert sample["requests"] == 1 + 20 + 60
    assert sample["connections"] <= 10
    assert sample["cpu"] > 0


def test_a_mirror_that_was_put_together(tmp_path: Path) -> None:
    """A mirror that only looks as if it held many projects finds nothing to do, by its list or by a changelog."""
    tree = make(tmp_path / "trees", held.shape(3_000))
    with serve(tree, tmp_path / "site") as site:
        mirror = held.seed(site, tmp_path)
        for settings in ("", 'changes = "changelog"\n'):
            site.renew_list()
            site.forget()
            measure.run(peers.ours(tmp_path, site, mirror=mirror, settings=settings))
            assert len(site.asked()) == 1
        assert (mirror / "web/simple/index.v1_json").read_text().count('"name"') == 3_000


def test_one_change(tmp_path: Path) -> None:
    """One change is found in such a mirror, by its list or by a changelog, and costs its one page."""
    tree = make(tmp_path / "trees", held.shape(3_000))
    with serve(tree, tmp_path / "site") as site:
        mirror = held.seed(site, tmp_path)
        first = next(tree.projects)
        for number, settings in enumerate(("", 'changes = "changelog"\n'), 40_000_000):
            tree.change(number)
            site.feed.rows = ((first.display, None, 0, "new release", number),)
            site.forget()
            measure.run(peers.ours(tmp_path, site, mirror=mirror, settings=settings))
            assert [one.path for one in site.asked() if one.is_page] == [f"/simple/{first.name}/"]
