"""A mirror, opened for what an operator does to it besides running it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager

from bandersnatch import assemble
from bandersnatch.assemble.verifying import ground_of, refuse_nothing
from bandersnatch.config.schema import Config
from bandersnatch.selection import Selection
from bandersnatch.storage.fsops import FileSystem
from bandersnatch.storage.glance import Glance
from bandersnatch.sync.mirror import Mirror
from bandersnatch.verify.base import Ground


@contextmanager
def kept(
    config: Config, environment: Mapping[str, str], now: float, chosen: Selection, *, fs: FileSystem | None = None
) -> Iterator[tuple[Mirror, Ground]]:
    """
    The mirror of *config* and what of it can be looked at; its lock must be held. *now*: seconds since the epoch.

    No loop runs, so that ^C ends it at once. Raises UsageError where nothing was ever mirrored.
    """
    refuse_nothing(config)
    with asyncio.Runner() as runner, closing(Glance(config.mirror.directory)) as place:
        context = assemble.mirror(config, environment, now, chosen=chosen, fs=fs)
        mirror = runner.run(context.__aenter__())
        try:
            yield mirror, ground_of(mirror, config, place)
        except BaseException as error:
            runner.run(context.__aexit__(type(error), error, error.__traceback__))
            raise
        runner.run(context.__aexit__(None, None, None))
