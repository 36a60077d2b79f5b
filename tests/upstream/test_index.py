from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Sequence
from dataclasses import replace
from threading import current_thread, main_thread
from typing import Any, Literal

import pytest

from bandersnatch import simple
from bandersnatch.errors import BadContent, NotAllowed, NotFound, Stale, UpstreamError
from bandersnatch.model import Listed, Project, Slice, Validators
from bandersnatch.testing import (
    STATIC_COPY,
    Body,
    Bomb,
    Cut,
    Drip,
    Endless,
    Fault,
    NoContentType,
    Redirect,
    Reset,
    Status,
    UpstreamServer,
)
from bandersnatch.upstream.answers import BATCH
from bandersnatch.upstream.base import Fetched, Listing, TooLong, Upstream
from bandersnatch.upstream.client import READ_AHEAD
from bandersnatch.upstream.credentials import Credentials
from bandersnatch.upstream.index import LARGE, LARGE_PAGE, SMALL_PAGE, IndexUpstream
from bandersnatch.upstream.pacing import Transient
from tests.upstream.asking import FakeTime, ask, body_of

NOTHING = Validators()
JSON_TYPE = "application/vnd.pypi.simple.v1+json"


def test_it_is_an_upstream() -> None:
    """The class has the port's shape."""
    port: type[Upstream] = IndexUpstream
    assert port is IndexUpstream


# --- the list --------------------------------------------------------------------------------------------------------


def listing(
    server: UpstreamServer,
    known: Validators = NOTHING,
    limit: int | None = None,
    time: FakeTime | None = None,
    **changes: Any,
) -> tuple[Listing | None, list[list[Listed]]]:
    """The listing, and the batches that came before it."""
    batches: list[list[Listed]] = []

    async def absorb(batch: Sequence[Slice]) -> None:
        batches.append([line for one in batch for line in one.lines])

    return ask(server.url, lambda upstream: upstream.listing(known, absorb, limit=limit), time, **changes), batches


@pytest.mark.parametrize("form", ["json", "html"])
def test_the_list_is_read_in_every_form(server: UpstreamServer, form: Literal["json", "html"]) -> None:
    """Names, spellings and, in JSON, serials; the end tells the list's own serial, count and decoded size."""
    server.behaviour = replace(server.behaviour, list_format=form)
    server.index.create("Foo.Bar")
    server.index.create("baz")
    end, batches = listing(server)
    assert end is not None
    assert (end.serial, end.count, end.rejected) == (server.index.serial, 2, 0)
    assert end.bytes > 50
    assert {one.name: one.display for batch in batches for one in batch}.keys() == {"foo-bar", "baz"}
    if form == "json":
        assert [one.serial for one in sorted(batches[0], key=lambda one: one.name)] == [2, 1]


def test_a_static_copy_has_a_list_without_serials(server: UpstreamServer) -> None:
    """HTML only, no validators, no serials: still a list."""
    server.behaviour = STATIC_COPY
    server.index.create("foo")
    end, batches = listing(server)
    assert end is not None
    assert (end.serial, end.validators, batches) == (None, NOTHING, [[Listed("foo", "foo")]])


def test_the_list_comes_in_batches(server: UpstreamServer) -> None:
    """*absorb* gets some thousand projects at a time, in order, none lost."""
    names = [f"p{number}" for number in range(3 * BATCH + 1)]
    server.fault("/simple/", Body(json.dumps({"meta": {}, "projects": [{"name": name} for name in names]}).encode()))
    end, batches = listing(server)
    assert end is not None
    assert end.count == len(names)
    assert [one.name for batch in batches for one in batch] == names
    assert all(0 < len(batch) < 3 * BATCH for batch in batches)


def test_an_unchanged_list_is_none(server: UpstreamServer) -> None:
    """The list's validators, sent back, bring 304 until something changes."""
    server.index.create("foo")
    first, _ = listing(server)
    assert first is not None
    assert listing(server, first.validators) == (None, [])
    server.index.create("bar")
    assert listing(server, first.validators)[0] is not None


