"""Small objects that were settled lately, kept in memory: a page is made from what came just before it."""

from __future__ import annotations

from collections.abc import Iterable
from threading import Lock

from bandersnatch.storage.staging import Staged

SMALL = 64 * 1024
"""Bytes up to which an object is kept: more than nearly all core metadata has."""
ROOM = 4 * 1024 * 1024
"""Bytes for all of them: what a few batches of projects settle."""


class Fresh:
    """The newest objects as they were given, the oldest going first."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._data: dict[str, bytes] = {}
        self._size = 0

    def get(self, key: str) -> bytes | None:
        """The object, if it is still here."""
        return self._data.get(key)

    def add(self, staged: Iterable[Staged]) -> None:
        """Keep those of *staged* that are small, each in place of an older one with its key."""
        with self._lock:
            for one in staged:
                self._drop(one.key)
                if one.data is not None and len(one.data) <= SMALL:
                    self._data[one.key] = one.data
                    self._size += len(one.data)
            while self._size > ROOM:
                self._drop(next(iter(self._data)))

    def forget(self, key: str) -> None:
        """An object is not there any more."""
        with self._lock:
            self._drop(key)

    def clear(self) -> None:
        """Nothing is certain any more."""
        with self._lock:
            self._data.clear()
            self._size = 0

    def _drop(self, key: str) -> None:
        data = self._data.pop(key, None)
        if data is not None:
            self._size -= len(data)
