"""Single values of an INI file: switches, numbers and sizes. Each function raises ValueError with what is wanted."""

from __future__ import annotations

import re
from configparser import ConfigParser
from decimal import Decimal

from bandersnatch.config import values

_SIZE = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,6})?) *([A-Za-z]*)\Z")
_NAMES = (("kilo", "kibi"), ("mega", "mebi"), ("giga", "gibi"), ("tera", "tebi"), ("peta", "pebi"), ("exa", "exbi"))
_UNITS = {"": 1, "b": 1, "byte": 1, "bytes": 1} | {
    unit: 1024**power
    for power, names in enumerate(_NAMES, start=1)
    for letter in [names[0][0]]
    for unit in (letter, f"{letter}b", f"{letter}ib", *(f"{name}byte{end}" for name in names for end in ("", "s")))
}
"""Powers of 1024, whatever they are called."""


def switch(text: str) -> bool:
    """True or false, in any of the spellings of INI."""
    try:
        return ConfigParser.BOOLEAN_STATES[text.lower()]
    except KeyError:
        raise ValueError("wants true or false") from None


def number(text: str) -> int:
    """A whole number."""
    if not re.match(r"[0-9]{1,9}\Z", text):
        raise ValueError("wants a whole number")
    return int(text)


def seconds(text: str) -> str:
    """A number of seconds, as a duration."""
    if not re.match(r"[0-9]{1,9}(?:\.[0-9]{1,3})?\Z", text):
        raise ValueError("wants a number of seconds")
    return values.format_duration(float(text))


def size(text: str) -> str:
    """A size such as ``1G`` or ``500 MB``."""
    match = _SIZE.match(text)
    if not match or match[2].lower() not in _UNITS:
        raise ValueError("wants a size such as 1G")
    count = int(Decimal(match[1]) * _UNITS[match[2].lower()])
    if count > values.MAX_BYTES:
        raise ValueError("that is more than any disk holds")
    return values.format_size(count)
