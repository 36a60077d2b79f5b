"""What makes a later question conditional (RFC 9110, section 13): kept where it is safe to, and sent back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from bandersnatch.model import Validators
from bandersnatch.upstream.pacing import http_date

LONGEST = 4096
"""Characters of one that is kept: servers refuse a question whose head is too long, each time it is asked."""

SAME_MOMENT = 2.0
"""Seconds: what changed so shortly before it was sent may have changed again within the same second."""

MISUNDERSTOOD = frozenset({400, 412, 431})
"""How servers answer that cannot do with a condition; the same question without one may have an answer."""


def of(etag: str | None, last_modified: str | None, date: str | None, now: datetime) -> Validators:
    """What to keep of an answer with these headers; without a *date* it is of *now* (RFC 9110, section 6.6.1)."""
    if last_modified is not None:
        changed, sent = http_date(last_modified), http_date(date or "") or now
        if changed is None or (sent - changed).total_seconds() < SAME_MOMENT:
            last_modified = None
    return Validators(_usable(etag), _usable(last_modified))


def conditions(known: Validators) -> Mapping[str, str]:
    """The headers that ask for what is other than *known*."""
    pairs = {"If-None-Match": _usable(known.etag), "If-Modified-Since": _usable(known.last_modified)}
    return {name: value for name, value in pairs.items() if value is not None}


def _usable(value: str | None) -> str | None:
    return value if value and len(value) <= LONGEST and value.isascii() and value.isprintable() else None
