"""A first sync as a program of its own: prints how many blocks are allocated after each project."""

from __future__ import annotations

import asyncio
import json
import sys
import time

from bandersnatch import assemble
from bandersnatch.config.load import load
from bandersnatch.sync import events
from bandersnatch.sync.engine import Wish, run


async def main(settings: dict[str, object]) -> list[int]:
    config, now, alive = load(None, {}, settings).config, time.time(), list[int]()

    def tell(event: events.Event) -> None:
        if isinstance(event, events.Refreshed):
            alive.append(sys.getallocatedblocks())

    with assemble.locked(config):
        async with assemble.mirror(config, {}, now) as mirror:
            assert (await run(mirror, Wish(), now, tell)).outcome == "clean"
    return alive


if __name__ == "__main__":
    json.dump(asyncio.run(main(json.loads(sys.argv[1]))), sys.stdout)
