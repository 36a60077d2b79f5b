"""Counts what a run tells, on its way to who listens."""

from __future__ import annotations

from threading import Lock

from bandersnatch.catalogue.base import Totals
from bandersnatch.sync import events


class Tally:
    """
    Passes each event on, the same warning only once, and knows the sums for the last event.

    Events come from the loop and from worker threads; who listens hears one at a time.
    """

    def __init__(self, listener: events.Tell) -> None:
        self._listener = listener
        self._lock = Lock()
        self._deaf = False
        """Whether who listens failed: the mirror is worth more than what is told of it."""
        self._refreshed = self._confirmed = self._removed = 0
        self._warned: set[str] = set()
        self._files = self._adopted = self._bytes = self._skipped = 0

    def tell(self, event: events.Event) -> None:
        """Count *event*, and pass it on."""
        with self._lock:
            if self._count(event) and not self._deaf:
                try:
                    self._listener(event)
                except (OSError, ValueError):  # a full disk under the log, a pipe that nobody reads any more
                    self._deaf = True

    def _count(self, event: events.Event) -> bool:
        """Whether the event is one to pass on."""
        match event:
            case events.Progressed(bytes=count):
                self._bytes += count
            case events.Arrived(fetched=fetched):
                self._files += fetched > 0
                self._adopted += fetched == 0
            case events.Refreshed():
                self._refreshed += 1
            case events.Confirmed():
                self._confirmed += 1
            case events.Removed():
                self._removed += 1
            case events.Skipped(more=more):
                self._skipped += 1 + more
            case events.Warned(message=message) if message in self._warned:
                return False
            case events.Warned(message=message):
                self._warned.add(message)
            case _:
                pass
        return True

    def finished(
        self, outcome: str, reason: str, seconds: float, totals: Totals, waiting: int, serial: int | None
    ) -> events.Finished:
        """The last event of the run."""
        return events.Finished(
            outcome=outcome,
            reason=reason,
            seconds=round(seconds, 3),
            refreshed=self._refreshed,
            confirmed=self._confirmed,
            removed=self._removed,
            files=self._files,
            adopted=self._adopted,
            bytes=self._bytes,
            skipped=self._skipped,
            behind=totals.behind + totals.absent,
            waiting=waiting,
            serial=serial,
        )
