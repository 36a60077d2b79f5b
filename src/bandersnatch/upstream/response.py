"""One answer: its head, its body as it comes, and its end, in which the host's next request gets its turn."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Self

from pyreqwest.bytes import Bytes
from pyreqwest.exceptions import PyreqwestError
from pyreqwest.request import StreamRequest
from pyreqwest.response import Response as LibraryResponse

from bandersnatch.errors import UpstreamError
from bandersnatch.upstream import failures
from bandersnatch.upstream.address import Address
from bandersnatch.upstream.pacing import RATE_WINDOW, Pacer, RateWatch, Transient, Turn
from bandersnatch.upstream.settings import Settings

_AT_ONCE = 128 * 1024
"""Bytes that are read together of a body that comes fast: each reading is a trip to the library's threads and back."""

_FAST = 4 * 1024 * 1024
"""Bytes per second. Of a slower body each chunk is taken as it comes, so that a cut loses nothing of it."""

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
        self._minimum = settings.minimum_rate
        self._taken = 0
        self._waited = 0.0
        """Bytes, and the seconds that they took, since the body was slow last."""

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
            chunk = await self._some()
        except PyreqwestError as error:
            raise failure(error, self.url, self._timeout) from None
        watch.heed()
        if chunk is None:
            return None
        waited = self._clock.monotonic() - began
        if self._rate.is_too_slow(waited, len(chunk)):
            raise self._too_slow()
        self._note(len(chunk), waited)
        if self._pacer.is_limited:
            await self._pacer.spend(len(chunk))
        return chunk.to_bytes()

    async def _some(self) -> Bytes | None:
        """The next chunk, or many together while the body comes fast."""
        if self._pacer.is_limited or self._taken < max(_AT_ONCE, _FAST * self._waited):
            return await self._answer.body_reader.read_chunk()
        try:
            async with asyncio.timeout(RATE_WINDOW):
                return await self._answer.body_reader.read(_AT_ONCE)
        except PyreqwestError:
            raise  # some of these are a TimeoutError as well
        except TimeoutError:
            raise self._too_slow() from None

    def _note(self, count: int, waited: float) -> None:
        """Whether the body is fast: *count* bytes took so many seconds."""
        if waited * _FAST > max(count, _AT_ONCE):
            self._taken, self._waited = 0, 0.0
        else:
            self._taken, self._waited = self._taken + count, self._waited + waited

    def _too_slow(self) -> Transient:
        shown = self.url.masked
        return Transient(f"{shown}: slower than {self._minimum} bytes per second", url=shown)


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