@pytest.mark.parametrize("announced", [True, False])
def test_a_list_over_the_callers_limit_is_too_long(server: UpstreamServer, announced: bool) -> None:
    """TooLong comes as soon as the limit is passed; at once, where the head announces more."""
    server.behaviour = replace(server.behaviour, gzip=not announced)
    for number in range(300):
        server.index.create(f"project-{number:04}")
    with pytest.raises(TooLong):
        listing(server, limit=1000)
    assert server.count("/simple/") == 1


def test_no_list_is_not_found(server: UpstreamServer) -> None:
    """An index can have pages and no list."""
    server.behaviour = replace(server.behaviour, list_format="missing")
    with pytest.raises(NotFound):
        listing(server)


def test_a_list_that_fails_early_is_tried_again(server: UpstreamServer) -> None:
    """Before the first batch an error that may pass costs only time."""
    server.index.create("foo")
    server.fault("/simple/", Status(502))
    server.fault("/simple/", Cut(3))
    time = FakeTime()
    end, batches = listing(server, time=time)
    assert end is not None
    assert (len(batches), len(time.slept)) == (1, 2)


def test_a_list_that_breaks_later_is_not_begun_again(server: UpstreamServer) -> None:
    """Once a batch was given, a cut is an error: the caller would get the same batches twice."""
    projects = [{"name": f"p{number}"} for number in range(4 * BATCH)]
    packed = gzip.compress(json.dumps({"meta": {}, "projects": projects}).encode())
    server.fault("/simple/", Body(packed[:-8], JSON_TYPE, {"Content-Encoding": "gzip"}))
    with pytest.raises(UpstreamError, match="cut off") as caught:
        listing(server)
    assert type(caught.value) is UpstreamError
    assert server.count("/simple/") == 1


# --- pages -----------------------------------------------------------------------------------------------------------


def page(
    server: UpstreamServer,
    name: str = "foo",
    known: Validators = NOTHING,
    at_least: int | None = None,
    time: FakeTime | None = None,
    **changes: Any,
) -> Fetched | None:
    return ask(server.url, lambda upstream: upstream.project(name, known, at_least=at_least), time, **changes)


@pytest.mark.parametrize("form", ["json", "html"])
def test_a_page_is_read_in_every_form(server: UpstreamServer, form: Literal["json", "html"]) -> None:
    """Files with absolute URLs, the serial, and a digest that tells changes."""
    server.behaviour = replace(server.behaviour, page_format=form, relative_urls=True)
    file = server.index.upload("foo", "1.0")
    first = page(server)
    assert first is not None
    assert [(one.filename, one.url) for one in first.project.files] == [(file.filename, f"{server.url}{file.path}")]
    assert first.project.serial == server.index.serial
    server.index.yank("foo", "1.0")
    second = page(server)
    assert second is not None
    assert first.digest != second.digest


def test_json_is_asked_for_first(server: UpstreamServer) -> None:
    """Accept prefers JSON, which has everything; only gzip is taken as an encoding."""
    server.index.create("foo")
    page(server)
    headers = server.requests[0].headers
    assert headers["accept"].startswith(JSON_TYPE)
    assert headers["accept-encoding"] == "gzip"


def test_an_unchanged_page_is_none(server: UpstreamServer) -> None:
    """Validators bring 304, by ETag and by date, whatever serial was promised."""
    server.index.upload("foo", "1.0")
    for etags in (True, False):
        server.behaviour = replace(server.behaviour, etags=etags, last_modified=not etags)
        first = page(server)
        assert first is not None
        assert bool(first.validators)
        assert page(server, known=first.validators, at_least=10**6) is None


def test_validators_that_cannot_be_sent_are_not(server: UpstreamServer) -> None:
    """A stored validator that is no header value costs a full page, not an error."""
    server.index.create("foo")
    assert page(server, known=Validators("é\r\nX: y", "")) is not None


@pytest.mark.parametrize("status", [404, 410])
def test_a_missing_page_is_not_found(server: UpstreamServer, status: int) -> None:
    """404 and 410 are the answers that mean: not there."""
    server.fault("/simple/foo/", Status(status))
    with pytest.raises(NotFound) as caught:
        page(server)
    assert caught.value.status == status


