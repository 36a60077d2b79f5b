"""The first runs of a mirror, with nothing going wrong."""

from __future__ import annotations

from bandersnatch.sync import events
from tests.sync.conftest import World


def test_everything_is_mirrored(world: World) -> None:
    """A first run of everything publishes every project with all its files and core metadata."""
    for name in ("alpha", "Beta.Two", "gamma"):
        for version in ("1.0", "2.0"):
            world.index.upload(name, version)
            world.index.upload(name, version, kind="sdist")
    finished = world.run()
    assert finished.outcome == "clean"
    assert (finished.refreshed, finished.files, finished.behind) == (3, 12, 0)
    assert set(world.root()) == {"alpha", "Beta.Two", "gamma"}
    assert len(world.filenames("beta-two")) == 4
    assert finished.serial == world.index.serial
    world.check()


def test_second_run_asks_for_the_list_only(world: World) -> None:
    """When nothing changed, the list is asked for conditionally, and nothing else is."""
    world.index.upload("alpha", "1.0")
    world.run()
    before = world.tree()
    finished = world.run()
    assert finished.outcome == "clean"
    assert [(request.path, request.status) for request in world.upstream.requests] == [("/simple/", 304)]
    assert world.tree() == before


def test_only_what_changed_is_asked_for(world: World) -> None:
    """A change of one project costs the list, its page and its new file."""
    for name in ("alpha", "beta", "gamma"):
        world.index.upload(name, "1.0")
    world.run()
    new = world.index.upload("beta", "1.1")
    world.run()
    assert sorted(request.path for request in world.upstream.requests) == sorted(
        ["/simple/", "/simple/beta/", new.path]
    )
    assert len(world.filenames("beta")) == 2
    world.check()


def test_requirements_select_versions(world: World) -> None:
    """A requirement's range selects the files of its versions; other projects are not asked for."""
    for version in ("1.0", "2.0", "3.0"):
        world.index.upload("alpha", version)
    world.index.upload("beta", "1.0")
    finished = world.run("alpha>=2")
    assert finished.outcome == "clean"
    assert world.filenames("alpha") == ["alpha-2.0-py3-none-any.whl", "alpha-3.0-py3-none-any.whl"]
    assert list(world.root()) == ["alpha"]
    assert world.upstream.count("/simple/beta/") == 0


def test_planned_says_how_much(world: World) -> None:
    """Before a small run fetches the first file it says how many files and bytes there are to fetch."""
    one = world.index.upload("alpha", "1.0")
    two = world.index.upload("alpha", "2.0")
    world.run()
    [planned] = world.of(events.Planned)
    assert (planned.projects, planned.files, planned.bytes) == (1, 2, len(one.content) + len(two.content))
