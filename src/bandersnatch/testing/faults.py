"""What can be wrong with an answer, to be ordered with ``UpstreamServer.fault``.

Some faults change the answer, which ``transform`` does; the others change how it is sent, which is for ``delivery``.
After a fault of sending the server closes the connection, except after ``Drip``.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import lru_cache
from threading import Lock

from bandersnatch.testing.messages import Request, Response

# --- faults of the answer ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Status:
    """Answer with *code* instead. *retry_after* is in seconds, or a date as HTTP writes it."""

    code: int
    retry_after: int | str | None = None
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Corrupt:
    """Flip one byte, in the middle of the body; the length stays."""


@dataclass(frozen=True, slots=True)
class Redirect:
    """Send the client to the URL *to*, absolute or relative."""

    to: str
    code: int = 302


@dataclass(frozen=True, slots=True)
class Body:
    """Answer *body* instead of all that would have been said."""

    body: bytes
    content_type: str = "application/vnd.pypi.simple.v1+json"
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int = 200


@dataclass(frozen=True, slots=True)
class Bomb:
    """Send a small gzip stream that decodes to *decoded_size* bytes of white space."""

    decoded_size: int


@dataclass(frozen=True, slots=True)
class NoContentType:
    """Leave Content-Type out."""


@dataclass(frozen=True, slots=True)
class Headers:
    """Put *headers* upon those of the answer."""

    headers: Mapping[str, str]


# --- faults of sending ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reset:
    """Reset the connection after so many bytes of the body; None: before the head."""

    after: int | None = 0


@dataclass(frozen=True, slots=True)
class Cut:
    """Announce the whole body and close after so many bytes of it."""

    after: int


@dataclass(frozen=True, slots=True)
class WrongLength:
    """Announce *delta* bytes more (or, negative, fewer) than are sent."""

    delta: int


@dataclass(frozen=True, slots=True)
class Endless:
    """Send on after the body until the peer leaves, at most 64 MiB. *declared* is the length announced, if any."""

    declared: int | None = None


@dataclass(frozen=True, slots=True)
class Drip:
    """Send *chunks* small chunks (None: everything) with *delay* seconds before each, then the rest at once."""

    bytes_per_chunk: int = 1
    chunks: int | None = None
    delay: float = 0.01


@dataclass(frozen=True, slots=True)
class DripHead:
    """Send the head byte by byte with *delay* seconds before each, at most 64 KiB of it, and never come to its end."""

    delay: float = 0.01


@dataclass(frozen=True, slots=True)
class Stall:
    """Send so many bytes of the body (None: not even the head), then nothing until the peer leaves."""

    after: int | None = 0


@dataclass(frozen=True, slots=True)
class Raw:
    """Write *data*, head and all, as it is: for what no well-formed answer could hold."""

    data: bytes


Fault = (
    Status
    | Corrupt
    | Redirect
    | Body
    | Bomb
    | NoContentType
    | Headers
    | Reset
    | Cut
    | WrongLength
    | Endless
    | Drip
    | DripHead
    | Stall
    | Raw
)


def transform(fault: Fault | None, response: Response) -> Response:
    """*response* with the faults of the answer in it; faults of sending leave it alone."""
    match fault:
        case Status(code, retry_after, body):
            headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
            return Response(code, body, {"Content-Type": "text/plain", **headers})
        case Corrupt():
            return replace(response, body=_flipped(response.body))
        case Redirect(to, code):
            return Response(code, headers={"Location": to})
        case Body(body, content_type, headers, status):
            return Response(status, body, {"Content-Type": content_type, **headers})
        case Bomb(decoded_size):
            return replace(response, status=200, body=_bomb(decoded_size)).having({"Content-Encoding": "gzip"})
        case NoContentType():
            return response.without("Content-Type")
        case Headers(headers):
            return response.having(headers)
        case _:
            return response


def speaks(fault: Fault | None) -> bool:
    """Whether a well-formed head is sent under *fault*."""
    match fault:
        case Raw() | Reset(None) | Stall(None) | DripHead():
            return False
        case _:
            return True


def _flipped(body: bytes) -> bytes:
    middle = len(body) // 2
    return body[:middle] + bytes(byte ^ 0xFF for byte in body[middle : middle + 1]) + body[middle + 1 :]


_BLOCK = b" " * 2**20


@lru_cache(maxsize=4)
def _bomb(decoded_size: int) -> bytes:
    """One gzip stream, not several joined: decoders differ in what they make of those."""
    whole, rest = divmod(decoded_size, len(_BLOCK))
    # A fully flushed block refers to nothing before it, so that one block can stand for all.
    body = _deflated(_BLOCK) * whole + _deflated(_BLOCK[:rest])
    checksum = 0
    for _ in range(whole):
        checksum = zlib.crc32(_BLOCK, checksum)
    checksum = zlib.crc32(_BLOCK[:rest], checksum)
    head = b"\x1f\x8b\x08" + bytes(6) + b"\xff"
    last_block = b"\x03\x00"
    return head + body + last_block + checksum.to_bytes(4, "little") + (decoded_size % 2**32).to_bytes(4, "little")


def _deflated(data: bytes) -> bytes:
    compressor = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return compressor.compress(data) + compressor.flush(zlib.Z_FULL_FLUSH)


# --- the order book ------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Order:
    glob: str
    fault: Fault
    left: int | None
    method: str | None

    def fits(self, request: Request) -> bool:
        return self.left != 0 and self.method in (None, request.method) and fnmatchcase(request.path, self.glob)


class FaultQueue:
    """The faults ordered, first match first. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._orders: list[_Order] = []

    def order(self, glob: str, fault: Fault, times: int | None, method: str | None) -> None:
        """Put *fault* on the next *times* requests (None: on all) whose path matches *glob*."""
        with self._lock:
            self._orders.append(_Order(glob, fault, times, method))

    def take(self, request: Request) -> Fault | None:
        """The fault that meets *request*, and count it down."""
        with self._lock:
            found = next((order for order in self._orders if order.fits(request)), None)
            if found is None:
                return None
            if found.left is not None:
                found.left -= 1
            return found.fault

    def clear(self) -> None:
        """Forget all orders."""
        with self._lock:
            self._orders.clear()
