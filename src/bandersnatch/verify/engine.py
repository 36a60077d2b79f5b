"""The verification: every project, the list of them, and whatever else is stored; findings as they are made."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from bandersnatch import layout
from bandersnatch.values import Struct
from bandersnatch.verify import index, pages, strangers, wanted
from bandersnatch.verify.base import Check, Finding, Ground, Kind, Record
from bandersnatch.verify.motion import moving_since
from bandersnatch.verify.objects import present, whole
from bandersnatch.verify.reading import Pace, Reader
from bandersnatch.verify.shards import Shards, shards

AHEAD = 16
"""So many checks for each thread are begun before the first of them is waited for."""

LOOKS = 3
"""So often is looked again at what differs while a run is under way."""

SETTLING = 2.0
"""Seconds between these looks: a run makes its pages visible, and tells the catalogue a moment later."""

Tell = Callable[[str, int], None]
"""Hears of each project that was looked at, in the order of names, and how many bytes were read so far."""


class Wish(Struct, frozen=True):
    """What the operator asked of this verification. Names, sizes and the list of projects are always compared."""

    pages: bool = False
    """Read and compare every page."""
    contents: bool = False
    """Read every file and what lies beside it."""
    projects: tuple[str, ...] = ()
    """Normalised: look at these only; empty for all, and for all that is stored."""
    after: str = ""
    """Pass over the projects up to this name: they were looked at before."""
    threads: int = 2
    bandwidth: float = 0.0
    """Bytes to read in a second, at most; 0 for no limit."""


class _Look(Struct, frozen=True):
    """One check of one project."""

    record: Record
    check: Check
    last: bool
    """Whether it is the project's last one."""


class _Doubt(Struct):
    """What was found while a run was under way, to be looked at again."""

    found: list[Finding]
    again: Callable[[], Iterable[Finding]]


def verify(
    ground: Ground,
    wish: Wish,
    now: float,
    *,
    tell: Tell = lambda _name, _bytes: None,
    pause: Callable[[float], None] = time.sleep,
) -> Iterator[Finding]:
    """
    Every difference between the catalogue, what is stored, and what the rules want. Changes nothing; *now*: seconds
    since the epoch.

    A mirror may run at the same time: what differs is looked at again before it is told. Raises CatalogueError, and
    StorageError where nothing can be looked at at all.
    """
    yield from _Verification(ground, wish, now, tell, pause).findings()


@dataclass
class _Verification:
    ground: Ground
    wish: Wish
    now: float
    tell: Tell
    pause: Callable[[float], None]
    _doubts: list[_Doubt] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._reader = Reader(self.ground.place, Pace(self.wish.bandwidth))

    def findings(self) -> Iterator[Finding]:
        with shards() as known:
            yield from self._projects(known)
            yield from self._everything_else(strangers.Strangers(self.ground, known, self.now))
        yield from self._behind()
        yield from self._settle_doubts()

    # --- the projects ----------------------------------------------------------------------------------------------

    def _projects(self, known: Shards) -> Iterator[Finding]:
        pool = ThreadPoolExecutor(self.wish.threads)
        try:
            for look, found in self._ahead(pool, self._looks(known)):
                if found:
                    yield from self._confirmed(found, partial(self._again, look))
                if look.last:
                    self.tell(look.record.name, self._reader.bytes)
        except BaseException:
            self._reader.stop()  # whoever stopped listening does not wait for a large file to be read
            raise
        finally:
            pool.shutdown(cancel_futures=True)

    def _ahead(self, pool: ThreadPoolExecutor, looks: Iterable[_Look]) -> Iterator[tuple[_Look, list[Finding]]]:
        """Each look with what it found, in order, while the next ones are under way."""
        waiting: deque[tuple[_Look, Future[list[Finding]]]] = deque()
        for look in looks:
            waiting.append((look, pool.submit(_result, look)))
            if len(waiting) > AHEAD * self.wish.threads:
                first, future = waiting.popleft()
                yield first, future.result()
        for first, future in waiting:
            yield first, future.result()

    def _looks(self, known: Shards) -> Iterator[_Look]:
        for record in self._records():
            for held in record.published.held:
                for key in layout.keys_of(record.name, held):
                    known.add(key)
            if record.name <= self.wish.after:
                continue
            checks = list(self._checks(record))
            for number, check in enumerate(checks, 1):
                yield _Look(record, check, number == len(checks))

    def _records(self) -> Iterator[Record]:
        names: Iterable[str] = self.wish.projects
        if not names:
            names = (one.name for one in self.ground.catalogue.known() if one.published)
        for name in names:
            record = self.ground.record(name)
            if record is not None:
                yield record

    def _checks(self, record: Record) -> Iterator[Check]:
        yield partial(present, self.ground.place)
        if self.wish.pages:
            yield partial(pages.pages, self.ground, self._reader)
        yield partial(wanted.unwanted, self.ground, self._reader, self.now)
        yield wanted.not_taken
        if self.wish.contents:
            for held in record.published.held:
                yield partial(whole, self._reader, layout.file_key(held.file))

    def _again(self, look: _Look) -> Iterator[Finding]:
        record = self.ground.record(look.record.name)
        return look.check(record) if record is not None else iter(())

    # --- the rest --------------------------------------------------------------------------------------------------

    def _everything_else(self, found: strangers.Strangers) -> Iterator[Finding]:
        if self.wish.projects:
            for name in self.wish.projects:
                for folder in strangers.OF_A_PROJECT:
                    yield from found.served(f"{folder}/{name}")
            return
        for check in (
            partial(index.index, self.ground, self._reader, self.now),
            partial(index.date, self.ground, self._reader),
        ):
            yield from self._confirmed(list(check()), check)
        yield from found.served()
        yield from found.trash()

    def _behind(self) -> Iterator[Finding]:
        selection = self.ground.selection
        by_name = selection is not None and selection.names is not None
        for one in self.ground.catalogue.behind():
            chosen = not self.wish.projects or one.name in self.wish.projects
            if chosen and (by_name or not one.absent):  # of everything, some are always listed and never there
                yield Finding(Kind.BEHIND, one.name, "", one.reason)

    # --- looking again ---------------------------------------------------------------------------------------------

    def _confirmed(self, found: list[Finding], again: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
        """What is found twice. While a run is under way, a third look decides, later."""
        doubt = _Doubt(found, again)
        _look_again(doubt)
        if moving_since(self.ground.catalogue, self.now) is None:
            yield from doubt.found
        elif doubt.found:
            self._doubts.append(doubt)

    def _settle_doubts(self) -> Iterator[Finding]:
        for _ in range(LOOKS):
            self._doubts = [one for one in self._doubts if one.found]
            if not self._doubts:
                return
            self.pause(SETTLING)
            for one in self._doubts:
                _look_again(one)
        for one in self._doubts:
            yield from one.found


def _result(look: _Look) -> list[Finding]:
    return list(look.check(look.record))


def _look_again(doubt: _Doubt) -> None:
    now = set(doubt.again()) if doubt.found else set()
    doubt.found = [one for one in doubt.found if one in now]
