"""Values as they stand in the file: the way back from what ``read`` makes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta

from bandersnatch.config import values
from bandersnatch.config.option import Kind, Option, Written
from bandersnatch.config.read import Value
from bandersnatch.upstream.address import conceal

MASK = "***"
"""What is shown in place of a secret."""

_SIZES: dict[Kind, Callable[[int], str]] = {Kind.SIZE: values.format_size, Kind.RATE: values.format_rate}
_FRACTIONS: dict[Kind, Callable[[float], str]] = {
    Kind.DURATION: values.format_duration,
    Kind.RATIO: values.format_ratio,
}
_BARE = re.compile(r"[A-Za-z0-9_-]+\Z")


def written(option: Option, value: Value) -> Written:
    """*value* as the file would have it."""
    match value:
        case None:
            return ""
        case float():
            return _FRACTIONS[option.kind](value)
        case datetime() | timedelta():
            return values.format_moment(value)
        case int() if option.kind in _SIZES:
            return _SIZES[option.kind](value)
        case _:
            return value


def shown(option: Option, value: Value) -> Written:
    """*value* as it may be shown to anybody: as in the file, unless it is a secret that is set, or may hold one."""
    if option.secret and value is not None:
        return MASK
    if option.kind is Kind.ADDRESS:
        return tuple(map(conceal, value)) if isinstance(value, tuple) else conceal(str(value or ""))
    return written(option, value)


def key(name: str) -> str:
    """*name* as a key in TOML, or as a part of a table's name."""
    return name if _BARE.match(name) else literal(name)


def literal(value: object) -> str:
    """*value* in TOML. Raises TypeError for what TOML has no word for."""
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case str():
            # JSON's escapes are TOML's, but for DEL.
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case date() | time():
            return value.isoformat()
        case tuple() | list():
            return "[" + ", ".join(literal(item) for item in value) + "]"
        case Mapping():
            inside = ", ".join(f"{key(name)} = {literal(item)}" for name, item in value.items())
            return f"{{ {inside} }}" if inside else "{}"
        case _:
            raise TypeError(f"TOML has no {type(value).__name__}")
