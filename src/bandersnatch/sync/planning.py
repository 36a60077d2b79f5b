"""What a run would do, found out by the run's own steps on a copy of the catalogue; nothing is changed."""

from __future__ import annotations

import asyncio
import heapq
import math
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bandersnatch import layout
from bandersnatch.catalogue.base import Catalogue, Entry, Failure, Totals
from bandersnatch.model import File
from bandersnatch.selection.times import uploaded
from bandersnatch.storage.base import Storage
from bandersnatch.sync import events
from bandersnatch.sync.detect import Detected, detect
from bandersnatch.sync.hands import each
from bandersnatch.sync.mirror import Mirror
from bandersnatch.sync.page import prepare
from bandersnatch.sync.run import Gone, Health, Outcome, Prepared, Run

LARGEST = 20
"""Projects that are named because there is most to fetch for them."""


@dataclass(frozen=True, slots=True)
class Sum:
    """So many files, and their bytes as far as upstream states them."""

    files: int = 0
    bytes: int = 0

    def __add__(self, other: Sum) -> Sum:
        return Sum(self.files + other.files, self.bytes + other.bytes)


@dataclass(frozen=True, slots=True)
class Share:
    """What one project has of a sum."""

    project: str
    files: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """A sum that was drawn from a sample."""

    files: int
    bytes: int
    error: int
    """Two standard errors of ``bytes``: in 19 of 20 samples the true sum is no further away."""


@dataclass(frozen=True, slots=True)
class Plan:
    """
    What a run would do. It looks at the projects that are due: those that upstream or the rules have changed.

    Of a sample, everything but ``forecast`` is about the projects that were looked at.
    """

    due: int
    """Projects to be looked at."""
    looked_at: int
    """Those that were; fewer than ``due`` for a sample, or where upstream stopped answering."""
    new: int
    """Projects that would be published for the first time."""
    unchanged: int
    """Projects whose page is as it was."""
    fetch: Sum
    """Files that would be fetched."""
    unsized: int
    """Those of them of which upstream does not state the size."""
    found: Sum
    """Files that would be taken as they lie in storage or in the trash, if they are whole."""
    keep: Sum
    """Files that the mirror holds and that would stay on their pages."""
    leave: Sum
    """Files that the mirror holds and that would leave their pages."""
    leaving: dict[str, Sum]
    """The same by cause: deleted, quarantined, yanked, deselected."""
    gone: tuple[str, ...]
    """Projects that would leave altogether; their files are in ``leave``."""
    refused: dict[str, Sum]
    """Files of upstream's pages that the rules refuse, by the rule that decides."""
    largest: tuple[Share, ...]
    """The projects with the most to fetch, the largest first."""
    growth: dict[str, int]
    """Bytes of the files that would be on the pages that were read, by the month of their upload, ``YYYY-MM``."""
    undated: Sum
    """Files on those pages that have no upload time, and so are not in ``growth``."""
    failures: dict[str, str]
    """Projects of which nothing can be said, with the reason."""
    absent: int
    """Projects on upstream's list that it has no page for. If they were named, they are failures."""
    stopped: bool
    """Whether upstream stopped answering before all were looked at."""
    brake: tuple[str, ...]
    """Why a run would not remove what this plan says; empty if it would."""
    held: Totals
    """What the mirror holds now."""
    free: int | None
    """Bytes that are free; null where that cannot be told."""
    reserve: int
    """Bytes that a run leaves free."""
    forecast: Estimate | None = None
    """What would be fetched for all that is due; null unless this is a sample."""

    @property
    def missing(self) -> int:
        """Bytes that the disk has too few, as far as sizes are known; 0 if all fits."""
        size = self.fetch.bytes if self.forecast is None else self.forecast.bytes
        return 0 if self.free is None else max(0, size - max(0, self.free - self.reserve))


async def plan(
    mirror: Mirror,
    now: float,
    *,
    full: bool = False,
    accept_removals: bool = False,
    sample: int | None = None,
    tell: events.Tell = lambda _: None,
) -> Plan:
    """
    Find out what a run at *now* would do. *mirror* has a copy of the catalogue, which is written to.

    *accept_removals*: as in a run, the brake has nothing to say. *sample*: read no more than so many pages, drawn at
    random, and forecast the rest. Raises UpstreamError, CatalogueError, StorageError, Refused and UsageError.
    """
    return await _Planning(mirror, now, full=full, accept_removals=accept_removals, tell=tell).plan(sample)