def test_an_older_page_is_stale_and_comes_along(server: UpstreamServer) -> None:
    """A page older than promised raises Stale, which carries the page."""
    server.index.upload("foo", "1.0")
    old = server.index.serial
    server.index.upload("foo", "2.0")
    server.behaviour = replace(server.behaviour, stale={"foo": old})
    with pytest.raises(Stale) as caught:
        page(server, at_least=server.index.serial)
    assert (caught.value.promised, caught.value.got) == (server.index.serial, old)
    assert isinstance(caught.value.page, Fetched)
    assert len(caught.value.page.project.files) == 1
    assert page(server, at_least=old) is not None


def test_the_header_tells_the_serial_where_the_page_does_not(server: UpstreamServer) -> None:
    """X-PyPI-Last-Serial counts for pages without their own, also against what was promised."""
    plain = Body(b'{"meta": {}, "name": "foo", "files": []}', headers={"X-PyPI-Last-Serial": "7"})
    server.fault("/simple/foo/", plain, times=None)
    fetched = page(server, at_least=7)
    assert fetched is not None
    assert fetched.project.serial == 7
    with pytest.raises(Stale):
        page(server, at_least=8)


@pytest.mark.parametrize("value", ["", "x", "-1", "9" * 30])
def test_without_a_serial_nothing_is_stale(server: UpstreamServer, value: str) -> None:
    """An upstream that has no serials, or none that can be read, is taken as it is."""
    server.fault(
        "/simple/foo/", Body(b'{"meta": {}, "name": "foo", "files": []}', headers={"X-PyPI-Last-Serial": value})
    )
    fetched = page(server, at_least=10**9)
    assert fetched is not None
    assert fetched.project.serial is None


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (Body(b'{"meta": {}, "name": "bar", "files": []}'), "bar"),
        (Body(b"<html>please log in</html>", "text/html"), "page"),
        (Body(b"{"), "JSON"),
        (NoContentType(), "no content type"),
        (Body(b"[]", headers={"Content-Encoding": "br"}), "not asked for"),
        (Body(b"[]", headers={"Content-Encoding": "gzip"}), "not gzip"),
    ],
)
def test_what_is_not_the_page_is_bad_content(server: UpstreamServer, fault: Fault, message: str) -> None:
    """Another project's page, a login page, noise: BadContent, asked for once."""
    server.index.create("foo")
    server.fault("/simple/foo/", fault)
    with pytest.raises(BadContent, match=message):
        page(server)
    assert server.count("/simple/foo/") == 1


@pytest.mark.parametrize("fault", [Bomb(1 << 30), Endless(), Endless(1 << 30)])
def test_no_page_is_larger_than_its_limit(server: UpstreamServer, fault: Fault) -> None:
    """A gzip bomb and a body without end stop at the cap, whatever they announce."""
    server.behaviour = replace(server.behaviour, gzip=False)
    server.index.create("foo")
    server.fault("/simple/foo/", fault)
    with pytest.raises(BadContent, match="longer than 1048576 bytes"):
        page(server, max_page=1 << 20)


def large(name: str, size: int) -> Body:
    """A page of *name* with one file, that has more than *size* bytes."""
    entry = {"filename": f"{name}-1.zip", "url": f"{name}-1.zip", "hashes": {"sha256": "a" * 64}}
    return Body(json.dumps({"meta": {}, "name": name, "files": [entry], "x": "x" * size}).encode())


def test_a_large_page_comes_alone(server: UpstreamServer) -> None:
    """Pages that are larger than most are read whole, one after the other: what was begun is asked for again."""
    names = ("foo", "bar", "baz")
    for name in names:
        server.fault(f"/simple/{name}/", large(name, LARGE_PAGE), times=None)

    async def all_at_once(upstream: IndexUpstream) -> list[Fetched | None]:
        found = await asyncio.gather(*(upstream.project(name, NOTHING, at_least=None) for name in names))
        return [*found, await upstream.project("baz", NOTHING, at_least=None)]

    found = ask(server.url, all_at_once)
    assert [one.project.files[0].filename for one in found if one] == [f"{name}-1.zip" for name in (*names, "baz")]
    assert [server.count(f"/simple/{name}/") for name in names] == [2, 2, 3]


