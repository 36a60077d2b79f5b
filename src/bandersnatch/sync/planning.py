"""What a run would do, found out by the run's own steps on a copy of the catalogue; nothing is changed."""

from __future__ import annotations

import asyncio
import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from bandersnatch.catalogue.base import Catalogue, Due, Entry, Failure, Totals
from bandersnatch.model import File, Refusal
from bandersnatch.selection.times import uploaded
from bandersnatch.sync import events
from bandersnatch.sync.departures import Reckoning
from bandersnatch.sync.detect import Detected, detect
from bandersnatch.sync.hands import each, first
from bandersnatch.sync.mirror import Mirror
from bandersnatch.sync.page import prepare
from bandersnatch.sync.plans import Estimate, Plan, Share, Sum, estimate
from bandersnatch.sync.reform import outlook
from bandersnatch.sync.run import Gone, Health, Outcome, Prepared, Run, summed
from bandersnatch.sync.sampling import Group, draw, here
from bandersnatch.values import Struct, field

LARGEST = 20
"""Projects that are named because there is most to fetch for them."""


async def plan(
    mirror: Mirror,
    now: float,
    *,
    full: bool = False,
    accept_removals: bool = False,
    sample: int | None = None,
    few: int = 0,
    tell: events.Tell = lambda _: None,
) -> Plan:
    """
    Find out what a run at *now* would do. *mirror* has a copy of the catalogue, which is written to.

    *accept_removals*: as in a run, the brake has nothing to say. *sample*: where more than *few* are due, read no more
    than so many pages, and forecast the rest. Raises UpstreamError, CatalogueError, StorageError, Refused, UsageError.
    """
    return await _Planning(mirror, now, full=full, accept_removals=accept_removals, tell=tell).plan(sample, few)


class _Tally(Struct):
    looked_at: int = 0
    new: int = 0
    unchanged: int = 0
    unsized: int = 0
    fetch: Sum = Sum()
    found: Sum = Sum()
    undated: Sum = Sum()
    absent: int = 0
    leaving: dict[str, Sum] = field(default_factory=dict)
    gone: list[str] = field(default_factory=list)
    refused: dict[str, Sum] = field(default_factory=dict)
    largest: list[tuple[int, str, int]] = field(default_factory=list)
    growth: Counter[str] = field(default_factory=Counter)
    failures: dict[str, str] = field(default_factory=dict)
    untaken: dict[str, str] = field(default_factory=dict)


