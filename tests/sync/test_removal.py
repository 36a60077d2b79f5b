"""What upstream removes leaves: the page first, then the catalogue, and storage after the grace time."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.request import Request, urlopen

import pytest

from bandersnatch.sync import events, room
from bandersnatch.sync.run import HELD_BACK
from bandersnatch.testing import Body, Corrupt, Status
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
    page = b"<html><title>Welcome</title><body><a href='/simple/other/'>other</a></body></html>"
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
    for warnings in (1, 0):
        finished = world.run()
        assert (finished.outcome, world.tree() == before) == ("behind", True)
        assert "older than serial" in finished.reason
        assert len(world.of(events.Warned)) == warnings, "it is said once"
        assert not world.of(events.Planned)[0].is_quiet
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
    world.run("project-0", "project-1", accept_removals=True)
    assert set(world.root()) == {"project-0"}
    assert not (world.web / "simple/project-1").exists()


# --- what is listed and cannot be taken ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "spoil",
    [
        lambda file: file.update(size=-1),
        lambda file: file.update(url="ftp://elsewhere.example/x"),
        lambda file: file.update(hashes={"sha256": "no digits"}),
        lambda file: file.update(hashes=7),
        lambda file: file.update(filename=None),
        lambda file: file.update(filename=f"{file['filename']} "),
    ],
)
def test_listed_and_not_taken(two: World, spoil: Callable[[dict[str, Any]], None]) -> None:
    """A file that upstream lists in a way that cannot be used is no removal: it stays, and so in a full run."""
    two.index.upload("alpha", "4.0")
    _change(two, "alpha", lambda page: list(map(spoil, page["files"][:2])))
    before = two.filenames("alpha")
    two.run()
    assert sorted(two.filenames("alpha")) == sorted([*before, "alpha-4.0-py3-none-any.whl"])
    two.run(full=True)
    assert len(two.filenames("alpha")) == 4
    two.check()


def test_listed_not_taken_and_not_wanted(two: World) -> None:
    """What the rules do not want leaves, also where upstream lists it in a way that cannot be used."""
    _change(two, "alpha", lambda page: [file.update(size=-1) for file in page["files"]])
    two.run(full=True, releases__prereleases=False)
    assert two.filenames("alpha") == ["alpha-1.0-py3-none-any.whl", "alpha-2.0-py3-none-any.whl"]


@pytest.mark.parametrize("full", [False, True])
def test_replaced_by_what_cannot_be_had(two: World, *, full: bool) -> None:
    """A file whose name upstream gave to another one stays on its page until that other one is here."""
    name = "alpha-1.0-py3-none-any.whl"
    before = two.stored("alpha", name).read_bytes()
    two.index.remove_file(name)
    two.index.upload("alpha", "1.0", padding=5)
    two.upstream.fault(f"/packages/*{name}", Corrupt(), times=None)
    assert two.run(full=full).outcome == "behind"
    assert two.stored("alpha", name).read_bytes() == before
    two.check()
    two.upstream.clear_faults()
    two.now += 3600
    assert two.run().outcome == "clean"
    assert two.stored("alpha", name).read_bytes() != before


def test_renamed_and_not_to_be_had(two: World) -> None:
    """Where upstream has other files in place of all, and none of them can be had, those that are here stay."""
    two.index.upload("gamma", "1.0")
    two.run()
    two.index.remove_file("gamma-1.0-py3-none-any.whl")
    two.index.upload("gamma", "1.0", kind="sdist")
    two.upstream.fault("/packages/*gamma*", Status(403), times=None)
    finished = two.run()
    assert (finished.outcome, two.filenames("gamma")) == ("behind", ["gamma-1.0-py3-none-any.whl"])
    two.check()
    two.upstream.clear_faults()
    two.now += 3600
    assert two.run().outcome == "clean"
    assert two.filenames("gamma") == ["gamma-1.0.tar.gz"]


def test_emptied(world: World) -> None:
    """A small mirror of which nothing, or less than two thirds, would be left asks first, however few files it has."""
    fill(world, 2)
    world.run()
    before = world.tree()
    for name in ("project_0-1.0-py3-none-any.whl", "project_1-2.0-py3-none-any.whl"):
        world.index.remove_file(name)
    finished = world.run()
    assert finished.outcome == "refused"
    assert "2 of 4 files would leave the mirror" in finished.reason
    assert "--accept-removals" in finished.reason
    assert world.tree() == before
    assert world.run(accept_removals=True).outcome == "clean"
    assert len(world.filenames("project-0")) == 1


def test_held_back_for_one_reason(world: World) -> None:
    """The run says how much would leave in all; what it holds back has one reason, and no numbers of its own."""
    fill(world, 3)
    world.run()
    finished = world.run(releases__newest=1)
    assert "3 of 6 files would leave the mirror" in finished.reason
    assert [one.reason for one in world.of(events.FellBehind)] == [HELD_BACK] * 3


@pytest.mark.parametrize("kept", [10, 0])
def test_pages_that_wait_are_kept(two: World, kept: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that loses a file waits until all were read, and is not asked for again, unless there are too many."""
    two.settings |= {"releases.newest": 2}
    two.run(accept_removals=True)
    monkeypatch.setattr(room, "KEPT", kept)
    two.index.upload("alpha", "4.0")
    assert two.run().outcome == "clean"
    assert two.upstream.count("/simple/alpha/") == (1 if kept else 3)
    assert [name.split("-")[1] for name in two.filenames("alpha")] == ["2.0", "4.0"]


