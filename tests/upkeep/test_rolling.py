"""Bit by bit, the whole mirror is read, and what is damaged is mended by the next run."""

from __future__ import annotations

import asyncio
from contextlib import closing
from typing import Any

import pytest

from bandersnatch import assemble
from bandersnatch.assemble.verifying import ground_of, rolling
from bandersnatch.storage.glance import Glance
from bandersnatch.sync import events
from bandersnatch.sync.engine import Wish, run
from bandersnatch.testing import Status
from bandersnatch.upkeep.rolling import DAY, Part, Rolling, allowance
from tests.upkeep.conftest import Kept
from tests.upkeep.test_repairing import flip


def part(tree: Kept, files: int) -> Part:
    with tree.opened() as (mirror, _), closing(Glance(tree.directory)) as place:
        return Rolling(ground_of(mirror, tree.config(), place), files, tree.now)(tree.told.append)


def rolling_run(tree: Kept, **settings: Any) -> events.Finished:
    """A run that ends with the next part."""
    config = tree.config(**settings)
    tree.now += 600
    tree.told = []

    async def go() -> events.Finished:
        with assemble.locked(config):
            async with assemble.mirror(config, {}, tree.now) as mirror:
                with rolling(mirror, config, tree.now) as last:
                    return await run(mirror, Wish(), tree.now, tree.told.append, last)

    return asyncio.run(go())


def test_round(tree: Kept) -> None:
    """Whole projects in the order of names, from the place that is remembered; then from the beginning again."""
    parts = [part(tree, files) for files in (1, 1, 1, 5, 100)]
    assert [(one.projects, one.files, one.whole_round) for one in parts] == [
        (1, 4, False), (1, 2, False), (1, 1, False), (2, 6, True), (3, 7, True)
    ]  # fmt: skip
    assert parts[4].bytes > 30_000
    assert part(tree, 0) == Part()


def test_damage(tree: Kept) -> None:
    """What is damaged is told, makes the project behind, and is mended by the next run."""
    expected = tree.tree()
    flip(tree.stored("beta", "beta-2.0-py3-none-any.whl"))
    (tree.web / "simple/gamma/index.html").unlink()
    every: dict[str, Any] = {"verify__share-per-day": "100%"}
    finished = rolling_run(tree, **every)
    assert finished.outcome == "behind"
    assert [one.message.split(":")[0] for one in tree.of(events.Warned)] == ["beta", "gamma"]
    with tree.opened() as (mirror, _):
        assert [one.name for one in mirror.catalogue.behind()] == ["beta", "gamma"]
        assert all(one.reason.startswith("damaged: ") for one in mirror.catalogue.behind())
    assert rolling_run(tree, **every).outcome == "clean"
    assert tree.tree() == expected
    tree.silent()


def test_allowance(tree: Kept) -> None:
    """So many files a day or the share, whichever is more, by the time that went by; a day at most."""
    with tree.opened() as (mirror, _):
        catalogue = mirror.catalogue
        assert allowance(catalogue, 1000, 0.0, 5 * DAY) == 1000
        catalogue.set({"rolling-at": str(5 * DAY)})
        assert allowance(catalogue, 1000, 0.0, 5 * DAY + 3600) == 41
        assert allowance(catalogue, 1, 1.0, 7 * DAY) == 7
        assert allowance(catalogue, 0, 0.5, 6 * DAY) == 3
        assert allowance(catalogue, 1000, 0.0, 4 * DAY) == 0  # a clock that went back


def test_nothing_is_asked_for(tree: Kept) -> None:
    """Without a word in the configuration nothing is read."""
    flip(tree.stored("beta", "beta-2.0-py3-none-any.whl"))
    assert rolling_run(tree).outcome == "clean"


@pytest.mark.parametrize("unreachable", [True, False])
def test_stops(tree: Kept, unreachable: bool) -> None:
    """A run that upstream does not answer looks at nothing; one that is stopped keeps its place."""
    if unreachable:
        tree.upstream.fault("/simple/", Status(503), times=None)
        assert rolling_run(tree, verify__files_per_day=100).outcome == "unreachable"
        assert tree.of(events.Warned) == []
        return
    with tree.opened() as (mirror, _), closing(Glance(tree.directory)) as place:
        rolled = Rolling(ground_of(mirror, tree.config(), place), 100, tree.now)
        rolled.stop()
        assert rolled(tree.told.append) == Part()
