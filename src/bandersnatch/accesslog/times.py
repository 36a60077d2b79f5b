"""The times that servers write, in seconds since the epoch."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo

from bandersnatch.errors import LogError

_LOCAL = re.compile(r"(\d\d)/([A-Z][a-z]{2})/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)\Z", re.ASCII)
_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTHS = {name: number for number, name in enumerate(_NAMES, start=1)}
_NUMBER = re.compile(r"\d{1,16}(?:\.\d{1,9})?\Z", re.ASCII)

_FIRST, _LAST = 0.0, 253_370_764_800.0
"""What is taken: 1970 to the end of 9998, so that every zone has the day."""
_MILLISECONDS = 1e11
"""A number above it counts milliseconds: as seconds it would be after the year 5000."""


def local(text: str) -> float:
    """``28/Nov/2026:10:15:00 +0100``: nginx's ``$time_local``, Apache's ``%t`` without its brackets."""
    found = _LOCAL.match(text)
    if found is None:
        raise LogError("no time of an access log")
    day, month, year, hour, minute, second, sign, hours, minutes = found.groups()
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    try:
        zone = timezone(-offset if sign == "-" else offset)
        when = datetime(int(year), _MONTHS[month], int(day), int(hour), int(minute), min(int(second), 59), tzinfo=zone)
        return _checked(when.timestamp())
    except (ValueError, KeyError, OverflowError) as error:
        raise LogError("a time that does not exist") from error


def iso(text: str) -> float:
    """``2026-11-28T10:15:00+01:00`` or with ``Z``; without either it is UTC."""
    try:
        when = datetime.fromisoformat(text)
        return _checked((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError) as error:
        raise LogError("no time of ISO 8601") from error


def number(value: float) -> float:
    """Seconds or milliseconds since the epoch."""
    if value > _LAST * 1000:  # and maybe more than a float can be
        raise LogError("a time outside of the calendar")
    return _checked(value / 1000 if value > _MILLISECONDS else float(value))


def any_form(value: str | float) -> float:
    """A time in any of these forms."""
    if not isinstance(value, str):
        return number(value)
    if _NUMBER.match(value):
        return number(float(value))
    text = value.strip("[]")
    return local(text) if "/" in text[:6] else iso(text)


def day_of(time: float, zone: tzinfo) -> date:
    """The day of *time* in *zone*."""
    return datetime.fromtimestamp(time, zone).date()


def _checked(seconds: float) -> float:
    if not _FIRST <= seconds <= _LAST:
        raise LogError("a time outside of the calendar")
    return seconds