@dataclass(slots=True)
class _Tally:
    looked_at: int = 0
    new: int = 0
    unchanged: int = 0
    unsized: int = 0
    fetch: Sum = Sum()
    found: Sum = Sum()
    undated: Sum = Sum()
    lost: int = 0
    """Files that leave the pages of projects that upstream has: what the brake on files counts."""
    departed: int = 0
    """Projects that upstream does not have, or that are not selected: what the brake on projects counts."""
    absent: int = 0
    leaving: dict[str, Sum] = field(default_factory=dict)
    gone: list[str] = field(default_factory=list)
    refused: dict[str, Sum] = field(default_factory=dict)
    largest: list[tuple[int, str, int]] = field(default_factory=list)
    growth: Counter[str] = field(default_factory=Counter)
    failures: dict[str, str] = field(default_factory=dict)
    drawn: list[Sum] = field(default_factory=list)
    """What is to be fetched for each project whose page was asked for, where only some are."""


class _Planning:
    def __init__(self, mirror: Mirror, now: float, *, full: bool, accept_removals: bool, tell: events.Tell) -> None:
        self._mirror = mirror
        self._now = now
        self._full = full
        self._accepted = accept_removals
        self._tell = tell
        self._tally = _Tally()
        self._health = Health()
        self._sampled = False

    async def plan(self, sample: int | None) -> Plan:
        mirror = self._mirror
        held = await asyncio.to_thread(mirror.catalogue.totals)
        # What the brake would stop is looked at as well: the operator has to see it in order to judge.
        detected = await detect(mirror, self._now, full=self._full, accept_removals=True, tell=self._tell)
        # As a run does it, but for the steps that change anything: so no file is ever on its way.
        run = Run(mirror, self._now, self._full, self._tell, asyncio.Semaphore(1), self._health, detected.listed)
        wanted, unwanted = await asyncio.to_thread(_due, mirror.catalogue, self._now)
        drawn = wanted
        if sample is not None and sample < len(wanted):
            self._sampled = True
            drawn = random.Random(len(wanted)).sample(wanted, sample)  # noqa: S311 - no secret, and the same each time
        self._tell(events.Planned(len(drawn) + len(unwanted), None, None, None))
        await self._look_at([*unwanted, *drawn], run)
        return await asyncio.to_thread(self._result, len(wanted), len(unwanted), held, detected)

    async def _look_at(self, names: Iterable[str], run: Run) -> None:
        async def look(name: str) -> None:
            entry = await asyncio.to_thread(run.mirror.catalogue.entry, name)
            if entry is not None:
                await self._count(entry, await prepare(entry, run))
            self._tally.looked_at += 1
            self._tell(events.Confirmed(name))

        try:
            await each(_stream(names), look, run.mirror.rules.projects_at_once, lambda: self._health.is_over)
        except BaseExceptionGroup as group:
            raise _first(group) from None

    # --- counting --------------------------------------------------------------------------------------------------

    async def _count(self, entry: Entry, outcome: Prepared | Outcome) -> None:
        tally = self._tally
        fetched = Sum()
        match outcome:
            case Prepared():
                fetched = await self._count_page(entry, outcome)
            case Gone(cause=cause):
                tally.gone.append(entry.name)
                tally.departed += 1
                before = await asyncio.to_thread(self._mirror.catalogue.published, entry.name)
                _add(tally.leaving, str(cause), Sum(len(before.held), sum(one.size for one in before.held)))
            case Failure(missing_since=since) if since and not entry.published and self._mirror.selection.names is None:
                tally.absent += 1
            case Failure(reason=reason):
                tally.failures[entry.name] = reason
                return  # what is not known says nothing about the others either
            case _:
                tally.unchanged += 1
        if self._sampled and entry.wanted:
            tally.drawn.append(fetched)

    async def _count_page(self, entry: Entry, page: Prepared) -> Sum:
        """Returns what is to be fetched for it."""
        tally = self._tally
        empty = not page.shown.files and bool(page.fetched.project.files)
        tally.new += not entry.published and not empty
        if entry.published and empty:
            tally.gone.append(entry.name)
        for departure in page.leaving:
            _add(tally.leaving, departure.reason.partition(":")[0], Sum(1, departure.held.size))
        tally.lost += len(page.leaving)
        for dropped in page.selected.dropped:
            _add(tally.refused, dropped.verdict.rule, _sum([dropped.file]))
        if not self._mirror.selection.is_index_only(entry.name):
            self._count_growth(page.shown.files)
        return await self._count_files(entry.name, page.plan.fetch)

    def _count_growth(self, files: Iterable[File]) -> None:
        for file in files:
            month = _month(file)
            if month is None:
                self._tally.undated += _sum([file])
            else:
                self._tally.growth[month] += file.size or 0

    async def _count_files(self, project: str, files: Sequence[File]) -> Sum:
        """Tell what has to be fetched from what lies in storage. Returns the former."""
        if not files:
            return Sum()
        tally = self._tally
        here = await asyncio.to_thread(_here, files, self._mirror.storage)
        missing = [file for file in files if file not in here]
        fetch = _sum(missing)
        tally.found += _sum(here)
        tally.fetch += fetch
        tally.unsized += sum(file.size is None for file in missing)
        if missing:
            item = (fetch.bytes, project, fetch.files)
            (heapq.heappushpop if len(tally.largest) >= LARGEST else heapq.heappush)(tally.largest, item)
        return fetch

    # --- the result ------------------------------------------------------------------------------------------------

    def _result(self, wanted: int, unwanted: int, held: Totals, detected: Detected) -> Plan:
        """Blocks."""
        tally = self._tally
        leave = sum(tally.leaving.values(), Sum())
        return Plan(
            due=wanted + unwanted,
            looked_at=tally.looked_at,
            new=tally.new,
            unchanged=tally.unchanged,
            fetch=tally.fetch,
            unsized=tally.unsized,
            found=tally.found,
            keep=Sum(held.files - leave.files, held.bytes - leave.bytes),
            leave=leave,
            leaving=dict(sorted(tally.leaving.items())),
            gone=tuple(sorted(tally.gone)),
            refused=dict(sorted(tally.refused.items(), key=lambda one: (-one[1].bytes, one[0]))),
            largest=tuple(Share(name, files, size) for size, name, files in sorted(tally.largest, reverse=True)),
            growth=dict(sorted(tally.growth.items())),
            undated=tally.undated,
            failures=dict(sorted(tally.failures.items())),
            absent=tally.absent,
            stopped=self._health.is_over,
            brake=tuple(self._brake(held, detected)),
            held=held,
            free=self._mirror.storage.free(),
            reserve=self._mirror.rules.transfer.reserve,
            forecast=estimate(tally.drawn, wanted) if self._sampled else None,
        )

    def _brake(self, held: Totals, detected: Detected) -> Iterator[str]:
        brake, tally = self._mirror.rules.brake, self._tally
        if detected.refused:
            yield detected.refused
        if self._accepted:
            return
        if detected.braked:
            yield detected.braked
        elif brake.refuses(tally.departed, held.projects):
            yield f"{tally.departed} of {held.projects} projects would leave, more than [removal] allows"
        if brake.refuses_files(tally.lost, held.files):
            yield f"{tally.lost} of {held.files} files would leave their pages, more than [removal] allows"


