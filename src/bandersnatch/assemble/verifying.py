"""What ``verify`` looks at: a mirror, opened so that nothing can be changed, and the place where it goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bandersnatch import assemble
from bandersnatch.assemble import closing as closures
from bandersnatch.assemble.reaching import STATE
from bandersnatch.config.schema import Config
from bandersnatch.errors import UsageError
from bandersnatch.selection import Selection
from bandersnatch.sync.mirror import Mirror

if TYPE_CHECKING:
    from bandersnatch.storage.bookmark import Bookmark
    from bandersnatch.storage.glance import Glance
    from bandersnatch.upkeep.rolling import Rolling
    from bandersnatch.verify.base import Ground

BOOKMARK = "verify.json"


@contextmanager
def ground(config: Config, environment: Mapping[str, str], chosen: Selection) -> Iterator[Ground]:
    """
    The mirror of *config* to be verified; *chosen* is its selection. Upstream is not asked, and no lock is taken.

    Raises UsageError where nothing was ever mirrored.
    """
    refuse_nothing(config)
    from bandersnatch.storage.glance import Glance

    # What is opened for a run is opened in a loop. A verification does not run in one, so that ^C ends it at once.
    with asyncio.Runner() as runner, closing(Glance(config.mirror.directory)) as place:
        rehearsal = assemble.rehearsal(config, environment, chosen, copied=False)
        mirror = runner.run(rehearsal.__aenter__())
        try:
            yield ground_of(mirror, config, place)
        finally:
            runner.run(rehearsal.__aexit__(None, None, None))


@contextmanager
def beside_upstream(
    config: Config, environment: Mapping[str, str], chosen: Selection
) -> Iterator[tuple[asyncio.Runner, Mirror, Ground]]:
    """
    The same on a copy of the catalogue, where upstream can be asked: by the mirror, in the loop of the runner.

    The mirror's selection is that of the last run, closures included.
    """
    from bandersnatch.storage.glance import Glance

    refuse_nothing(config)
    with asyncio.Runner() as runner, closing(Glance(config.mirror.directory)) as place:
        rehearsal = assemble.rehearsal(config, environment, chosen)
        mirror = runner.run(rehearsal.__aenter__())
        try:
            closed = None if config.selects_nothing else closures.recall(mirror, config)
            yield runner, closed.mirror if closed else mirror, ground_of(mirror, config, place)
        finally:
            runner.run(rehearsal.__aexit__(None, None, None))


@contextmanager
def rolling(mirror: Mirror, config: Config, now: float) -> Iterator[Rolling | None]:
    """The next part of the rolling verification of *mirror*, which is locked; None if there is to be none."""
    chosen = config.verify
    if not (chosen.files_per_day or chosen.share_per_day):
        yield None
        return
    from bandersnatch.storage.glance import Glance
    from bandersnatch.upkeep.rolling import Rolling, allowance

    with closing(Glance(config.mirror.directory)) as place:
        files = allowance(mirror.catalogue, chosen.files_per_day, chosen.share_per_day, now)
        yield Rolling(ground_of(mirror, config, place), files, now, bandwidth=float(chosen.bandwidth or 0))


def refuse_nothing(config: Config) -> None:
    """Raises UsageError where nothing was ever mirrored."""
    if not Path(config.mirror.directory, STATE, assemble.CATALOGUE).exists():
        raise UsageError(f"{config.mirror.directory}: nothing was mirrored here yet; bandersnatch mirror does that")


def ground_of(mirror: Mirror, config: Config, place: Glance) -> Ground:
    """What can be looked at of *mirror*, which lies at *place*; its rules are those that the last run went by."""
    from bandersnatch.verify.base import Ground

    closed = None if config.selects_nothing else closures.recall(mirror, config)
    return Ground(
        place=place,
        catalogue=mirror.catalogue,
        selection=closed.mirror.selection if closed else None,
        has_asked=closed.mirror.has_asked if closed else mirror.has_asked,
        policies=mirror.rules.policies,
        publish=mirror.rules.publish,
        metadata_of_each=mirror.rules.metadata_of_each,
        others=frozenset(filter(None, [config.publish.freshness_file])),
    )


def bookmark(config: Config, mode: str, name: str = BOOKMARK) -> Bookmark:
    """How far an earlier verification of the same *mode* came; *name*: the file that says so."""
    from bandersnatch.storage.bookmark import Bookmark

    return Bookmark(Path(config.mirror.directory, STATE, name), mode)
