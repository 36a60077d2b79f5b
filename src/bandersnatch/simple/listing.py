"""The list of projects, read and written as a stream: 50 MB pass through in slices, and none of it is kept.

A slice of JSON is cut at a guess, the last ``},`` in it, and given to the decoder. That is safe, because the slice with
its brackets decodes if and only if the cut was between two projects: a brace inside a string leaves an unfinished
string, one inside an object an unfinished object. A wrong guess falls back to counting brackets.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from html import escape
from itertools import islice
from typing import Annotated, Any
from urllib.parse import unquote, urlsplit

import msgspec

from bandersnatch import names
from bandersnatch.errors import BadContent
from bandersnatch.model import Listed
from bandersnatch.simple import facts
from bandersnatch.simple.anchors import Anchor, Anchors

SLICE = 1 << 17
"""Bytes looked at together: enough to be fast, little enough to keep memory flat."""

MAX_REST = 1 << 16
"""Bytes that may stand outside the array of projects, and in one project: real ones have a hundred."""

# Valid names (PEP 508), one a line: a million names are checked and normalised by the slice, not one by one.
_NAME = r"[A-Za-z0-9]++(?:[._-]++[A-Za-z0-9]++)*+"
_NAMES = re.compile(rf"{_NAME}(?:\n{_NAME})*+")
_DASHES = re.compile("--+")


@dataclass(frozen=True, slots=True)
class ListingHead:
    """What a list of projects says about itself, known at its end."""

    serial: int | None
    """The list's ``_last-serial`` or SERIAL comment; None where it has none that can be believed."""
    rejected: int
    """Lines that name no project."""


class _Line(msgspec.Struct, gc=False):
    """The fields of ``Listed``: decoding into a frozen dataclass is several times as fast as calling it."""

    name: str
    display: str
    serial: int | None


def _listed(displays: Sequence[str], serials: Sequence[int | None]) -> tuple[list[Listed], int]:
    """The projects of some lines of the list, and how many lines name none."""
    lines, rejected = _lines(displays, serials)
    return msgspec.convert(lines, list[Listed], from_attributes=True), rejected


def _lines(displays: Sequence[str], serials: Sequence[int | None]) -> tuple[list[_Line], int]:
    text = "\n".join(displays)
    if _NAMES.fullmatch(text) and max(map(len, displays)) <= names.MAX_NAME:
        normal = _DASHES.sub("-", text.lower().replace("_", "-").replace(".", "-")).split("\n")
        if len(normal) == len(displays):  # no name had a line break in it
            return list(map(_Line, normal, displays, serials)), 0
    pairs = [pair for pair in zip(displays, serials, strict=True) if names.is_project_name(pair[0])]
    return [_Line(names.normalise(name), name, serial) for name, serial in pairs], len(displays) - len(pairs)


def _serial(value: object) -> int | None:
    try:
        return facts.serial_of(value)
    except ValueError:
        return None


# --- JSON ------------------------------------------------------------------------------------------------------------


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
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[{}\[\],]|"', re.DOTALL)
_OPENS_ARRAY = re.compile(rb"[ \t\r\n]*:[ \t\r\n]*\[")


def _numbers(serials: Sequence[int | str | None]) -> Sequence[int | None]:
    return [serial if type(serial) is int else _serial(serial) for serial in serials]


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
        for start in range(0, len(data), SLICE):
            self._buffer += data[start : start + SLICE]
            if self._place is _Place.HEAD:
                self._find_array()
            if self._place is _Place.PROJECTS:
                found += self._projects()
            if self._place is _Place.TAIL:
                self._skeleton += self._buffer
                self._buffer = b""
            if max(len(self._buffer), len(self._skeleton)) > MAX_REST:
                raise self._bad(f"more than {MAX_REST} bytes that are not projects")
        return found

    def finish(self) -> ListingHead:
        """Declare the list complete. Raises BadContent when it was cut off, or is no list of projects."""
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
        return ListingHead(_serial(rest.meta.serial), self._rejected)

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
        found, rejected = _listed([entry.name for entry in entries], _numbers([entry.serial for entry in entries]))
        self._rejected += rejected
        return found

    def _bad(self, what: str) -> BadContent:
        return BadContent(f"{self._url or 'this'} is not a list of projects in JSON: {what}", url=self._url)


# --- HTML ------------------------------------------------------------------------------------------------------------

# The anchors of every large index look like this, and need no parser; whatever does not goes through the real one.
_LINK = r'\s*+<a href="[^"&<>]*+">([A-Za-z0-9._-]++)</a>\s*+(?:<br ?/?>)?'
_PLAIN_LINK = re.compile(_LINK)
_PLAIN_LINKS = re.compile(f"(?:{_LINK})++")


