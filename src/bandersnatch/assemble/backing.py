"""The catalogue as a file of its own: copied while it is in use, and put back in its place."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from contextlib import closing
from pathlib import Path

from bandersnatch import assemble
from bandersnatch.assemble.reaching import STATE
from bandersnatch.catalogue.base import Totals
from bandersnatch.catalogue.opening import is_catalogue, set_aside, take_over
from bandersnatch.catalogue.sqlite import SqliteCatalogue
from bandersnatch.config.schema import Config
from bandersnatch.errors import UsageError
from bandersnatch.selection import Selection
from bandersnatch.storage import outputs
from bandersnatch.storage.glance import Glance
from bandersnatch.storage.oserrors import translated
from bandersnatch.upkeep.repairing import Step
from bandersnatch.upkeep.restoring import doubt_since
from bandersnatch.verify.base import Ground

RESTORING = "catalogue.restoring"
"""The copy that is being prepared, in the folder of the state."""

COPY = outputs.Kind("copy of a catalogue", is_catalogue)


def backup(config: Config, to: Path) -> Totals:
    """
    Copy the catalogue to the file *to*, whole or not at all, in place of an older copy. A run may be under way.

    Returns what it knows. Raises UsageError where nothing was mirrored or *to* is something else, StorageError,
    CatalogueError.
    """
    source = assemble.catalogue_to_read(config)
    if source is None:
        raise UsageError(f"{config.mirror.directory}: nothing was mirrored here yet; bandersnatch mirror does that")
    with closing(source), outputs.replacing(to, COPY, config.mirror.directory) as new:
        source.copy(str(new))
        return source.totals()


def restore(config: Config, source: Path, now: float) -> tuple[Totals, Counter[Step]]:
    """
    Put the copy *source* in the place of the catalogue, which is set aside. The mirror's lock must be held.

    Everything that may have changed since the copy was made is in doubt, so the next run mends it. Returns what is
    known now, and what was found to be mended. Cut off, the old catalogue is still there, or none: then the next run
    makes one from the tree. Raises CatalogueError, StorageError.
    """
    state = assemble.state_directory(config)
    side = state / RESTORING
    with translated(None, str(side)):
        for leftover in state.glob(RESTORING + "*"):
            leftover.unlink()
    take_over(source, side)
    with closing(SqliteCatalogue(side)) as catalogue, closing(Glance(config.mirror.directory)) as place:
        ground = Ground(place, catalogue, None, lambda *_: False, publish=assemble.rules(config, Selection()).publish)
        steps = doubt_since(ground, now)
        totals = catalogue.totals()
    with translated(None, str(side)):
        _sync(side)
        current = state / assemble.CATALOGUE
        if current.exists():
            set_aside(current, str(int(now)))
        os.rename(side, current)
        _sync(state)
    return totals, steps


def last_run(source: Path) -> float | None:
    """When the last run of the copy *source* began, in seconds since the epoch. Raises CatalogueError if it is none."""
    with tempfile.TemporaryDirectory(prefix="bandersnatch-") as folder:
        copy = Path(folder, assemble.CATALOGUE)
        take_over(source, copy)
        with closing(SqliteCatalogue(copy)) as catalogue:
            runs = catalogue.last_runs(1)
            return runs[0].started if runs else None


def there_is_one(config: Config) -> bool:
    """Whether there is a catalogue that would be set aside."""
    return Path(config.mirror.directory, STATE, assemble.CATALOGUE).exists()


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
