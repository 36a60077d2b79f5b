"""What upstream removes leaves: the page first, then the catalogue, and storage after the grace time."""

from __future__ import annotations

from dataclasses import replace

from bandersnatch.sync import events
from bandersnatch.testing import Body, Status
from tests.sync.conftest import World

LIST_TYPE = "application/vnd.pypi.simple.v1+json"


def fill(world: World, count: int = 3) -> None:
    for number in range(count):
        world.index.upload(f"project-{number}", "1.0")
        world.index.upload(f"project-{number}", "2.0")


def test_file(world: World) -> None:
    """A removed file leaves its page in the next run, and storage after the grace time."""
    fill(world)
    world.run()
    stored = world.stored("project-1", "project_1-1.0-py3-none-any.whl")
    world.index.remove_file("project_1-1.0-py3-none-any.whl")
    world.run(mirror__grace="30m")
    assert world.filenames("project-1") == ["project_1-2.0-py3-none-any.whl"]
    assert stored.exists()
    world.now += 3600
    world.run(mirror__grace="30m")
    assert not stored.exists()
    assert not stored.with_name(stored.name + ".metadata").exists()
    world.check()


def test_project(world: World) -> None:
    """A project that is gone from the list, and whose page is gone, goes with its page, older JSON and files."""
    fill(world)
    world.run()
    stored = world.stored("project-1", "project_1-1.0-py3-none-any.whl")
    world.index.remove_project("project-1")
    finished = world.run(mirror__grace="0s")
    assert (finished.outcome, finished.removed) == ("clean", 1)
    assert set(world.root()) == {"project-0", "project-2"}
    assert not (world.web / "simple/project-1").exists()
    assert not (world.web / "pypi/project-1").exists()
    world.run(mirror__grace="0s")
    assert not stored.exists()
    world.check()


def test_listed_but_not_found(world: World) -> None:
    """One stray 404 removes nothing, however often it comes, as long as the list names the project."""
    fill(world)
    world.run()
    world.index.upload("project-1", "3.0")
    world.upstream.fault("/simple/project-1/", Status(404), times=None)
    for _ in range(3):
        assert world.run().outcome == "behind"
    assert len(world.filenames("project-1")) == 2
    world.upstream.clear_faults()
    world.now += 3600
    assert world.run().outcome == "clean"
    assert len(world.filenames("project-1")) == 3


def test_not_listed_but_found(world: World) -> None:
    """A list that lacks a project whose page is there removes nothing."""
    fill(world)
    world.run()
    before = world.tree()
    world.upstream.fault("/simple/", Body(_list(2, world.index.serial), LIST_TYPE), times=None)
    assert world.run().outcome == "clean"
    assert world.tree() == before


def test_list_of_another(world: World) -> None:
    """A list that has none of the projects that are here is not believed, however few they are."""
    fill(world)
    world.run()
    before = world.tree()
    for name in ("project-0", "project-1", "project-2"):
        world.index.remove_project(name)
    page = b"<html><title>Welcome</title><body><a href='/login/'>login</a></body></html>"
    world.upstream.fault("/simple/", Body(page, "text/html"))
    finished = world.run()
    assert (finished.outcome, finished.removed) == ("refused", 0)
    assert "none of the 3 projects" in finished.reason
    assert world.tree() == before


def test_recreated(world: World) -> None:
    """A project that is removed and made again is there again, with what it has now."""
    fill(world)
    world.run()
    world.index.remove_project("project-1")
    world.run()
    world.index.upload("project-1", "9.0")
    assert world.run().outcome == "clean"
    assert world.filenames("project-1") == ["project_1-9.0-py3-none-any.whl"]
    world.check()


def test_quarantine(world: World) -> None:
    """A quarantined project offers no file in the very next run, says so, and is not listed; cleared, it is back."""
    fill(world)
    world.run()
    world.index.quarantine("project-1")
    assert world.run().outcome == "clean"
    page = world.page("project-1")
    assert (page["files"], page["project-status"]["status"]) == ([], "quarantined")
    assert "project-1" not in world.root()
    assert world.run().outcome == "clean"
    world.index.clear_quarantine("project-1")
    assert world.run().outcome == "clean"
    assert len(world.filenames("project-1")) == 2
    assert "project-1" in world.root()
    assert world.of(events.Removed) == []


def test_yank(world: World) -> None:
    """A yanked release carries its mark and reason in both forms of the page; its file is not fetched again."""
    fill(world)
    world.run()
    world.index.yank("project-1", "1.0", 'broken <"badly">')
    world.run()
    assert [file["yanked"] for file in world.page("project-1")["files"]] == ['broken <"badly">', False]
    html = (world.web / "simple/project-1/index.html").read_text()
    assert 'data-yanked="broken &lt;&quot;badly&quot;&gt;"' in html
    assert world.upstream.count("/packages/*") == 0


def test_empty_list(world: World) -> None:
    """An empty list removes nothing, is refused even where removals are accepted, and is forgotten by the next run."""
    fill(world)
    world.run()
    before = world.tree()
    for accepted in (False, True):
        world.upstream.fault("/simple/", Body(_list(0), LIST_TYPE), times=1)
        finished = world.run(accept_removals=accepted)
        assert finished.outcome == "refused"
        assert "list of projects is empty" in finished.reason
        assert world.tree() == before
    world.index.upload("project-0", "3.0")
    assert world.run().outcome == "clean"
    assert len(world.filenames("project-0")) == 3


def test_brake(world: World) -> None:
    """Too many projects missing at once remove nothing until an operator accepts it; the others go on."""
    fill(world, 20)
    world.run()
    for number in range(10):
        world.index.remove_project(f"project-{number}")
    world.index.upload("project-15", "3.0")
    finished = world.run()
    assert finished.outcome == "refused"
    assert "--accept-removals" in finished.reason
    assert len(world.root()) == 20
    assert len(world.filenames("project-15")) == 3
    assert world.run().outcome == "refused"
    finished = world.run(accept_removals=True)
    assert (finished.outcome, finished.removed) == ("clean", 10)
    assert len(world.root()) == 10
    world.check()


def test_older_list(world: World) -> None:
    """A list from the past, as a cache may serve it, takes nothing back."""
    fill(world)
    lag = world.index.serial
    world.index.upload("project-2", "3.0")
    world.run()
    before = world.tree()
    world.upstream.behaviour = replace(world.upstream.behaviour, list_lag=world.index.serial - lag)
    assert world.run().outcome == "clean"
    assert world.tree() == before
    world.now += 100_000
    finished = world.run()
    assert (finished.outcome, world.tree() == before) == ("refused", True)
    assert "--full" in finished.reason
    assert world.run(full=True).outcome in ("clean", "behind")


def test_pages_only(world: World) -> None:
    """Without a list, a project goes when its page was not found twice, some minutes apart."""
    world.upstream.behaviour = replace(world.upstream.behaviour, list_format="missing")
    fill(world)
    assert world.run("project-0", "project-1").outcome == "clean"
    world.index.remove_project("project-1")
    assert world.run("project-0", "project-1").outcome == "behind"
    assert len(world.filenames("project-1")) == 2
    world.run("project-0", "project-1")
    assert set(world.root()) == {"project-0"}
    assert not (world.web / "simple/project-1").exists()


def _list(count: int, serial: int = 99) -> bytes:
    names = ",".join(f'{{"name": "project-{number}", "_last-serial": 1}}' for number in range(count))
    return f'{{"meta": {{"api-version": "1.4", "_last-serial": {serial}}}, "projects": [{names}]}}'.encode()
