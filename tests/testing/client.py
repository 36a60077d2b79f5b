"""Clients of the standard library, for looking at the server from outside."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from bandersnatch.testing import UpstreamServer

JSON = "application/vnd.pypi.simple.v1+json"
HTML_V1 = "application/vnd.pypi.simple.v1+html"


@dataclass(frozen=True)
class Answer:
    """What came back; redirects are not followed and nothing is decoded."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes

    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)


def ask(server: UpstreamServer, target: str, method: str = "GET", body: bytes | None = None, **headers: str) -> Answer:
    """One request, on a connection of its own. *target* is a path or a URL; ``if_range`` is the header If-Range."""
    url = urlsplit(target if target.startswith("http") else server.url + target)
    connection = http.client.HTTPConnection(url.netloc, timeout=10)
    try:
        path = url.path + (f"?{url.query}" if url.query else "")
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
    finally:
        connection.close()


def project(server: UpstreamServer, name: str) -> Any:
    """The project's page, read as JSON."""
    return ask(server, f"/simple/{name}/", accept=JSON).json()


def listed(server: UpstreamServer) -> list[str]:
    """The names that the list of projects has, as it spells them."""
    return [entry["name"] for entry in ask(server, "/simple/", accept=JSON).json()["projects"]]


def connect(server: UpstreamServer, path: str, method: str = "GET") -> socket.socket:
    """A socket on which a request has been sent, and that is not to be kept alive."""
    port = urlsplit(server.url).port
    peer = socket.create_connection(("127.0.0.1", port), timeout=10)
    peer.sendall(f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
    return peer


def until_end(peer: socket.socket) -> tuple[bytes, bool]:
    """All bytes that come, and whether they ended in a reset rather than a close."""
    received = bytearray()
    try:
        while data := peer.recv(2**16):
            received += data
    except ConnectionResetError:
        return bytes(received), True
    return bytes(received), False


def split(received: bytes) -> tuple[dict[str, str], bytes]:
    """The headers, names in lower case, and what follows them."""
    head, _, body = received.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")[1:]
    return {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}, body
