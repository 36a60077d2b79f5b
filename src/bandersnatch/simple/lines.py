"""The lines of a list of projects, as both of its forms have them."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from bandersnatch import names
from bandersnatch.model import Listed
from bandersnatch.simple import facts
from bandersnatch.values import Struct

SLICE = 1 << 17
"""Bytes looked at together: enough to be fast, little enough to keep memory flat."""

# Valid names (PEP 508), one a line: a million names are checked and normalised by the slice, not one by one.
MAX_REJECTED = 100_000
"""Lines that name no project: what has more of them is no list."""

# No group is possessive: before Python 3.11.5, one that matches in part may count as matched as a whole.
NAME = r"[A-Za-z0-9]++(?:[._-]++[A-Za-z0-9]++)*"
_NAMES = re.compile(rf"{NAME}(?:\n{NAME})*")
_DASHES = re.compile("--+")


class ListingHead(Struct, frozen=True):
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


def listed(displays: Sequence[str], serials: Sequence[int | None]) -> tuple[list[Listed], int]:
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


def believed(value: object) -> int | None:
    """A serial, or None for what cannot be one: an odd serial costs a list nothing but itself."""
    try:
        return facts.serial_of(value)
    except ValueError:
        return None
