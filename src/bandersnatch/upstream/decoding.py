"""Undoes a body's Content-Encoding, in bounded memory and up to a bounded size.

Only gzip is asked for: it is what every index and every cache has, and the standard library can stop it at any byte.
The HTTP library could decode too, but only for all answers of a connection pool, files among them: a server that labels
``.tar.gz`` files as gzip-encoded would have their bytes changed.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

ACCEPT_ENCODING = "gzip"
PIECE = 256 * 1024
"""Bytes decoded at a time."""

_GZIP = 16 + zlib.MAX_WBITS


class TooMuch(Exception):
    """The body is longer than the limit."""


class Unreadable(Exception):
    """The body is not what its Content-Encoding says, or that is one that was not asked for."""


class CutOff(Exception):
    """The body ended within the encoding."""


class Decoder:
    """Takes a body in chunks, gives it decoded in pieces of at most ``PIECE`` bytes, *limit* bytes in all."""

    def __init__(self, coding: str | None, limit: int) -> None:
        """*coding* is the value of Content-Encoding. Raises Unreadable for one that we cannot undo."""
        name = (coding or "identity").strip().lower()
        if name not in ("identity", "gzip", "x-gzip"):
            raise Unreadable(f"the content encoding {name[:40]!r} was not asked for")
        self._plain = name == "identity"
        self._gzip = zlib.decompressobj(_GZIP)
        self.limit = limit
        self.taken = 0
        """Bytes as they came."""
        self.given = 0
        """Bytes decoded."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Decode *data*. Raises TooMuch before a byte too many is given, and Unreadable."""
        self.taken += len(data)
        # Counted too because a gzip stream can go on for ever without a byte coming out of it.
        if self.taken > self.limit:
            raise TooMuch
        for piece in (data,) if self._plain else self._inflated(data):
            self.given += len(piece)
            if self.given > self.limit:
                raise TooMuch
            if piece:
                yield piece

    def finish(self) -> None:
        """Declare the body complete. Raises CutOff where the encoding says that it is not."""
        if not self._plain and self.taken and not self._gzip.eof:
            raise CutOff

    def _inflated(self, data: bytes) -> Iterator[bytes]:
        piece = b""
        while data or len(piece) == PIECE:
            if self._gzip.eof:
                data = self._next_member(data)
                if not data:
                    return
            try:
                piece = self._gzip.decompress(data, PIECE)
            except zlib.error as error:
                raise Unreadable("the body is not gzip, as it says it is") from error
            yield piece
            data = self._gzip.unused_data if self._gzip.eof else self._gzip.unconsumed_tail

    def _next_member(self, data: bytes) -> bytes:
        """Gzip streams may follow one another (RFC 1952, section 2.2), and may be padded with zeros."""
        data = data.lstrip(b"\0")
        if data:
            self._gzip = zlib.decompressobj(_GZIP)
        return data
