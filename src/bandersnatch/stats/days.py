"""The files of days: PEP 381's ``local-stats/days/YYYY-MM-DD.bz2``, written and read back.

Without a header, with CRLF, sorted by file name, agent and project: as pep381client and bandersnatch 1.x wrote them. A
day that is not over has a name of its own, ``YYYY-MM-DD.running.bz2``, which nobody takes for a whole one.
"""

from __future__ import annotations

import bz2
import csv
import io
import re
from collections.abc import Iterable, Iterator
from datetime import date
from itertools import islice
from pathlib import Path

from bandersnatch.errors import LogError
from bandersnatch.ledger.base import Ledger, Row
from bandersnatch.stats.base import DAYS, Shelf, Wish

HEADER = ("# package", "filename", "useragent", "count")
"""PEP 381's first line."""

_NAME = re.compile(r"(\d{4}-\d\d-\d\d)(\.running)?\.bz2\Z", re.ASCII)
_AT_ONCE = 10_000


def name_of(day: date, *, running: bool = False) -> str:
    """The file of a *day*, below ``local-stats/``."""
    return f"{DAYS}/{day.isoformat()}{'.running' if running else ''}.bz2"


class Closed:
    """Which days take nothing any more: those whose details were forgotten, and those that others have written."""

    def __init__(self, ledger: Ledger, shelf: Shelf) -> None:
        known = {one.day for one in ledger.days()}
        self._last = ledger.closed()
        self._foreign = set(written(shelf)) - known

    def is_closed(self, day: date) -> bool:
        """Whether nothing is added to *day*."""
        return day in self._foreign or (self._last is not None and day <= self._last)


def written(shelf: Shelf) -> list[date]:
    """The days that have a file of their own and are over, in order."""
    found = (_NAME.match(name) for name in shelf.names(DAYS))
    return sorted(day for one in found if one and not one[2] and (day := _day(one[1])))


def write(ledger: Ledger, shelf: Shelf, wish: Wish) -> list[date]:
    """Write the files of all days that the ledger knows more of, and of those that are over by now. Returns them."""
    done = []
    for one in ledger.days():
        over = one.day < wish.today
        if one.written == ("whole" if over else "running"):
            continue
        shelf.replace(name_of(one.day, running=not over), compressed(ledger.rows_of(one.day), header=wish.header))
        if over:
            shelf.remove(name_of(one.day, running=True))
        ledger.set_written(one.day, "whole" if over else "running")
        done.append(one.day)
    return done


def compressed(rows: Iterable[Row], *, header: bool) -> Iterator[bytes]:
    """The content of a day's file, in parts."""
    compressor, remaining = bz2.BZ2Compressor(), iter(rows)
    lines: list[tuple[object, ...]] = [HEADER] if header else []
    while lines := [
        *lines,
        *((row.project, row.filename, row.agent, row.number) for row in islice(remaining, _AT_ONCE)),
    ]:
        text = io.StringIO()
        csv.writer(text).writerows(lines)
        yield compressor.compress(text.getvalue().encode())
        lines = []
    yield compressor.flush()


def read(path: Path, day: date) -> Iterator[Row]:
    """
    The rows of a day's file, with or without a header, whoever wrote it.

    Raises LogError where it cannot be read, or where a line is not of four parts that end in a number.
    """
    try:
        with bz2.open(path, "rt", encoding="utf-8", errors="replace", newline="") as text:
            for number, parts in enumerate(csv.reader(text), start=1):
                if number == 1 and parts[:1] and parts[0].lstrip().startswith("#"):
                    continue
                if parts:
                    yield _row(parts, day)
    except (OSError, EOFError, ValueError, csv.Error) as error:
        raise LogError(f"{path}: it is no file of a day's statistics, or it is damaged: {error}") from error


def _row(parts: list[str], day: date) -> Row:
    project, filename, agent, count = parts
    if not count.strip().isdecimal():
        raise ValueError("a count is no number")
    return Row(day, project, filename, agent, int(count))


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
