"""One answer: its head, its body as it comes, and its end, in which the host's next request gets its turn."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Self

from pyreqwest.exceptions import PyreqwestError
from pyreqwest.request import StreamRequest
from pyreqwest.response import Response as LibraryResponse

from bandersnatch.errors import UpstreamError
from bandersnatch.upstream import failures
from bandersnatch.upstream.address import Address
from bandersnatch.upstream.pacing import Pacer, RateWatch, Transient, Turn
from bandersnatch.upstream.settings import Settings

_DRAINED = 64 * 1024
"""An unwanted body up to this size is read, so that its connection can be used again."""


class Response:
    """One answer. Its body can be read once, before ``close``; as a context manager it closes itself."""

    def __init__(
        self,
        url: Address,
        request: StreamRequest,
        answer: LibraryResponse,
        turn: Turn,
        pacer: Pacer,
        settings: Settings,
    ) -> None:
        self.url = url
        """Where it finally came from."""
        self.status: int = answer.status
        self.version: str = answer.version
        """``HTTP/1.1`` or ``HTTP/2.0``."""
        self._request = request
        self._answer = answer
        self._turn = turn
        self._pacer = pacer
        self._timeout = settings.timeout
        self._clock = pacer.clock
        self._rate = RateWatch(settings.minimum_rate)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: object, *_: object) -> None:
        watch = Cancellations()
        await self.close()
        if kind is None:
            watch.heed()

    async def close(self) -> None:
        """Be done with it, whatever was read of it."""
        try:
            await self._request.__aexit__(None, None, None)
        finally:
            self._turn.end()

    def header(self, name: str) -> str | None:
        """The first header of that *name*; None too for one that is not ASCII."""
        try:
            return self._answer.get_header(name)
        except ValueError:
            return None

    @property
    def length(self) -> int | None:
        """The Content-Length, where there is one: bytes on the wire, before any decoding."""
        text = self.header("content-length")
        return int(text) if text is not None and text.isdecimal() else None

    @property
    def is_delimited(self) -> bool:
        """Whether a body that was cut off is told from a whole one: by its length, its chunks, HTTP/2, or its gzip."""
        says_so = self.length is not None or "chunked" in (self.header("transfer-encoding") or "").lower()
        return says_so or not self.version.startswith("HTTP/1") or "gzip" in (self.header("content-encoding") or "")

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it came, undecoded. Raises Transient when it breaks off, stalls, or comes too slowly."""
        while (chunk := await self._read()) is not None:
            if chunk:
                yield chunk

    async def drain(self) -> None:
        """Read a small body to its end, so that the connection can be used again; leave a large one."""
        if self.length is None or self.length > _DRAINED:
            return
        try:
            while await self._read() is not None:
                pass
        except Transient:
            return

    async def _read(self) -> bytes | None:
        began, watch = self._clock.monotonic(), Cancellations()
        try:
            chunk = await self._answer.body_reader.read_chunk()
        except PyreqwestError as error:
            raise failure(error, self.url, self._timeout) from None
        watch.heed()
        if chunk is None:
            return None
        floor = self._rate.floor
        if self._rate.is_too_slow(self._clock.monotonic() - began, len(chunk)):
            shown = self.url.masked
            raise Transient(f"{shown}: slower than {floor:.0f} bytes per second", url=shown)
        if self._pacer.is_limited:
            await self._pacer.spend(len(chunk))
        return chunk.to_bytes()


class Cancellations:
    """
    How often the running task was cancelled before the library is awaited.

    The library loses a cancellation that arrives together with its result (seen with pyreqwest 0.15): the task would go
    on as if nothing had been said.
    """

    __slots__ = ("_before", "_task")

    def __init__(self) -> None:
        self._task = asyncio.current_task()
        self._before = 0 if self._task is None else self._task.cancelling()

    def heed(self) -> None:
        """Raise CancelledError if the task was cancelled since."""
        if self._task is not None and self._task.cancelling() > self._before:
            raise asyncio.CancelledError


def failure(error: PyreqwestError, address: Address, seconds: float) -> UpstreamError:
    """The error in our terms. To be raised "from None": the library's quotes the URL with its query, maybe a secret."""
    timed_out = isinstance(error, TimeoutError)
    return failures.from_causes(address.masked, causes(error), timed_out=timed_out, seconds=seconds)


def causes(error: Exception) -> list[str]:
    """What the library says of an error of its own, the outermost first."""
    details = getattr(error, "details", None) or {}
    return [cause["message"] for cause in details.get("causes") or ()] or [str(error)]