@pytest.mark.parametrize(("size", "aside"), [(0, False), (SMALL_PAGE, True)])
def test_others_go_on_while_a_page_is_read(
    server: UpstreamServer, monkeypatch: pytest.MonkeyPatch, size: int, aside: bool
) -> None:
    """A page that takes longer to read is read beside the event loop."""
    threads: list[bool] = []
    parse_page = simple.parse_page

    def watched(*args: Any, **more: Any) -> Project:
        threads.append(current_thread() is not main_thread())
        return parse_page(*args, **more)

    monkeypatch.setattr(simple, "parse_page", watched)
    server.fault("/simple/foo/", large("foo", size))
    assert page(server) is not None
    assert threads == [aside]


def test_no_list_is_larger_than_its_limit(server: UpstreamServer) -> None:
    """The list has a cap of its own, and passing it is an error, unlike passing the caller's limit."""
    server.index.create("foo")
    server.fault("/simple/", Bomb(1 << 30), times=2)
    with pytest.raises(BadContent):
        listing(server, max_list=1 << 20)


@pytest.mark.parametrize("fault", [Cut(5), Reset(5), Reset(None), Status(500), Status(429)])
def test_a_page_is_tried_again(server: UpstreamServer, fault: Fault) -> None:
    """What may pass is tried again, at most ``tries`` times, with growing waits."""
    server.index.create("foo")
    server.fault("/simple/foo/", fault, times=3)
    time = FakeTime()
    assert page(server, time=time, tries=4) is not None
    assert time.slept == [0.5, 1.0, 2.0]


def test_a_page_is_not_tried_for_ever(server: UpstreamServer) -> None:
    """After the last try the error is raised."""
    server.fault("/simple/foo/", Status(500), times=None)
    with pytest.raises(UpstreamError, match="500"):
        page(server, tries=3)
    assert server.count("/simple/foo/") == 3


def test_retry_after_is_waited_for(server: UpstreamServer) -> None:
    """The next try of a page waits as long as upstream asked."""
    server.index.create("foo")
    server.fault("/simple/foo/", Status(429, retry_after=120))
    time = FakeTime()
    assert page(server, time=time) is not None
    assert sum(time.slept) >= 120


# --- files -----------------------------------------------------------------------------------------------------------


def test_a_file_streams_untouched(server: UpstreamServer) -> None:
    """The bytes are the file's, and nothing is asked to compress or decoded, even if it says it is compressed."""
    content = gzip.compress(b"source" * 100)
    file = server.index.upload("foo", "1.0", filename="foo-1.0.tar.gz", content=content)
    server.fault(file.path, Body(content, headers={"Content-Encoding": "gzip"}))
    for _ in range(2):
        assert ask(server.url, lambda u: body_of(u, server.url_of(file))) == (0, len(content), content)
    assert server.requests[-1].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    ("ranges", "offset", "begins"), [(True, 0, 0), (True, 100, 100), (False, 100, 0), (True, 10**9, 0)]
)
def test_a_file_is_resumed_where_upstream_can(server: UpstreamServer, ranges: bool, offset: int, begins: int) -> None:
    """206 goes on at the offset; 200, and a second request after 416, begin again."""
    server.behaviour = replace(server.behaviour, ranges=ranges)
    file = server.index.upload("foo", "1.0", padding=1000)
    expected = (begins, file.size, file.content[begins:])
    assert ask(server.url, lambda u: body_of(u, server.url_of(file), offset)) == expected


@pytest.mark.parametrize("value", ["bytes 99-199/200", "bytes */200", "bytes 100-", "", "items 100-199/200"])
def test_another_range_than_asked_for_is_refused(server: UpstreamServer, value: str) -> None:
    """A 206 that begins elsewhere, or does not say where, is an error."""
    server.fault("/packages/a", Body(bytes(100), headers={"Content-Range": value}, status=206))
    with pytest.raises(UpstreamError, match="from 100 on"):
        ask(server.url, lambda u: body_of(u, f"{server.url}/packages/a", 100))


def test_a_range_nobody_asked_for_is_refused(server: UpstreamServer) -> None:
    """206 to a plain request is an error."""
    server.fault("/packages/a", Body(bytes(100), headers={"Content-Range": "bytes 5-9/10"}, status=206))
    with pytest.raises(UpstreamError, match="206"):
        ask(server.url, lambda u: body_of(u, f"{server.url}/packages/a"))


