"""Where an index is: any address that people have of one works, and what was found stays."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from dataclasses import replace

import pytest

from bandersnatch.errors import NotFound
from bandersnatch.model import Validators
from bandersnatch.testing import Body, Redirect, Status, UpstreamServer
from bandersnatch.upstream.index import IndexUpstream
from tests.upstream.asking import FakeTime, ask

JSON = Body(b'{"meta": {"api-version": "1.0"}, "projects": []}', "application/vnd.pypi.simple.v1+json")
HEAD = b'<!DOCTYPE html><html><head><META content="1.0" name="pypi:repository-version"></head><body>'
MARKED = Body(HEAD + b"</body></html>", "text/html; charset=utf-8")
LARGE = Body(HEAD + b'<a href="foo/">foo</a>\n' * 20_000 + b"</body></html>", "text/html")
PLAIN = Body(b'<html><head><title>Simple index</title></head><body><a href="foo/">foo</a></body></html>', "text/html")
PAGE = Body(b'{"meta": {}, "name": "foo", "files": []}', "application/vnd.pypi.simple.v1+json")
GENERIC = Body(b'{"projects": []}', "application/json")


def found(server: UpstreamServer, below: str, remembered: str = "") -> tuple[str, str | None]:
    """Where the page of a project was asked for, and what is to be remembered of that, without the server's URL."""

    async def question(upstream: IndexUpstream) -> str | None:
        if remembered:
            upstream.remember(server.url + remembered)
        await upstream.project("foo", Validators(), at_least=None)
        return upstream.root

    root = ask(server.url + below, question)
    return server.requests[-1].path, None if root is None else root.removeprefix(server.url)


@pytest.mark.parametrize(
    ("below", "answers", "root"),
    [
        ("/whl/cu130/", {"/whl/cu130/": MARKED}, "/whl/cu130/"),
        ("/whl/cu130", {"/whl/cu130/": MARKED}, "/whl/cu130/"),
        ("/index/", {"/index/": JSON}, "/index/"),
        ("/", {"/": JSON}, "/"),
        ("", {"/": LARGE}, "/"),
        ("", {"/": MARKED, "/simple/": JSON}, "/"),
        ("/2026-12-01/", {"/2026-12-01/": PLAIN}, "/2026-12-01/"),
        ("/2026-12-01/", {"/2026-12-01/": PLAIN, "/2026-12-01/simple/": Status(403)}, "/2026-12-01/"),
        ("", {"/": PLAIN, "/simple/": PLAIN}, "/simple/"),
        ("", {"/": PLAIN, "/simple/": JSON}, "/simple/"),
        ("", {"/": GENERIC, "/simple/": JSON}, "/simple/"),
        ("", {"/": Status(403), "/simple/": JSON}, "/simple/"),
        ("", {"/": Status(401)}, "/simple/"),
        ("", {}, "/simple/"),
        ("/simple/", {"/simple/": PLAIN}, "/simple/"),
        ("/dev/pypi/+simple", {}, "/dev/pypi/+simple/"),
    ],
)  # fmt: skip
def test_any_address_of_an_index_works(
    server: UpstreamServer, below: str, answers: dict[str, Body | Status], root: str
) -> None:
    """The address as written where it answers as an index, else what is at ``simple/`` below it; and that stays."""
    for path, answer in answers.items():
        server.fault(path, answer, times=None)
    server.fault(f"{root}foo/", PAGE, times=None)
    assert found(server, below) == (f"{root}foo/", root)


@pytest.mark.parametrize("where", ["/", "/simple/"])
def test_what_was_found_is_not_looked_for(server: UpstreamServer, where: str) -> None:
    """Whatever has become of either address."""
    server.fault("/", MARKED if where == "/simple/" else Status(503), times=None)
    server.fault(f"{where}foo/", PAGE)
    assert found(server, "", remembered=where) == (f"{where}foo/", where)
    assert len(server.requests) == 1


def test_what_cannot_be_is_not_believed(server: UpstreamServer) -> None:
    """Only the two addresses that the operator's can mean."""
    server.fault("/simple/foo/", PAGE)
    assert found(server, "", remembered="/other/") == ("/simple/foo/", "/simple/")


def test_an_upstream_that_is_not_itself_teaches_nothing(server: UpstreamServer) -> None:
    """What was found then holds for this run alone."""
    server.fault("/", Status(503), times=None)
    server.fault("/simple/foo/", PAGE)
    assert found(server, "") == ("/simple/foo/", None)


def test_an_index_that_never_answered_is_not_remembered(server: UpstreamServer) -> None:
    """While an upstream is being set up, it may not be anywhere."""

    async def question(upstream: IndexUpstream) -> str | None:
        with pytest.raises(NotFound):
            await upstream.project("foo", Validators(), at_least=None)
        return upstream.root

    assert ask(server.url, question) is None


