"""Moments as upstream writes them and as people read them."""

from __future__ import annotations

from datetime import UTC, datetime

from bandersnatch.model import File


def uploaded(file: File) -> float | None:
    """
    When *file* was uploaded, in seconds since the epoch; None where upstream does not say, or cannot be read.

    PEP 700 wants ISO 8601 in UTC. A time without its zone could be off by half a day, so it is none.
    """
    if file.upload_time is None:
        return None
    try:
        moment = datetime.fromisoformat(file.upload_time)
    except ValueError:
        return None
    return None if moment.tzinfo is None else moment.timestamp()


def shown(moment: float) -> str:
    """*moment*, seconds since the epoch, for people."""
    try:
        return f"{datetime.fromtimestamp(int(moment), UTC).isoformat(' ')[:19]} UTC"
    except (ValueError, OverflowError, OSError):
        return "a moment out of all calendars"
