"""The index that a resolver is given, and what it can reach through it."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import urljoin, urlsplit

import pytest

from bandersnatch.closure import relay
from bandersnatch.closure.base import Closure, Interpreter, Locked
from bandersnatch.closure.find import find
from bandersnatch.closure.locked import Question
from bandersnatch.closure.shelf import Shelf
from bandersnatch.errors import UpstreamError
from bandersnatch.resolver import uv
from bandersnatch.testing import Body, Redirect, Reset, Status, UpstreamServer
from bandersnatch.upstream.client import Client
from bandersnatch.upstream.index import IndexUpstream
from bandersnatch.upstream.settings import Settings
from tests.closure.archives import zipped
from tests.closure.memory import Memory
from tests.closure.places import LINUX, OLD, WINDOWS

T = TypeVar("T")


def while_served(upstream: Memory, ask: Callable[[str], T]) -> tuple[T, Shelf]:
    """What *ask*, which is given the index's address, gets to know, in a thread of its own."""
    shelf = Shelf(upstream)

    async def served() -> T:
        async with relay.serve(shelf) as url:
            return await asyncio.to_thread(ask, url)

    return asyncio.run(served()), shelf


def get(url: str, method: str = "GET") -> tuple[int, str, bytes]:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
    try:
        connection.request(method, urlsplit(url).path)
        answer = connection.getresponse()
        return answer.status, answer.headers["Content-Type"], answer.read()
    finally:
        connection.close()


def test_pages_link_nobody_else() -> None:
    """A page has every file that upstream lists, at addresses of the same index; its metadata and bytes are there."""
    upstream = Memory()
    url = upstream.add("a", "1", "b", requires_python=">=3.9")
    upstream.add("a", "1", kind="sdist")

    def ask(index: str) -> None:
        status, kind, body = get(f"{index}a/")
        page = json.loads(body)
        assert (status, kind, page["name"]) == (200, "application/vnd.pypi.simple.v1+json", "a")
        wheel, sdist = page["files"]
        assert (wheel["requires-python"], wheel["core-metadata"], sdist["core-metadata"]) == (">=3.9", True, False)
        where = urljoin(f"{index}a/", wheel["url"])
        assert urlsplit(where).netloc == urlsplit(index).netloc
        assert get(where) == (200, "application/octet-stream", upstream.contents[url])
        assert get(f"{where}.metadata")[2].strip() == upstream.contents[f"{url}.metadata"].strip()
        assert get(where, "HEAD") == (200, "application/octet-stream", b"")

    while_served(upstream, ask)


@pytest.mark.parametrize(
    "path",
    ["/simple/a/", "/", "/x/simple/a/", "{root}/simple/b/", "{root}/simple/A/", "{root}/simple/",
     "{root}/files/a/b-1.tar.gz", "{root}/files/a/..%2Fx", "{root}", "{root}x/simple/a/"],
)  # fmt: skip
def test_nothing_else_is_there(path: str) -> None:
    """Whoever does not know the address finds nothing, and whoever does finds only what upstream has."""
    upstream = Memory()
    upstream.add("a", "1")

    def ask(index: str) -> int:
        parts = urlsplit(index)
        return get(f"{parts.scheme}://{parts.netloc}" + path.format(root=parts.path.removesuffix("/simple/")))[0]

    assert while_served(upstream, ask)[0] == 404


def test_it_is_there_only_while_it_is_needed() -> None:
    """Each index has an address of its own on this machine, and is gone with its resolver, whoever talks to it."""
    seen: list[str] = []
    held: list[http.client.HTTPConnection] = []

    def ask(index: str) -> None:
        seen.append(index)
        held.append(http.client.HTTPConnection(urlsplit(index).netloc, timeout=10))
        held[-1].request("GET", "/")
        held[-1].getresponse().read()  # and stays connected

    while_served(Memory(), ask)
    while_served(Memory(), ask)
    assert urlsplit(seen[0]).hostname == "127.0.0.1"
    assert urlsplit(seen[0]).path != urlsplit(seen[1]).path
    for connection in held:
        connection.close()
    with pytest.raises(ConnectionError):
        get(seen[0])


