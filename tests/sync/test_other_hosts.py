"""An index, its pages and its files at other addresses than expected: what is followed, remembered and refused."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from bandersnatch.sync import events
from bandersnatch.testing import Body, Redirect, Status, UpstreamServer
from tests.sync.conftest import World

JSON = "application/vnd.pypi.simple.v1+json"
NAMES = ("alpha", "beta", "gamma", "delta", "epsilon")


@pytest.fixture
def other() -> Iterator[UpstreamServer]:
    """Another index, with a project of the same name and other files."""
    with UpstreamServer() as server:
        server.index.upload("alpha", "99.0")
        server.index.upload("never-ours", "99.0")
        yield server


def reasons(world: World) -> dict[str, str]:
    return {one.project: one.reason for one in world.told if isinstance(one, events.FellBehind)}


@pytest.mark.parametrize("keys", [{}, {"upstream.file-hosts": True}])
def test_a_project_that_is_redirected_away_leaves(world: World, other: UpstreamServer, keys: dict[str, bool]) -> None:
    """As a removed one does: an index that falls back to a public one has none of its pages, whatever files may do."""
    if keys:
        world.settings["upstream.file-hosts"] = [one.url.removeprefix("http://") for one in (world.upstream, other)]
    for name in NAMES:
        world.index.upload(name, "1.0")
    assert world.run().outcome == "clean"
    world.upstream.fault("/simple/alpha/", Redirect(f"{other.url}/simple/alpha/"), times=None)
    world.index.change_role("alpha")
    assert world.run().outcome == "behind"
    assert "page-hosts" in reasons(world)["alpha"]
    assert world.filenames("alpha") == ["alpha-1.0-py3-none-any.whl"]
    world.index.remove_project("alpha")
    assert world.run().outcome == "clean"
    assert not (world.web / "simple/alpha").exists()
    assert set(world.root()) == {*NAMES} - {"alpha"}
    assert other.requests == []


def test_a_name_that_is_redirected_away_is_nobodys(world: World, other: UpstreamServer) -> None:
    """A selected name that the index does not have stays without a page; page-hosts takes the other index's."""
    world.index.upload("alpha", "1.0")
    world.upstream.fault("/simple/never-ours/", Redirect(f"{other.url}/simple/never-ours/"), times=None)
    world.run("alpha", "never-ours")
    assert not (world.web / "simple/never-ours").exists()
    assert other.requests == []
    host = other.url.removeprefix("http://")
    world.settings |= {"upstream.page-hosts": [host]}
    world.now += 86400
    world.run("alpha", "never-ours")
    assert world.filenames("never-ours") == ["never_ours-99.0-py3-none-any.whl"]


def test_a_name_that_page_hosts_have(world: World, other: UpstreamServer) -> None:
    """With page-hosts only its page tells whether a selected name is nobody's; the list is no reason for a warning."""
    world.index.upload("alpha", "1.0")
    world.upstream.fault("/simple/never-ours/", Redirect(f"{other.url}/simple/never-ours/"), times=None)
    world.settings |= {"upstream.page-hosts": [other.url.removeprefix("http://")]}
    assert world.run("alpha", "never-ours", full=True).outcome == "clean"
    assert world.of(events.Warned) == []
    world.run("alpha", "never-ours", "alhpa", exclude__projects=["betta"], full=True)
    assert "alhpa" in reasons(world)
    [warned] = world.of(events.Warned)
    assert "betta: upstream has no project of this name" in warned.message


def test_files_that_are_redirected(world: World, other: UpstreamServer) -> None:
    """Where the first file is redirected to, others may come from in all runs; from elsewhere none comes."""
    first = world.index.upload("alpha", "1.0")
    world.upstream.fault("/packages/*", Redirect(f"{other.url}/cdn/1?signed"), times=None)
    other.fault("/cdn/1", Body(first.content, "application/zip"), times=None)
    assert world.run().outcome == "clean"
    world.upstream.clear_faults()
    second = world.index.upload("alpha", "2.0")
    world.upstream.fault(second.path, Redirect(f"{other.url}/cdn/2"), times=None)
    other.fault("/cdn/2", Body(second.content, "application/zip"), times=None)
    assert world.run().outcome == "clean"
    assert len(world.filenames("alpha")) == 2
    with UpstreamServer() as third:
        world.upstream.fault(world.index.upload("alpha", "3.0").path, Redirect(f"{third.url}/cdn/3"), times=None)
        assert world.run().outcome == "behind"
        assert third.requests == []
    assert "file-hosts" in reasons(world)["alpha"]
    assert len(world.filenames("alpha")) == 2


# --- where the index is ----------------------------------------------------------------------------------------------


def serve_at(world: World, place: str) -> None:
    """The index answers at *place*, and no more at ``/simple/``."""
    files = [
        {"filename": file.filename, "url": world.upstream.url_of(file), "hashes": {"sha256": file.sha256}}
        for state in world.index.projects()
        for file in state.files
    ]
    names = [{"name": state.name} for state in world.index.projects()]
    world.upstream.fault(place, Body(json.dumps({"meta": {}, "projects": names}).encode(), JSON), times=None)
    page = json.dumps({"meta": {}, "name": "alpha", "files": files}).encode()
    world.upstream.fault(f"{place}alpha/", Body(page, JSON), times=None)
    world.upstream.fault("/simple/*", Status(404), times=None)


def test_where_the_index_is_stays(world: World) -> None:
    """It is looked for once; an outage changes nothing of that, even where the other address answers; --full does."""
    world.index.upload("alpha", "1.0")
    serve_at(world, "/whl/")
    world.settings["mirror.upstream"] = f"{world.upstream.url}/whl"
    assert world.run().outcome == "clean"
    world.run()
    assert {one.path for one in world.upstream.requests} == {"/whl/", "/whl/alpha/"}
    assert world.upstream.count("/whl/") == 1

    world.upstream.clear_faults()
    for answer in (Status(503), Status(404), Body(b"<html>It works</html>", "text/html")):
        world.upstream.fault("/whl/", answer)
        before = world.tree()
        assert world.run().outcome != "clean"
        assert world.tree() == before
        assert world.upstream.count("/whl/simple/*") == 0

    world.upstream.clear_faults()
    serve_at(world, "/whl/simple/")
    assert world.run().outcome != "clean"
    assert world.run(full=True).outcome == "clean"
    world.run()
    assert {one.path for one in world.upstream.requests} == {"/whl/simple/", "/whl/simple/alpha/"}


def test_another_address_is_looked_at(world: World) -> None:
    """What was found of one address says nothing of another."""
    world.index.upload("alpha", "1.0")
    serve_at(world, "/whl/")
    world.settings["mirror.upstream"] = f"{world.upstream.url}/whl"
    assert world.run().outcome == "clean"
    world.upstream.clear_faults()
    world.settings["mirror.upstream"] = world.upstream.url
    assert world.run().outcome == "clean"
    assert world.upstream.count("/whl/*") == 0


def test_an_outage_at_first_teaches_nothing(world: World) -> None:
    """A mirror that was made while its upstream was away works once it is back."""
    world.index.upload("alpha", "1.0")
    world.settings["mirror.upstream"] = f"{world.upstream.url}/whl"
    world.upstream.fault("*", Status(503), times=None)
    assert world.run().outcome != "clean"
    world.upstream.clear_faults()
    serve_at(world, "/whl/")
    assert world.run().outcome == "clean"
    assert world.filenames("alpha") == ["alpha-1.0-py3-none-any.whl"]
