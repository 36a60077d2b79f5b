"""What was taken out of the served tree and is kept: below ``work/trash``, each object at the place that it had.

It goes there and back by a rename, which to a file system is one change: after a power cut too it is in one of the two
trees. So both have to be on one file system.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable, Iterator
from threading import Lock
from typing import BinaryIO

from bandersnatch.errors import StorageError
from bandersnatch.storage.base import Stat
from bandersnatch.storage.keys import split
from bandersnatch.storage.oserrors import translated
from bandersnatch.storage.reading import stream
from bandersnatch.storage.tree import Parts, Tree


class Trash:
    """
    The part of ``Storage`` that is about the trash, between the trees *served* and *held*.

    While *settling* is taken nobody else gives a key to an object; *owe* is told each folder whose names changed.
    """

    def __init__(self, served: Tree, held: Tree, settling: Lock, owe: Callable[[Tree, Iterable[Parts]], None]) -> None:
        self._served = served
        self._held = held
        self._settling = settling
        self._owe = owe
        self._moving = Lock()
        """Taken before *settling*. Else what one thread buries just then could go with what another one purges."""
        self._used = not held.is_empty()
        """Whether anything may be in it: a first sync asks of each file, and has put nothing there."""

    def bury(self, key: str) -> None:
        parts = split(key)
        self._used = True
        with self._moving:
            moved = self._move(key, self._served, self._held)
            with translated(key, self._served.place(key)):
                if not moved:
                    self._remove_link(parts)
                self._owe(self._served, [self._served.prune(parts[:-1])])

    def unbury(self, key: str) -> bool:
        with self._moving:
            if self.buried(key) is None:
                return False
            # Else a settle could give the key to a newer object just before the rename, which would then be lost.
            with self._settling:
                found = self._is_served(key) or self._move(key, self._held, self._served)
            self._purge(key)  # the buried one, if the key was taken, and the folders that are empty now
        return found

    def buried(self, key: str) -> Stat | None:
        parts = split(key)
        with translated(key, self._held.place(key)):
            return self._held.stat(parts) if self._used else None

    def open_buried(self, key: str) -> BinaryIO:
        parts = split(key)
        place = self._held.place(key)
        with translated(key, place):
            fd = self._held.open(parts)
        if fd is None:
            raise StorageError(f"{key}: there is no such object at {place}", key=key, errno=errno.ENOENT)
        return stream(fd, key, place)

    def purge(self, key: str) -> None:
        with self._moving:
            self._purge(key)

    def list_buried(self) -> Iterator[tuple[str, int, float]]:
        with translated(None, self._held.place("")):
            for key, found in self._held.walk(()):
                yield key, found.size, found.mtime_ns / 1e9

    def close(self) -> None:
        """Let go of the trash; the served tree is somebody else's."""
        self._held.close()

    def _move(self, key: str, source: Tree, target: Tree) -> bool:
        """
        Move an object to the same place in the other tree, instead of what is there; False if there is none.

        The caller prunes *source*, and owes what that leaves.
        """
        parts = split(key)
        touched: set[Parts] = set()
        try:
            with translated(key, target.place(key)):
                return _renamed(source, target, parts, touched)
        finally:
            self._owe(target, touched)

    def _purge(self, key: str) -> None:
        parts = split(key)
        with translated(key, self._held.place(key)):
            self._owe(self._held, [self._held.remove(parts)])

    def _is_served(self, key: str) -> bool:
        with translated(key, self._served.place(key)):
            return self._served.stat(split(key)) is not None

    def _remove_link(self, parts: Parts) -> None:
        """A link or a pipe at a key is no object that could be kept, but a web server might serve it."""
        with self._settling:
            if self._served.stat(parts) is None:
                self._served.remove(parts)


def _renamed(source: Tree, target: Tree, parts: Parts, touched: set[Parts]) -> bool:
    if source.stat(parts) is None:
        return False
    try:
        with source.folder(parts[:-1]) as folder, target.placing(folder, touched) as placing:
            placing.place(parts[-1], parts)
    except FileNotFoundError:
        if source.stat(parts) is not None:
            raise
        return False  # another thread has deleted it
    return True
