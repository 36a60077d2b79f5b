"""Politeness and patience, in one place: how many requests at a time, how many bytes, when to wait and try again.

Nothing here knows HTTP's wire or an index. Time comes in as a ``Clock``, so that tests need not wait.
"""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TypeVar

from bandersnatch.errors import UpstreamError
from bandersnatch.upstream.settings import Settings
from bandersnatch.values import Struct

T = TypeVar("T")

FIRST_WAIT = 1.0
LONGEST_WAIT = 60.0
"""Back-off, in seconds: try n waits a random part of ``min(LONGEST_WAIT, FIRST_WAIT * 2**n)`` ("full jitter")."""
RATE_WINDOW = 30.0
"""Seconds of waiting for the network over which the minimum rate is looked at."""
RISING = 60.0
MOST_TIMES = 64
"""The minimum rate is one more times itself after each ``RISING`` seconds of a body, up to so many times."""


class Transient(UpstreamError):
    """A failure that another try soon may cure: a broken connection, a timeout, 408, 429, 5xx."""


def _now() -> datetime:
    return datetime.now(UTC)


class Clock(Struct, frozen=True):
    """Where time and chance come from."""

    monotonic: Callable[[], float] = time.monotonic
    """Seconds."""
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    random: Callable[[], float] = random.random
    """From 0 up to 1."""
    now: Callable[[], datetime] = _now
    """Aware; only where upstream gives a date and not its own time."""


