from __future__ import annotations

import gzip
import http.client
import json
import socket
from itertools import takewhile

import pytest

from bandersnatch.testing import (
    Body,
    Bomb,
    Corrupt,
    Cut,
    Drip,
    DripHead,
    Endless,
    Fault,
    Headers,
    NoContentType,
    Raw,
    Redirect,
    Reset,
    Stall,
    Status,
    UpstreamServer,
    WrongLength,
)

from .client import JSON, ask, connect, split, until_end

CONTENT = bytes(range(200))


@pytest.fixture
def path(server: UpstreamServer) -> str:
    """The path of a file of 200 bytes."""
    return server.index.upload("foo", "1", content=CONTENT).path


def received(server: UpstreamServer, path: str, method: str = "GET") -> tuple[dict[str, str], bytes, bool]:
    """Headers and body as they came, and whether the connection was reset."""
    with connect(server, path, method) as peer:
        data, reset = until_end(peer)
    return *split(data), reset


@pytest.mark.parametrize(("retry_after", "header"), [(None, None), (7, "7"), ("Wed, 21 Oct 2026 07:28:00 GMT",) * 2])
def test_status(server: UpstreamServer, path: str, retry_after: int | str | None, header: str | None) -> None:
    """Status: another status with a body, and Retry-After in either form."""
    server.fault(path, Status(429, retry_after, b"slow down"))
    answer = ask(server, path)
    assert (answer.status, answer.headers.get("retry-after"), answer.body) == (429, header, b"slow down")


def test_unknown_status(server: UpstreamServer, path: str) -> None:
    """Status: codes that have no name can be sent as well."""
    server.fault(path, Status(599))
    assert ask(server, path).status == 599


@pytest.mark.parametrize(("after", "body"), [(None, b""), (0, b""), (50, CONTENT[:50])])
def test_reset(server: UpstreamServer, path: str, after: int | None, body: bytes) -> None:
    """Reset: the peer gets so many bytes, then a reset; with None not even the head."""
    server.fault(path, Reset(after))
    headers, got, reset = received(server, path)
    assert (headers.get("content-length"), got, reset) == (None if after is None else "200", body, True)


def test_cut(server: UpstreamServer, path: str) -> None:
    """Cut: all is announced, less comes, and the connection is closed in good order."""
    server.fault(path, Cut(50))
    headers, got, reset = received(server, path)
    assert (headers["content-length"], got, reset) == ("200", CONTENT[:50], False)
    server.fault(path, Cut(50))
    with pytest.raises(http.client.IncompleteRead):
        ask(server, path)


@pytest.mark.parametrize("delta", [-10, 10])
def test_wrong_length(server: UpstreamServer, path: str, delta: int) -> None:
    """WrongLength: the announced length is off, the body whole."""
    server.fault(path, WrongLength(delta))
    headers, got, _ = received(server, path)
    assert (headers["content-length"], got) == (str(200 + delta), CONTENT)


def test_corrupt(server: UpstreamServer, path: str) -> None:
    """Corrupt: one byte is another, the length is right."""
    server.fault(path, Corrupt())
    got = ask(server, path).body
    assert len(got) == 200
    assert sum(a != b for a, b in zip(got, CONTENT, strict=True)) == 1
    assert ask(server, path).body == CONTENT


@pytest.mark.parametrize("declared", [1000, None])
def test_endless_goes_on_until_the_peer_leaves(server: UpstreamServer, path: str, declared: int | None) -> None:
    """Endless: more than announced, or, with nothing announced, chunks without an end."""
    server.fault(path, Endless(declared))
    with connect(server, path) as peer:
        got = b""
        while len(got) < 2**20:
            got += peer.recv(2**16)
    headers, body = split(got)
    assert CONTENT in body[:300]
    assert headers.get("content-length") == (None if declared is None else "1000")
    assert headers.get("transfer-encoding") == ("chunked" if declared is None else None)


def test_endless_has_a_bound(server: UpstreamServer, path: str) -> None:
    """Endless: a client that never leaves gets 64 MiB, no more."""
    server.fault(path, Endless(1000))
    with connect(server, path) as peer:
        total = sum(len(data) for data in takewhile(bool, iter(lambda: peer.recv(2**20), None)))
    assert 64 * 2**20 < total < 65 * 2**20


@pytest.mark.parametrize(("size", "chunks"), [(60, 2), (60, None), (300, 1), (1, 0)])
def test_drip_ends_well(server: UpstreamServer, path: str, size: int, chunks: int | None) -> None:
    """Drip: slow at first, but everything comes, and the connection can be used again."""
    server.fault(path, Drip(size, chunks, delay=0))
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=10)
    for _ in range(2):
        connection.request("GET", path)
        assert connection.getresponse().read() == CONTENT
    connection.close()


@pytest.mark.parametrize(("after", "body"), [(0, b""), (20, CONTENT[:20])])
def test_stall_sends_no_more(server: UpstreamServer, path: str, after: int, body: bytes) -> None:
    """Stall: head and some bytes, then nothing until the client has left."""
    server.fault(path, Stall(after))
    with connect(server, path) as peer:
        got = b""
        while not got.endswith(b"\r\n\r\n" + body):
            got += peer.recv(2**16)
        peer.settimeout(0)
        with pytest.raises(BlockingIOError):
            peer.recv(1)


