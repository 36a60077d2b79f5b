"""Time that passes when it is waited for, and not before."""

from __future__ import annotations

import asyncio
import itertools
import time
from datetime import UTC, datetime

from bandersnatch.upstream.pacing import Clock


class Timekeeper:
    """
    Waits end at once and are remembered; the clock has then gone on by as much.

    Between them it goes as fast as the real one, or *haste* times as fast: for what is too slow by the clock.
    """

    def __init__(self, *, haste: float = 1.0, skew: float = 0.0) -> None:
        self.waits: list[float] = []
        self._slept = 0.0
        self._haste = haste
        self._skew = skew
        self._chances = itertools.cycle((0.1, 0.9, 0.5))

    @property
    def clock(self) -> Clock:
        """What a run is given."""
        return Clock(self._monotonic, self._sleep, lambda: next(self._chances), self._now)

    def _monotonic(self) -> float:
        return time.monotonic() * self._haste + self._slept

    async def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self._slept += seconds
        await asyncio.sleep(0)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(time.time() + self._skew, UTC)
