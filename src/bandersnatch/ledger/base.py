"""The port of the ledger: what was counted, and how far each log was read. Both become true in one transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import date
from typing import NamedTuple, Protocol

from bandersnatch.values import Struct


class Row(NamedTuple):
    """How often one file was downloaded on one day with one agent."""

    day: date
    project: str
    filename: str
    agent: str
    """As ``accesslog.agents`` writes it."""
    number: int
    """Of downloads."""


class Stamp(Struct, frozen=True):
    """What the system says of a file: the same again means that nothing was written to it."""

    device: int
    inode: int
    size: int
    changed: int
    """Nanoseconds since the epoch."""


class Place(Struct, frozen=True):
    """
    How far a log was read. A log is known by its content, whatever its name and wherever it lies: rotation renames,
    copies and compresses it.
    """

    offset: int
    """Bytes of the content, uncompressed, that were read: up to the end of a line."""
    head_length: int
    head: str
    """A digest of the first so many bytes."""
    tail_length: int
    tail: str
    """A digest of so many bytes before the offset."""
    stamp: Stamp
    """Of the file in which the content was read last."""
    seen: date
    id: int | None = None
    """Of the ledger's own; None for a log that it does not know."""


class Day(Struct, frozen=True):
    """One day of the ledger."""

    day: date
    lines: int
    """Read of this day, counted or not."""
    written: str
    """What its file holds: ``no`` (not the latest counts), ``running`` or ``whole``."""


class Entry(Protocol):
    """One transaction."""

    def add(self, rows: Iterable[Row]) -> None:
        """Add to what is counted."""

    def add_lines(self, lines: Mapping[date, int]) -> None:
        """Lines that were read, by day. These days have to be written again."""

    def move(self, place: Place) -> int:
        """Remember how far a log was read, in place of what was remembered of it. Returns the place's id."""


class Ledger(Protocol):
    """Every method raises StorageError only."""

    def entry(self) -> AbstractContextManager[Entry]:
        """A transaction: durable at its end, or undone if anything is raised in it."""

    def places(self) -> tuple[Place, ...]:
        """How far each log was read."""

    def forget_places(self, before: date) -> None:
        """Forget the logs that were last seen before a day."""

    def days(self) -> tuple[Day, ...]:
        """Every day that there is, in order."""

    def closed(self) -> date | None:
        """The last day whose details were forgotten; nothing is added to it or to an earlier one."""

    def rows_of(self, day: date) -> Iterator[Row]:
        """What was counted on a day, by file name, agent and project."""

    def set_written(self, day: date, written: str) -> None:
        """The file of a day holds what there is."""

    def forget_days(self, before: date) -> None:
        """Forget the details of all days before one."""

    def looked(self) -> date | None:
        """The last day on which it was noted what the mirror offers."""

    def note_offered(self, projects: Iterable[str], day: date) -> None:
        """The mirror offers these *projects* on a *day*: each is known from the first day on."""

    def offered(self, before: date) -> Iterator[str]:
        """The projects that were offered on a day or before it, by name."""

    def sums(
        self, columns: Collection[str], first: date, last: date, projects: Collection[str] = ()
    ) -> Iterator[tuple[tuple[str, ...], int]]:
        """
        Counts from one day to another, summed up by *columns* of ``day``, ``project``, ``filename`` and ``agent``.

        With *projects*, of these only. Days are written as ISO 8601 does.
        """

    def close(self) -> None:
        """Let go of it."""
