"""Patterns as the operator writes them: a glob, or a regular expression between slashes."""

from __future__ import annotations

import re
from functools import lru_cache

_WILD = re.compile(r"([*?])")
# What stops to mean the same when a pattern becomes one arm of an alternation: references to groups, and flags.
_POSITIONAL = re.compile(r"\\[1-9]|\(\?P|\(\?\(")


def glob(text: str) -> str:
    """The regular expression for a glob: ``*`` stands for any characters or none, ``?`` for one, nothing else does."""
    # (?s:.*) jumps to the end of the name at once, where .* looks for the end of a line.
    return "".join({"*": "(?s:.*)", "?": "."}.get(part, re.escape(part)) for part in _WILD.split(text))


def between_slashes(text: str) -> str | None:
    """The regular expression in ``/…/``; None where *text* is not of that form."""
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == "/" else None


@lru_cache(maxsize=1024)
def regular(text: str, *, ignore_case: bool = False) -> re.Pattern[str]:
    """*text*, the bare regular expression, ready for use. Raises ValueError with what is wrong with it."""
    if not text:
        raise ValueError("the regular expression is empty")
    try:
        return re.compile(text, re.IGNORECASE if ignore_case else 0)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"not a regular expression: {error}") from error


def over_filenames(text: str) -> re.Pattern[str]:
    """A glob or ``/regular expression/`` for whole file names, without regard to case. Raises ValueError."""
    source = between_slashes(text)
    return regular(glob(text) if source is None else source, ignore_case=True)


def over_versions(text: str) -> re.Pattern[str]:
    """A regular expression for whole versions; slashes around it may be left out. Raises ValueError."""
    source = between_slashes(text)
    return regular(text if source is None else source)


def is_combinable(pattern: re.Pattern[str]) -> bool:
    """Whether *pattern* means the same as one arm of an alternation."""
    return pattern.flags == int(re.UNICODE) and not _POSITIONAL.search(pattern.pattern)
