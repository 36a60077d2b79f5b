"""Proxies on 127.0.0.1 for tests of proxy support: HTTP (forwarding and tunnels) and SOCKS 5."""

from __future__ import annotations

import asyncio
import base64
import socket
from abc import ABC, abstractmethod
from asyncio import IncompleteReadError, LimitOverrunError, StreamReader, StreamWriter
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from bandersnatch.testing.threads import ThreadedServer


class _Proxy(ABC):
    """What both kinds share: a thread, an address, credentials and a count."""

    _scheme: str
    _unreachable: bytes

    def __init__(self, credentials: tuple[str, str] | None = None) -> None:
        """*credentials* are the user and the password that every connection must show."""
        self._credentials = credentials
        self._threaded = ThreadedServer(self._serve)
        self.url = ""
        """``SCHEME://127.0.0.1:PORT``, without credentials."""
        self.targets: list[tuple[str, int]] = []
        """The hosts and ports that clients were let through to, one for each connection."""
        self.refused = 0
        """Connections that showed no good credentials."""

    @property
    def connections(self) -> int:
        """How many connections were let through."""
        return len(self.targets)

    def __enter__(self) -> Self:
        (port,) = self._threaded.start()
        self.url = f"{self._scheme}://127.0.0.1:{port}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._threaded.stop()

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        try:
            await self._handle(reader, writer)
        except (IncompleteReadError, LimitOverrunError):
            return  # the client left, or does not speak our protocol

    @abstractmethod
    async def _handle(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Serve one client."""

    async def _relay(
        self, client: tuple[StreamReader, StreamWriter], target: tuple[str, int], greeting: bytes, first: bytes
    ) -> None:
        """Join *client* to *target*, saying *greeting* to the one and *first* to the other, until both have ended."""
        self.targets.append(target)
        try:
            upstream = await asyncio.open_connection(*target)
        except OSError:
            client[1].write(self._unreachable)
            return
        try:
            client[1].write(greeting)
            upstream[1].write(first)
            async with asyncio.TaskGroup() as both:
                both.create_task(_pump(client[0], upstream[1]))
                both.create_task(_pump(upstream[0], client[1]))
        finally:
            upstream[1].transport.abort()


async def _pump(reader: StreamReader, writer: StreamWriter) -> None:
    """Carry bytes one way to their end. A reset is passed on as one; the way back ends by itself."""
    try:
        while data := await reader.read(2**16):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
    except OSError:
        writer.transport.abort()


class HttpProxy(_Proxy):
    """A forward proxy (RFC 9110, section 7.7): requests with absolute targets, one for each connection, and CONNECT."""

    _scheme = "http"
    _unreachable = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

    async def _handle(self, reader: StreamReader, writer: StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.rstrip("\r\n").split("\r\n")
        method, target, _ = first.split(" ", 2)
        if not self._admitted(lines):
            self.refused += 1
            writer.write(_REFUSAL)
            await writer.drain()
        elif method == "CONNECT":
            host, _, port = target.rpartition(":")
            established = b"HTTP/1.1 200 Connection established\r\n\r\n"
            await self._relay((reader, writer), (host.strip("[]"), int(port)), established, b"")
        else:
            url = urlsplit(target)
            host_port = (url.hostname or "", url.port or 80)
            await self._relay((reader, writer), host_port, b"", _forwarded(method, target, lines))

    def _admitted(self, lines: list[str]) -> bool:
        if self._credentials is None:
            return True
        wanted = base64.b64encode(":".join(self._credentials).encode()).decode()
        headers = (line.partition(":") for line in lines)
        return any(
            name.lower() == "proxy-authorization" and value.strip() == f"Basic {wanted}" for name, _, value in headers
        )


_REFUSAL = (
    b"HTTP/1.1 407 Proxy Authentication Required\r\n"
    b'Proxy-Authenticate: Basic realm="proxy"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'
)


def _forwarded(method: str, target: str, lines: list[str]) -> bytes:
    """The request as the target is to see it: its own path, nothing meant for the proxy, and no second request."""
    url = urlsplit(target)
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    kept = [line for line in lines if line.partition(":")[0].lower() not in _HOP]
    return "\r\n".join([f"{method} {path} HTTP/1.1", *kept, "Connection: close", "", ""]).encode("latin-1")


_HOP = ("connection", "proxy-connection", "proxy-authorization", "keep-alive")


class SocksProxy(_Proxy):
    """A SOCKS 5 proxy (RFC 1928), CONNECT only, with user and password (RFC 1929) where credentials are given."""

    _scheme = "socks5"
    _unreachable = b"\x05\x05\x00\x01" + bytes(6)

    async def _handle(self, reader: StreamReader, writer: StreamWriter) -> None:
        _, count = await reader.readexactly(2)
        method = 0 if self._credentials is None else 2
        if method not in await reader.readexactly(count):
            self.refused += 1
            writer.write(b"\x05\xff")
            return
        writer.write(bytes([5, method]))
        if not await self._admitted(reader, writer):
            self.refused += 1
            return
        _, command, _, kind = await reader.readexactly(4)
        host = await _address(reader, kind)
        port = int.from_bytes(await reader.readexactly(2), "big")
        if command != 1 or host is None:
            writer.write(_socks_reply(7 if command != 1 else 8))
            return
        await self._relay((reader, writer), (host, port), _socks_reply(0), b"")

    async def _admitted(self, reader: StreamReader, writer: StreamWriter) -> bool:
        if self._credentials is None:
            return True
        _, length = await reader.readexactly(2)
        user = (await reader.readexactly(length)).decode()
        (length,) = await reader.readexactly(1)
        password = (await reader.readexactly(length)).decode()
        good = (user, password) == self._credentials
        writer.write(b"\x01\x00" if good else b"\x01\x01")
        return good


async def _address(reader: StreamReader, kind: int) -> str | None:
    """The host that is asked for; None for a kind of address that RFC 1928 does not know."""
    match kind:
        case 1:
            return socket.inet_ntop(socket.AF_INET, await reader.readexactly(4))
        case 3:
            (length,) = await reader.readexactly(1)
            return (await reader.readexactly(length)).decode("ascii")
        case 4:
            return socket.inet_ntop(socket.AF_INET6, await reader.readexactly(16))
        case _:
            return None


def _socks_reply(code: int) -> bytes:
    return bytes([5, code, 0, 1]) + bytes(6)
