"""A verification that goes round the mirror bit by bit, so many files a day, and remembers where it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from bandersnatch import layout
from bandersnatch.catalogue.base import Catalogue, Failure
from bandersnatch.sync import events
from bandersnatch.upkeep.repairing import Marks
from bandersnatch.values import Struct
from bandersnatch.verify import pages
from bandersnatch.verify.base import Check, Finding, Ground, Record
from bandersnatch.verify.objects import present, whole
from bandersnatch.verify.reading import Pace, Reader, Stopped

PLACE = "rolling-place"
"""The fact that holds the last project that was looked at."""

AT = "rolling-at"
"""The fact that holds when the last part was begun, in seconds since the epoch."""

DAY = 86400.0

AT_ONCE = 20
"""Projects after which the place is noted."""

TOLD = 20
"""Damaged projects that are named in one part."""


class Part(Struct, frozen=True):
    """What was looked at, and what was found."""

    projects: int = 0
    files: int = 0
    bytes: int = 0
    damaged: int = 0
    """Projects in which anything was found; the next run repairs them."""
    whole_round: bool = False
    """Whether the end of the names was passed."""


def allowance(catalogue: Catalogue, files: int, share: float, now: float) -> int:
    """
    How many files are to be looked at now, so that it comes to *files* or the *share* of all a day, whichever is more.

    Time for which nothing was looked at counts, up to a day.
    """
    daily = max(float(files), share * catalogue.totals().files)
    try:
        since = float(catalogue.get(AT) or now - DAY)
    except ValueError:
        since = now - DAY
    return int(daily * min(max(now - since, 0.0), DAY) / DAY)


class Rolling:
    """One part of the round: at most *files* files, but always whole projects. Needs the mirror's lock. Blocks."""

    def __init__(self, ground: Ground, files: int, now: float, *, bandwidth: float = 0.0) -> None:
        self._ground = ground
        self._files = files
        self._now = now
        self._reader = Reader(ground.place, Pace(bandwidth))
        self._stopped = False
        self._ended = False

    def stop(self) -> None:
        """End as soon as may be, from another thread: the place is kept."""
        self._stopped = True
        self._reader.stop()

    def __call__(self, tell: events.Tell) -> Part:
        """
        Look, and mark what is damaged, so that the next run repairs it. *tell* hears of that.

        Raises CatalogueError; what the disk refuses is a finding.
        """
        catalogue = self._ground.catalogue
        if self._files <= 0:
            return Part()
        projects = files = damaged = 0
        last = catalogue.get(PLACE) or ""
        for record in self._round(last):
            found = self._looked_at(record)
            if found is None:
                break
            if found:
                damaged += 1
                self._mark(record, found, tell, named=damaged <= TOLD)
            projects, files, last = projects + 1, files + len(record.published.held), record.name
            if projects % AT_ONCE == 0:
                catalogue.set({PLACE: last})
            if files >= self._files:
                break
        catalogue.set({PLACE: last or None, AT: str(self._now)})
        return Part(projects, files, self._reader.bytes, damaged, self._ended)

    def _round(self, start: str) -> Iterator[Record]:
        """Every project once, beginning after *start*."""
        yield from self._records(start)
        self._ended = True
        for record in self._records("") if start else ():
            if record.name > start:
                return
            yield record

    def _records(self, after: str) -> Iterator[Record]:
        for one in self._ground.catalogue.known(after):
            record = self._ground.record(one.name) if one.published else None
            # What is due is looked at by a run anyway, and is not as it is to be yet.
            if record is not None and not record.entry.suspect and not record.entry.departing:
                yield record

    def _looked_at(self, record: Record) -> list[Finding] | None:
        """What is found; None if it was stopped."""
        try:
            return [finding for check in self._checks(record) for finding in check(record)]
        except Stopped:
            return None

    def _checks(self, record: Record) -> Iterator[Check]:
        if self._stopped:
            raise Stopped
        yield partial(present, self._ground.place)
        yield partial(pages.pages, self._ground, self._reader)
        for held in record.published.held:
            yield partial(whole, self._reader, layout.file_key(held.file))

    def _mark(self, record: Record, found: Sequence[Finding], tell: events.Tell, *, named: bool) -> None:
        catalogue = self._ground.catalogue
        marks = Marks(catalogue, self._now, None)
        for finding in found:
            marks.add(finding)
        marks.finish()
        first = found[0]
        more = f", and {len(found) - 1} more" if len(found) > 1 else ""
        reason = f"damaged: {first.kind}: {first.key}{': ' if first.what else ''}{first.what}{more}"
        catalogue.fail([Failure(record.name, reason, self._now)], self._now)
        if named:
            tell(events.Warned(f"{record.name}: {reason}; the next run repairs it", "damaged", record.name))