def test_beginning_a_file_is_tried_again_and_reading_is_not(server: UpstreamServer) -> None:
    """Before the body, failures that may pass are tried again; a cut is the caller's, who resumes."""
    file = server.index.upload("foo", "1.0", padding=1000)
    server.fault(file.path, Status(503))
    server.fault(file.path, Cut(500))
    got = bytearray()

    async def question(upstream: IndexUpstream) -> None:
        with pytest.raises(Transient, match="cut"):
            async with upstream.open(server.url_of(file)) as body:
                async for chunk in body:
                    got.extend(chunk)
        offset, _, rest = await body_of(upstream, server.url_of(file), len(got))
        assert offset == len(got) == 500
        got.extend(rest)

    ask(server.url, question)
    assert bytes(got) == file.content
    assert server.count(file.path) == 3


# --- large files ---------------------------------------------------------------------------------------------------

SIZE = LARGE + 1000
"""Bytes of a file that is read ahead."""


async def cut_off(upstream: IndexUpstream, url: str, offset: int, size: int) -> bytes:
    """What came until the body broke off, as it must."""
    got = bytearray()
    with pytest.raises(Transient):
        async with upstream.open(url, offset=offset, size=size) as body:
            assert body.offset == offset
            async for chunk in body:
                got.extend(chunk)
    return bytes(got)


def test_of_a_large_file_little_is_lost(server: UpstreamServer) -> None:
    """What came before a cut is there but for what was read ahead."""
    file = server.index.upload("foo", "1.0", padding=SIZE)
    server.fault(file.path, Cut(600_000))
    got = ask(server.url, lambda u: cut_off(u, server.url_of(file), 0, file.size))
    assert 600_000 - 2 * READ_AHEAD <= len(got) <= 600_000
    assert file.content.startswith(got)


def test_on_a_line_that_breaks_nothing_is_lost(server: UpstreamServer) -> None:
    """A large file that breaks off at its beginning is asked for again, and then each byte counts."""
    file = server.index.upload("foo", "1.0", padding=SIZE)
    server.fault(file.path, Cut(5_000), times=2)
    got = ask(server.url, lambda u: cut_off(u, server.url_of(file), 0, file.size))
    assert got == file.content[:5_000]
    assert server.count(file.path) == 2


def test_the_rest_of_a_large_file(server: UpstreamServer) -> None:
    """Whether a file is read ahead depends on what is still to come."""
    file = server.index.upload("foo", "1.0", padding=SIZE)
    server.fault(file.path, Cut(5_000))
    offset = file.size - LARGE + 1
    got = ask(server.url, lambda u: cut_off(u, server.url_of(file), offset, file.size))
    assert got == file.content[offset : offset + 5_000]
    assert server.count(file.path) == 1


