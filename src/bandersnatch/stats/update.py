"""``update-stats``: read what is new in the logs, and write the days that changed.

A log counts as read up to the last line about a file that was understood: what comes after it may be in a format that
the operator has not told yet, and is read again.

What was counted and how far the log was read become true in one transaction of the ledger, and the files of days are
made from the ledger alone. So a run that was cut off anywhere is completed by the next, and counts nothing twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

from bandersnatch.errors import LogError
from bandersnatch.inputs import logs
from bandersnatch.inputs.logs import Log
from bandersnatch.ledger.base import Entry, Ledger
from bandersnatch.stats import days
from bandersnatch.stats.base import PAGE, Outcome, Shelf, Wish
from bandersnatch.stats.page import page
from bandersnatch.stats.places import Cursor, unchanged
from bandersnatch.stats.show import Statistics
from bandersnatch.stats.tally import Tally
from bandersnatch.values import replace

FORGOTTEN = timedelta(days=400)
"""How long a log is remembered that was not seen again."""

BROKEN = 20
"""One line about files in so many may be broken before a log is found fault with."""

LATER = ", and what comes after the last line that could be understood is counted then"
"""What a pipe cannot promise."""

AT_ONCE = 64 * 1024 * 1024
"""Bytes after which the ledger takes over at the latest: memory has a bound, and a crash costs little."""

Tell = Callable[[int], None]
"""Is told of the bytes that were read."""


class Update:
    """One run over any number of logs. Raises StorageError; what is wrong with a log goes to ``Outcome.problems``."""

    def __init__(self, ledger: Ledger, shelf: Shelf, wish: Wish, tell: Tell = lambda _: None) -> None:
        self._ledger = ledger
        self._shelf = shelf
        self._wish = wish
        self._tell = tell
        self._tally = Tally(wish.read, wish.zone, days.Closed(ledger, shelf).is_closed, bots=wish.bots)
        self._since = 0
        """Bytes that were counted since the ledger took over."""
        self.outcome = Outcome()

    def read_logs(self, paths: Iterable[Path]) -> None:
        """Count what is new in each log, in the order of *paths*."""
        for path in paths:
            self.outcome.logs += 1
            try:
                with closing(Log(path)) as log:
                    self._read_log(log)
            except LogError as error:
                self.outcome.problems.append(str(error))
        self._ledger.forget_places(self._wish.today - FORGOTTEN)

    def read_pipe(self, blocks: Iterable[bytes], name: str) -> None:
        """Count all of a pipe, in one transaction: there is no place in a pipe at which a later run could go on."""
        self.outcome.logs += 1
        self.outcome.read += 1
        with self._judged(name), self._ledger.entry() as entry:
            for content in logs.whole_lines(blocks):
                self._count(content)
                if self._is_enough():
                    self._hand_over(entry)
                    self._forget()
            self._hand_over(entry)
        self._forget()

    def finish(self) -> Outcome:
        """Write the days that changed, and forget the details of old ones."""
        wish, outcome = self._wish, self.outcome
        outcome.written = days.write(self._ledger, self._shelf, wish)
        if wish.page and outcome.written:
            self._write_page()
        if self._ledger.looked() != wish.today:
            self._ledger.note_offered(wish.offered(), wish.today)
        if wish.keep:
            self._ledger.forget_days(wish.today - timedelta(days=wish.keep))
        outcome.verdicts, outcome.late, outcome.bad = self._tally.verdicts, self._tally.late, self._tally.bad
        return outcome

    # --- inside ---

    def _write_page(self) -> None:
        try:
            self._shelf.replace(PAGE, page(Statistics(self._ledger, self._shelf), self._wish.today))
        except LogError as error:  # somebody else's file of a day; what was counted is as good without the page
            self.outcome.problems.append(f"{error}; {PAGE} stays as it was")

    def _read_log(self, log: Log) -> None:
        places, today = self._ledger.places(), self._wish.today
        known = unchanged(log.stamp, places)
        if known is not None:
            if known.seen != today:
                with self._ledger.entry() as entry:
                    entry.move(replace(known, seen=today))
            return
        cursor = Cursor(log, places)
        begun = cursor.offset
        with self._judged(str(log.path), then=LATER):
            try:
                for content in logs.whole_lines(cursor.blocks()):
                    self._count(content)
                    cursor.advance(content, again=self._tally.trailing)
                    if self._is_enough():
                        self._commit(cursor, whole=False)
            except LogError:
                self._commit(cursor, whole=False)
                raise
            self._commit(cursor, whole=True)
        self.outcome.read += cursor.offset > begun

    def _count(self, content: bytes) -> None:
        self._tally.add(content.removesuffix(b"\n").split(b"\n"))
        self.outcome.bytes += len(content)
        self._since += len(content)
        self._tell(len(content))

    def _is_enough(self) -> bool:
        return self._tally.is_full or self._since >= AT_ONCE

    def _forget(self) -> None:
        """What was counted is the ledger's now."""
        self._tally.clear()
        self._since = 0

    def _commit(self, cursor: Cursor, *, whole: bool) -> None:
        here = cursor.here(self._wish.today, whole=whole)
        if here is None:
            self._forget()
            return  # nothing was understood, and there is nothing yet to know it again by
        with self._ledger.entry() as entry:
            self._hand_over(entry)
            number = entry.move(here)
        cursor.is_kept_as(number)
        self._forget()

    def _hand_over(self, entry: Entry) -> None:
        entry.add(self._tally.rows())
        entry.add_lines(self._tally.lines)

    @contextmanager
    def _judged(self, name: str, *, then: str = "") -> Iterator[None]:
        """A broken line here and there is what clients make of it; a log of little else is in another format."""
        tally = self._tally
        tally.begin()
        good, bad = tally.good, tally.bad
        yield
        good, bad = tally.good - good, tally.bad - bad
        if bad * BROKEN > good + bad:
            self.outcome.problems.append(
                f"{name}: {bad:,} of {good + bad:,} lines about files cannot be understood, the first is line "
                f"{tally.first_bad:,} of what was new; say in [statistics] format how the log is written{then}"
            )
