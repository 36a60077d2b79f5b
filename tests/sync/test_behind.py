"""One project that fails never stops, delays or hides another, in this run or the next."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bandersnatch.sync import events
from bandersnatch.testing import Corrupt, Cut, Fault, NoContentType, Reset, Status, WrongLength
from tests.sync.conftest import World

BREAKS_A_PAGE = [Status(403), Status(500), Reset(), Cut(10), NoContentType()]
BREAKS_A_FILE = [Status(404), Status(503), Reset(), Corrupt(), WrongLength(1)]


def fill(world: World) -> None:
    for name in ("alpha", "beta", "gamma"):
        world.index.upload(name, "1.0")


@pytest.mark.parametrize("fault", BREAKS_A_PAGE, ids=repr)
def test_broken_page(world: World, fault: Fault) -> None:
    """A page that cannot be had leaves its project behind; the others are there, and a change of theirs comes next."""
    fill(world)
    world.upstream.fault("/simple/beta/", fault, times=None)
    assert world.run().outcome == "behind"
    assert set(world.root()) == {"alpha", "gamma"}
    world.index.upload("gamma", "2.0")
    assert world.run().outcome == "behind"
    assert len(world.filenames("gamma")) == 2
    world.upstream.clear_faults()
    assert world.run().outcome == "clean"
    assert set(world.root()) == {"alpha", "beta", "gamma"}
    world.check()


def test_listed_but_never_there(world: World) -> None:
    """A project that is listed and has no page is behind only for who named it: there is nothing to mirror."""
    fill(world)
    world.upstream.fault("/simple/beta/", Status(404), times=None)
    finished = world.run()
    assert (finished.outcome, finished.behind, finished.serial) == ("clean", 1, world.index.serial)
    world.index.upload("gamma", "2.0")
    finished = world.run()
    assert (finished.outcome, finished.behind, finished.serial) == ("clean", 1, world.index.serial)
    assert world.run("alpha", "beta", accept_removals=True).outcome == "behind"
    world.upstream.clear_faults()
    world.now += 3600
    assert (world.run().behind, len(world.root())) == (0, 3)


def test_came_and_went(world: World) -> None:
    """A project that was listed, never had, and is listed no more, is not behind for ever."""
    fill(world)
    world.upstream.fault("/simple/beta/", Status(500), times=None)
    assert world.run().outcome == "behind"
    world.index.remove_project("beta")
    finished = world.run()
    assert (finished.outcome, finished.behind, finished.serial) == ("clean", 0, world.index.serial)


@pytest.mark.parametrize("fault", BREAKS_A_FILE, ids=repr)
def test_broken_file(world: World, fault: Fault) -> None:
    """A file that cannot be had is left out of its page, not half there; the rest of the page is published."""
    fill(world)
    world.index.upload("beta", "2.0")
    world.upstream.fault("/packages/*/beta-1.0-*.whl", fault, times=None)
    finished = world.run()
    assert finished.outcome == "behind"
    assert world.filenames("beta") == ["beta-2.0-py3-none-any.whl"]
    world.check()
    world.upstream.clear_faults()
    assert world.run().outcome == "clean"
    assert len(world.filenames("beta")) == 2
    assert world.upstream.count("/packages/*") == 1
    world.check()


def test_only_file_is_broken(world: World) -> None:
    """A new project none of whose files can be had gets no page."""
    fill(world)
    world.upstream.fault("/packages/*/beta-*.whl", Corrupt(), times=None)
    world.run()
    assert set(world.root()) == {"alpha", "gamma"}
    assert not (world.web / "simple/beta").exists()


def test_new_release_is_broken(world: World) -> None:
    """A broken new release leaves the page as it was, the old serial included."""
    fill(world)
    world.run()
    before = world.page("beta")
    world.index.upload("beta", "2.0")
    world.upstream.fault("/packages/*/beta-2.0-*.whl", Corrupt(), times=None)
    assert world.run().outcome == "behind"
    assert world.page("beta") == before
    assert world.root()["beta"] == before["meta"]["_last-serial"]


def test_stale_page(world: World) -> None:
    """A page older than promised leaves its project behind, and the mirror's serial below the promise."""
    fill(world)
    world.run()
    old = world.index.serial
    world.index.upload("beta", "2.0")
    promised = world.index.serial
    world.index.upload("gamma", "2.0")
    world.upstream.behaviour = replace(world.upstream.behaviour, stale={"beta": old})
    finished = world.run()
    assert finished.outcome == "behind"
    assert finished.serial is not None
    assert finished.serial < promised
    assert len(world.filenames("gamma")) == 2
    assert len(world.filenames("beta")) == 1
    [told] = world.of(events.FellBehind)
    assert str(promised) in told.reason
    world.upstream.behaviour = replace(world.upstream.behaviour, stale={})
    assert world.run().outcome == "clean"
    assert len(world.filenames("beta")) == 2


def test_stale_page_is_newer_than_ours(world: World) -> None:
    """A page that is older than promised and newer than the published one is published, and stays behind."""
    fill(world)
    world.run()
    world.index.upload("beta", "2.0")
    between = world.index.serial
    world.index.upload("beta", "3.0")
    world.upstream.behaviour = replace(world.upstream.behaviour, stale={"beta": between})
    assert world.run().outcome == "behind"
    assert len(world.filenames("beta")) == 2
    assert world.root()["beta"] == between


def test_waits_grow(world: World) -> None:
    """Each further failure doubles the wait, and a project that waits is not asked for."""
    fill(world)
    world.upstream.fault("/simple/beta/", Status(500), times=None)
    waits = []
    for _ in range(12):
        world.run()
        waits += [round(one.next_try - world.now) for one in world.of(events.FellBehind)]
    assert waits == [60, 120, 240, 480, 960, 1920, 3840]
    assert world.upstream.count("/simple/beta/") == 0


def test_list_is_not_found(world: World) -> None:
    """A list that was there and is not found is upstream's trouble, and no mistake in the configuration."""
    fill(world)
    world.run()
    world.upstream.fault("/simple/", Status(404))
    assert world.run().outcome == "unreachable"
    world.index.upload("beta", "2.0")
    assert world.run().outcome == "clean"
    assert len(world.filenames("beta")) == 2


def test_list_is_away(world: World) -> None:
    """When the list cannot be read nothing is lost, the outcome says so, and what is due is still tried."""
    fill(world)
    world.upstream.fault("/simple/beta/", Status(500), times=1)
    world.run()
    world.upstream.fault("/simple/", Status(500), times=1)
    finished = world.run()
    assert finished.outcome == "unreachable"
    assert set(world.root()) == {"alpha", "beta", "gamma"}
    assert world.run().outcome == "clean"


def test_upstream_goes_away(world: World) -> None:
    """An upstream that stops answering ends the run after some tries; the next run goes on."""
    for number in range(300):
        world.index.upload(f"project-{number:03}", "1.0")
    world.upstream.fault("/simple/project-*", Status(503), times=None)
    finished = world.run()
    assert finished.outcome == "unreachable"
    assert world.upstream.count("/simple/project-*") < 100
    world.upstream.clear_faults()
    assert world.run().outcome == "clean"
    assert len(world.root()) == 300
