"""What ``verify`` looks at: a mirror, opened so that nothing can be changed, and the place where it goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from bandersnatch import assemble
from bandersnatch.assemble import closing as closures
from bandersnatch.assemble.reaching import STATE
from bandersnatch.config.schema import Config
from bandersnatch.errors import UsageError
from bandersnatch.selection import Selection
from bandersnatch.storage.bookmark import Bookmark
from bandersnatch.storage.glance import Glance
from bandersnatch.sync.mirror import Mirror
from bandersnatch.verify.base import Ground

BOOKMARK = "verify.json"


@contextmanager
def ground(config: Config, environment: Mapping[str, str], chosen: Selection) -> Iterator[Ground]:
    """
    The mirror of *config* to be verified; *chosen* is its selection. Upstream is not asked, and no lock is taken.

    Raises UsageError where nothing was ever mirrored.
    """
    if not Path(config.mirror.directory, STATE, assemble.CATALOGUE).exists():
        raise UsageError(f"{config.mirror.directory}: nothing was mirrored here yet; bandersnatch mirror does that")
    # What is opened for a run is opened in a loop. A verification does not run in one, so that ^C ends it at once.
    with asyncio.Runner() as runner, closing(Glance(config.mirror.directory)) as place:
        rehearsal = assemble.rehearsal(config, environment, chosen, copied=False)
        mirror = runner.run(rehearsal.__aenter__())
        try:
            yield _ground(mirror, config, place)
        finally:
            runner.run(rehearsal.__aexit__(None, None, None))


def _ground(mirror: Mirror, config: Config, place: Glance) -> Ground:
    closed = None if config.selects_nothing else closures.recall(mirror, config)
    return Ground(
        place=place,
        catalogue=mirror.catalogue,
        selection=closed.mirror.selection if closed else None,
        fingerprint=closed.mirror.fingerprint if closed else mirror.fingerprint,
        policies=mirror.rules.policies,
        publish=mirror.rules.publish,
        metadata_of_each=mirror.rules.metadata_of_each,
        others=frozenset(filter(None, [config.publish.freshness_file])),
    )


def bookmark(config: Config, mode: str) -> Bookmark:
    """How far an earlier verification of the same *mode* came."""
    return Bookmark(Path(config.mirror.directory, STATE, BOOKMARK), mode)
