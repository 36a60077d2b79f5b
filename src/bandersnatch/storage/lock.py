"""One run at a time: a lock that the system takes back when its process ends, however it ends."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from types import TracebackType
from typing import Self

from bandersnatch.errors import Locked
from bandersnatch.storage.fsops import FileSystem, make_folders, write_all
from bandersnatch.storage.oserrors import translated

_EVERY = 1.0
"""Seconds between two attempts."""
_LONGEST_TEXT = 200


class Lock:
    """
    ``flock`` on the file *path*, which stays when the lock is let go: to remove it could split the lock in two.

    The file says whose the lock was last: process id and *started*. Only people read that; the lock is the truth.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        started: datetime,
        *,
        fs: FileSystem | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._path = os.path.abspath(path)
        self._text = f"process {os.getpid()} since {started.isoformat(timespec='seconds')}\n"
        self._fs = fs or FileSystem()
        self._clock = clock
        self._sleep = sleep
        self._fd = -1

    def acquire(self, wait: float | None = 0) -> Lock:
        """
        Take the lock, trying for *wait* seconds, for ever if None.

        Raises Locked, which names the holder, and StorageError when the file cannot be had. Returns itself, for
        ``with lock.acquire():``.
        """
        with translated(None, self._path):
            make_folders(self._fs, os.path.dirname(self._path))
            fd = self._fs.open(self._path, os.O_RDWR | os.O_CREAT)
            try:
                self._wait_for(fd, wait)
            except BaseException:
                os.close(fd)
                raise
        self._fd = fd
        self._say_whose()
        return self

    def release(self) -> None:
        """Let the lock go, if it is held."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def _wait_for(self, fd: int, wait: float | None) -> None:
        end = None if wait is None else self._clock() + wait
        while not _taken(fd):
            left = _EVERY if end is None else min(_EVERY, end - self._clock())
            if left <= 0:
                holder = os.pread(fd, _LONGEST_TEXT, 0).decode(errors="replace").strip() or "an unknown process"
                raise Locked(f"another run holds this mirror: {holder} ({self._path}); wait for it, or stop it")
            self._sleep(left)

    def _say_whose(self) -> None:
        # On a full disk the lock is as good without its text, and a run that makes room must be able to start.
        with suppress(OSError):
            self._fs.truncate(self._fd, 0)
            write_all(self._fs, self._fd, self._text.encode())


def _taken(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
