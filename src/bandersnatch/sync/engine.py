"""A run: ask what changed, bring each project up to date, make it true, then the list of projects, then sweep."""

from __future__ import annotations

import asyncio
import gc
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Container, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from traceback import format_exception
from typing import Protocol, TypeVar

from bandersnatch.catalogue.base import REASON, Entry, Failure, Leaving, RunRecord
from bandersnatch.errors import BandersnatchError, CatalogueError, StorageError, UpstreamError
from bandersnatch.sync import events
from bandersnatch.sync.departures import Departures, Reckoning, depart
from bandersnatch.sync.detect import Detected, detect
from bandersnatch.sync.fetch import fetch
from bandersnatch.sync.finish import finish
from bandersnatch.sync.found import find_pages
from bandersnatch.sync.hands import each
from bandersnatch.sync.mirror import Mirror
from bandersnatch.sync.page import prepare
from bandersnatch.sync.reform import reform
from bandersnatch.sync.room import Keeping
from bandersnatch.sync.run import Gone, Health, Outcome, Prepared, Run
from bandersnatch.sync.settle import settle
from bandersnatch.sync.sweep import sweep
from bandersnatch.sync.tally import Tally
from bandersnatch.values import Struct, replace

Item = TypeVar("Item")

Outcomes = asyncio.Queue[Outcome | None]

BATCH = 64
"""Projects that share one synchronisation of the disk and one transaction, at most."""

CUT_OFF = "a run was cut off before its page was committed"
"""Why what nothing links leaves."""

ANY_DIGEST = "any-digest"
"""The fact that is set once pages that list nothing were looked at by a program that takes more than SHA-256."""

FEW = 200
"""So many pages at most are read before the first file is fetched, to say how much it will be: all, or a sample."""


class Wish(Struct, frozen=True):
    """What the operator asked of this run."""

    full: bool = False
    """Check everything, against upstream and in storage."""
    accept_removals: bool = False
    """Remove what upstream's list lacks, however much it is."""
    accept_changed: frozenset[str] = frozenset()
    """Take what is there now of these projects' files without a digest, though it may be other bytes than at first."""
    attended: bool = False
    """Somebody sits there and watches: what is behind is tried now, and not when its wait is over."""


class Last(Protocol):
    """What a run does last of all, in a thread, if it reached upstream."""

    def __call__(self, tell: events.Tell) -> object:
        """Do it. Raises StorageError and CatalogueError."""

    def stop(self) -> None:
        """End soon: the run is cancelled."""


async def run(mirror: Mirror, wish: Wish, now: float, tell: events.Tell, last: Last | None = None) -> events.Finished:
    """
    Bring the whole mirror up to date as far as upstream and the disk allow. *now*: seconds since the epoch.

    One project that fails never keeps another back. Raises UsageError; everything else that can go wrong with
    upstream or the disk is in the outcome. When cancelled, what is whole is committed before the cancellation goes on.
    """
    with _unhurried_collector():
        return await _Engine(mirror, wish, now, tell, last).run()