class HtmlListing:
    """Reads the list of projects in HTML (PEP 503), as its bytes arrive."""

    def __init__(self, url: str | None = None) -> None:
        self._url = url
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
        self._page = Anchors(url)
        self._rejected = 0
        self._any = False

    def feed(self, data: bytes) -> list[Listed]:
        """Take more bytes; returns the projects that are complete by now. Raises BadContent."""
        found: list[Listed] = []
        for start in range(0, len(data), SLICE):
            self._read(self._decoder.decode(data[start : start + SLICE]), found)
        self._any = self._any or bool(found)
        return found

    def finish(self) -> ListingHead:
        """Declare the list complete. Raises BadContent when it was cut off, or is no list of projects."""
        self._page.finish()
        head = self._page.head
        version = head.meta("pypi:repository-version")
        facts.check_api_version(version, self._url)
        if not self._any and version is None and head.serial is None and "index" not in head.title.lower():
            raise BadContent(f"{self._url or 'this'} is HTML, but not a list of projects", url=self._url)
        return ListingHead(_serial(head.serial), self._rejected)

    def _read(self, text: str, found: list[Listed]) -> None:
        at = 0
        while at < len(text):
            plain = _PLAIN_LINKS.match(text, at) if self._page.between_tags else None
            if plain:
                self._keep(_PLAIN_LINK.findall(text, at, plain.end()), found)
                at = plain.end()
            else:
                # Twice what the parser holds back, as it reads all of that again.
                end = text.find(">", at + len(self._page.rawdata)) + 1 or len(text)
                self._page.read(text[at:end])
                self._keep(list(map(_display, self._page.found)), found)
                self._page.found.clear()
                at = end

    def _keep(self, displays: Sequence[str], found: list[Listed]) -> None:
        listed, rejected = _listed(displays, [None] * len(displays))
        found += listed
        self._rejected += rejected


def _display(anchor: Anchor) -> str:
    """The name that a link gives a project: its text, or the last part of its address where the text is no name."""
    text = anchor.text.strip()
    if names.is_project_name(text):
        return text
    try:
        path = urlsplit(anchor.attributes.get("href") or "").path
    except ValueError:
        return ""
    return unquote(path.rstrip("/").rpartition("/")[2])


# --- written ---------------------------------------------------------------------------------------------------------

_BATCH = 2048
_CHUNK = 1 << 16


def render_json(projects: Iterable[Listed], serial: int | None) -> Iterator[bytes]:
    """The list of projects in JSON, in the order given, in chunks of at least 64 KiB."""
    meta = {"_last-serial": serial, "api-version": facts.API_VERSION}
    yield from _chunks(_json_parts(projects, {key: value for key, value in meta.items() if value is not None}))


def _json_parts(projects: Iterable[Listed], meta: dict[str, object]) -> Iterator[bytes]:
    yield b'{"meta":' + msgspec.json.encode(meta) + b',"projects":['
    separator = b"\n"
    for batch in _batches(projects):
        yield separator + b",\n".join(map(msgspec.json.encode, map(_published, batch)))
        separator = b",\n"
    yield b"\n]}\n"


def _published(one: Listed) -> dict[str, object]:
    return {"name": one.display} if one.serial is None else {"_last-serial": one.serial, "name": one.display}


def render_html(projects: Iterable[Listed], serial: int | None) -> Iterator[bytes]:
    """The list of projects in HTML, in the order given, in chunks of at least 64 KiB."""
    yield from _chunks(_html_parts(projects, serial))


def _html_parts(projects: Iterable[Listed], serial: int | None) -> Iterator[bytes]:
    yield (
        '<!DOCTYPE html>\n<html lang="en">\n  <head>\n    <meta charset="utf-8">\n'
        f'    <meta name="pypi:repository-version" content="{facts.API_VERSION}">\n'
        "    <title>Simple index</title>\n  </head>\n  <body>\n"
    ).encode()
    for batch in _batches(projects):
        yield "".join(f'    <a href="{escape(one.name)}/">{escape(one.display)}</a>\n' for one in batch).encode()
    yield b"  </body>\n</html>\n"
    if serial is not None:
        yield f"<!--SERIAL {serial}-->\n".encode()


def _batches(projects: Iterable[Listed]) -> Iterator[list[Listed]]:
    remaining = iter(projects)
    while batch := list(islice(remaining, _BATCH)):
        yield batch


def _chunks(parts: Iterable[bytes]) -> Iterator[bytes]:
    """*parts* joined until they are worth a write."""
    pending = b""
    for part in parts:
        pending += part
        if len(pending) >= _CHUNK:
            yield pending
            pending = b""
    if pending:
        yield pending
