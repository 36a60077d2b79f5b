"""What projects come to, settled in batches while others are still on their way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bandersnatch.sync.run import Outcome, Run
from bandersnatch.sync.settle import settle

Outcomes = asyncio.Queue[Outcome | None]

BATCH = 64
"""Projects that share one synchronisation of the disk and one transaction, at most."""


@asynccontextmanager
async def settler(run: Run) -> AsyncIterator[Outcomes]:
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
