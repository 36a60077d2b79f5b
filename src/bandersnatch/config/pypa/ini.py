"""An INI file as PyPA bandersnatch reads it, and where in it everything stands."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from configparser import (
    ConfigParser,
    DuplicateOptionError,
    DuplicateSectionError,
    InterpolationError,
    MissingSectionHeaderError,
    ParsingError,
)

from bandersnatch.errors import Problem, UsageError
from bandersnatch.values import Struct, field

_MARK = "\x00"
"""
Stands with its number behind each line while the library reads.

The library tells no line numbers, and what belongs to a value is for it to say: indentation decides that.
"""
_MARKED = re.compile(f"{_MARK}([0-9]+)")
_NO_DEFAULTS = _MARK
"""A section name that no file has: [DEFAULT] is a section like others, and an unknown one."""


class Line(Struct, frozen=True):
    """One line of a value, without the spaces around it."""

    text: str
    number: int


class Entry(Struct, frozen=True):
    """One option of the file."""

    section: str
    key: str
    line: int
    """Where the key stands."""
    lines: tuple[Line, ...]
    """What the value holds, empty lines left out."""

    @property
    def name(self) -> str:
        """How messages name it."""
        return f"[{self.section}] {self.key}"

    @property
    def value(self) -> str:
        """The value as one text."""
        return "\n".join(line.text for line in self.lines)


class Ini(Struct, frozen=True):
    """A whole file."""

    file: str
    sections: Mapping[str, int] = field(default_factory=dict)
    """The line of each, in the order of the file."""
    entries: tuple[Entry, ...] = ()
    """In the order of the file."""
    comments: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    """The lines of comment before the key that stands on the line, or within its value; 0: those at the end."""

    @property
    def first_line(self) -> int:
        """Where the first section begins."""
        return min(self.sections.values(), default=1)

    def get(self, section: str, key: str) -> Entry | None:
        """One option, if it is there."""
        return next((entry for entry in self.entries if (entry.section, entry.key) == (section, key)), None)


def parse(text: str, file: str) -> Ini:
    """What *text*, the content of *file*, says. Raises UsageError with what cannot be read."""
    if _MARK in text:
        raise UsageError(Problem("there is a NUL in this file", file, text[: text.index(_MARK)].count("\n") + 1))
    lines = text.replace("\r\n", "\n").split("\n")
    parser = _parsed(lines, file)
    problems: list[Problem] = []
    entries = sorted(_entries(parser, file, problems), key=lambda entry: entry.line)
    if problems:
        raise UsageError(*problems)
    return Ini(file, _sections(lines, parser, entries), tuple(entries), _comments(lines, entries))


def _parsed(lines: list[str], file: str) -> ConfigParser:
    """Versions up to 3 also took a colon for the sign between key and value; in later ones it belongs to the key."""
    try:
        return _parse(lines, "=")
    except ParsingError as error:
        if isinstance(error, MissingSectionHeaderError):
            raise _unreadable(error, file) from error
        try:
            return _parse(lines, "=:")
        except (ParsingError, DuplicateOptionError, DuplicateSectionError):
            raise _unreadable(error, file) from error
    except (DuplicateOptionError, DuplicateSectionError) as error:
        raise _unreadable(error, file) from error


def _parse(lines: list[str], delimiters: str) -> ConfigParser:
    parser = ConfigParser(delimiters=tuple(delimiters), default_section=_NO_DEFAULTS)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # documented: keys keep their case
    parser.read_file(f"{line}{_MARK}{number}" if line.strip() else line for number, line in enumerate(lines, start=1))
    return parser


def _unreadable(error: ParsingError | DuplicateOptionError | DuplicateSectionError, file: str) -> UsageError:
    match error:
        case MissingSectionHeaderError():
            return UsageError(Problem("this line stands before the first [section]", file, error.lineno))
        case DuplicateSectionError():
            return UsageError(Problem("this section is there twice; put the two together", file, error.lineno))
        case DuplicateOptionError():
            return UsageError(Problem("this option is there twice; keep one of the two", file, error.lineno))
        case _:
            message = 'this line is neither "key = value" nor a further line of a value, which would be indented'
            return UsageError(*(Problem(message, file, number) for number, _ in error.errors))


def _entries(parser: ConfigParser, file: str, problems: list[Problem]) -> Iterator[Entry]:
    for section in parser.sections():
        for key in parser.options(section):
            raw = parser.get(section, key, raw=True)
            numbers = [int(number) for number in _MARKED.findall(raw)]
            try:
                value = parser.get(section, key)
            except InterpolationError:
                message = 'a "%" stands for another option, as in %(directory)s; write %% for the sign itself'
                problems.append(Problem(message, file, numbers[0], f"[{section}] {key}"))
                continue
            yield Entry(section, key, numbers[0], tuple(_value_lines(value, numbers[0])))


def _value_lines(value: str, first: int) -> Iterator[Line]:
    for text in value.split("\n"):
        numbers = _MARKED.findall(text)
        bare = _MARKED.sub("", text).strip()
        if bare:
            yield Line(bare, int(numbers[-1]) if numbers else first)


def _sections(lines: list[str], parser: ConfigParser, entries: list[Entry]) -> dict[str, int]:
    inside = {line.number for entry in entries for line in entry.lines}
    found: dict[str, int] = {}
    for number, line in enumerate(lines, start=1):
        match = parser.SECTCRE.match(line.strip())
        if match and number not in inside:
            found.setdefault(match["header"], number)
    return found


def _comments(lines: list[str], entries: list[Entry]) -> dict[int, tuple[str, ...]]:
    keys = {entry.line: entry.line for entry in entries}
    inside = {line.number: entry.line for entry in entries for line in entry.lines}
    found: dict[int, list[str]] = {}
    waiting: list[str] = []
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if text[:1] in ("#", ";"):
            waiting.append(text.lstrip("#;").removeprefix(" "))
        elif not text and waiting and waiting[-1]:
            waiting.append("")
        elif number in keys or number in inside:
            found.setdefault({**inside, **keys}[number], []).extend(waiting)
            waiting = []
    found[0] = waiting
    return {line: tuple(_trimmed(texts)) for line, texts in found.items() if any(texts)}


def _trimmed(texts: list[str]) -> list[str]:
    """*texts* without the empty lines at its end."""
    while texts and not texts[-1]:
        texts = texts[:-1]
    return texts
