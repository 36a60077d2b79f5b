"""
The metadata of a wheel that is not here, out of the few pieces of it that have it.

A zip file has the list of its members at its end, so two requests with a range (RFC 9110, section 14) are enough for
most wheels, however large. What is read so cannot be checked against the digest of the whole: it tells what is needed,
and the file itself is checked when it is mirrored.
"""

from __future__ import annotations

import io
from typing import BinaryIO, cast

from bandersnatch.errors import BadContent
from bandersnatch.simple import metadata
from bandersnatch.upstream.base import Upstream

PIECE = 128 << 10
"""Bytes that are read at least: the list of members of nearly every wheel, or its metadata."""

MOST = 16 << 20
"""Bytes that are read at most of one file."""

TRIES = 8


class NoRanges(Exception):
    """Upstream gives whole files only."""


class _Absent(OSError):
    """A part of the file is needed that was not read yet: ``from_wheel`` lets what a stream itself raises pass."""

    def __init__(self, begin: int, end: int) -> None:
        super().__init__(f"{begin}-{end}")
        self.begin, self.end = begin, end


async def metadata_of(upstream: Upstream, url: str, size: int, *, limit: int) -> bytes:
    """The METADATA of the wheel at *url*, which has *size* bytes. Raises UpstreamError, and NoRanges."""
    pieces, begin, end = _Pieces(size), max(0, size - PIECE), size
    for _ in range(TRIES):
        pieces.add(begin, await _piece(upstream, url, begin, end))
        try:
            return metadata.from_wheel(cast(BinaryIO, pieces), limit=limit)
        except _Absent as absent:
            begin, end = absent.begin, min(size, max(absent.end, absent.begin + PIECE))
    raise BadContent("its metadata is scattered over the file", url=url)


async def _piece(upstream: Upstream, url: str, begin: int, end: int) -> bytes:
    if end - begin > MOST:
        raise BadContent(f"more than {MOST} bytes of it would have to be read", url=url)
    data = bytearray()
    async with upstream.open(url, offset=begin) as body:
        if body.offset != begin:
            raise NoRanges
        async for chunk in body:
            data += chunk
            if len(data) >= end - begin:
                break
    if len(data) < end - begin:
        raise BadContent(f"it ends before its {end} bytes", url=url)
    return bytes(data)


class _Pieces(io.RawIOBase):
    """A file of which some pieces are here."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self._size = size
        self._at = 0
        self._pieces: list[tuple[int, bytes]] = []

    def add(self, begin: int, data: bytes) -> None:
        """Another piece."""
        self._pieces.append((begin, data))

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise ValueError("before the beginning")
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def read(self, count: int = -1) -> bytes:
        begin, end = self._at, self._size if count < 0 else min(self._at + count, self._size)
        if begin >= end:
            return b""
        for first, data in self._pieces:
            if first <= begin and end <= first + len(data):
                self._at = end
                return data[begin - first : end - first]
        raise _Absent(begin, end)
