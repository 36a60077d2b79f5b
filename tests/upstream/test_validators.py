"""What makes a question conditional: what is kept of an answer, and what is sent back."""

from __future__ import annotations

import pytest

from bandersnatch.errors import UpstreamError
from bandersnatch.model import Validators
from bandersnatch.testing import Body, Headers, Status, UpstreamServer
from bandersnatch.upstream.base import Fetched, Listing
from bandersnatch.upstream.validators import of
from tests.upstream.asking import NOW, ask

NOTHING = Validators()
MODIFIED = "Sun, 22 Nov 2026 11:59:5{} GMT"
DATE = "Sun, 22 Nov 2026 12:00:00 GMT"


@pytest.mark.parametrize(
    ("modified", "date", "kept"),
    [
        (MODIFIED.format(8), DATE, True),
        (MODIFIED.format(9), DATE, False),
        (DATE, DATE, False),
        ("Sun, 22 Nov 2026 12:00:01 GMT", DATE, False),
        ("Sun, 22 Nov 2026 12:30:00 GMT", "Sun, 22 Nov 2026 12:30:02 GMT", True),
        (MODIFIED.format(8), None, True),
        (MODIFIED.format(9), None, False),
        (MODIFIED.format(9), "nonsense", False),
        ("nonsense", DATE, False),
        (None, DATE, False),
    ],
)
def test_what_may_change_again_in_the_same_second_is_no_validator(
    modified: str | None, date: str | None, kept: bool
) -> None:
    """A Last-Modified counts from two seconds before the answer's Date on, or before our time where it has none."""
    assert of(None, modified, date, NOW) == Validators(None, modified if kept else None)
    assert of('"a"', modified, date, NOW).etag == '"a"'


@pytest.mark.parametrize(("length", "kept"), [(100, True), (4096, True), (4097, False), (60_000, False)])
def test_a_validator_that_is_too_long_is_not_kept(server: UpstreamServer, length: int, kept: bool) -> None:
    """Sent back it would make a head that servers refuse, for ever."""
    server.index.create("foo")
    etag = f'"{"x" * (length - 2)}"'
    server.fault("/simple/*", Headers({"ETag": etag}), times=None)
    fetched = page(server)
    assert fetched is not None
    assert fetched.validators.etag == (etag if kept else None)


@pytest.mark.parametrize("known", [Validators('"a"'), Validators(None, DATE), Validators('"a"', DATE)])
@pytest.mark.parametrize("status", [400, 412, 431])
def test_who_cannot_do_with_a_condition_is_asked_without(
    server: UpstreamServer, status: int, known: Validators
) -> None:
    """Once, for a page as for the list."""
    server.index.create("foo")
    for path, question in (("/simple/foo/", page), ("/simple/", listing)):
        server.reset()
        server.fault(path, Status(status))
        assert question(server, known) is not None
        first, second = server.requests
        assert {"if-none-match", "if-modified-since"} & set(first.headers)
        assert not {"if-none-match", "if-modified-since"} & set(second.headers)


def test_it_is_asked_without_a_condition_only_once(server: UpstreamServer) -> None:
    """A refusal that does not come from the condition is a refusal."""
    server.fault("/simple/foo/", Status(400), times=None)
    for known, requests in ((Validators('"a"'), 2), (Validators(), 1)):
        server.reset()
        with pytest.raises(UpstreamError, match="400"):
            page(server, known)
        assert len(server.requests) == requests


def test_a_validator_that_was_kept_too_long_ago_is_not_sent(server: UpstreamServer) -> None:
    """A mirror that remembers a long one is not kept from its page."""
    server.fault("/simple/foo/", Body(b'{"meta": {}, "name": "foo", "files": []}'))
    assert page(server, Validators('"' + "x" * 60_000 + '"')) is not None
    assert "if-none-match" not in server.requests[0].headers


def page(server: UpstreamServer, known: Validators = NOTHING) -> Fetched | None:
    return ask(f"{server.url}/simple/", lambda one: one.project("foo", known, at_least=None))


def listing(server: UpstreamServer, known: Validators) -> Listing | None:
    async def absorb(_: object) -> None: ...

    return ask(f"{server.url}/simple/", lambda one: one.listing(known, absorb))
