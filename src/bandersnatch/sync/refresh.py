"""The projects that are due, many at once: first is said how much there is to do, last comes what loses something."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Container, Iterable
from typing import TypeVar

from bandersnatch.catalogue.base import Entry, Failure
from bandersnatch.sync import events
from bandersnatch.sync.batches import Outcomes, settler
from bandersnatch.sync.departures import Departures, depart
from bandersnatch.sync.fetch import fetch
from bandersnatch.sync.hands import each
from bandersnatch.sync.page import prepare
from bandersnatch.sync.room import Keeping
from bandersnatch.sync.run import Gone, Outcome, Prepared, Run

Item = TypeVar("Item")

FEW = 200
"""So many pages at most are read before the first file is fetched, to say how much it will be: all, or a sample."""


async def refresh(run: Run, departures: Departures, *, is_sure: bool) -> None:
    """Bring all projects up to date that are due. *is_sure*: upstream was heard, and has told what is new."""
    catalogue = run.mirror.catalogue
    named = run.mirror.selection.names is not None
    waiting = await asyncio.to_thread(catalogue.waiting, run.now, absent=named)
    if waiting is not None:
        projects, first = waiting
        run.tell(events.Waiting(projects, first.name, first.reason, first.next_try))
    count = await asyncio.to_thread(catalogue.count_due, run.now)
    free = await asyncio.to_thread(run.mirror.storage.free)
    async with settler(run) as outcomes:
        refreshing = _Refreshing(run, outcomes, departures, free)
        if count > FEW:
            await refreshing.many(count)
        else:
            await refreshing.few(is_quiet=is_sure and waiting is None)
        for outcome in await departures.refuse():
            await outcomes.put(outcome)
        # What loses something: all of it, since the brake would have spoken by now.
        await refreshing.all(departures.waiting, are_last=True)


class _Refreshing:
    def __init__(self, run: Run, outcomes: Outcomes, departures: Departures, free: int | None) -> None:
        self._run = run
        self._outcomes = outcomes
        self._departures = departures
        self._free = free
        """Bytes in storage, if it can tell."""

    async def few(self, *, is_quiet: bool) -> None:
        """Read all pages first, so as to say how much there is to fetch before the first file is."""
        prepared: list[Prepared | Entry] = []
        keeping, files, size = Keeping(), 0, 0
        others: Counter[type] = Counter()

        async def read(entry: Entry) -> None:
            nonlocal files, size
            one = await prepare(entry, self._run)
            if isinstance(one, Prepared):
                from bandersnatch.sync.sampling import to_fetch

                coming = await asyncio.to_thread(to_fetch, one, self._run.mirror.storage)
                files, size = files + coming.files, size + coming.bytes
                prepared.append(keeping.keep(one))
            else:
                others[type(one)] += 1
                await self._bring(one)

        await self._each(_due(self._run), read)
        missing, leaving = self._missing(size), others[Gone]
        is_quiet = is_quiet and not (prepared or leaving or others[Failure])
        planned = events.Planned(len(prepared), files, size, self._free, missing, leaving=leaving, is_quiet=is_quiet)
        self._run.tell(planned)
        await self.all(prepared)

    async def many(self, count: int) -> None:
        """Say about how much there is to do, by a sample of the pages, which are not read again."""
        from bandersnatch.sync.sampling import forecast

        looked_at, guess = await forecast(self._run, FEW)
        planned = events.Planned(count, None, None, self._free)
        if guess is not None:
            missing = self._missing(guess.bytes)
            planned = events.Planned(count, guess.files, guess.bytes, self._free, missing, len(looked_at), guess.error)
        self._run.tell(planned)
        await self.all(looked_at.values())
        await self.all(_due(self._run, looked_at))

    async def all(
        self,
        items: AsyncIterator[Entry] | Iterable[Entry | Prepared | Gone | Outcome],
        *,
        are_last: bool = False,
    ) -> None:
        """Bring in what the projects need; *are_last*: nothing has to wait any more."""

        async def bring(item: Entry | Prepared | Gone | Outcome) -> None:
            await self._bring(await prepare(item, self._run) if isinstance(item, Entry) else item, is_last=are_last)

        await self._each(items, bring)

    async def _bring(self, one: Prepared | Gone | Outcome, *, is_last: bool = False) -> None:
        """Fetch what the project needs, unless it has to wait until it is known how much leaves in all."""
        run, outcomes = self._run, self._outcomes
        if not is_last and isinstance(one, (Prepared, Gone)) and await self._departures.postpone(one):
            for outcome in await self._departures.refuse(so_far=True):
                await outcomes.put(outcome)
        elif isinstance(one, Prepared):
            await outcomes.put(await fetch(one, run))
        else:
            await outcomes.put(await run.lane.ask(depart, one, run) if isinstance(one, Gone) else one)

    async def _each(self, items: AsyncIterator[Item] | Iterable[Item], work: Callable[[Item], Awaitable[None]]) -> None:
        await each(items, work, self._run.mirror.rules.projects_at_once, lambda: self._run.health.is_over)

    def _missing(self, size: int) -> int:
        return 0 if self._free is None else max(0, size - max(0, self._free - self._run.mirror.rules.transfer.reserve))


async def _due(run: Run, besides: Container[str] = ()) -> AsyncIterator[Entry]:
    """The projects that are due, in the order of names, read some hundred at a time, *besides* some."""
    after = ""
    while entries := await asyncio.to_thread(run.mirror.catalogue.due, run.now, after, 500):
        for entry in entries:
            if entry.name not in besides:
                yield entry
        after = entries[-1].name
