"""Questions to an upstream, as the tests put them: one event loop each, a clock that needs no time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from bandersnatch.upstream.client import Client
from bandersnatch.upstream.index import IndexUpstream
from bandersnatch.upstream.pacing import Clock
from bandersnatch.upstream.settings import Settings

T = TypeVar("T")
NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)


@dataclass
class FakeTime:
    """Time that passes only by sleeping, which takes none; *step* passes whenever somebody looks."""

    step: float = 0.0
    seconds: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def clock(self) -> Clock:
        return Clock(self._look, self._sleep, lambda: 0.5, lambda: NOW)

    def _look(self) -> float:
        self.seconds += self.step
        return self.seconds

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds
        await asyncio.sleep(0)


def settings(url: str, **changes: Any) -> Settings:
    return Settings(**{"url": url, "user_agent": "bandersnatch-tests", "timeout": 20.0, **changes})


def ask(url: str, question: Callable[[IndexUpstream], Awaitable[T]], time: FakeTime | None = None, **changes: Any) -> T:
    """What *question* returns of the upstream at *url*."""
    return ask_client(url, lambda client: question(IndexUpstream(settings(url, **changes), client)), time, **changes)


def ask_client(url: str, question: Callable[[Client], Awaitable[T]], time: FakeTime | None = None, **changes: Any) -> T:
    """What *question* returns of a client of the upstream at *url*."""

    async def main() -> T:
        client = Client(settings(url, **changes), (time or FakeTime()).clock())
        try:
            return await question(client)
        finally:
            await client.close()

    return asyncio.run(main())


async def body_of(upstream: IndexUpstream, url: str, offset: int = 0) -> tuple[int, int | None, bytes]:
    """Offset, length and bytes of the file at *url*."""
    async with upstream.open(url, offset=offset) as body:
        return body.offset, body.length, b"".join([chunk async for chunk in body])


async def get(client: Client, url: str) -> tuple[int, bytes]:
    """Status and raw bytes at *url*, which must answer 200."""
    async with client.get(url) as response:
        return response.status, b"".join([chunk async for chunk in response.chunks()])
