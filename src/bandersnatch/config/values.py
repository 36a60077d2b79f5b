"""Sizes, durations, rates, shares and times as people write them: parsed strictly, and written so that they parse back.

Every ``parse_…`` raises ValueError with a reason that a person understands. Units are case-sensitive, because ``Mb``
means megabits to some and megabytes to others.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

MAX_BYTES = 2**63 - 1
"""The largest size that file systems and databases count."""

_QUANTITY = re.compile(r"([0-9]{1,19}(?:\.[0-9]{1,6})?) ?([A-Za-z%]*)\Z")

_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?(?:Z|[+-][0-9]{2}:[0-9]{2})?)?\Z"
)

_BYTES = {"B": 1} | {
    prefix + unit: base**power
    for base, unit, prefixes in ((1000, "B", "kMGTP"), (1024, "iB", "KMGTP"))
    for power, prefix in enumerate(prefixes, start=1)
}
_MILLISECONDS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}


def parse_size(text: str) -> int:
    """Bytes, from text such as ``1 GiB``, ``500 MB`` or ``4096`` (bytes)."""
    size = _quantity(text, _BYTES | {"": 1})
    if size.denominator != 1:
        raise ValueError("that is not a whole number of bytes")
    if size > MAX_BYTES:
        raise ValueError("that is more than any disk holds")
    return int(size)


def format_size(size: int) -> str:
    """*size* bytes in the largest unit that expresses it exactly."""
    return _in_largest_unit(size, _BYTES, " ")


def parse_rate(text: str) -> int:
    """Bytes per second, from text such as ``20 MB/s``."""
    if not text.endswith("/s"):
        raise ValueError('a rate ends in "/s"')
    return parse_size(text.removesuffix("/s"))


def format_rate(rate: int) -> str:
    """*rate* bytes per second in the largest unit that expresses it exactly."""
    return format_size(rate) + "/s"


def parse_duration(text: str) -> float:
    """Seconds, from text such as ``90s``, ``2h`` or ``7d``; nothing finer than a millisecond."""
    milliseconds = _quantity(text, _MILLISECONDS)
    if milliseconds.denominator != 1:
        raise ValueError("that is finer than a millisecond")
    if milliseconds > 1000 * _MILLISECONDS["w"] * 52:
        raise ValueError("that is more than a thousand years")
    return int(milliseconds) / 1000


def format_duration(seconds: float) -> str:
    """*seconds* in the largest unit that expresses it exactly, down to the millisecond."""
    return _in_largest_unit(round(seconds * 1000), _MILLISECONDS, "") if seconds else "0s"


def parse_ratio(text: str) -> float:
    """A share between 0 and 1, from a percentage such as ``0.1%``."""
    share = _quantity(text, {"%": 1}) / 100
    if share > 1:
        raise ValueError("that is more than 100%")
    return float(share)


def format_ratio(share: float) -> str:
    """*share*, between 0 and 1, as a percentage."""
    return f"{(Decimal(repr(share)) * 100).normalize():f}%"


def parse_date(text: str) -> datetime:
    """A time in UTC, from ``2025-11-01`` (its first moment) or ``2025-11-01T12:00:00Z``, with any offset."""
    if not _TIME.match(text):
        raise ValueError('it is neither "YYYY-MM-DD" nor "YYYY-MM-DDThh:mm:ssZ"')
    try:
        when = date.fromisoformat(text) if len(text) == len("YYYY-MM-DD") else datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError("that day or time does not exist") from error
    return as_utc(when)


def as_utc(when: date | datetime) -> datetime:
    """*when* in UTC; a day is its first moment. Raises ValueError without a time zone."""
    if not isinstance(when, datetime):
        return datetime(when.year, when.month, when.day, tzinfo=UTC)
    if when.tzinfo is None:
        raise ValueError('the time zone is missing; end it in "Z" for UTC')
    try:
        return when.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("that is outside the calendar") from error


def parse_moment(text: str) -> datetime | timedelta:
    """A time in UTC, or how long ago, from text such as ``2025-11-01`` or ``90d``."""
    return timedelta(seconds=parse_duration(text)) if _QUANTITY.match(text) else parse_date(text)


def format_moment(when: datetime | timedelta) -> str:
    """*when* as text: how long ago, or a time in UTC."""
    if isinstance(when, timedelta):
        return format_duration(when.total_seconds())
    return when.isoformat().replace("+00:00", "Z").removesuffix("T00:00:00Z")


def _quantity(text: str, units: Mapping[str, int]) -> Fraction:
    match = _QUANTITY.match(text)
    if match is None:
        raise ValueError("it has to be a number and a unit")
    number, unit = match.groups()
    if unit not in units:
        raise ValueError(_unknown(unit, units))
    return Fraction(number) * units[unit]


def _unknown(unit: str, units: Mapping[str, int]) -> str:
    known = ", ".join(name for name in units if name)
    if not unit:
        return f"the unit is missing ({known})"
    alike = [name for name in units if name.lower() == unit.lower()]
    return f'no unit is called "{unit}"; ' + (f'did you mean "{alike[0]}"?' if alike else f"there are {known}")


def _in_largest_unit(count: int, units: Mapping[str, int], space: str) -> str:
    fitting = [name for name, factor in units.items() if count % factor == 0 and factor <= max(count, 1)]
    unit = max(fitting, key=units.__getitem__)
    return f"{count // units[unit]}{space}{unit}"
