"""A mirror, opened for what an operator does to it besides running it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from bandersnatch import assemble
from bandersnatch.assemble.reaching import STATE
from bandersnatch.assemble.verifying import ground_of, refuse_nothing
from bandersnatch.catalogue.vouchers import FileVouchers
from bandersnatch.config.schema import Config
from bandersnatch.selection import Selection
from bandersnatch.storage.fsops import FileSystem
from bandersnatch.storage.glance import Glance
from bandersnatch.sync.mirror import Mirror
from bandersnatch.upkeep.garbage import PAGES, Spares
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


@contextmanager
def adopted(config: Config) -> Iterator[Spares]:
    """
    What was adopted into the mirror of *config* and waits for a run: files that are vouched for, and all other pages.

    Once a run that began after the adoption was clean, it is nothing. Changes nothing. Raises CatalogueError.
    """
    path = Path(config.mirror.directory, STATE, assemble.VOUCHERS)
    if not path.exists():
        yield lambda _: False
        return
    with closing(FileVouchers(path, read_only=True)) as vouchers, closing(Glance(config.mirror.directory)) as place:
        if not _awaits_a_run(config, vouchers):
            yield lambda _: False
            return

        def spares(key: str) -> bool:
            if key.startswith(PAGES):
                return True  # perhaps the other tool's, which is served until a run replaces it
            key = key.removesuffix(".metadata")
            stat = place.stat(key)
            return stat is not None and vouchers.vouched(key, stat.size, stat.mtime_ns) is not None

        yield spares


def _awaits_a_run(config: Config, vouchers: FileVouchers) -> bool:
    """Whether no run that began after the last adoption was clean."""
    since, catalogue = vouchers.newest(), assemble.catalogue_to_read(config)
    if since is None or catalogue is None:
        return since is not None
    with closing(catalogue):
        return not any(one.outcome == "clean" and one.started >= since for one in catalogue.last_runs(1))
