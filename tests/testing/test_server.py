from __future__ import annotations

import gc
import http.client
import socket
import threading
import time
from urllib.parse import urlsplit

import pytest

from bandersnatch.testing import Index, Raw, Stall, Status, UpstreamServer

from .client import ask, connect, until_end


def test_requests_are_recorded(server: UpstreamServer) -> None:
    """Each request is kept with its method, raw path, query, headers in lower case, body and the answer's status."""
    ask(server, "/simple/a%20b/?x=1", User_Agent="me/1")
    ask(server, "/pypi", "POST", b"<x/>")
    first, second = server.requests
    assert (first.method, first.path, first.query, first.status) == ("GET", "/simple/a%20b/", "x=1", 404)
    assert first.headers["user-agent"] == "me/1"
    assert (second.method, second.path, second.body, second.status) == ("POST", "/pypi", b"<x/>", 200)


def test_repeated_headers_are_joined(server: UpstreamServer) -> None:
    """A header that comes twice is kept with both values."""
    with connect(server, "/simple/ HTTP/1.1\r\nX-A: 1\r\nX-A: 2\r\nX-Rest:") as peer:
        until_end(peer)
    assert server.requests[0].headers["x-a"] == "1, 2"


def test_requests_are_counted_and_forgotten(server: UpstreamServer) -> None:
    """count goes by glob and method, * standing for slashes too; reset begins anew."""
    file = server.index.upload("foo", "1")
    for path in ("/simple/", "/simple/foo/", file.path, f"{file.path}.metadata"):
        ask(server, path)
    ask(server, file.path, "HEAD")
    assert [server.count(glob) for glob in ("/simple/", "/simple/*/", "/packages/*", "*.whl", "*")] == [1, 1, 3, 2, 5]
    assert (server.count("*", "HEAD"), server.count("*.whl", method="GET")) == (1, 1)
    server.reset()
    assert (server.requests, server.count("*")) == ([], 0)


def test_status_of_faults_is_recorded(server: UpstreamServer) -> None:
    """The status is the one that was sent; 0 where nothing well-formed was."""
    server.fault("*", Status(503))
    server.fault("*", Raw(b"rubbish\r\n\r\n"))
    ask(server, "/simple/")
    with connect(server, "/simple/") as peer:
        until_end(peer)
    assert [request.status for request in server.requests] == [503, 0]


def test_connections_are_kept_alive(server: UpstreamServer) -> None:
    """Many requests go over one connection, errors and bodiless answers among them."""
    server.index.create("foo")
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=10)
    connection.connect()
    used = connection.sock
    for method, path in (("GET", "/simple/"), ("HEAD", "/simple/foo/"), ("GET", "/x"), ("POST", "/pypi")) * 3:
        connection.request(method, path)
        connection.getresponse().read()
        assert connection.sock is used
    connection.close()


def test_who_does_not_speak_http_is_let_go(server: UpstreamServer) -> None:
    """Rubbish closes the connection, and the server serves on."""
    with socket.create_connection(("127.0.0.1", urlsplit(server.url).port or 0), timeout=10) as peer:
        peer.sendall(b"\x16\x03\x01 rubbish\r\n\r\n")
        assert until_end(peer)[0] == b""
    assert ask(server, "/simple/").status == 200


def test_an_index_can_be_given(server: UpstreamServer) -> None:
    """Several servers may show one index, each in its own way."""
    index = Index()
    index.create("foo")
    with UpstreamServer(index, list_format="json") as first, UpstreamServer(index, list_format="missing") as second:
        assert (ask(first, "/simple/").status, ask(second, "/simple/").status) == (200, 404)
        assert first.index is second.index is index


def test_unknown_switches_are_refused() -> None:
    """A switch that Behaviour does not have is a mistake of the test."""
    with pytest.raises(TypeError):
        UpstreamServer(no_such_switch=True)


def test_starts_and_stops_quickly() -> None:
    """It carries every test, so a start and a stop together take no time to speak of."""
    times = []
    for _ in range(5):  # the best of some, since other tests keep the machine busy
        begun = time.perf_counter()
        with UpstreamServer():
            pass
        times.append(time.perf_counter() - begun)
    assert min(times) < 0.05


def test_nothing_is_left_behind() -> None:
    """After stop there is neither thread nor socket, whatever clients were doing, and nothing listens any more."""
    threads = set(threading.enumerate())
    peers: list[socket.socket] = []
    with UpstreamServer() as server:
        server.fault("/stalled", Stall())
        peers += [connect(server, "/stalled"), connect(server, "/simple/")]
        port = urlsplit(server.url).port or 0
        peers += [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(20)]
        peers[-1].sendall(b"GET /simple/ HT")
    assert set(threading.enumerate()) <= threads
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=10)
    del server
    gc.collect()  # a socket left open would warn here, and warnings are errors
    for peer in peers:
        with peer:
            until_end(peer)


def test_mistakes_of_the_server_come_to_light() -> None:
    """A bug of ours is raised when the server stops, not swallowed by its thread."""

    class Broken(Index):
        """An index that cannot tell its projects."""

        def projects(self, at: int | None = None) -> tuple[()]:
            """Fail."""
            raise RuntimeError(f"at {at}")

    with (
        pytest.raises(RuntimeError, match="at 0"),
        UpstreamServer(Broken()) as server,
        connect(server, "/simple/") as p,
    ):
        until_end(p)
