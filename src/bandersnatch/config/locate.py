"""On which lines of a TOML document its tables, keys and list items stand; the parser does not say."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from itertools import chain
from typing import TypeAlias

from bandersnatch.values import Struct, field

Path: TypeAlias = tuple[str | int, ...]
"""Tables, then a key, then the position in its list."""

_TOKEN = re.compile(
    r'''
      """ (?: \\. | [^\\] )*? """ "{0,2}
    | \'\'\' .*? \'\'\' \'{0,2}
    | " (?: \\. | [^"\\] )* "
    | ' [^']* '
    | \# [^\n]*
    | [\n\[\]{},.=]
    | [^\s\[\]{},.=\#"']+
    ''',
    re.VERBOSE | re.DOTALL,
)


class Lines(Struct, frozen=True):
    """The lines of one document, counted from 1."""

    known: dict[Path, int] = field(default_factory=dict)

    def of(self, *path: str | int) -> int | None:
        """The line of *path*, or of the nearest thing that holds it; None if nothing of it is written."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.known:
                return self.known[path[:length]]
        return None


def locate(text: str) -> Lines:
    """Find what stands where in *text*, a document that ``tomllib`` has read without an error."""
    lines: dict[Path, int] = {}
    table: Path = ()
    tokens = _tokens(text)
    for sign, line in tokens:
        if sign == "\n" or sign.startswith("#"):
            continue
        if sign == "[":
            table = _names(tokens, "\n")
            _note(lines, table, line)
            continue
        path = table + _names(chain([(sign, line)], tokens), "=")
        _note(lines, path, line)
        lines.update({(*path, index): at for index, at in enumerate(_items(tokens))})
    return Lines(lines)


def _note(lines: dict[Path, int], path: Path, line: int) -> None:
    """A dotted name makes the tables on its way, too; of several places the first counts."""
    for length in range(1, len(path) + 1):
        lines.setdefault(path[:length], line)


def _tokens(text: str) -> Iterator[tuple[str, int]]:
    line = 1
    for match in _TOKEN.finditer(text):
        yield match[0], line
        line += match[0].count("\n")


def _names(tokens: Iterator[tuple[str, int]], end: str) -> Path:
    """The parts of a dotted name, up to the sign *end*."""
    names = []
    for sign, _ in tokens:
        if sign == end:
            break
        if sign not in "[]." and not sign.startswith("#"):
            names.append(tomllib.loads(f"name = {sign}")["name"] if sign[0] in "\"'" else sign)
    return tuple(names)


def _items(tokens: Iterator[tuple[str, int]]) -> Iterator[int]:
    """Read over one value, giving the line on which each item begins if it is a list."""
    depth, fresh = 0, False
    for sign, line in tokens:
        if sign == "\n" or sign.startswith("#"):
            if depth == 0 and sign == "\n":
                return
            continue
        if depth == 1 and fresh and sign not in "]}":
            yield line
            fresh = False
        depth += (sign in ("[", "{")) - (sign in ("]", "}"))
        fresh = fresh or (depth == 1 and sign in ("[", ","))
