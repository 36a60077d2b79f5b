"""A run: ask what changed, bring each project up to date, make it true, then the list of projects, then sweep."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from traceback import format_exception
from typing import Protocol

from bandersnatch.catalogue.base import REASON, RunRecord
from bandersnatch.errors import BandersnatchError, CatalogueError, StorageError, UpstreamError, UsageError
from bandersnatch.sync import events
from bandersnatch.sync.departures import Departures, Reckoning
from bandersnatch.sync.detect import Detected, detect
from bandersnatch.sync.finish import finish
from bandersnatch.sync.found import find_pages
from bandersnatch.sync.hands import first
from bandersnatch.sync.mirror import Mirror
from bandersnatch.sync.reform import reform
from bandersnatch.sync.refresh import refresh
from bandersnatch.sync.resume import resume
from bandersnatch.sync.run import Health, Run
from bandersnatch.sync.sweep import sweep
from bandersnatch.sync.tally import Tally
from bandersnatch.values import Struct


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


async def run(
    mirror: Mirror,
    wish: Wish,
    now: float,
    tell: events.Tell,
    last: Last | None = None,
    why_stopped: Callable[[], str] = lambda: "it was told to stop",
) -> events.Finished:
    """
    Bring the whole mirror up to date as far as upstream and the disk allow. *now*: seconds since the epoch.
    *why_stopped* is asked once the run was cancelled.

    One project that fails never keeps another back. Raises UsageError; everything else that can go wrong with
    upstream or the disk is in the outcome. When cancelled, what is whole is committed before the cancellation goes on.
    """
    with _unhurried_collector():
        return await _Engine(mirror, wish, now, tell, last, why_stopped).run()


class _Engine:
    def __init__(
        self,
        mirror: Mirror,
        wish: Wish,
        now: float,
        tell: events.Tell,
        last: Last | None,
        why_stopped: Callable[[], str],
    ) -> None:
        self._last = last
        self._why_stopped = why_stopped
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
        await asyncio.to_thread(resume, mirror, self._now, full=self._wish.full)
        await asyncio.to_thread(mirror.catalogue.record_run, RunRecord(self._now, None, "", None))
        try:
            outcome, reason = await self._steps()
        except asyncio.CancelledError:
            await self._end("stopped", self._why_stopped())
            raise
        except UsageError as error:  # whoever called says so; it is how the run ended all the same
            await asyncio.to_thread(self._finished, "failed", str(error))
            raise
        except (Exception, BaseExceptionGroup) as error:
            outcome, reason = self._outcome_of(first(error))
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
        await refresh(run, departures, is_sure=is_sure)
        await reform(run)
        reached = not unreachable and not self._health.is_over
        await asyncio.to_thread(finish, run, reached=reached, believed=believed)
        if reached:
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
        reasons = [f"{behind} project{'s are' if behind > 1 else ' is'} behind upstream"] if behind else []
        if unresolved := self._mirror.unresolved:
            more = f", and {len(unresolved) - 1} more" if len(unresolved) > 1 else ""
            reasons.append(f"what is needed cannot all be resolved: {unresolved[0]:.500}{more}")
        if unknown and not reasons:
            reasons.append(unknown)
        return ("behind", "; ".join(reasons)) if reasons else ("clean", "")

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