def _due(catalogue: Catalogue, now: float) -> tuple[list[str], list[str]]:
    """The projects that are due, those first whose page has to be asked for. Blocks."""
    wanted: list[str] = []
    unwanted: list[str] = []
    after = ""
    while entries := catalogue.due(now, after, 5000):
        for entry in entries:
            (wanted if entry.wanted else unwanted).append(entry.name)
        after = entries[-1].name
    return wanted, unwanted


async def _stream(items: Iterable[str]) -> AsyncIterator[str]:
    for item in items:
        yield item


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first error of a group of tasks: the others are its echo."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _here(files: Iterable[File], storage: Storage) -> set[File]:
    """The files that lie in storage or in the trash already, as far as their size tells. Blocks."""
    here = set()
    for file in files:
        key = layout.file_key(file)
        stat = storage.stat(key) or storage.buried(key)
        if stat is not None and file.size in (None, stat.size):
            here.add(file)
    return here


def _month(file: File) -> str | None:
    """Of its upload, ``YYYY-MM``; None where that cannot be told."""
    moment = uploaded(file)
    try:
        return None if moment is None else datetime.fromtimestamp(moment, UTC).date().isoformat()[:7]
    except (ValueError, OverflowError):
        return None  # beyond the calendar, once it is in UTC


def _sum(files: Iterable[File]) -> Sum:
    sizes = [file.size or 0 for file in files]
    return Sum(len(sizes), sum(sizes))


def _add(sums: dict[str, Sum], key: str, more: Sum) -> None:
    sums[key] = sums.get(key, Sum()) + more


def estimate(drawn: Sequence[Sum], count: int) -> Estimate | None:
    """The sum over *count* projects, from what is to be fetched for some that were drawn at random."""
    size = len(drawn)
    if size < 2:
        return None
    mean = sum(one.bytes for one in drawn) / size
    variance = sum((one.bytes - mean) ** 2 for one in drawn) / (size - 1)
    # Drawn without putting back: the more of all were drawn, the less is left to be wrong about.
    error = count * math.sqrt(variance / size * max(0.0, 1 - size / count))
    return Estimate(round(sum(one.files for one in drawn) / size * count), round(mean * count), round(2 * error))
