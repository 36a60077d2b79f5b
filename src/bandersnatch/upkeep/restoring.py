"""A catalogue that is older than its mirror: what may have changed since is in doubt, and the next run mends it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import islice

from bandersnatch.sync.finish import INDEX_STALE
from bandersnatch.sync.found import KNOWN
from bandersnatch.sync.sweep import TRASH_KNOWN
from bandersnatch.upkeep.repairing import Marks, Step
from bandersnatch.verify.base import Ground
from bandersnatch.verify.engine import Wish, verify

AT_ONCE = 1000


def doubt_since(ground: Ground, now: float) -> Counter[Step]:
    """
    Mark whatever of the catalogue is not so in storage, and forget what upstream's list and the trash were like.

    Every page is read and every file looked at, none of them is hashed. Returns how much there is to be mended.
    Blocks. Raises CatalogueError and StorageError.
    """
    catalogue = ground.catalogue
    facts: dict[str, str | None] = {"list-etag": None, "list-modified": None, KNOWN: None, TRASH_KNOWN: None}
    catalogue.set({**facts, INDEX_STALE: "1"})
    lost = _lost_from_trash(ground)
    while part := list(islice(lost, AT_ONCE)):
        catalogue.purge(part)
    marks = Marks(catalogue, now, None)
    for finding in verify(ground, Wish(pages=True), now, pause=lambda _: None):
        marks.add(finding)
    marks.finish()
    return marks.steps


def _lost_from_trash(ground: Ground) -> Iterator[str]:
    return (one.key for one in ground.catalogue.buried() if ground.place.buried(one.key) is None)
