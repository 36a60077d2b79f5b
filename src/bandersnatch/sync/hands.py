"""Several hands that take the next item as soon as they are free."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import TypeVar

Item = TypeVar("Item")


async def each(
    items: AsyncIterator[Item] | Iterable[Item],
    work: Callable[[Item], Awaitable[None]],
    hands: int,
    is_over: Callable[[], bool] = lambda: False,
) -> None:
    """Do *work* for all *items*, by so many *hands* at a time, until *is_over*. The first error stops all."""
    coming = items if isinstance(items, AsyncIterator) else _stream(items)
    turn = asyncio.Lock()  # an asynchronous generator serves one taker at a time

    async def hand() -> None:
        while not is_over():
            async with turn:
                item = await anext(coming, None)
            if item is None:
                return
            await work(item)

    async with asyncio.TaskGroup() as group:
        for _ in range(hands):
            group.create_task(hand())


async def _stream(items: Iterable[Item]) -> AsyncIterator[Item]:
    for item in items:
        yield item


def first(error: BaseException) -> BaseException:
    """The first error of a group of tasks: the others are its echo. Any other error is its own."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