def test_newest_of_a_small_mirror(two: World) -> None:
    """A release that takes the place of another is no loss: nothing is asked."""
    two.settings |= {"releases.newest": 1, "releases.prereleases": False}
    two.run(accept_removals=True)
    for name in ("alpha", "beta"):
        two.index.upload(name, "5.0")
    assert two.run().outcome == "clean"
    assert two.filenames("beta") == ["beta-5.0-py3-none-any.whl"]


# --- quarantine ------------------------------------------------------------------------------------------------------


def _quarantine(page: dict[str, Any]) -> None:
    page["project-status"] = {"status": "quarantined", "reason": "malware"}


@pytest.mark.parametrize("full", [False, True])
def test_quarantined_and_listed(two: World, *, full: bool) -> None:
    """Files that a page in quarantine lists all the same are not offered; the page says why, and is not listed."""
    two.index.upload("gamma", "1.0")
    two.run()
    two.index.change_role("gamma")
    _change(two, "gamma", _quarantine)
    for _ in range(2):
        assert two.run(full=full).outcome == "clean"
        page = two.page("gamma")
        assert (page["files"], page["project-status"]["status"]) == ([], "quarantined")
        assert "gamma" not in two.root()


def test_all_quarantined(world: World) -> None:
    """Projects that leave the list by their status count as leaving; held back, they offer nothing all the same."""
    for number in range(20):
        world.index.upload(f"project-{number}", "1.0")
    for number in range(20, 30):
        world.index.create(f"project-{number}")
    world.run()
    for number in range(14, 30, 2):
        world.index.change_role(f"project-{number}")
        _change(world, f"project-{number}", _quarantine)
    finished = world.run()
    assert finished.outcome == "refused"
    assert "8 of 30 projects" in finished.reason
    for _ in range(2):
        assert len(world.root()) == 30
        for number in (14, 28):
            page = world.page(f"project-{number}")
            assert (page["files"], page["project-status"]["status"]) == ([], "quarantined")
        assert len(world.filenames("project-15")) == 1
        assert world.run().outcome == "refused"
    assert world.run(accept_removals=True).outcome == "clean"
    assert len(world.root()) == 22
    world.check()


def test_a_small_mirror_quarantined(two: World) -> None:
    """A small mirror is not taken off its own list unasked, in as many runs as it is tried, and offers nothing."""
    for name in ("alpha", "beta"):
        two.index.quarantine(name)
    for _ in range(3):
        assert two.run().outcome == "refused"
        assert (two.filenames("alpha"), list(two.root())) == ([], ["alpha", "beta"])
        two.now += 4000
    two.index.clear_quarantine("beta")
    assert two.run().outcome == "refused"
    assert len(two.filenames("beta")) == 3
    assert two.run(accept_removals=True).outcome == "clean"
    assert list(two.root()) == ["beta"]


def _change(world: World, name: str, change: Callable[[dict[str, Any]], object]) -> None:
    """Let upstream's page of the project be another one from now on."""
    address = Request(f"{world.upstream.url}/simple/{name}/", headers={"Accept": LIST_TYPE})  # the fake
    with urlopen(address) as response:
        page = json.load(response)
    change(page)
    world.upstream.fault(f"/simple/{name}/", Body(json.dumps(page).encode(), LIST_TYPE), times=None)


def _list(count: int, serial: int = 99) -> bytes:
    names = ",".join(f'{{"name": "project-{number}", "_last-serial": 1}}' for number in range(count))
    return f'{{"meta": {{"api-version": "1.4", "_last-serial": {serial}}}, "projects": [{names}]}}'.encode()