@pytest.mark.parametrize(
    "metadata", [b"Requires-Dist: evil @ https://inner.example/evil.whl\n", b"Requires-Dist: evil@./x\n"]
)
def test_no_word_of_other_places(metadata: bytes) -> None:
    """A version that wants something from a URL is one that cannot be read, with the reason."""
    upstream = Memory()
    content = zipped({"a-1.dist-info/METADATA": b"Metadata-Version: 2.1\nName: a\nVersion: 1\n" + metadata})
    upstream.add("a", "1", metadata=False, content=content)
    (_, _, body), shelf = while_served(
        upstream, lambda index: get(urljoin(index, "../files/a/a-1-py3-none-any.whl.metadata"))
    )
    assert body == b""
    assert [one.reason for one in shelf.noted] == ["a-1-py3-none-any.whl: it requires a URL and not a project"]


# --- with uv itself ------------------------------------------------------------------------------------------------


def lock(upstream: UpstreamServer, *places: Interpreter) -> Closure:
    async def found() -> Closure:
        settings = Settings(upstream.url, "tests", tries=1, file_hosts=(urlsplit(upstream.url).netloc,))
        reader = IndexUpstream(settings, Client(settings))
        question = Question(uv.UvResolver(uv.find(os.environ), {"PATH": os.defpath}))
        try:
            return await find(["app"], places or [LINUX], Locked(), Shelf(reader), question)
        finally:
            await reader.close()

    return asyncio.run(found())


@pytest.mark.peers
@pytest.mark.parametrize("how", ["page", "redirect", "metadata"])
def test_nobody_is_asked_who_was_not_allowed(how: str) -> None:
    """A host that a page, a redirect or metadata names gets no request; the version is named, another is taken."""
    with UpstreamServer() as upstream, UpstreamServer() as inner:
        upstream.index.upload("app", "1.0", requires_dist=["evil"])
        old = upstream.index.upload("evil", "0.9")
        where = f"{inner.url}/reboot/evil-1.0-py3-none-any.whl"
        new = upstream.index.upload("evil", "1.0", requires_dist=[f"more @ {where}"] if how == "metadata" else ())
        if how == "page":
            files = [{"filename": one.filename, "hashes": {"sha256": one.sha256}} for one in (old, new)]
            urls = (f"{upstream.url}{old.path}", where)
            listed = [file | {"url": url} for file, url in zip(files, urls, strict=True)]
            page = {"meta": {"api-version": "1.0"}, "name": "evil", "files": listed}
            upstream.fault("/simple/evil/", Body(json.dumps(page).encode()), times=None)
        if how == "redirect":
            upstream.fault(f"*{new.filename}*", Redirect(where), times=None)
        found = lock(upstream)
        assert inner.requests == []
    assert [item.requirement for item in found.items] == ["app==1.0", "evil==0.9"]
    assert [(one.project, one.version) for one in found.unknown] == [("evil", "1.0")]


@pytest.mark.peers
def test_each_thing_is_asked_for_once() -> None:
    """However many interpreters are resolved for at a time, upstream is asked once for each page and metadata."""
    with UpstreamServer() as upstream:
        upstream.index.upload("app", "1.0", requires_dist=["lib"])
        upstream.index.upload("lib", "1.0")
        lock(upstream, LINUX, WINDOWS, OLD)
        asked = [request.path for request in upstream.requests if request.path != "/"]
    assert len(asked) == len(set(asked)) == 4


@pytest.mark.peers
def test_a_version_that_is_forbidden() -> None:
    """A version whose files upstream forbids is passed over and named; all else goes on."""
    with UpstreamServer() as upstream:
        upstream.index.upload("app", "1.0", requires_dist=["lib"])
        upstream.index.upload("lib", "1.0")
        file = upstream.index.upload("lib", "1.1")
        upstream.fault(f"*{file.filename}*", Status(403), times=None)
        found = lock(upstream)
    assert [item.requirement for item in found.items] == ["app==1.0", "lib==1.0"]
    [unknown] = found.unknown
    assert (unknown.project, unknown.version, "403" in unknown.reason) == ("lib", "1.1", True)


@pytest.mark.peers
def test_nobody_is_there() -> None:
    """An upstream that answers for nothing is no conflict."""
    with UpstreamServer() as upstream:
        upstream.index.upload("app", "1.0")
        upstream.fault("/simple/*", Reset(), times=None)
        with pytest.raises(UpstreamError, match="/simple/app/"):
            lock(upstream)