def test_stall_can_come_before_the_head(server: UpstreamServer, path: str) -> None:
    """Stall(None): nothing comes at all, and the client's leaving ends it."""
    server.fault(path, Stall(None))
    with connect(server, path) as peer:
        peer.shutdown(socket.SHUT_WR)
        assert until_end(peer) == (b"", False)
    assert [request.status for request in server.requests] == [0]


def test_stall_ends_with_the_server() -> None:
    """Stall: a client that waits is let go when the server stops."""
    with UpstreamServer() as server:
        server.fault("*", Stall())
        peer = connect(server, "/simple/")
        assert peer.recv(1) == b"H"
    with peer:
        assert b"X-PyPI-Last-Serial" in until_end(peer)[0]


def test_redirect(server: UpstreamServer, path: str) -> None:
    """Redirect: to wherever the test likes, as given."""
    server.fault(path, Redirect("http://internal.example.org/secret"))
    answer = ask(server, path)
    assert (answer.status, answer.headers["location"]) == (302, "http://internal.example.org/secret")


def test_body_replaces_the_answer(server: UpstreamServer) -> None:
    """Body: a hostile page with headers of its own, even where there is no page at all."""
    server.fault("/simple/evil/", Body(b'{"files": null}', headers={"X-PyPI-Last-Serial": "9999999999999"}))
    answer = ask(server, "/simple/evil/")
    assert (answer.status, answer.headers["content-type"], answer.json()) == (200, JSON, {"files": None})
    assert answer.headers["x-pypi-last-serial"] == "9999999999999"
    assert "etag" not in answer.headers


@pytest.mark.parametrize("size", [0, 1000, 2**20, 3 * 2**20 + 5])
def test_bomb_is_one_gzip_stream(server: UpstreamServer, size: int) -> None:
    """Bomb: decodes to exactly so many spaces, checksum and all, and is small on the wire."""
    server.index.create("foo")
    server.fault("/simple/foo/", Bomb(size))
    answer = ask(server, "/simple/foo/", accept=JSON)
    assert (answer.headers["content-encoding"], answer.headers["content-type"]) == ("gzip", JSON)
    assert gzip.decompress(answer.body) == b" " * size
    assert len(answer.body) < 10_000


def test_no_content_type(server: UpstreamServer) -> None:
    """NoContentType: the page is right, the header missing."""
    server.index.create("foo")
    server.fault("/simple/foo/", NoContentType())
    answer = ask(server, "/simple/foo/", accept=JSON)
    assert ("content-type" in answer.headers, json.loads(answer.body)["name"]) == (False, "foo")


def test_headers(server: UpstreamServer, path: str) -> None:
    """Headers: the answer with others beside its own."""
    server.fault(path, Headers({"X-Large": "x" * 100}))
    answer = ask(server, path)
    assert (answer.headers["x-large"], answer.body) == ("x" * 100, CONTENT)


def test_drip_head(server: UpstreamServer, path: str) -> None:
    """DripHead: a head that goes on for ever, byte by byte."""
    server.fault(path, DripHead(delay=0))
    with connect(server, path) as peer:
        data = peer.makefile("rb").read(100)
    assert data == (b"HTTP/1.1 200 OK\r\nX-Later: " + b"x" * 100)[:100]


def test_raw(server: UpstreamServer, path: str) -> None:
    """Raw: bytes as they are, for heads that no library would write."""
    server.fault(path, Raw(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nx"))
    assert received(server, path) == ({"content-length": "-1"}, b"x", False)


FAULTS: list[Fault] = [Endless(), Endless(10), Drip(delay=0), Cut(5), WrongLength(5), Reset(5), Corrupt()]


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_head_never_has_a_body(server: UpstreamServer, path: str, fault: Fault) -> None:
    """Faults of sending keep to the rule that HEAD has no body."""
    server.fault(path, fault)
    assert received(server, path, "HEAD")[1] == b""


def test_faults_are_taken_in_order_and_count_down(server: UpstreamServer, path: str) -> None:
    """The first fault that matches and is not used up wins; then the next; then all is well."""
    server.fault("/packages/*", Status(500), times=2)
    server.fault("/packages/*", Status(501), times=1)
    server.fault(path, Status(502))
    assert [ask(server, path).status for _ in range(5)] == [500, 500, 501, 502, 200]


def test_faults_choose_by_path_and_method(server: UpstreamServer, path: str) -> None:
    """Only requests that match glob and method are met; None means always; all can be forgotten."""
    server.fault("*.whl", Status(503), times=None, method="HEAD")
    assert [ask(server, path, "HEAD").status for _ in range(4)] == [503] * 4
    assert ask(server, path).status == 200
    assert ask(server, "/simple/", "HEAD").status == 200
    server.clear_faults()
    assert ask(server, path, "HEAD").status == 200
