"""Values as they stand in the file: the way back from what ``read`` makes."""

from __future__ import annotations

import json
from collections.abc import Callable

from bandersnatch.config import values
from bandersnatch.config.option import Kind, Option, Written
from bandersnatch.config.read import Value

MASK = "***"
"""What is shown in place of a secret."""

_SIZES: dict[Kind, Callable[[int], str]] = {Kind.SIZE: values.format_size, Kind.RATE: values.format_rate}
_FRACTIONS: dict[Kind, Callable[[float], str]] = {
    Kind.DURATION: values.format_duration,
    Kind.RATIO: values.format_ratio,
}


def written(option: Option, value: Value) -> Written:
    """*value* as the file would have it."""
    if value is None:
        return ""
    if isinstance(value, float):
        return _FRACTIONS[option.kind](value)
    if isinstance(value, int) and option.kind in _SIZES:
        return _SIZES[option.kind](value)
    return value


def shown(option: Option, value: Value) -> Written:
    """*value* as it may be shown to anybody: as in the file, unless it is a secret that is set."""
    return MASK if option.secret and value is not None else written(option, value)


def literal(value: Written) -> str:
    """*value* in TOML."""
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case str():
            # JSON's escapes are TOML's, but for DEL.
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case tuple():
            return "[" + ", ".join(literal(item) for item in value) + "]"
