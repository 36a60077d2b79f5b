"""Numbers as people read them, and facts as programs do."""

from __future__ import annotations

from collections.abc import Mapping

UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def size(count: int) -> str:
    """Bytes, in binary units: ``4.2 MiB``."""
    step = _step(count)
    return f"{_in(count, step)} {UNITS[step]}"


def share(part: int, count: int) -> str:
    """Bytes of bytes, in one unit: ``0.3/4.2 MiB``."""
    step = _step(count)
    return f"{_in(part, step)}/{_in(count, step)} {UNITS[step]}"


def _step(count: int) -> int:
    """The unit of which *count* has less than 1024."""
    step = 0
    while step < len(UNITS) - 1 and count >= 1024 ** (step + 1):
        step += 1
    return step


def _in(count: int, step: int) -> str:
    return f"{count / 1024**step:.1f}" if step else str(count)


def span(seconds: float) -> str:
    """A length of time, in its largest two units: ``3 h 12 min``."""
    rest = round(seconds)
    if rest < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{rest} s"
    parts: list[str] = []
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        number, rest = divmod(rest, length)
        if number or parts:
            parts.append(f"{number} {unit}" if number else "")
        if len(parts) == 2:
            break
    return " ".join(part for part in parts if part)


def shown(line: str) -> str:
    """*line* with everything escaped that could move a cursor or forge a line: upstream may have had a hand in it."""
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in line)


def moment(seconds: float) -> str:
    """A time since the epoch, in UTC: ``2026-01-31 12:00:00Z``."""
    from datetime import UTC, datetime

    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def count(number: int, thing: str) -> str:
    """``1 file``, ``1,234 files``."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def as_json(facts: Mapping[str, object]) -> str:
    """One JSON object, on one line."""
    import json

    return json.dumps(facts)
