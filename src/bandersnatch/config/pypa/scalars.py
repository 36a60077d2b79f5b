"""Single values of an INI file: switches, numbers and sizes. Each function raises ValueError with what is wanted."""

from __future__ import annotations

import re
from configparser import ConfigParser

from bandersnatch.config import values

_SIZE = re.compile(r"([0-9]{1,15})(\.[0-9]{1,6})? *([a-z]*)\Z", re.IGNORECASE)
_UNIT = re.compile(r"(?:([kmgtpe])(?:i?b|ilo|ega|iga|era|eta|xa)?(?:bytes?|ibytes?|bibytes?)?|b|bytes?)?\Z")


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
    """A size such as ``1G`` or ``500 MB``, whose units are powers of 1024 there."""
    match = _SIZE.match(text)
    unit = _UNIT.match(match[3].lower()) if match else None
    if not match or not unit:
        raise ValueError("wants a size such as 1G")
    factor = 1024 ** (" kmgtpe".index(unit[1]) if unit[1] else 0)
    whole = round(float(match[1] + (match[2] or "")) * factor) if match[2] else int(match[1]) * factor
    if whole > values.MAX_BYTES:
        raise ValueError("that is more than any disk holds")
    return values.format_size(whole)
