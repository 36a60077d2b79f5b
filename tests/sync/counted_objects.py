"""A first sync as a program of its own: prints how many blocks are allocated once all projects had their turn."""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
from functools import lru_cache

from bandersnatch import assemble
from bandersnatch.config.load import load
from bandersnatch.storage.fresh import Fresh
from bandersnatch.sync import events
from bandersnatch.sync.engine import Wish, run

CACHE = type(lru_cache(len))


class Counting:
    """What a run does last: all that it keeps for projects is still there, and nothing is on its way any more."""

    blocks = 0

    def __call__(self, tell: events.Tell) -> None:
        """Count, the caches left out: each has a bound, and how much is in it depends on what came last."""
        for one in gc.get_objects():
            if isinstance(one, CACHE):
                one.cache_clear()
            elif isinstance(one, Fresh):
                one.clear()
        gc.collect()
        self.blocks = sys.getallocatedblocks()

    def stop(self) -> None:
        pass


async def main(settings: dict[str, object]) -> int:
    config, now, last = load(None, {}, settings).config, time.time(), Counting()
    with assemble.locked(config):
        async with assemble.mirror(config, {}, now) as mirror:
            assert (await run(mirror, Wish(), now, lambda _: None, last)).outcome == "clean"
    return last.blocks


if __name__ == "__main__":
    json.dump(asyncio.run(main(json.loads(sys.argv[1]))), sys.stdout)
