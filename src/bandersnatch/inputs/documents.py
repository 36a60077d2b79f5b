"""
TOML and JSON read into typed values, and on which lines things stand in them.

Messages repeat nothing of a file: it may be another than the operator thought, with secrets in it.
"""

from __future__ import annotations

import re
import tomllib
from typing import Any, TypeVar

import msgspec

from bandersnatch.errors import Problem, UsageError

Shape = TypeVar("Shape")

_DEEP_KEY = re.compile(r"""(?<![\w-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){32}""", re.ASCII)
_QUOTED = re.compile(r" \(.*\)| '[^']{2,}'")
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"|\'([^\']*)\'')


def tables(text: str) -> dict[str, Any]:
    """*text* as TOML. Raises ValueError; for a key of thousands of parts too, whose reading would take gigabytes."""
    if _DEEP_KEY.search(text):
        raise ValueError("a key has more than 32 parts")
    return tomllib.loads(text)


def toml(text: str, file: str, shape: type[Shape], first_line: int = 1) -> Shape:
    """*text* as a value of type *shape*; keys that it has not are passed over. Raises UsageError."""
    try:
        return msgspec.convert(tables(text), shape)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r" \(at (?:line (\d+), column \d+|end of document)\)", str(error))
        line = (int(found[1]) if found and found[1] else text.count("\n") + 1) + first_line - 1
        message = _QUOTED.sub("", str(error).replace(found[0], "") if found else str(error))
        raise UsageError(Problem(f"is not TOML: {message}", file, line)) from error
    except (msgspec.ValidationError, ValueError, RecursionError) as error:  # ValueError: a number of 5,000 digits
        raise _unusable(error, file) from error


def json(text: str, file: str, shape: type[Shape]) -> Shape:
    """*text* as a value of type *shape*; keys that it has not are passed over. Raises UsageError."""
    data = text.encode("utf-8")
    try:
        return msgspec.json.decode(data, type=shape)
    except (msgspec.ValidationError, RecursionError) as error:
        raise _unusable(error, file) from error
    except msgspec.DecodeError as error:
        position = re.search(r"\(byte (\d+)\)", str(error))
        line = data.count(b"\n", 0, int(position[1])) + 1 if position else None
        raise UsageError(Problem("is not JSON: it is malformed or cut short", file, line)) from error


def convert(value: object, file: str, shape: type[Shape]) -> Shape:
    """*value*, which a document holds, as one of type *shape*. Raises UsageError."""
    try:
        return msgspec.convert(value, shape)
    except msgspec.ValidationError as error:
        raise _unusable(error, file) from error


def lines_of_strings(text: str, first_line: int = 1) -> dict[str, int]:
    """The line on which each quoted string stands first; one that runs over several lines is left out."""
    found: dict[str, int] = {}
    for number, line in enumerate(text.split("\n"), first_line):
        for basic, literal in _STRING.findall(line):
            found.setdefault(re.sub(r"\\([\"\\/])", r"\1", basic) or literal, number)
    return found


def lines_of_tables(text: str, name: str, count: int) -> list[int | None]:
    """The lines of the *count* headers ``[[name]]``; all None where *text* has another number of them."""
    header = f"[[{name}]]"
    found: list[int | None] = [
        number for number, line in enumerate(text.split("\n"), 1) if line.partition("#")[0].strip() == header
    ]
    return found if len(found) == count else [None] * count


def _unusable(error: Exception, file: str) -> UsageError:
    if isinstance(error, RecursionError):
        return UsageError(Problem("is nested too deeply", file))
    return UsageError(Problem(f"is not as its format has it: {error}", file))
