"""One connection as the server sees it: requests in, answers out, well or with a fault of sending."""

from __future__ import annotations

import asyncio
import socket
import struct
from asyncio import StreamReader, StreamWriter
from email.utils import formatdate
from http import HTTPStatus

import h11

from bandersnatch.testing.faults import Cut, Drip, DripHead, Endless, Fault, Raw, Reset, Stall, WrongLength
from bandersnatch.testing.messages import Request, Response

_ENOUGH = 64 * 2**20
_BODYLESS = (204, 304)


class Connection:
    """HTTP/1.1 with one peer. Raises ConnectionError when the peer leaves in the middle."""

    def __init__(self, reader: StreamReader, writer: StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        # Each write waits until the system has taken all of it: a reset would throw the rest away.
        writer.transport.set_write_buffer_limits(0)
        self._http = h11.Connection(h11.SERVER)
        self._method = b""

    async def request(self) -> Request | None:
        """The next request, whole; None when the peer has left, is to leave, or does not speak HTTP."""
        if self._http.our_state is not h11.IDLE:
            if self._http.states != {h11.CLIENT: h11.DONE, h11.SERVER: h11.DONE}:
                return None
            self._http.start_next_cycle()
        try:
            return await self._read()
        except h11.RemoteProtocolError:
            return None

    async def _read(self) -> Request | None:
        head, body = None, bytearray()
        while True:
            event = self._http.next_event()
            if event is h11.NEED_DATA:
                self._http.receive_data(await self._reader.read(2**16))
            elif isinstance(event, h11.Request):
                head = event
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage) and head is not None:
                self._method = head.method
                return _request(head, bytes(body))
            else:
                return None

    async def send(self, response: Response, fault: Fault | None) -> None:
        """Send *response* as *fault* has it."""
        silent = self._method == b"HEAD" or response.status in _BODYLESS
        body = b"" if silent else response.body
        match fault:
            case Raw(data):
                await self._write(data)
            case Reset(None):
                self._reset()
            case Reset(int(after)):
                await self._write(self._head(response) + body[:after])
                self._reset()
            case Cut(after):
                await self._write(self._head(response) + body[:after])
            case WrongLength(delta):
                await self._write(self._head(response, max(len(response.body) + delta, 0)) + body)
            case DripHead(delay):
                await self._drip_head(delay)
            case Stall(after):
                await self._write(b"" if after is None else self._head(response) + body[:after])
                await self._reader.read()
            case Endless(declared) if not silent:
                await self._endless(response, declared)
            case Drip() if not silent:
                await self._drip(response, fault)
            case _:
                await self._write(self._head(response) + self._framed(body) + self._end())

    async def _drip(self, response: Response, drip: Drip) -> None:
        body, step = response.body, drip.bytes_per_chunk
        dripped = len(body) if drip.chunks is None else min(drip.chunks * step, len(body))
        await self._write(self._head(response))
        for start in range(0, dripped, step):
            await asyncio.sleep(drip.delay)
            await self._write(self._framed(body[start : min(start + step, dripped)]))
        await self._write(self._framed(body[dripped:]) + self._end())

    async def _drip_head(self, delay: float) -> None:
        for byte in b"HTTP/1.1 200 OK\r\nX-Later: " + b"x" * 2**16:
            await self._write(bytes((byte,)))
            await asyncio.sleep(delay)

    async def _endless(self, response: Response, declared: int | None) -> None:
        """With a length announced more is sent than that; without one the body comes in chunks and does not end."""
        body, chunk = response.body, b" " * 2**16
        if declared is None:
            await self._write(self._send(_event(response)) + self._framed(body))
            chunk = self._framed(chunk)
        else:
            await self._write(self._head(response, declared) + body)
        for _ in range(_ENOUGH // 2**16):
            await self._write(chunk)

    # Where a fault breaks the framing, h11 makes the head only: it would not let us break our word.

    def _head(self, response: Response, length: int | None = None) -> bytes:
        """The head, announcing *length* bytes or, by default, those that there are."""
        if response.status in _BODYLESS:
            return self._send(_event(response))
        announced = len(response.body) if length is None else length
        return self._send(_event(response.having({"Content-Length": str(announced)})))

    def _framed(self, data: bytes) -> bytes:
        return self._send(h11.Data(data=data)) if data else b""

    def _end(self) -> bytes:
        return self._send(h11.EndOfMessage())

    def _send(self, event: h11.Event) -> bytes:
        return self._http.send(event) or b""

    def _reset(self) -> None:
        """Close so that the peer gets RST: nothing lingers."""
        sock: socket.socket = self._writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    async def _write(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()


def _request(head: h11.Request, body: bytes) -> Request:
    headers: dict[str, str] = {}
    for name, value in head.headers:
        key, text = name.decode("ascii"), value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    path, _, query = head.target.decode("ascii").partition("?")
    return Request(head.method.decode("ascii"), path, headers, query=query, body=body)


def _event(response: Response) -> h11.Response:
    known = response.status in HTTPStatus.__members__.values()
    headers = {"Date": formatdate(usegmt=True), **response.headers}
    return h11.Response(
        status_code=response.status,
        headers=list(headers.items()),
        reason=HTTPStatus(response.status).phrase if known else "",
    )
