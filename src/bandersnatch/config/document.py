"""The file, with the lines on which things stand; or the problems that keep it from being read."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from bandersnatch.config.locate import Lines, locate
from bandersnatch.config.options import SECTIONS
from bandersnatch.errors import Problem, UsageError
from bandersnatch.values import Struct, field

_PLACE = re.compile(r" ?\(at (?:line (\d+), column (\d+)|end of document)\)\Z")
_HEADER = re.compile(r"[ \t]*\[([A-Za-z0-9_-]+)\][ \t]*(?:[#;].*)?\Z")
_COMMENTED_PROJECTS = re.compile(r"[ \t]*#[ \t]*projects[ \t]*=")
_UNQUOTED_DIRECTORY = re.compile(r"[ \t]*directory[ \t]*[=:][ \t]*[^\s\"']")


class Document(Struct, frozen=True):
    """What a file says."""

    tables: dict[str, Any] = field(default_factory=dict)
    lines: Lines = field(default_factory=Lines)
    text: str = ""
    refused: tuple[Problem, ...] = ()
    """What keeps a file of PyPA bandersnatch from being used."""
    notes: tuple[Problem, ...] = ()
    """What of such a file has no effect here, or a different one."""

    def selection_line(self) -> int | None:
        """The line to change so that something is selected: of projects, commented out or not, or its section's."""
        start = self.lines.of("select")
        if start is None or ("select", "projects") in self.lines.known:
            return self.lines.of("select", "projects")
        for number, line in enumerate(self.text.split("\n")[start:], start=start + 1):
            if line.lstrip().startswith("["):
                break
            if _COMMENTED_PROJECTS.match(line):
                return number
        return start


def read_document(path: Path) -> Document:
    """The document at *path*. Raises UsageError if it cannot be read."""
    return parse_document(read_text(path), str(path))


def read_text(path: Path) -> str:
    """The text of the file at *path*. Raises UsageError if there is none."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(Problem(f"cannot be read: {error.strerror}", str(path))) from error
    try:
        # Some editors begin a file with a byte order mark, which TOML does not know.
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UsageError(Problem("this line is not UTF-8", str(path), line)) from error


def parse_document(text: str, file: str) -> Document:
    """
    The document in *text*, the content of *file*: TOML, or the INI of PyPA bandersnatch in the words of our TOML.

    Raises UsageError if it is neither.
    """
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        if is_pypa_ini(text):
            return _translated(text, file)
        raise UsageError(_syntax(error, text, file)) from error
    except ValueError as error:
        raise UsageError(Problem("a number is too long to be read", file)) from error
    except RecursionError as error:
        raise UsageError(Problem("lists or tables are nested too deeply", file)) from error
    return Document(tables, locate(text), text)


def is_pypa_ini(text: str) -> bool:
    """Whether *text*, which is not TOML, is the INI of PyPA bandersnatch, and not ours with a mistake in it."""
    from bandersnatch.config import pypa

    sections = set()
    section, unquoted = "", False
    for line in text.splitlines():
        header = _HEADER.match(line)
        if header:
            section = header[1]
            sections.add(section)
        unquoted = unquoted or (section == "mirror" and _UNQUOTED_DIRECTORY.match(line) is not None)
    if sections & (SECTIONS.keys() - pypa.SECTIONS.keys()):
        return False
    return unquoted or bool(sections & (pypa.SECTIONS.keys() - SECTIONS.keys()))


def _translated(text: str, file: str) -> Document:
    from bandersnatch.config import pypa

    found = pypa.read(text, file)
    return Document(found.tables(), found.lines, refused=found.refused, notes=found.notes)


def _syntax(error: tomllib.TOMLDecodeError, text: str, file: str) -> Problem:
    said = str(error)
    place = _PLACE.search(said)
    line, column = (place[1], place[2]) if place else (None, None)
    reason = _PLACE.sub("", said)
    hint = '; text stands in quotes: key = "value"' if reason.startswith("Invalid value") else ""
    where = f" at column {column}" if column else " at the end of the file"
    return Problem(f"not TOML: {reason}{where}{hint}", file, int(line) if line else text.rstrip().count("\n") + 1)