class _Engine:
    def __init__(self, mirror: Mirror, wish: Wish, now: float, tell: events.Tell, last: Last | None) -> None:
        self._last = last
        self._mirror = mirror
        self._wish = wish
        self._now = now
        self._tally = Tally(tell)
        self._health = Health()
        self._slots = asyncio.Semaphore(mirror.rules.files_at_once)
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()

    async def run(self) -> events.Finished:
        mirror = self._mirror
        self._tally.tell(events.Started(mirror.directory, mirror.shown))
        for oddity in await asyncio.to_thread(mirror.storage.oddities):
            self._tally.tell(events.Warned(oddity))
        await asyncio.to_thread(_take_up, mirror, self._now, full=self._wish.full)
        await asyncio.to_thread(mirror.catalogue.record_run, RunRecord(self._now, None, "", None))
        try:
            outcome, reason = await self._steps()
        except asyncio.CancelledError as error:
            await self._end("stopped", str(error) or "it was told to stop")
            raise
        except BaseExceptionGroup as group:
            outcome, reason = self._outcome_of(_first(group))
        except Exception as error:
            outcome, reason = self._outcome_of(error)
        return await self._end(outcome, reason)

    async def _end(self, outcome: str, reason: str) -> events.Finished:
        finished = await asyncio.to_thread(self._finished, outcome, reason)
        self._tally.tell(finished)
        return finished

    async def _steps(self) -> tuple[str, str]:
        mirror, wish, tell = self._mirror, self._wish, self._tally.tell
        detected, unreachable = Detected("nothing"), ""
        await asyncio.to_thread(find_pages, mirror)
        if wish.accept_removals or wish.attended:
            await asyncio.to_thread(mirror.catalogue.cut_waits, self._now)  # what was refused waits as well
        if wish.accept_changed:
            await asyncio.to_thread(mirror.catalogue.suspect, sorted(wish.accept_changed), self._now, files=False)
        try:
            detected = await detect(mirror, self._now, full=wish.full, accept_removals=wish.accept_removals, tell=tell)
        except UpstreamError as error:
            unreachable = f"upstream could not be asked what changed: {error}"
        believed = not unreachable and not detected.refused
        if believed:
            # What earlier runs took off its last page may be the room that this one needs.
            await asyncio.to_thread(sweep, mirror, self._now)
        run = Run(
            mirror,
            self._now,
            wish.full,
            tell,
            self._slots,
            self._health,
            detected.listed,
            detected.highest,
            accepted=wish.accept_changed,
        )
        reckoning = await asyncio.to_thread(Reckoning, mirror.catalogue, mirror.rules.brake)
        departures = Departures(run, reckoning, accepted=wish.accept_removals)
        is_sure = not (unreachable or detected.refused or detected.behind)
        await self._refresh_all(run, departures, is_sure=is_sure)
        await reform(run)
        reached = not unreachable and not self._health.is_over
        await asyncio.to_thread(finish, run, reached=reached, believed=believed)
        if not unreachable and not self._health.is_over:
            await self._do_last()
        refused = detected.refused or departures.refused
        return await asyncio.to_thread(self._judge, refused, unreachable, detected.behind)

    async def _do_last(self) -> None:
        if self._last is None:
            return
        try:
            await asyncio.to_thread(self._last, self._tally.tell)
        except asyncio.CancelledError:
            self._last.stop()
            raise

    def _judge(self, refused: str, unreachable: str, unknown: str) -> tuple[str, str]:
        """How it went, the worst first. Blocks."""
        _, files = self._mirror.catalogue.held_back()
        if refused or files:
            return "refused", refused or f"{files} files that are to leave were held back: see bandersnatch status"
        if unreachable or self._health.is_over:
            return "unreachable", unreachable or "upstream stopped answering"
        totals = self._mirror.catalogue.totals()
        behind = totals.behind + (totals.absent if self._mirror.selection.names is not None else 0)
        if behind:
            return "behind", f"{behind} project{'s are' if behind > 1 else ' is'} behind upstream"
        return ("behind", unknown) if unknown else ("clean", "")

    # --- the projects ----------------------------------------------------------------------------------------------

    async def _refresh_all(self, run: Run, departures: Departures, *, is_sure: bool) -> None:
        """Bring all projects up to date that are due. *is_sure*: upstream was heard, and has told what is new."""
        catalogue = run.mirror.catalogue
        named = run.mirror.selection.names is not None
        waiting = await asyncio.to_thread(catalogue.waiting, run.now, absent=named)
        if waiting is not None:
            projects, first = waiting
            self._tally.tell(events.Waiting(projects, first.name, first.reason, first.next_try))
        is_quiet = is_sure and waiting is None
        count = await asyncio.to_thread(catalogue.count_due, run.now)
        free = await asyncio.to_thread(run.mirror.storage.free)
        async with _settler(run) as outcomes:
            if not count:
                self._tally.tell(events.Planned(0, 0, 0, free, is_quiet=is_quiet))
            elif count <= FEW:
                planned = events.Planned(0, 0, 0, free, is_quiet=is_quiet)
                await self._refresh_few(_due(run), run, outcomes, departures, planned)
            else:
                looked_at = await self._look_ahead(run, count, free)
                await self._refresh_many(_stream(looked_at.values()), run, outcomes, departures)
                await self._refresh_many(_due(run, looked_at), run, outcomes, departures)
            # What loses something: all of it, since the brake would have spoken by now.
            await self._refresh_many(_stream(departures.waiting), run, outcomes, None)

    async def _refresh_few(
        self,
        entries: AsyncIterator[Entry],
        run: Run,
        outcomes: Outcomes,
        departures: Departures,
        planned: events.Planned,
    ) -> None:
        """Read all pages first, so as to say how much there is to fetch before the first file is."""
        prepared: list[Prepared | Entry] = []
        keeping, files, size = Keeping(), 0, 0
        others: Counter[type] = Counter()

        async def read(entry: Entry) -> None:
            nonlocal files, size
            one = await prepare(entry, run)
            if isinstance(one, Prepared):
                from bandersnatch.sync.sampling import to_fetch

                coming = await asyncio.to_thread(to_fetch, one, run.mirror.storage)
                files, size = files + coming.files, size + coming.bytes
                prepared.append(keeping.keep(one))
            else:
                others[type(one)] += 1
                await self._bring(one, run, outcomes, departures)

        await self._each(entries, read)
        self._tally.tell(
            replace(
                planned,
                projects=len(prepared),
                files=files,
                bytes=size,
                missing=self._missing(size, planned.free),
                leaving=others[Gone],
                is_quiet=planned.is_quiet and not (prepared or others[Gone] or others[Failure]),
            )
        )
        await self._refresh_many(_stream(prepared), run, outcomes, departures)

    def _missing(self, size: int, free: int | None) -> int:
        return 0 if free is None else max(0, size - max(0, free - self._mirror.rules.transfer.reserve))

    async def _look_ahead(self, run: Run, count: int, free: int | None) -> Mapping[str, Prepared | Gone | Outcome]:
        """Say about how much there is to do, by a sample of the pages, which are not read again."""
        from bandersnatch.sync.sampling import forecast

        looked_at, guess = await forecast(run, FEW)
        planned = events.Planned(count, None, None, free)
        if guess is not None:
            missing = self._missing(guess.bytes, free)
            planned = events.Planned(count, guess.files, guess.bytes, free, missing, len(looked_at), guess.error)
        self._tally.tell(planned)
        return looked_at

    async def _refresh_many(
        self,
        items: AsyncIterator[Entry | Prepared | Gone | Outcome],
        run: Run,
        outcomes: Outcomes,
        departures: Departures | None,
    ) -> None:
        async def bring(item: Entry | Prepared | Gone | Outcome) -> None:
            one = await prepare(item, run) if isinstance(item, Entry) else item
            await self._bring(one, run, outcomes, departures)

        await self._each(items, bring)

    @staticmethod
    async def _bring(
        one: Prepared | Gone | Outcome, run: Run, outcomes: Outcomes, departures: Departures | None
    ) -> None:
        """Fetch what the project needs, unless it has to wait until it is known how much leaves in all."""
        if departures is not None and isinstance(one, (Prepared, Gone)) and await departures.postpone(one):
            for outcome in await departures.refuse():
                await outcomes.put(outcome)
        elif isinstance(one, Prepared):
            await outcomes.put(await fetch(one, run))
        else:
            await outcomes.put(await run.lane.ask(depart, one, run) if isinstance(one, Gone) else one)

    async def _each(self, items: AsyncIterator[Item], work: Callable[[Item], Awaitable[None]]) -> None:
        await each(items, work, self._mirror.rules.projects_at_once, lambda: self._health.is_over)

    # --- the end ---------------------------------------------------------------------------------------------------

    def _finished(self, outcome: str, reason: str) -> events.Finished:
        """Count up and record how the run ended. Blocks."""
        catalogue = self._mirror.catalogue
        totals = catalogue.totals()
        serial = catalogue.serial()
        if outcome != "stopped":
            catalogue.set({REASON: reason or None})
        catalogue.record_run(RunRecord(self._now, self._now + self._seconds(), outcome, serial))
        waiting = catalogue.count_due(self._now)
        return self._tally.finished(outcome, reason, self._seconds(), totals, waiting, serial)

    def _outcome_of(self, error: BaseException) -> tuple[str, str]:
        """How what ended the run is told; what an operator can mend himself, and what is no error, is raised."""
        if isinstance(error, (StorageError, CatalogueError)):
            return "disk", str(error)
        if isinstance(error, UpstreamError):
            return "unreachable", str(error)
        if isinstance(error, BandersnatchError) or not isinstance(error, Exception):
            raise error
        self._tally.tell(events.Crashed("".join(format_exception(error))))
        return "failed", f"unexpected {type(error).__name__}: {error}"

    def _seconds(self) -> float:
        return self._loop.time() - self._began


