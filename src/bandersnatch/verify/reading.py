"""Reading what is stored: no faster than allowed, and no longer than somebody waits for it."""

from __future__ import annotations

import errno
import hashlib
import time
from collections.abc import Callable, Iterator
from threading import Lock

from bandersnatch.errors import StorageError
from bandersnatch.verify.base import Place

CHUNK = 1 << 20

LARGEST = 1 << 29
"""Bytes of the largest page that is read."""


class Stopped(Exception):
    """Nobody waits for what is being read."""


class Pace:
    """Lets no more than *rate* bytes a second pass, counted over all threads; 0 lets everything pass."""

    def __init__(
        self, rate: float, *, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._rate = rate
        self._clock = clock
        self._sleep = sleep
        self._lock = Lock()
        self._free_at = clock()

    def take(self, count: int) -> None:
        """Wait until *count* bytes more are allowed."""
        if not self._rate:
            return
        with self._lock:
            now = self._clock()
            wait = max(0.0, self._free_at - now)
            self._free_at = max(self._free_at, now) + count / self._rate
        if wait:
            self._sleep(wait)


class Reader:
    """Reads objects; safe to use from several threads. Raises StorageError, and Stopped after ``stop``."""

    def __init__(self, place: Place, pace: Pace) -> None:
        self._place = place
        self._pace = pace
        self._lock = Lock()
        self._stopped = False
        self.bytes = 0
        """Read so far."""

    def stop(self) -> None:
        """End what is being read."""
        self._stopped = True

    def chunks(self, key: str) -> Iterator[bytes]:
        """The object's bytes. Raises FileNotFoundError if there is none."""
        try:
            source = self._place.open(key)
        except StorageError as error:
            if error.errno == errno.ENOENT:
                raise FileNotFoundError(key) from error
            raise
        with source:
            while data := source.read(CHUNK):
                self._pace.take(len(data))
                if self._stopped:
                    raise Stopped
                with self._lock:
                    self.bytes += len(data)
                yield data

    def content(self, key: str) -> bytes | None:
        """The whole object, or None if there is none."""
        parts: list[bytes] = []
        size = 0
        try:
            for chunk in self.chunks(key):
                parts.append(chunk)
                size += len(chunk)
                if size > LARGEST:
                    raise StorageError(f"{key}: more than {LARGEST} bytes, which no page has", key=key)
        except FileNotFoundError:
            return None
        return b"".join(parts)

    def sha256(self, key: str) -> tuple[str, int] | None:
        """The object's SHA-256 and size, or None if there is none."""
        digest, size = hashlib.sha256(), 0
        try:
            for chunk in self.chunks(key):
                digest.update(chunk)
                size += len(chunk)
        except FileNotFoundError:
            return None
        return digest.hexdigest(), size
