from __future__ import annotations

import xmlrpc.client
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandersnatch.errors import BadContent, NotFound, UpstreamError
from bandersnatch.testing import Body, Bomb, Status, UpstreamServer
from bandersnatch.upstream import changelog
from bandersnatch.upstream.base import Change
from bandersnatch.upstream.changelog import PAUSE, rows_of
from tests.upstream.asking import FakeTime, ask


def changes(server: UpstreamServer, since: int = 0, time: FakeTime | None = None, **more: Any) -> list[Change] | None:
    found = ask(server.url, lambda upstream: upstream.changes(since), time, **{"changelog": True, **more})
    return None if found is None else list(found)


def answer(rows: Any) -> bytes:
    return xmlrpc.client.dumps((rows,), methodresponse=True, allow_none=True).encode()


def fault(text: str) -> Body:
    return Body(xmlrpc.client.dumps(xmlrpc.client.Fault(-32500, text)).encode(), "text/xml")


def test_without_a_changelog_there_is_no_answer(server: UpstreamServer) -> None:
    """None, and nothing is asked, unless the operator says that upstream has one."""
    assert changes(server, changelog=False) is None
    assert server.requests == []


def test_each_changed_project_once_with_its_newest_serial(server: UpstreamServer) -> None:
    """Only what changed after *since*; the spelling is the newest row's."""
    server.index.create("before")
    since = server.index.serial
    server.index.upload("Foo.Bar", "1.0")
    server.index.upload("baz", "1.0")
    server.index.yank("foo_bar", "1.0")
    last = server.index.serial
    found = changes(server, since)
    assert found is not None
    assert [(change.name, change.serial) for change in found][-1] == ("foo-bar", last)
    assert {change.name for change in found} == {"foo-bar", "baz"}
    assert changes(server, last) == []


def test_a_short_answer_is_the_last(server: UpstreamServer) -> None:
    """One request tells what is new, if that is not very much."""
    server.index.upload("foo", "1.0")
    time = FakeTime()
    assert changes(server, time=time) == [Change("foo", "foo", server.index.serial)]
    assert server.count("/pypi", "POST") == 1
    assert time.slept == []


def test_it_is_asked_until_there_is_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """A long feed comes in parts, with a pause between two calls."""
    monkeypatch.setattr(changelog, "MANY", 3)
    with UpstreamServer(changelog_limit=3) as server:
        for number in range(5):
            server.index.upload(f"p{number}", "1.0")
        time = FakeTime()
        found = changes(server, time=time)
        assert found is not None
        assert len(found) == 5
        assert time.slept == [PAUSE] * (server.count("/pypi", "POST") - 1)
        assert len(time.slept) == len(server.index.journal()) // 3


def test_what_is_no_project_is_skipped(server: UpstreamServer) -> None:
    """Names that cannot be names do not spoil the rest."""
    rows = [["../etc", None, 0, "create", 1], ["foo", None, 0, "create", 2], ["", None, 0, "create", 3]]
    server.fault("/pypi", Body(answer(rows), "text/xml"))
    assert changes(server) == [Change("foo", "foo", 2)]


def test_too_many_requests_are_waited_out(server: UpstreamServer) -> None:
    """PyPI's fault for that counts like a Retry-After with the seconds that it names."""
    server.index.create("foo")
    server.fault(
        "/pypi", fault("HTTPTooManyRequests: The action could not be performed. Limit may reset in 42 seconds.")
    )
    time = FakeTime()
    assert changes(server, time=time) == [Change("foo", "foo", 1)]
    assert sum(time.slept) >= 42


@pytest.mark.parametrize(
    ("reply", "kind", "message"),
    [
        (fault("RuntimeError: no longer supported"), UpstreamError, "no longer supported"),
        (Status(404), NotFound, "404"),
        (Body(b"<html>", "text/html"), BadContent, "not XML-RPC"),
        (Body(answer([["foo", None, 0, "create", 0]]), "text/xml"), BadContent, "another form"),
        (Bomb(1 << 30), BadContent, "longer than"),
    ],
)
def test_other_answers_are_errors(server: UpstreamServer, reply: Body, kind: type[UpstreamError], message: str) -> None:
    """Refusals say why; what is no list of changes is BadContent."""
    server.fault("/pypi", reply)
    with pytest.raises(kind, match=message):
        changes(server)


