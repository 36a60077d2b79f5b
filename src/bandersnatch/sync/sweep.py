"""What no page links any longer leaves storage: late, by way of the trash, and with a line in the journal."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import TypeVar

from bandersnatch.catalogue.base import Buried, Leaving
from bandersnatch.errors import StorageError
from bandersnatch.storage.base import Action, Removal
from bandersnatch.sync.mirror import Mirror
from bandersnatch.sync.run import ends_the_run

Item = TypeVar("Item")

TRASH_KNOWN = "trash-known"
"""The fact that is set once the catalogue knows what is in the trash."""

AT_ONCE = 1000
"""Keys between two looks at the catalogue."""

RESTORABLE = ("packages/", "integrity/")
"""What keys begin with that are worth keeping: files and what lies beside them; pages are made anew."""

_PASSING = frozenset({errno.EIO, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.ESTALE})
"""Says nothing about the trash itself: what cannot be buried for such a reason is buried by a later run."""


def sweep(mirror: Mirror, now: float) -> None:
    """
    Take away what left its last page before the grace time, and empty the trash of what has been there long enough.

    The catalogue follows storage: cut off between the two, the same keys are swept again, which changes nothing.
    Blocks. Raises StorageError and CatalogueError.
    """
    if mirror.catalogue.get(TRASH_KNOWN) is None:
        _find_buried(mirror, now)
    for leaving in _parts(mirror.catalogue.leaving(now - mirror.rules.grace)):
        _take_away(mirror, leaving, now)
    purge_expired(mirror, now)


def purge_expired(mirror: Mirror, now: float) -> None:
    """Empty the trash of what has been there long enough. Blocks. Raises StorageError and CatalogueError."""
    for buried in _parts(mirror.catalogue.buried(now)):
        _purge(mirror, buried, now)


def _find_buried(mirror: Mirror, now: float) -> None:
    """What a catalogue that was lost knew of the trash: nobody knows any more since when, so its time begins anew."""
    for part in _parts(mirror.storage.list_buried()):
        until = now + mirror.rules.trash
        mirror.catalogue.bury([Buried(key, "", "found in the trash", now, until) for key, _, _ in part])
    mirror.catalogue.set({TRASH_KNOWN: "1"})


def _take_away(mirror: Mirror, leaving: Sequence[Leaving], now: float) -> None:
    # A page that a run left without a commit goes before the files that it links.
    stuck = delete_pages([one.key for one in leaving if not one.key.startswith(RESTORABLE)], mirror)
    leaving = [one for one in leaving if one.key not in stuck]
    kept = {one.key: seconds for one in leaving if (seconds := _seconds_in_trash(one, mirror)) > 0}
    with _recorded(mirror, [_removal(one, now, "buried" if one.key in kept else "deleted") for one in leaving]):
        failed = [one for one in leaving if one.key in kept and not _bury(one.key, mirror)]
        # What is hidden was promised to come back, so it waits in its place; everything else must not stay served.
        waiting = {one.key for one in failed if one.hidden}
        lost = [one for one in failed if not one.hidden]
        for one in [*lost, *(one for one in leaving if one.key not in kept)]:
            mirror.storage.delete(one.key)
        mirror.storage.settle()
    if lost:
        mirror.journal.write([_removal(one, now, "deleted") for one in lost])
    buried = [one for one in leaving if one.key in kept and mirror.storage.buried(one.key) is not None]
    mirror.catalogue.bury([Buried(one.key, one.project, one.reason, now, now + kept[one.key]) for one in buried])
    gone = {one.key for one in leaving} - {one.key for one in buried} - waiting
    mirror.catalogue.left([*gone])
    mirror.catalogue.purge([*gone])  # of what was on its way back when that was cut off, the trash has nothing


def delete_pages(pages: Sequence[str], mirror: Mirror) -> dict[str, str]:
    """
    Delete *pages*, durably. Blocks. Raises StorageError where more than a folder of theirs is the matter.

    Returns those that their folder does not let go, each with the reason: they wait, and hold up nothing else.
    """
    stuck = {}
    for key in pages:
        try:
            mirror.storage.delete(key)
        except StorageError as error:
            if ends_the_run(error):
                raise
            stuck[key] = str(error)
    if pages:
        mirror.storage.settle()
    return stuck


def _removal(one: Leaving | Buried, now: float, action: Action) -> Removal:
    return Removal(now, action, one.project, one.key, one.reason)


def _seconds_in_trash(one: Leaving, mirror: Mirror) -> float:
    if not one.key.startswith(RESTORABLE):
        return 0.0
    return mirror.rules.hidden_for if one.hidden else mirror.rules.trash


def _bury(key: str, mirror: Mirror) -> bool:
    """Whether the trash took the object. Raises what may be otherwise in the next run: then the object stays."""
    try:
        mirror.storage.bury(key)
    except StorageError as error:
        if error.errno in _PASSING:
            raise
        # What failed may have been the last step, to remove the folder that the object left empty.
        return mirror.storage.stat(key) is None and mirror.storage.buried(key) is not None
    return True


def _purge(mirror: Mirror, buried: Sequence[Buried], now: float) -> None:
    with _recorded(mirror, [_removal(one, now, "purged") for one in buried]):
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
