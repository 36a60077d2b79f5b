"""Upstreams that can do less than PyPI, step by step: each is mirrored, and each tells what changed in its own way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from email.utils import formatdate

import pytest

from bandersnatch.testing import STATIC_COPY, Behaviour, Headers
from tests.sync.conftest import World

KINDS = {
    "PyPI": Behaviour(),
    "serials as text": Behaviour(serials="string"),
    "no serials": Behaviour(serials="none"),
    "no serials, no validators": Behaviour(serials="none", etags=False),
    "dates instead of ETags": Behaviour(serials="none", etags=False, last_modified=True),
    "lists in HTML": Behaviour(list_format="html"),
    "pages in HTML": Behaviour(page_format="html"),
    "all in HTML, no serials": Behaviour(list_format="html", page_format="html", serials="none", etags=False),
    "relative links": Behaviour(relative_urls=True),
    "no ranges, no compression": Behaviour(ranges=False, gzip=False),
    "no core metadata": Behaviour(core_metadata=False),
    "files elsewhere": Behaviour(separate_files_host=True),
    "static copy": STATIC_COPY,
}


def fill(world: World) -> None:
    for name in ("alpha", "Beta_Two", "gamma"):
        world.index.upload(name, "1.0", requires_python=">=3.8")
        world.index.upload(name, "2.0", kind="sdist")
    world.index.yank("gamma", "1.0", "bad")


@pytest.mark.parametrize("kind", KINDS)
def test_kind(world: World, kind: str) -> None:
    """Everything is mirrored, a change arrives, and a run without a change fetches no file and rewrites no page."""
    world.upstream.behaviour = KINDS[kind]
    fill(world)
    assert world.run().outcome == "clean"
    assert {len(world.filenames(name)) for name in ("alpha", "beta-two", "gamma")} == {2}
    assert [file["core-metadata"] is not False for file in world.page("alpha")["files"]] == [True, False]
    world.check()
    before = world.tree()
    assert world.run().outcome == "clean"
    assert world.upstream.count("/packages/*") == 0
    assert world.tree() == before
    world.index.upload("alpha", "3.0")
    assert world.run().outcome == "clean"
    assert len(world.filenames("alpha")) == 3
    assert world.upstream.count("/packages/*") == 1


def test_two_changes_in_one_second(world: World) -> None:
    """What was changed as it was sent is asked for without a condition: the same date may stand for another page."""
    world.upstream.behaviour = Behaviour(serials="none", etags=False)
    moment = formatdate(usegmt=True)
    world.upstream.fault("/simple/*", Headers({"Last-Modified": moment, "Date": moment}), times=None)
    for version in ("1.0", "2.0"):
        world.index.upload("alpha", version)
        assert world.run().outcome == "clean"
        assert not any("if-modified-since" in request.headers for request in world.upstream.requests)
    assert len(world.filenames("alpha")) == 2


@pytest.mark.parametrize("list_format", ["both", "missing"])
def test_few_of_a_long_list(world: World, list_format: str) -> None:
    """A few named projects are asked for page by page where the list is missing or far longer than they are worth."""
    world.upstream.behaviour = Behaviour(list_format=list_format)  # type: ignore[arg-type]  # a parameter is any str
    fill(world)
    assert world.run("alpha", "gamma", upstream__changes="pages").outcome == "clean"
    world.run("alpha", "gamma", upstream__changes="pages")
    assert sorted((request.path, request.status) for request in world.upstream.requests) == [
        ("/simple/alpha/", 304),
        ("/simple/gamma/", 304),
    ]


def test_long_list_is_not_read(world: World) -> None:
    """With a few projects selected, a list that turns out too long is left unread, and not asked for again."""
    fill(world)
    for number in range(20_000):
        world.index.create(f"a-project-with-quite-a-long-name-number-{number}")
    assert world.run("alpha").outcome == "clean"
    assert world.upstream.count("/simple/") == 1
    world.run("alpha")
    assert [request.path for request in world.upstream.requests] == ["/simple/alpha/"]


def test_changelog(world: World) -> None:
    """With the changelog, a run without changes is one request, and a change adds the page and the file."""
    fill(world)
    world.settings["upstream.changes"] = "changelog"
    world.run()
    world.run()
    assert [request.method for request in world.upstream.requests] == ["POST"]
    new = world.index.upload("alpha", "3.0")
    assert world.run().outcome == "clean"
    assert [request.path for request in world.upstream.requests if request.method == "GET"] == [
        "/simple/alpha/",
        new.path,
    ]
    world.index.remove_project("gamma")
    world.run()
    world.run()
    assert set(world.root()) == {"alpha", "Beta_Two"}


def test_upload_times_are_kept(world: World) -> None:
    """Upload times, sizes and Requires-Python are those that upstream states, to the letter."""
    fill(world)
    world.run()
    import urllib.request

    request = urllib.request.Request(
        f"{world.upstream.url}/simple/alpha/", headers={"Accept": "application/vnd.pypi.simple.v1+json"}
    )
    import json

    with urllib.request.urlopen(request) as response:
        theirs = json.load(response)
    ours = world.page("alpha")
    for key in ("filename", "hashes", "size", "upload-time", "requires-python", "yanked", "core-metadata"):
        assert [file.get(key) for file in ours["files"]] == [file.get(key) for file in theirs["files"]], key
    assert ours["versions"] == theirs["versions"]
    assert ours["meta"]["_last-serial"] == theirs["meta"]["_last-serial"]


def test_chain(make_world: Callable[[str], World]) -> None:
    """A mirror of a mirror, served by any web server that negotiates, is the same tree."""
    world = make_world("first")
    fill(world)
    world.run()
    assert replace(world.upstream.behaviour) == world.upstream.behaviour
