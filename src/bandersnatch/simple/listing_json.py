"""The JSON form of the list of projects, read as a stream (PEP 691).

A slice is cut at a guess, the last ``},`` in it, and given to the decoder. That is safe, because the slice with its
brackets decodes if and only if the cut was between two projects: a brace inside a string leaves an unfinished string,
one inside an object an unfinished object. A wrong guess falls back to counting brackets.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from typing import Annotated, Any

import msgspec

from bandersnatch.errors import BadContent
from bandersnatch.model import Listed
from bandersnatch.simple import facts, lines

MAX_REST = 1 << 16
"""Bytes that may stand outside the array of projects, and in one project: real ones have a hundred."""


class _Entry(msgspec.Struct, gc=False):
    name: str
    serial: Annotated[int, msgspec.Meta(ge=0, lt=facts.MAX_SERIAL)] | str | None = msgspec.field(
        default=None, name="_last-serial"
    )


class _Named(msgspec.Struct):
    name: str


class _Meta(msgspec.Struct, rename="kebab"):
    api_version: str | None = None
    serial: Any = msgspec.field(default=None, name="_last-serial")


class _Skeleton(msgspec.Struct):
    """The document with its projects taken out."""

    projects: list[msgspec.Raw]
    meta: _Meta = msgspec.field(default_factory=_Meta)


_entries = msgspec.json.Decoder(list[_Entry])
_raws = msgspec.json.Decoder(list[msgspec.Raw])
_one_entry = msgspec.json.Decoder(_Entry)
_one_named = msgspec.json.Decoder(_Named)
_skeleton = msgspec.json.Decoder(_Skeleton)

# A whole string, a mark of structure, or the quote of a string that has not ended yet.
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*"|[{}\[\],]|"', re.DOTALL)
_OPENS_ARRAY = re.compile(rb"[ \t\r\n]*:[ \t\r\n]*\[")


def _numbers(serials: Sequence[int | str | None]) -> Sequence[int | None]:
    return [serial if type(serial) is int else lines.believed(serial) for serial in serials]


class _Place(Enum):
    HEAD = 0
    PROJECTS = 1
    TAIL = 2


class JsonListing:
    """Reads the list of projects in JSON (PEP 691), as its bytes arrive."""

    def __init__(self, url: str | None = None) -> None:
        self._url = url
        self._place = _Place.HEAD
        self._buffer = b""
        self._skeleton = b""
        self._after_comma = False
        self._rejected = 0

    def feed(self, data: bytes) -> list[Listed]:
        """Take more bytes; returns the projects that are complete by now. Raises BadContent."""
        found: list[Listed] = []
        for start in range(0, len(data), lines.SLICE):
            self._buffer += data[start : start + lines.SLICE]
            if self._place is _Place.HEAD:
                self._find_array()
            if self._place is _Place.PROJECTS:
                found += self._projects()
            if self._place is _Place.TAIL:
                self._skeleton += self._buffer
                self._buffer = b""
            self._check()
        return found

    def _check(self) -> None:
        if max(len(self._buffer), len(self._skeleton)) > MAX_REST:
            raise self._bad(f"more than {MAX_REST} bytes that are not projects")
        if self._rejected > lines.MAX_REJECTED:
            raise self._bad(f"more than {lines.MAX_REJECTED:,} lines that name no project")

    # --- for who cuts the list himself -------------------------------------------------------------------------------

    @property
    def has_begun(self) -> bool:
        """Whether the array of projects has begun."""
        return self._place is not _Place.HEAD

    @property
    def is_at_line(self) -> bool:
        """Whether the next byte is the first of a line, or can be."""
        return self._place is _Place.PROJECTS and not self._buffer

    def begin(self, data: bytes) -> bytes:
        """Take more bytes until the array begins; returns those that come after that. Raises BadContent."""
        self._buffer += data
        self._find_array()
        if self._place is _Place.HEAD:
            self._check()
            return b""
        rest, self._buffer = self._buffer, b""
        return rest

    def skip(self) -> None:
        """Take some lines as read, of which each has its comma behind it: only where one can begin."""
        self._after_comma = True

    def finish(self) -> tuple[list[Listed], lines.ListingHead]:
        """Declare the list complete; no lines are left. Raises BadContent when it was cut off, or is none."""
        if self._place is _Place.HEAD:
            raise self._bad('no "projects"')
        if self._place is _Place.PROJECTS:
            raise self._bad("cut off")
        try:
            rest = _skeleton.decode(self._skeleton)
        except facts.UNREADABLE as error:
            raise self._bad(str(error)) from error
        if rest.projects:
            raise self._bad('"projects" stands there twice')
        facts.check_api_version(rest.meta.api_version, self._url)
        return [], lines.ListingHead(lines.believed(rest.meta.serial), self._rejected)

    def _find_array(self) -> None:
        """Look for the array: behind the key ``projects`` of the outermost object, not one further in."""
        depth = 0
        for token in _TOKEN.finditer(self._buffer):
            if token[0] == b'"':
                return
            if token[0] in b"{[":
                depth += 1
            elif token[0] in b"}]":
                depth -= 1
            elif depth == 1 and token[0] == b'"projects"':
                opening = _OPENS_ARRAY.match(self._buffer, token.end())
                if opening:
                    self._skeleton, self._buffer = self._buffer[: opening.end()], self._buffer[opening.end() :]
                    self._place = _Place.PROJECTS
                    return

    def _projects(self) -> list[Listed]:
        found = self._quick()
        if found is None:
            return self._careful()
        if b"]" in self._buffer or len(self._buffer) > MAX_REST:
            found += self._careful()
        return found

    def _quick(self) -> list[Listed] | None:
        """Take the projects up to the last ``},``; None if that guess is wrong or one is not as it should be."""
        cut = self._buffer.rfind(b"},") + 1
        if not cut:
            return []
        try:
            entries = _entries.decode(b"[" + self._buffer[:cut] + b"]")
        except facts.UNREADABLE:
            return None
        self._buffer = self._buffer[cut + 1 :]
        self._after_comma = True
        return self._take(entries)

    def _careful(self) -> list[Listed]:
        """Take the projects up to the last comma between them, or to the array's end, by counting brackets."""
        cut, ended = self._boundary()
        if cut is None:
            return []
        part, rest = self._buffer[:cut], self._buffer[cut:]
        if not part.strip() and (self._after_comma or not ended):
            raise self._bad("a comma without a project")
        if ended:
            self._place, self._buffer = _Place.TAIL, rest
        else:
            self._after_comma, self._buffer = True, rest[1:]
        try:
            return self._take(list(self._typed(_raws.decode(b"[" + part + b"]"))))
        except facts.UNREADABLE as error:
            raise self._bad(str(error)) from error

    def _boundary(self) -> tuple[int | None, bool]:
        """Where the last comma between two projects is, or the array's end, and whether it is the end."""
        cut, depth = None, 0
        for token in _TOKEN.finditer(self._buffer):
            mark = token[0]
            if mark == b'"':
                break
            if mark in b"{[":
                depth += 1
            elif mark in b"}]":
                depth -= 1
                if depth < 0:
                    return token.start(), True
            elif mark == b"," and depth == 0:
                cut = token.start()
        return cut, False

    def _typed(self, raws: Iterable[msgspec.Raw]) -> Iterator[_Entry]:
        """The entries that at least have a name, those with an absurd serial without it; the others are counted."""
        for raw in raws:
            try:
                yield _one_entry.decode(raw)
            except facts.UNREADABLE:
                try:
                    yield _Entry(_one_named.decode(raw).name)
                except facts.UNREADABLE:
                    self._rejected += 1

    def _take(self, entries: Sequence[_Entry]) -> list[Listed]:
        found, rejected = lines.listed([entry.name for entry in entries], _numbers([entry.serial for entry in entries]))
        self._rejected += rejected
        return found

    def _bad(self, what: str) -> BadContent:
        return BadContent(f"{self._url or 'this'} is not a list of projects in JSON: {what}", url=self._url)
