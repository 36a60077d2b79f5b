from __future__ import annotations

import base64
import http.client
import shutil
import socket
import ssl
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from bandersnatch.testing import HttpProxy, SocksProxy, UpstreamServer, make_certificates


def through(proxy: HttpProxy, url: str, **headers: str) -> tuple[int, bytes]:
    """GET *url* with its absolute form through *proxy*."""
    connection = http.client.HTTPConnection(urlsplit(proxy.url).netloc, timeout=10)
    connection.request("GET", url, headers={name.replace("_", "-"): value for name, value in headers.items()})
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response.status, body


def test_http_proxy_forwards(server: UpstreamServer) -> None:
    """A request with an absolute target reaches the host as its own, without what was for the proxy."""
    file = server.index.upload("foo", "1")
    with HttpProxy() as proxy:
        assert through(proxy, server.url_of(file) + "?q=1", proxy_connection="keep-alive") == (200, file.content)
        assert (proxy.connections, proxy.targets) == (1, [("127.0.0.1", urlsplit(server.url).port)])
    [request] = server.requests
    assert (request.path, request.query, "proxy-connection" in request.headers) == (file.path, "q=1", False)


def test_http_proxy_asks_for_credentials(server: UpstreamServer) -> None:
    """407 without the right ones, which the host never sees."""
    good = "Basic " + base64.b64encode(b"me:secret").decode()
    with HttpProxy(("me", "secret")) as proxy:
        assert through(proxy, f"{server.url}/simple/")[0] == 407
        assert through(proxy, f"{server.url}/simple/", proxy_authorization="Basic bWU6eA==")[0] == 407
        assert through(proxy, f"{server.url}/simple/", proxy_authorization=good)[0] == 200
        assert (proxy.refused, proxy.connections) == (2, 1)
    assert "proxy-authorization" not in server.requests[0].headers


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_http_proxy_tunnels(tmp_path: Path) -> None:
    """CONNECT carries HTTPS, credentials and all."""
    certificates = make_certificates(tmp_path)
    with UpstreamServer(tls=certificates) as server, HttpProxy(("me", "secret")) as proxy:
        context = ssl.create_default_context(cafile=certificates.authority)
        address = proxy.url.replace("//", "//me:secret@")
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({"https": address}), urllib.request.HTTPSHandler(context=context)
        )
        with opener.open(f"{server.url}/simple/", timeout=10) as response:
            assert response.status == 200
        assert proxy.targets == [("127.0.0.1", urlsplit(server.url).port)]


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port on which nothing listens, held so that nobody else takes it."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


def test_http_proxy_says_when_there_is_no_way(closed_port: int) -> None:
    """502 where the host cannot be reached."""
    with HttpProxy() as proxy:
        assert through(proxy, f"http://127.0.0.1:{closed_port}/")[0] == 502


class Socks:
    """A SOCKS 5 client that shows what is said."""

    def __init__(self, proxy: SocksProxy, methods: bytes = b"\x00\x02") -> None:
        self.peer = socket.create_connection(("127.0.0.1", urlsplit(proxy.url).port or 0), timeout=10)
        self.peer.sendall(bytes([5, len(methods)]) + methods)
        self.method = self.take(2)[1]

    def take(self, count: int) -> bytes:
        """So many bytes, fewer at the end."""
        data = b""
        while len(data) < count and (more := self.peer.recv(count - len(data))):
            data += more
        return data

    def log_in(self, user: bytes, password: bytes) -> int:
        """RFC 1929's status: 0 is good."""
        self.peer.sendall(b"\x01" + bytes([len(user)]) + user + bytes([len(password)]) + password)
        return self.take(2)[1]

    def ask(self, address: bytes, port: int, command: int = 1) -> int:
        """RFC 1928's reply: 0 is good."""
        self.peer.sendall(bytes([5, command, 0]) + address + port.to_bytes(2, "big"))
        return self.take(10)[1]

    def get(self, path: str) -> bytes:
        """The status line of what is at *path*."""
        self.peer.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        with self.peer.makefile("rb") as stream:
            return stream.read().partition(b"\r\n")[0]


LOOPBACK = b"\x01\x7f\x00\x00\x01"
LOOPBACK_6 = b"\x04" + bytes(15) + b"\x01"
NAME = b"\x03\x09localhost"


@pytest.mark.parametrize(("address", "host"), [(LOOPBACK, "127.0.0.1"), (NAME, "localhost")])
def test_socks_proxy_connects(server: UpstreamServer, address: bytes, host: str) -> None:
    """RFC 1928: CONNECT by address and by name, which the proxy resolves."""
    port = urlsplit(server.url).port or 0
    with SocksProxy() as proxy:
        client = Socks(proxy)
        with client.peer:
            assert (client.method, client.ask(address, port)) == (0, 0)
            assert client.get("/simple/") == b"HTTP/1.1 200 OK"
        assert (proxy.connections, proxy.targets, proxy.url[:9]) == (1, [(host, port)], "socks5://")


def test_socks_proxy_asks_for_credentials(server: UpstreamServer) -> None:
    """RFC 1929: user and password, and no way in without."""
    port = urlsplit(server.url).port or 0
    with SocksProxy(("me", "secret")) as proxy:
        open_client, wrong, right = Socks(proxy, b"\x00"), Socks(proxy), Socks(proxy)
        with open_client.peer, wrong.peer, right.peer:
            assert (open_client.method, open_client.take(1)) == (255, b"")
            assert (wrong.method, wrong.log_in(b"me", b"no"), wrong.take(1)) == (2, 1, b"")
            assert (right.log_in(b"me", b"secret"), right.ask(LOOPBACK, port)) == (0, 0)
            assert right.get("/simple/") == b"HTTP/1.1 200 OK"
        assert (proxy.refused, proxy.connections) == (2, 1)


@pytest.mark.parametrize(
    ("address", "command", "reply"),
    [(LOOPBACK, 1, 5), (LOOPBACK_6, 1, 5), (LOOPBACK, 2, 7), (b"\x09", 1, 8)],
    ids=["closed", "closed6", "bind", "kind"],
)
def test_socks_proxy_says_what_it_cannot_do(closed_port: int, address: bytes, command: int, reply: int) -> None:
    """RFC 1928's replies: refused, command not supported, address type not supported."""
    with SocksProxy() as proxy:
        client = Socks(proxy)
        with client.peer:
            assert client.ask(address, closed_port, command) == reply


@pytest.mark.parametrize("kind", [HttpProxy, SocksProxy])
def test_proxies_bear_clients_that_leave(kind: type[HttpProxy | SocksProxy]) -> None:
    """A client that leaves before it has said what it wants is no failure, and is not counted."""
    with kind() as proxy, socket.create_connection(("127.0.0.1", urlsplit(proxy.url).port or 0), timeout=10) as peer:
        peer.sendall(b"\x05")
        peer.shutdown(socket.SHUT_WR)
        assert (peer.recv(1), proxy.connections) == (b"", 0)