def test_an_upstream_that_does_not_answer_is_not_asked_elsewhere() -> None:
    """The error is that of the first question, for all who wait for an answer to it: nobody asks after another."""
    with socket.create_server(("127.0.0.1", 0)) as gone:
        url = f"http://127.0.0.1:{gone.getsockname()[1]}/"

    async def question(upstream: IndexUpstream) -> list[object]:
        pages = [upstream.project("foo", Validators(), at_least=None) for _ in range(8)]
        return await asyncio.gather(*pages, return_exceptions=True)

    time = FakeTime()
    errors = ask(url, question, time, tries=3)
    assert [str(error) for error in errors] == [f"{url}: connection refused"] * 8
    assert len(time.slept) == 2


@pytest.mark.parametrize(
    ("to", "root", "kept"),
    [("/simple/", "/simple/", "/simple/"), ("/2026-12-01/", "/2026-12-01/", None), ("/index.html", "/", "/")],
)
def test_an_address_that_is_redirected(server: UpstreamServer, to: str, root: str, kept: str | None) -> None:
    """The index is where it leads; unless that is the other address it is followed anew in each run."""
    server.fault("/", Redirect(to), times=None)
    server.fault(to, MARKED, times=None)
    server.fault(f"{root}foo/", PAGE)
    assert found(server, "") == (f"{root}foo/", kept)


def test_all_that_is_asked_is_asked_there(server: UpstreamServer) -> None:
    """The list and the older JSON, too; it is looked for once, however many ask at a time."""
    server.behaviour = replace(server.behaviour, list_format="json")
    server.fault("/whl/", JSON, times=None)
    server.fault("/whl/foo/", PAGE)
    server.fault("/pypi/foo/1.0/json", Body(b"{}", "application/json"))

    async def absorb(_: object) -> None: ...

    async def question(upstream: IndexUpstream) -> None:
        assert await upstream.listing(Validators(), absorb) is not None
        assert await upstream.project("foo", Validators(), at_least=None) is not None
        assert await upstream.legacy("foo", "1.0", limit=100) == b"{}"

    ask(f"{server.url}/whl", question)
    assert [one.path for one in server.requests] == ["/whl/", "/whl/", "/whl/foo/", "/pypi/foo/1.0/json"]


LISTED = b'{"meta": {}, "name": "foo", "files": [{"filename": "foo-1.0.zip", "url": "a", "hashes": {"sha256": "%s"}}]}'
FILES = Body(LISTED % (b"0" * 64), "application/vnd.pypi.simple.v1+json")


def test_an_index_without_a_list(server: UpstreamServer) -> None:
    """It is where the first page is, whatever is asked for before; what it lacks is asked for once then."""
    server.fault("/foo/", FILES, times=None)

    async def question(upstream: IndexUpstream) -> str | None:
        for name in ("bar", "foo", "bar"):
            with suppress(NotFound):
                await upstream.project(name, Validators(), at_least=None)
        return upstream.root

    assert ask(server.url, question) == f"{server.url}/"
    asked = [one.path for one in server.requests]
    assert asked == ["/", "/simple/bar/", "/bar/", "/simple/foo/", "/foo/", "/bar/"]


def test_many_ask_an_index_without_a_list(server: UpstreamServer) -> None:
    """Who asked at the wrong place, while another found the right one, asks again."""
    server.fault("/foo/", FILES, times=None)

    async def question(upstream: IndexUpstream) -> list[bool]:
        pages = [upstream.project("foo", Validators(), at_least=None) for _ in range(8)]
        return [page is not None for page in await asyncio.gather(*pages)]

    assert ask(server.url, question) == [True] * 8


@pytest.mark.parametrize("answer", [PAGE, Body(b"<html><body>Welcome</body></html>", "text/html")])
def test_a_web_site_is_no_index_without_a_list(server: UpstreamServer, answer: Body) -> None:
    """A page without files says nothing: many sites have one for every address but their root."""
    server.fault("/foo/", answer, times=None)

    async def question(upstream: IndexUpstream) -> str | None:
        with pytest.raises(NotFound, match="/simple/foo/: not found"):
            await upstream.project("foo", Validators(), at_least=None)
        return upstream.root

    assert ask(server.url, question) is None


def test_an_index_that_is_known_is_asked_nowhere_else(server: UpstreamServer) -> None:
    """What it does not have, nothing else has."""
    server.fault("/foo/", FILES, times=None)

    async def question(upstream: IndexUpstream) -> None:
        upstream.remember(f"{server.url}/simple/")
        await upstream.project("foo", Validators(), at_least=None)

    with pytest.raises(NotFound):
        ask(server.url, question)
    assert [one.path for one in server.requests] == ["/simple/foo/"]
