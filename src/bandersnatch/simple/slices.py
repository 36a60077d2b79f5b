"""
The list of projects, cut into slices by its content, so that what came before in the same bytes is not read again.

A mirror reads a list of tens of megabytes every few minutes, in which some hundred lines of a million differ. Where
the list is cut depends on the bytes before the cut and nothing else (content-defined chunking, as rsync and restic do
it), so a line that comes or goes changes its own slice and moves no other cut.
"""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterator
from zlib import crc32

from bandersnatch.model import Listed, Slice
from bandersnatch.simple import lines
from bandersnatch.simple.listing_json import JsonListing

LEAST = 16 << 10
"""Bytes of a slice, at least: some 330 lines. Each line that changes has so many read again; each cut is looked for."""

MOST = 64 << 10
"""Bytes without a place for a cut after which the next line's end will do: what follows is then cut elsewhere."""

TOO_MUCH = 4 * MOST
"""Bytes without the end of a line: whatever this is, it is not cut."""

_WINDOW = 16
"""Bytes before a cut that decide on it."""

_RARE = 31
"""A mask: one line's end of 32 is a place for a cut."""

_END = b"},"


class JsonSlices:
    """
    Reads the list of projects in JSON (PEP 691), as its bytes arrive, but for the slices whose digest is in *known*.

    A slice counts only between two lines' ends at which the reader below it agrees that a line has ended; once it does
    not, the rest of the list is read whole.
    """

    def __init__(self, url: str | None = None, known: Container[bytes] = frozenset()) -> None:
        self._parser = JsonListing(url)
        self._known = known
        self._rest = b""
        self._is_cut = True

    def feed(self, data: bytes) -> list[Slice]:
        """Take more bytes; returns what is complete by now. Raises BadContent."""
        if not self._is_cut:
            return _loose(self._parser.feed(data))
        self._rest += data if self._parser.has_begun else self._parser.begin(data)
        return list(self._slices())

    def finish(self) -> tuple[list[Slice], lines.ListingHead]:
        """Declare the list complete; returns its last lines. Raises BadContent when it was cut off, or is no list."""
        last = self._parser.feed(self._rest)
        _, head = self._parser.finish()
        return [Slice(last, _digest(self._rest) if self._is_cut else None)], head

    def _slices(self) -> Iterator[Slice]:
        begin = 0
        while self._is_cut and (end := _cut(self._rest, begin)):
            yield self._slice(self._rest[begin:end])
            begin = end
        self._rest = self._rest[begin:]
        if not self._is_cut or len(self._rest) > TOO_MUCH:
            self._is_cut = False
            yield from _loose(self._parser.feed(self._rest))
            self._rest = b""

    def _slice(self, data: bytes) -> Slice:
        digest = _digest(data)
        if digest in self._known:
            self._parser.skip()
            return Slice(digest=digest, again=True)
        found = self._parser.feed(data)
        self._is_cut = self._parser.is_at_line
        return Slice(found, digest if self._is_cut else None)


class HtmlSlices:
    """Reads a list of projects that is not cut: one in HTML, which mirrors read where there is no other."""

    def __init__(self, url: str | None = None, *, whole: bool = False) -> None:
        from bandersnatch.simple.listing_html import HtmlListing

        self._parser = HtmlListing(url, whole=whole)

    def feed(self, data: bytes) -> list[Slice]:
        """Take more bytes; returns what is complete by now. Raises BadContent."""
        return _loose(self._parser.feed(data))

    def finish(self) -> tuple[list[Slice], lines.ListingHead]:
        """Declare the list complete; returns its last lines. Raises BadContent when it was cut off, or is no list."""
        last, head = self._parser.finish()
        return _loose(last), head


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()[:16]


def _loose(found: list[Listed]) -> list[Slice]:
    return [Slice(found)] if found else []


def _cut(data: bytes, begin: int) -> int:
    """Where the slice ends that begins at *begin*; 0 where more bytes have to come first."""
    end = data.find(_END, begin + LEAST) + len(_END)
    while end >= len(_END):
        if not crc32(data[end - _WINDOW : end]) & _RARE or end - begin > MOST:
            return end
        end = data.find(_END, end) + len(_END)
    return 0