class _Planning:
    def __init__(self, mirror: Mirror, now: float, *, full: bool, accept_removals: bool, tell: events.Tell) -> None:
        self._mirror = mirror
        self._now = now
        self._full = full
        self._accepted = accept_removals
        self._tell = tell
        self._tally = _Tally()
        self._health = Health()
        self._groups: dict[str, Group] = {}
        """By the project that was drawn, where only some are."""
        self._reckoning: Reckoning

    async def plan(self, sample: int | None, few: int) -> Plan:
        mirror = self._mirror
        held = await asyncio.to_thread(mirror.catalogue.totals)
        if self._accepted:
            await asyncio.to_thread(mirror.catalogue.cut_waits, self._now)
        form = await asyncio.to_thread(outlook, mirror)
        # What the brake would stop is looked at as well: the operator has to see it in order to judge.
        detected = await detect(mirror, self._now, full=self._full, accept_removals=True, tell=self._tell)
        self._reckoning = await asyncio.to_thread(Reckoning, mirror.catalogue, mirror.rules.brake)
        # As a run does it, but for the steps that change anything: so no file is ever on its way.
        slots = asyncio.Semaphore(1)
        run = Run(mirror, self._now, self._full, self._tell, slots, self._health, detected.listed, detected.highest)
        wanted, groups, unwanted = await asyncio.to_thread(_due, mirror.catalogue, self._now, sample, few)
        drawn = [name for group in groups for name in group.names]
        sampled = len(drawn) < wanted
        if sampled:
            self._groups = {name: group for group in groups for name in group.names}
        size = len(drawn) + len(unwanted)
        told = events.Planned(wanted + len(unwanted), None, None, None, sample=size if sampled else None)
        self._tell(told)
        await self._look_at([*unwanted, *drawn], run)
        forecast = estimate([(group.size, group.seen) for group in groups]) if sampled else None
        return await asyncio.to_thread(self._result, told.projects, held, detected, forecast, form)

    async def _look_at(self, names: Iterable[str], run: Run) -> None:
        async def look(name: str) -> None:
            entry = await asyncio.to_thread(run.mirror.catalogue.entry, name)
            if entry is not None:
                await self._count(entry, await prepare(entry, run))
            self._tally.looked_at += 1
            self._tell(events.Confirmed(name))

        try:
            await each(names, look, run.mirror.rules.projects_at_once, lambda: self._health.is_over)
        except BaseExceptionGroup as group:
            raise first(group) from None

    # --- counting --------------------------------------------------------------------------------------------------

    async def _count(self, entry: Entry, outcome: Prepared | Gone | Outcome) -> None:
        tally = self._tally
        fetched = Sum()
        match outcome:
            case Prepared():
                fetched = await self._count_page(entry, outcome)
            case Gone(cause=cause):
                tally.gone.append(entry.name)
                before = await asyncio.to_thread(self._mirror.catalogue.published, entry.name)
                self._reckoning.leaves(entry, len(before.held))
                _add(tally.leaving, str(cause), Sum(len(before.held), sum(one.size for one in before.held)))
            case Failure(missing_since=since) if since and not entry.published and self._mirror.selection.names is None:
                tally.absent += 1
            case Failure(reason=reason):
                tally.failures[entry.name] = reason
                return  # what is not known says nothing about the others either
            case _:
                tally.unchanged += 1
        if entry.name in self._groups:
            self._groups[entry.name].seen.append(fetched)

    async def _count_page(self, entry: Entry, page: Prepared) -> Sum:
        """Returns what is to be fetched for it."""
        tally = self._tally
        empty = page.is_unwanted
        tally.new += not entry.published and not empty
        if entry.published and empty:
            tally.gone.append(entry.name)
        for departure in page.leaving:
            _add(tally.leaving, departure.reason.partition(":")[0], Sum(1, departure.held.size))
        self._reckoning.loses(page)
        for dropped in page.selected.dropped:
            _add(tally.refused, dropped.verdict.rule, Sum.of([dropped.file]))
        for one in page.fetched.project.rejected:
            if one.refusal is Refusal.CONFIGURED:
                _add(tally.refused, "files.without-digest", Sum(1))
        if page.problems:
            tally.untaken[entry.name] = summed(page.problems)
        if not self._mirror.selection.is_index_only(entry.name):
            self._count_growth(page.shown.files)
        return await self._count_files(entry.name, page.plan.fetch)

    def _count_growth(self, files: Iterable[File]) -> None:
        for file in files:
            month = _month(file)
            if month is None:
                self._tally.undated += Sum.of([file])
            else:
                self._tally.growth[month] += file.size or 0

    async def _count_files(self, project: str, files: Sequence[File]) -> Sum:
        """Tell what has to be fetched from what lies in storage. Returns the former."""
        if not files:
            return Sum()
        tally = self._tally
        found = await asyncio.to_thread(here, files, self._mirror.storage)
        missing = [file for file in files if file not in found]
        fetch = Sum.of(missing)
        tally.found += Sum.of(found)
        tally.fetch += fetch
        tally.unsized += sum(file.size is None for file in missing)
        if missing:
            item = (fetch.bytes, project, fetch.files)
            (heapq.heappushpop if len(tally.largest) >= LARGEST else heapq.heappush)(tally.largest, item)
        return fetch

    # --- the result ------------------------------------------------------------------------------------------------

    def _result(
        self, due: int, held: Totals, detected: Detected, forecast: Estimate | None, form: tuple[int, int]
    ) -> Plan:
        """Blocks."""
        tally = self._tally
        leave = sum(tally.leaving.values(), Sum())
        return Plan(
            due=due,
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
            untaken=dict(sorted((self._waiting() | tally.untaken).items())),
            absent=tally.absent,
            unresolved=self._mirror.unresolved,
            stopped=self._health.is_over,
            brake=tuple(self._brake(detected)),
            held=held,
            free=self._mirror.storage.free(),
            reserve=self._mirror.rules.transfer.reserve,
            anew=form[0],
            unmade=form[1],
            forecast=forecast,
        )

    def _waiting(self) -> dict[str, str]:
        """Projects that are behind and that a run would not try yet, with the reason. Blocks."""
        named = self._mirror.selection.names is not None
        behind = self._mirror.catalogue.behind()
        return {one.name: one.reason for one in behind if one.next_try > self._now and (named or not one.absent)}

    def _brake(self, detected: Detected) -> Iterator[str]:
        if detected.refused:
            yield detected.refused
        if self._accepted:
            return
        if detected.braked:
            yield detected.braked
        elif too_much := self._reckoning.too_much():
            yield too_much


def _due(catalogue: Catalogue, now: float, sample: int | None, few: int) -> tuple[int, list[Group], list[str]]:
    """How many projects are due whose page has to be asked for, those that will be, and the others. Blocks."""

    def wanted() -> Iterator[Due]:
        return (one for one in catalogue.weigh(now) if one.wanted)

    count = sum(1 for _ in wanted())
    unwanted = [one.name for one in catalogue.weigh(now) if not one.wanted]
    if sample is not None and count > max(few, sample):
        return count, draw(wanted, sample), unwanted
    return count, [Group(count, [one.name for one in wanted()])], unwanted


def _month(file: File) -> str | None:
    """Of its upload, ``YYYY-MM``; None where that cannot be told."""
    moment = uploaded(file)
    try:
        return None if moment is None else datetime.fromtimestamp(moment, UTC).date().isoformat()[:7]
    except (ValueError, OverflowError):
        return None  # beyond the calendar, once it is in UTC


def _add(sums: dict[str, Sum], key: str, more: Sum) -> None:
    sums[key] = sums.get(key, Sum()) + more