class Pacer:
    """What all requests to one upstream share. Belongs to one event loop."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.clock = clock
        self._settings = settings
        self._hosts: defaultdict[str, _Host] = defaultdict(lambda: _Host(settings.connections))
        self._paid_until = clock.monotonic()

    def turn(self, place: str, group: str = "") -> Turn:
        """
        A turn at the host *place*: as long as it is entered, a request is in flight.

        Those of one *group* never take all turns of a host.
        """
        return Turn(self._hosts[place], self.clock, group)

    def is_multiplexed(self, place: str) -> bool:
        """Whether *place* last answered in HTTP/2, so that many requests can share one connection."""
        return self._hosts[place].is_multiplexed

    def note(self, place: str, *, multiplexed: bool) -> None:
        """Note how *place* answered, or, not *multiplexed*, that it did not; it decides how many requests go there."""
        host = self._hosts[place]
        host.is_multiplexed = multiplexed
        host.gate.set_limit(self._settings.streams if multiplexed else self._settings.connections)

    def pause(self, place: str, seconds: float) -> None:
        """Let no request to *place* begin for *seconds*, or the configured most."""
        host = self._hosts[place]
        wait = min(max(seconds, 0.0), self._settings.retry_after_cap)
        host.paused_until = max(host.paused_until, self.clock.monotonic() + wait)

    @property
    def is_limited(self) -> bool:
        """Whether there is a bandwidth to keep to; else ``spend`` does nothing."""
        return self._settings.bandwidth is not None

    async def spend(self, count: int) -> None:
        """Take *count* bytes from the common bandwidth, waiting until they are paid for; a second's worth is free."""
        rate = self._settings.bandwidth
        if rate is None:
            return
        now = self.clock.monotonic()
        self._paid_until = max(self._paid_until, now - 1.0) + count / rate
        if self._paid_until > now:
            await self.clock.sleep(self._paid_until - now)

    async def persist(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """What *attempt* returns, tried again after ``Transient`` failures, with back-off; the last one is raised."""
        for failures in range(self._settings.tries - 1):
            try:
                return await attempt()
            except Transient:
                await self.clock.sleep(self.clock.random() * min(LONGEST_WAIT, FIRST_WAIT * 2**failures))
        return await attempt()


class _Host:
    """The state of one host."""

    def __init__(self, connections: int) -> None:
        self.gate = _Gate(connections)
        self.is_multiplexed = False
        self.paused_until = float("-inf")


class Turn:
    """One request's turn at a host. ``end`` belongs to every ``begin`` that has returned."""

    __slots__ = ("_clock", "_group", "_host")

    def __init__(self, host: _Host, clock: Clock, group: str) -> None:
        self._host = host
        self._clock = clock
        self._group = group

    async def begin(self) -> None:
        """Wait for it."""
        await self._host.gate.enter(self._group)
        try:
            while (wait := self._host.paused_until - self._clock.monotonic()) > 0:
                await self._clock.sleep(wait)
        except BaseException:
            self.end()
            raise

    def end(self) -> None:
        """Let the next one have it."""
        self._host.gate.leave(self._group)

    async def __aenter__(self) -> None:
        await self.begin()

    async def __aexit__(self, *exception: object) -> None:
        self.end()


class _Gate:
    """
    Lets so many in at a time; unlike a semaphore's, the number can change both ways.

    Who comes with a *group* leaves a quarter of the places, or one, to all others, however long his take; and a group
    that has none comes before one that has some.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._inside: Counter[str] = Counter()
        self._waiting: dict[asyncio.Future[None], str] = {}
        """In the order in which they came."""

    def set_limit(self, limit: int) -> None:
        self._limit = limit
        self._wake()

    async def enter(self, group: str) -> None:
        called: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[called] = group
        self._wake()
        try:
            await called
        except asyncio.CancelledError:
            if called.cancelled():
                del self._waiting[called]
            else:
                self.leave(group)  # he was called, and cannot come
            raise

    def leave(self, group: str) -> None:
        self._inside[group] -= 1
        if not self._inside[group]:
            del self._inside[group]
        self._wake()

    def _wake(self) -> None:
        while self._waiting and self._inside.total() < self._limit and (called := self._next()) is not None:
            self._inside[self._waiting.pop(called)] += 1
            called.set_result(None)

    def _next(self) -> asyncio.Future[None] | None:
        """Who may come in: the first whose group has none inside, else the first whose group leaves enough places."""
        share = self._limit - max(1, self._limit // 4) if self._limit > 1 else 1
        second = None
        for called, group in self._waiting.items():
            if called.cancelled():
                continue  # he has not heard it yet
            inside = self._inside.get(group, 0) if group else 0
            if not inside:
                return called
            if second is None and inside < share:
                second = called
        return second


class RateWatch:
    """
    Notices a body that keeps coming, too slowly. Only the time that we waited for the network counts.

    What is enough rises with that time, by *minimum* with each ``RISING``: or who drips could hold a place for days.
    """

    def __init__(self, minimum: int) -> None:
        self._minimum = minimum
        self._waited = 0.0
        self._bytes = 0
        self._before = 0.0
        """Seconds in the windows that are closed."""

    @property
    def floor(self) -> float:
        """Bytes per second that are enough by now."""
        return self._minimum * min(MOST_TIMES, 1 + self._before / RISING)

    def is_too_slow(self, waited: float, count: int) -> bool:
        """Note that *count* bytes came after *waited* seconds; whether the window now closing had too few."""
        self._waited += waited
        self._bytes += count
        if self._waited < RATE_WINDOW:
            return False
        slow = self._bytes < self.floor * self._waited
        self._before += self._waited
        self._waited, self._bytes = 0.0, 0
        return slow


def retry_after(value: str | None, date: str | None, now: datetime) -> float | None:
    """
    Seconds that a Retry-After header of *value* asks to wait (RFC 9110, section 10.2.3); None for none that is valid.

    A date is compared with the response's own Date header *date* where there is one, so our clock need not be right.
    """
    if value is None:
        return None
    if re.fullmatch(r"[ \t]*[0-9]{1,9}[ \t]*", value):
        return float(value)
    until = http_date(value)
    if until is None:
        return None
    return max(0.0, (until - (http_date(date or "") or now)).total_seconds())


def http_date(text: str) -> datetime | None:
    """The time that a header's *text* means; None for none."""
    from email.utils import parsedate_to_datetime

    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # an hour or a year that no calendar has, an offset of a million hours
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