@contextmanager
def _unhurried_collector() -> Iterator[None]:
    """
    Let Python look for garbage in cycles less often: what a run makes is frozen values, and has none to speak of.

    Measured in a first sync: a twentieth of the processor's time.
    """
    before = gc.get_threshold()
    gc.set_threshold(20_000, 20, 50)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _take_up(mirror: Mirror, now: float, *, full: bool) -> None:
    """
    See to what the last run left undone. Blocks.

    If it could not record all that it published, nobody knows what is published of what is due. What it made visible
    and did not commit leaves, unless this run commits it. And what it named is not on the disk for certain.
    """
    storage, catalogue = mirror.storage, mirror.catalogue
    if catalogue.get(ANY_DIGEST) is None:
        catalogue.doubt_empty(now)
        catalogue.set({ANY_DIGEST: "1"})
    last = catalogue.last_runs(1)
    was_cut_off = bool(last) and last[0].outcome in ("", "disk", "failed")
    if was_cut_off:
        catalogue.doubt()
    if was_cut_off or full or (not last and next(storage.keys(), None) is not None):
        storage.synchronise()
    expected = list(catalogue.expected())
    if expected:
        visible = {key for _, key in expected if storage.stat(key) is not None}
        for _, key in expected:
            if key not in visible:
                storage.delete(key)  # the folders that were made for it
        catalogue.abandon([Leaving(key, name, CUT_OFF) for name, key in expected if key in visible])


