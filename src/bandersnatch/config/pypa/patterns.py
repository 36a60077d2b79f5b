"""Regular expressions that PyPA bandersnatch tries at the beginning of a text, said as this program tries them."""

from __future__ import annotations

import re

_FLAGS = re.compile(r"\(\?([aiLmsux]+)\)")


def whole(pattern: str) -> str:
    """An expression for whole texts that matches those which begin as *pattern* says. Raises ValueError."""
    flags, rest = _checked(pattern)
    if "|" in rest:
        return f"{flags}(?:{rest}).*"
    rest = rest.removeprefix("^")
    if _ends_with(rest, "$"):
        return flags + rest.removesuffix("$")
    return flags + (rest if _ends_with(rest, ".*") else f"{rest}.*")


def anchored(pattern: str) -> str:
    """An expression to search for that is found where *pattern* matches at the beginning. Raises ValueError."""
    flags, rest = _checked(pattern)
    if "|" in rest:
        return rf"{flags}\A(?:{rest})"
    return flags + (rest if rest.startswith("^") and "m" not in flags else rf"\A{rest}")


def anywhere(pattern: str) -> str:
    """*pattern* itself. Raises ValueError if it is none."""
    return "".join(_checked(pattern))


def _checked(pattern: str) -> tuple[str, str]:
    """Flags for the whole expression have to stay at its beginning."""
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"not a regular expression: {error}") from error
    found = _FLAGS.match(pattern)
    if found and "x" in found[1]:
        raise ValueError("a regular expression with (?x) cannot be taken over; write it without spaces and comments")
    return (found[0], pattern[found.end() :]) if found else ("", pattern)


def _ends_with(pattern: str, end: str) -> bool:
    """Whether *end* stands there as a sign of its own, not behind a backslash."""
    before = pattern.removesuffix(end)
    return before != pattern and (len(before) - len(before.rstrip("\\"))) % 2 == 0