def test_a_large_file_that_begins_too_slowly(server: UpstreamServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is read ahead may take no longer than the slowest body would; then it is asked for byte by byte."""
    monkeypatch.setattr("bandersnatch.upstream.client.READ_AHEAD", 5_000)
    file = server.index.upload("foo", "1.0", padding=SIZE)
    server.fault(file.path, Drip(chunks=50, delay=0.02))

    async def question(upstream: IndexUpstream) -> bytes:
        async with upstream.open(server.url_of(file), size=file.size) as body:
            return b"".join([chunk async for chunk in body])

    async def questions(upstream: IndexUpstream) -> bytes:
        assert await question(upstream) == file.content
        assert server.count(file.path) == 2
        server.fault(file.path, Cut(2_000))
        return await cut_off(upstream, server.url_of(file), 0, file.size)

    got = ask(server.url, questions, timeout=0.3, minimum_rate=50_000)
    assert got == file.content[:2_000], "the host is not read ahead again"
    assert server.count(file.path) == 3


def test_the_only_try_is_not_read_ahead(server: UpstreamServer) -> None:
    """Where nothing is tried again, each byte of the only try counts."""
    file = server.index.upload("foo", "1.0", padding=SIZE)
    server.fault(file.path, Cut(5_000))
    got = ask(server.url, lambda u: cut_off(u, server.url_of(file), 0, file.size), tries=1)
    assert got == file.content[:5_000]


def test_a_large_file_is_redirected_and_missing(server: UpstreamServer) -> None:
    """Reading ahead changes nothing of what is no body of a file."""
    file = server.index.upload("foo", "1.0", padding=SIZE)
    server.fault("/packages/away", Redirect(server.url_of(file)))
    server.fault("/packages/gone", Status(404))

    async def question(upstream: IndexUpstream) -> bytes:
        with pytest.raises(NotFound):
            async with upstream.open(f"{server.url}/packages/gone", size=SIZE):
                pass
        async with upstream.open(f"{server.url}/packages/away", size=SIZE) as body:
            return b"".join([chunk async for chunk in body])

    assert ask(server.url, question) == file.content


def test_the_callers_own_errors_pass_through(server: UpstreamServer) -> None:
    """An error raised while a body is open is not touched, and the connection can be used again."""
    file = server.index.upload("foo", "1.0", padding=1 << 20)

    async def question(upstream: IndexUpstream) -> None:
        with pytest.raises(KeyError):
            async with upstream.open(server.url_of(file)):
                raise KeyError
        assert (await body_of(upstream, server.url_of(file)))[2] == file.content

    ask(server.url, question, connections=1)


def test_mirrors_are_asked_first(server: UpstreamServer) -> None:
    """The first download mirror that has the path from /packages/ on serves it; upstream is not asked."""
    file = server.index.upload("foo", "1.0")
    with UpstreamServer() as empty, UpstreamServer() as mirror:
        mirror.fault(f"/copy{file.path}", Body(b"from the mirror"))
        mirrors = (empty.url, f"{mirror.url}/copy/")
        _, _, content = ask(server.url, lambda u: body_of(u, server.url_of(file)), download_mirrors=mirrors)
        assert content == b"from the mirror"
        assert (empty.count(file.path), mirror.count("*"), server.count("*")) == (1, 1, 0)


def test_without_a_mirror_that_has_it_upstream_is_asked(server: UpstreamServer) -> None:
    """Mirrors that fail cost one request each; companions and other paths are upstream's in any case."""
    file = server.index.upload("foo", "1.0")
    with UpstreamServer() as mirror:
        mirror.fault("*", Status(500), times=None)
        answer = ask(server.url, lambda u: body_of(u, server.url_of(file)), download_mirrors=(mirror.url,))
        assert answer[2] == file.content
        server.fault("/elsewhere/a.whl", Body(b"a"))
        elsewhere = f"{server.url}/elsewhere/a.whl"
        assert ask(server.url, lambda u: body_of(u, elsewhere), download_mirrors=(mirror.url,))[2] == b"a"
        assert mirror.count("*") == 1


# --- companions ------------------------------------------------------------------------------------------------------


def test_companions_are_read_whole(server: UpstreamServer) -> None:
    """Core metadata comes decoded, although it is sent compressed."""
    file = server.index.upload("foo", "1.0")
    assert ask(server.url, lambda u: u.read(f"{server.url_of(file)}.metadata", limit=10**6)) == file.metadata
    assert server.requests[0].headers["accept-encoding"] == "gzip"


@pytest.mark.parametrize(("limit", "changes"), [(10, {}), (10**9, {"max_companion": 10})])
def test_companions_have_a_limit(server: UpstreamServer, limit: int, changes: dict[str, Any]) -> None:
    """The caller's limit and the setting's both hold."""
    file = server.index.upload("foo", "1.0")
    with pytest.raises(BadContent, match="longer than 10 bytes"):
        ask(server.url, lambda u: u.read(f"{server.url_of(file)}.metadata", limit=limit), **changes)


# --- hosts -----------------------------------------------------------------------------------------------------------


def test_the_file_host_is_learned_from_the_first_page() -> None:
    """Files come from where the first page says; the caller can keep what was learned."""
    with UpstreamServer(separate_files_host=True) as server:
        file = server.index.upload("foo", "1.0")

        async def question(upstream: IndexUpstream) -> set[str]:
            with pytest.raises(NotAllowed, match=r"\[upstream\] file-hosts"):
                await body_of(upstream, server.url_of(file))
            await upstream.project("foo", NOTHING, at_least=None)
            assert (await body_of(upstream, server.url_of(file)))[2] == file.content
            return upstream.learned

        learned = ask(server.url, question)
        assert learned == {server.files_url.removeprefix("http://")}

        async def again(upstream: IndexUpstream) -> bytes:
            upstream.learned = set(learned)
            return (await body_of(upstream, server.url_of(file)))[2]

        assert ask(server.url, again) == file.content


def test_a_page_cannot_teach_a_second_host(server: UpstreamServer) -> None:
    """Once a host is learned, or configured, a file elsewhere is refused before anything is asked there."""
    server.index.upload("foo", "1.0")
    with UpstreamServer() as other:
        url = f"{other.url}/packages/bar-1.0.tar.gz"
        listed = {"filename": "bar-1.0.tar.gz", "url": url, "hashes": {"sha256": "0" * 64}}
        server.fault("/simple/bar/", Body(json.dumps({"meta": {}, "name": "bar", "files": [listed]}).encode()))

        async def question(upstream: IndexUpstream) -> None:
            await upstream.project("foo", NOTHING, at_least=None)
            fetched = await upstream.project("bar", NOTHING, at_least=None)
            assert fetched is not None
            await body_of(upstream, fetched.project.files[0].url)

        with pytest.raises(NotAllowed, match="file-hosts"):
            ask(server.url, question)
        assert other.requests == []


def test_files_may_be_redirected_to_another_host(server: UpstreamServer) -> None:
    """Where the first file leads is learned as a host that a page names is; a later file leads nowhere else."""
    first, second = server.index.upload("foo", "1.0"), server.index.upload("bar", "1.0")
    with UpstreamServer() as cdn, UpstreamServer() as other:
        server.fault(first.path, Redirect(f"{cdn.url}/a?token=hunter2"), times=None)
        server.fault(second.path, Redirect(f"{other.url}/b"), times=None)
        cdn.fault("/a", Body(first.content, "application/zip"), times=None)

        async def question(upstream: IndexUpstream) -> set[str]:
            await upstream.project("foo", NOTHING, at_least=None)
            assert (await body_of(upstream, server.url_of(first)))[2] == first.content
            with pytest.raises(NotAllowed, match="file-hosts"):
                await body_of(upstream, server.url_of(second))
            return upstream.learned

        learned = ask(server.url, question, credentials=Credentials("hunter3"))
        assert learned == {one.url.removeprefix("http://") for one in (server, cdn)}
        assert other.requests == []
        assert not any("authorization" in request.headers for request in cdn.requests)


def test_once_files_came_a_redirect_teaches_nothing(server: UpstreamServer) -> None:
    """A mirror that holds files knows where they come from."""
    file = server.index.upload("foo", "1.0")
    with UpstreamServer() as other:
        server.fault(file.path, Redirect(f"{other.url}/a"))

        async def question(upstream: IndexUpstream) -> None:
            upstream.settle()
            await upstream.project("foo", NOTHING, at_least=None)
            await body_of(upstream, server.url_of(file))

        with pytest.raises(NotAllowed, match="file-hosts"):
            ask(server.url, question)
        assert other.requests == []


@pytest.mark.parametrize("question", ["list", "page", "older JSON"])
def test_an_answer_of_another_host_is_none(server: UpstreamServer, question: str) -> None:
    """What the index sends us away for it does not have; with page-hosts it is taken from there, without secrets."""
    with UpstreamServer() as public:
        host = public.url.removeprefix("http://")
        public.index.upload("foo", "1.0")
        server.fault("*", Redirect(f"{public.url}/simple/{'' if question == 'list' else 'foo/'}"), times=None)

        async def absorb(_: object) -> None: ...

        async def asked(upstream: IndexUpstream) -> object:
            if question == "older JSON":
                return await upstream.legacy("foo", "1.0", limit=10_000)
            if question == "list":
                return await upstream.listing(NOTHING, absorb)
            return await upstream.project("foo", NOTHING, at_least=None)

        with pytest.raises(NotFound, match="page-hosts"):
            ask(f"{server.url}/simple/", asked, file_hosts=(host,))
        assert public.requests == []
        assert ask(f"{server.url}/simple/", asked, page_hosts=(host,), credentials=Credentials("hunter2"))
        assert not any("authorization" in request.headers for request in public.requests)
