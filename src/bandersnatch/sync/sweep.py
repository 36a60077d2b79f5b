"""What no page links any longer leaves storage: late, by way of the trash, and with a line in the journal."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import TypeVar

from bandersnatch.catalogue.base import Buried, Leaving
from bandersnatch.errors import StorageError
from bandersnatch.storage.base import Removal
from bandersnatch.sync.mirror import Mirror

Item = TypeVar("Item")

AT_ONCE = 1000
"""Keys between two looks at the catalogue."""

RESTORABLE = ("packages/", "integrity/")
"""What keys begin with that are worth keeping: files and what lies beside them; pages are made anew."""


def sweep(mirror: Mirror, now: float) -> None:
    """
    Take away what left its last page before the grace time, and empty the trash of what has been there long enough.

    The catalogue follows storage: cut off between the two, the same keys are swept again, which changes nothing.
    Blocks. Raises StorageError and CatalogueError.
    """
    for leaving in _parts(mirror.catalogue.leaving(now - mirror.rules.grace)):
        _take_away(mirror, leaving, now)
    for buried in _parts(mirror.catalogue.buried(now)):
        _purge(mirror, buried, now)


def _take_away(mirror: Mirror, leaving: Sequence[Leaving], now: float) -> None:
    kept = {one.key: seconds for one in leaving if (seconds := _seconds_in_trash(one, mirror)) > 0}
    with _recorded(
        mirror,
        [Removal(now, "buried" if one.key in kept else "deleted", one.project, one.key, one.reason) for one in leaving],
    ):
        for one in leaving:
            if one.key not in kept or not _bury(one.key, mirror):
                kept.pop(one.key, None)
                mirror.storage.delete(one.key)
        mirror.storage.settle()
    buried = [Buried(one.key, one.project, one.reason, now, now + kept[one.key]) for one in leaving if one.key in kept]
    mirror.catalogue.bury(buried)
    mirror.catalogue.left([one.key for one in leaving if one.key not in kept])


def _seconds_in_trash(one: Leaving, mirror: Mirror) -> float:
    if not one.key.startswith(RESTORABLE):
        return 0.0
    return mirror.rules.hidden_for if one.hidden else mirror.rules.trash


def _bury(key: str, mirror: Mirror) -> bool:
    """Whether the trash took the object. Where it cannot, the object goes for good: it must not stay served."""
    try:
        mirror.storage.bury(key)
    except StorageError as error:
        if error.errno in (errno.EIO, errno.EROFS):
            raise
        return False
    return True


def _purge(mirror: Mirror, buried: Sequence[Buried], now: float) -> None:
    with _recorded(mirror, [Removal(now, "purged", one.project, one.key, one.reason) for one in buried]):
        for one in buried:
            mirror.storage.purge(one.key)
        mirror.storage.settle()
    mirror.catalogue.purge([one.key for one in buried])


@contextmanager
def _recorded(mirror: Mirror, removals: list[Removal]) -> Iterator[None]:
    """Write *removals* to the journal before they are made; afterwards where a full disk has no room for the lines."""
    try:
        mirror.journal.write(removals)
    except StorageError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        yield
        mirror.journal.write(removals)
    else:
        yield


def _parts(items: Iterable[Item]) -> Iterator[list[Item]]:
    iterator = iter(items)
    while part := list(islice(iterator, AT_ONCE)):
        yield part