def test_a_feed_that_stands_still_is_refused(server: UpstreamServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that are not after the serial asked for would be asked for again without end."""
    monkeypatch.setattr(changelog, "MANY", 1)
    server.fault("/pypi", Body(answer([["foo", None, 0, "create", 5]]), "text/xml"), times=None)
    with pytest.raises(BadContent, match="after serial 5 ends at 5"):
        changes(server)


@pytest.mark.parametrize(
    ("below", "configured", "where"),
    [("", None, "/pypi"), ("/mirror/simple/", None, "/mirror/pypi"), ("", "/RPC2", "/RPC2")],
)
def test_where_the_changelog_is(server: UpstreamServer, below: str, configured: str | None, where: str) -> None:
    """Beside the index, unless it is configured."""
    server.fault(where, Body(answer([]), "text/xml"), method="POST")
    url = configured and server.url + configured
    assert ask(server.url + below, lambda one: one.changes(0), changelog=True, changelog_url=url) == []


def test_a_feed_without_end_is_given_up(server: UpstreamServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is a failure once it has more rows than a list of projects would cost, however many are still to come."""
    monkeypatch.setattr(changelog, "MANY", 3)
    monkeypatch.setattr(changelog, "MOST", 5)
    for first in (1, 4):
        rows = [[f"p{serial}", None, 0, "create", serial] for serial in range(first, first + 3)]
        server.fault("/pypi", Body(answer(rows), "text/xml"))
    with pytest.raises(BadContent, match="has more than 5 rows"):
        changes(server)
    assert server.count("/pypi") == 2


@pytest.mark.parametrize("serial", [2_000_000, 2**31 - 1, 2**31, 2**63 - 1])
@pytest.mark.parametrize("first", [True, False])
def test_a_feed_that_leaps_is_refused(server: UpstreamServer, serial: int, first: bool) -> None:
    """A row with a serial out of all proportion would make all that follows look old; in any order of the rows."""
    rows = [["foo", None, 0, "create", 8], ["ghost", None, 0, "create", "SERIAL"]]
    body = answer(rows if not first else rows[::-1]).replace(b"<string>SERIAL</string>", f"<i8>{serial}</i8>".encode())
    server.fault("/pypi", Body(body, "text/xml"))
    with pytest.raises(BadContent, match=f"leaps from serial 8 to {serial}"):
        changes(server, 7)


def test_serials_of_more_than_32_bits_can_be_asked_for(server: UpstreamServer) -> None:
    """XML-RPC has no word for them; servers that have such serials read one all the same."""
    server.fault("/pypi", Body(answer([]), "text/xml"))
    assert changes(server, 2**31) == []
    assert b"<i8>2147483648</i8>" in server.requests[-1].body


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"<methodResponse/>",
        b'<!DOCTYPE x [<!ENTITY a "b">]>' + answer([]),
        b"<?xml version='1.0'?><!doctype x>" + answer([]),
        answer({"a": 1}),
        answer([1]),
        answer([["foo", None, 0, "create"]]),
        answer([[1, None, 0, "create", 1]]),
        answer([["foo", None, 0, "create", "1"]]),
        answer([["foo", None, 0, "create", True]]),
        answer([["foo", None, 0, "create", -1]]),
        answer([]).replace(b"<array>", b"<int>" + b"9" * 5000 + b"</int><array>"),
        b"<methodResponse>" + b"<i4>1</i4>" * 2_000_001 + b"</methodResponse>",
        "<?xml version='1.0' encoding='utf-16'?><a/>".encode("utf-16"),
    ],
)
def test_only_rows_are_rows(body: bytes) -> None:
    """Document types, other encodings, other shapes and absurd numbers are refused as values that they are not."""
    with pytest.raises(ValueError):
        rows_of(body)


@given(st.binary(max_size=300) | st.from_regex(rb"<methodResponse>[<>/a-z&;0-9]{0,80}", fullmatch=True))
def test_no_body_breaks_the_reader(body: bytes) -> None:
    """Whatever comes is rows, a fault, or a ValueError."""
    try:
        rows_of(body)
    except (ValueError, xmlrpc.client.Fault):
        return


def test_an_encoding_cannot_hide_a_document_type() -> None:
    """The body is UTF-8 whatever it declares, so what is looked for is what the parser reads."""
    body = b"<?xml version='1.0' encoding='cp037'?>" + answer([])[len(b"<?xml version='1.0'?>\n") :]
    assert rows_of(body) == []
