"""Storage in memory, for tests of what stands above storage. It keeps to the same contract as files do."""

from __future__ import annotations

import errno
import io
import time
from collections.abc import Iterator, Mapping, Sequence
from threading import RLock
from typing import BinaryIO

from bandersnatch.errors import StorageError
from bandersnatch.storage.base import Incoming, Removal, Stat
from bandersnatch.storage.keys import check_token, distinct, split, split_prefix
from bandersnatch.values import Struct


class _Object(Struct, frozen=True):
    data: bytes
    mtime_ns: int

    def stat(self) -> Stat:
        return Stat(len(self.data), self.mtime_ns)


class MemoryStorage:
    """
    The ``Storage`` port over a dict; ``close`` loses what is staged, and the object can then be used on.

    *free* is what ``free()`` answers. Unlike a directory it lets one key be the folder of another.
    """

    def __init__(self, free: int | None = None) -> None:
        self.space = free
        self._lock = RLock()
        self._objects: dict[str, _Object] = {}
        self._buried: dict[str, _Object] = {}
        self._staged: list[tuple[str, bytes]] = []
        self._partial: dict[str, _Object] = {}
        self._receiving: set[str] = set()

    def stat(self, key: str) -> Stat | None:
        split(key)
        found = self._objects.get(key)
        return found.stat() if found else None

    def open(self, key: str) -> BinaryIO:
        split(key)
        return _opened(self._objects, key, "in memory")

    def read(self, key: str, limit: int) -> bytes | None:
        split(key)
        found = self._objects.get(key)
        if found is None:
            return None
        if len(found.data) > limit:
            message = f"{key}: {len(found.data)} bytes where at most {limit} were expected"
            raise StorageError(message, key=key, errno=errno.EFBIG)
        return found.data

    def holds(self, token: str) -> bool:
        check_token(token)
        with self._lock:
            return token not in self._receiving and token in self._partial and self._partial[token].data != b""

    def receive(self, token: str) -> Incoming:
        check_token(token)
        with self._lock:
            if token in self._receiving:
                raise StorageError(f"{token} is being received already", errno=errno.EBUSY)
            self._receiving.add(token)
            held = self._partial.get(token)
        return _MemoryIncoming(token, held.data if held else b"", self)

    def put(self, keys: tuple[str, ...], data: bytes | Iterator[bytes]) -> None:
        keys = distinct(keys)
        whole = data if isinstance(data, bytes) else b"".join(data)
        with self._lock:
            self._staged += [(key, whole) for key in keys]

    def settle(self) -> None:
        with self._lock:
            staged, self._staged = self._staged, []
            for key, data in staged:
                self._objects[key] = _Object(data, time.time_ns())

    def oddities(self) -> Sequence[str]:
        return ()

    def synchronise(self) -> None:
        pass

    def delete(self, key: str) -> None:
        split(key)
        with self._lock:
            self._objects.pop(key, None)

    def bury(self, key: str) -> None:
        split(key)
        with self._lock:
            if found := self._objects.pop(key, None):
                self._buried[key] = found

    def unbury(self, key: str) -> bool:
        split(key)
        with self._lock:
            found = self._buried.pop(key, None)
            if found:
                self._objects.setdefault(key, found)
        return found is not None

    def buried(self, key: str) -> Stat | None:
        split(key)
        found = self._buried.get(key)
        return found.stat() if found else None

    def open_buried(self, key: str) -> BinaryIO:
        split(key)
        return _opened(self._buried, key, "in the trash")

    def purge(self, key: str) -> None:
        split(key)
        with self._lock:
            self._buried.pop(key, None)

    def list_buried(self) -> Iterator[tuple[str, int, float]]:
        with self._lock:
            found = [(key, len(one.data), one.mtime_ns / 1e9) for key, one in self._buried.items()]
        return iter(found)

    def keys(self, prefix: str = "") -> Iterator[tuple[str, Stat]]:
        folder = "".join(part + "/" for part in split_prefix(prefix))
        with self._lock:
            found = [(key, one.stat()) for key, one in self._objects.items() if key.startswith(folder)]
        return iter(found)

    def free(self) -> int | None:
        return self.space

    def list_partial(self) -> Iterator[tuple[str, int, int]]:
        with self._lock:
            found = [
                (token, len(one.data), one.mtime_ns)
                for token, one in self._partial.items()
                if token not in self._receiving
            ]
        return iter(found)

    def sweep(self, *, keep_partial_ns: int) -> None:
        with self._lock:
            old = [token for token, one in self._partial.items() if one.mtime_ns < keep_partial_ns]
            for token in old:
                if token not in self._receiving:
                    del self._partial[token]

    def close(self) -> None:
        with self._lock:
            self._staged.clear()

    def _end(self, token: str, keep: bytes | None = None, stage: tuple[str, bytes] | None = None) -> None:
        """*token* is not being received any more; *keep* is for a later try, *stage* is an object and its key."""
        with self._lock:
            self._receiving.discard(token)
            self._partial.pop(token, None)
            if keep is not None:
                self._partial[token] = _Object(keep, time.time_ns())
            if stage is not None:
                self._staged.append(stage)


def _opened(objects: Mapping[str, _Object], key: str, place: str) -> BinaryIO:
    found = objects.get(key)
    if found is None:
        raise StorageError(f"{key}: there is no such object {place}", key=key, errno=errno.ENOENT)
    return io.BytesIO(found.data)


class _MemoryIncoming:
    def __init__(self, token: str, held: bytes, home: MemoryStorage) -> None:
        self._token = token
        self._home = home
        self._data = bytearray(held)
        self._over = False

    @property
    def size(self) -> int:
        return len(self._data)

    def write(self, data: bytes) -> None:
        self._refuse_if_over()
        self._data += data

    def reader(self) -> BinaryIO:
        return io.BytesIO(self._data)

    def restart(self) -> None:
        self._refuse_if_over()
        self._data.clear()

    def keep(self) -> None:
        if not self._over:
            self._over = True
            self._home._end(self._token, keep=bytes(self._data))

    def discard(self) -> None:
        if not self._over:
            self._over = True
            self._home._end(self._token)

    def stage(self, key: str) -> None:
        split(key)
        self._refuse_if_over()
        self._over = True
        self._home._end(self._token, stage=(key, bytes(self._data)))

    def _refuse_if_over(self) -> None:
        if self._over:
            raise StorageError(f"{self._token} is not being received any more", errno=errno.EBADF)


class MemoryJournal:
    """The ``Journal`` port over a list."""

    unreadable = 0

    def __init__(self) -> None:
        self._lines: list[Removal] = []

    def write(self, lines: Sequence[Removal]) -> None:
        self._lines += lines

    def read(self) -> Iterator[Removal]:
        return iter(tuple(self._lines))
