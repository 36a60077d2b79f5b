"""What the statistics are told, what they write to, and what they say of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import date, tzinfo
from pathlib import Path
from typing import Protocol

from bandersnatch.accesslog.counting import Verdict
from bandersnatch.accesslog.request import Reader
from bandersnatch.values import Struct, field

DAYS = "days"
"""The folder of the days' files, below ``local-stats/``."""
PAGE = "index.html"
"""The page of charts, beside it."""


class Shelf(Protocol):
    """Files that are replaced whole, below ``web/local-stats/``. Every method raises StorageError."""

    def replace(self, name: str, content: Iterable[bytes]) -> None:
        """Put *content* in the place of what has the *name*."""

    def remove(self, name: str) -> None:
        """Remove what has the *name*, if anything has."""

    def names(self, folder: str) -> list[str]:
        """What there is in a *folder*, sorted; nothing if it is not there."""

    def path(self, name: str) -> Path:
        """Where it can be read."""


class Wish(Struct, frozen=True):
    """How lines are read and days are written."""

    read: Reader
    zone: tzinfo
    """Whose days they are."""
    today: date
    """In that zone."""
    bots: bool = False
    header: bool = False
    """Whether files of days begin with PEP 381's header."""
    keep: int = 0
    """Days whose details stay in the ledger; 0 is all."""
    page: bool = True
    """Whether the page of charts is written."""
    offered: Callable[[], Iterable[str]] = tuple
    """The projects that have a page: what nobody downloads is only unused where it could be downloaded."""


class Outcome(Struct):
    """What a run did."""

    verdicts: Counter[Verdict] = field(default_factory=Counter)
    logs: int = 0
    """Looked at."""
    read: int = 0
    """Of them, those in which there was something new."""
    bytes: int = 0
    late: int = 0
    """Downloads of days that are closed."""
    written: list[date] = field(default_factory=list)
    bad: int = 0
    """Lines about files that cannot be understood."""
    problems: list[str] = field(default_factory=list)
    """What could not be read, and why."""

    @property
    def lines(self) -> int:
        """All that were read."""
        return sum(self.verdicts.values()) + self.late + self.bad
