"""``gc``: everything that takes room and that nobody needs, looked at first and taken away then."""

from __future__ import annotations

from collections.abc import Callable

from bandersnatch.sync.mirror import Mirror
from bandersnatch.sync.sweep import sweep
from bandersnatch.upkeep.garbage import Garbage, Taken, look, take_away
from bandersnatch.values import Struct
from bandersnatch.verify.base import Finding, Ground


class Waste(Struct, frozen=True):
    """What was found besides the garbage that is in a ``Garbage``."""

    partial: int
    """Downloads that were interrupted too long ago."""
    partial_bytes: int
    leaving: int
    """Keys that left their page before the grace time."""
    expired: int
    """Keys that have been in the trash long enough."""


def survey(
    ground: Ground, found: Garbage, now: float, *, grace: float, keep_partial: float, tell: Callable[[Finding], None]
) -> Waste:
    """
    Look for whatever is to be taken away. *tell* hears of what nothing knows. Changes nothing.

    *grace* and *keep_partial* are seconds. Raises StorageError and CatalogueError.
    """
    for finding in look(ground, now):
        found.add(finding)
        if not found.is_spared(finding):
            tell(finding)
    oldest = (now - keep_partial) * 1e9
    partial = [size for _, size, mtime_ns in ground.place.list_partial() if mtime_ns < oldest]
    leaving = sum(1 for _ in ground.catalogue.leaving(now - grace))
    expired = sum(1 for _ in ground.catalogue.buried(now))
    return Waste(len(partial), sum(partial), leaving, expired)


def collect(mirror: Mirror, found: Garbage, now: float, *, accepted: bool) -> Taken:
    """
    Take away what was *found*, and what has waited long enough. The lock must be held. Blocks.

    Raises Refused as ``take_away`` does, and StorageError and CatalogueError.
    """
    taken = take_away(mirror, found, now, accepted=accepted)
    sweep(mirror, now)
    return taken