async def _due(run: Run, besides: Container[str] = ()) -> AsyncIterator[Entry]:
    """The projects that are due, in the order of names, read some hundred at a time, *besides* some."""
    after = ""
    while entries := await asyncio.to_thread(run.mirror.catalogue.due, run.now, after, 500):
        for entry in entries:
            if entry.name not in besides:
                yield entry
        after = entries[-1].name


async def _stream(items: Iterable[Item]) -> AsyncIterator[Item]:
    for item in items:
        yield item


@asynccontextmanager
async def _settler(run: Run) -> AsyncIterator[Outcomes]:
    """
    A queue whose outcomes are settled in batches, as many as have gathered while the last batch was on its way.

    Leaving it waits until all is settled, also when a cancellation or another project's fatal error is the reason.
    """
    outcomes: Outcomes = asyncio.Queue(maxsize=2 * BATCH)
    task = asyncio.create_task(_settle_all(outcomes, run))
    try:
        yield outcomes
    finally:
        await outcomes.put(None)
        await task


async def _settle_all(outcomes: Outcomes, run: Run) -> None:
    failed: Exception | None = None
    ended = False
    while not ended:
        batch, ended = await _gather(outcomes)
        if failed is not None:
            continue  # the hands that are still busy must not wait for a queue that nobody empties
        try:
            await asyncio.to_thread(settle, batch, run)
        except Exception as error:  # whatever it is: the hands are waiting, and hear of it in the end
            failed = error
            run.health.stop()
    if failed is not None:
        raise failed


async def _gather(outcomes: Outcomes) -> tuple[list[Outcome], bool]:
    """What is there by now, one outcome at least, and whether it was the last."""
    batch: list[Outcome] = []
    while not batch or (len(batch) < BATCH and not outcomes.empty()):
        one = await outcomes.get()
        if one is None:
            return batch, True
        batch.append(one)
    return batch, False


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first error of a group of tasks: the others are its echo."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
