"""Upload times, in the form that PEP 700 wants: read in whatever spelling can only mean one moment."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

_PEP_700 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z\Z", re.ASCII)
# ISO 8601 and RFC 3339 in all their latitude, and what Python's isoformat() + "Z" makes of a time that has a zone.
_ISO = re.compile(
    r"(\d{4})-?(\d\d)-?(\d\d)[T ](\d\d):?(\d\d)(?::?(\d\d)(?:[.,](?P<part>\d+))?)? ?"
    r"(?:Z|UTC|GMT|[+-]00:00Z|(?P<sign>[+-])(?P<hours>\d\d)(?::?(?P<minutes>\d\d))?)\Z",
    re.ASCII | re.IGNORECASE,
)
_MAIL = re.compile(r"(?:[A-Z][a-z]{2}, )?\d\d? [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d (?:GMT|UTC|[+-]\d{4})\Z", re.ASCII)
"""As HTTP and mail write dates, and so some web frameworks."""


def upload_time(value: object) -> str | None:
    """*value* in PEP 700's form, to the letter where it has that; None for what is not known to be one moment."""
    if not isinstance(value, str):
        return None
    try:
        if _PEP_700.match(value):
            datetime.fromisoformat(value)
            return value
        moment = _moment(value)
        return None if moment is None else moment.astimezone(UTC).isoformat().removesuffix("+00:00") + "Z"
    except (ValueError, OverflowError):
        return None  # no time that exists


def _moment(text: str) -> datetime | None:
    found = _ISO.match(text)
    if found:
        east = -1 if found["sign"] == "-" else 1
        zone = timezone(east * timedelta(hours=int(found["hours"] or 0), minutes=int(found["minutes"] or 0)))
        year, month, day, hour, minute, second = (int(part or 0) for part in found.group(1, 2, 3, 4, 5, 6))
        part = int((found["part"] or "")[:6].ljust(6, "0"))
        return datetime(year, month, day, hour, minute, second, part, zone)
    if _MAIL.match(text):
        from email.utils import parsedate_to_datetime

        return parsedate_to_datetime(text)
    return None
