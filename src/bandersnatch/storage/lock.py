"""One run at a time: a lock that the system takes back when its process ends, however it ends."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
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
_LONG = 86400.0
"""Seconds for which no usual run holds the lock, and in which it is told only once that one does."""
_NO_LOCKS = frozenset({errno.EBADF, errno.EINVAL, errno.ENOLCK, errno.EOPNOTSUPP})


class Lock:
    """
    ``flock`` on the file *path*, which stays when the lock is let go: to remove it could split the lock in two.

    The file says whose the lock was last: process id and *started*. Only people read that; the lock is the truth. It
    is its owner's alone, for whoever may open a file can lock it.

    *anchor* is a folder that is locked as well where the file system can do that: it is there still when somebody has
    deleted the file, or the folder that the file is in, while the lock was held. It counts for a file that is new, thus
    empty: one that tells of a holder is the one that each holder since has locked. So a neighbour, who may open the
    folder to read it, can stop nobody by locking it.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        started: datetime,
        *,
        anchor: str | os.PathLike[str] | None = None,
        fs: FileSystem | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._path = os.path.abspath(path)
        self._text = f"process {os.getpid()} since {started.isoformat(timespec='seconds')}\n"
        self._fs = fs or FileSystem()
        self._clock = clock
        self._sleep = sleep
        self._anchor = anchor
        self._fd = -1
        self._anchor_fd = -1

    def acquire(self, wait: float | None = 0) -> Lock:
        """
        Take the lock, trying for *wait* seconds, for ever if None.

        Raises Locked, which names the holder, and StorageError when the file cannot be had. Returns itself, for
        ``with lock.acquire():``.
        """
        with translated(None, self._path):
            make_folders(self._fs, os.path.dirname(self._path))
            end = None if wait is None else self._clock() + wait
            self._fd = self._fs.open_private(self._path, os.O_RDWR | os.O_CREAT)
            try:
                self._wait_for(self._fd, end)
                if self._anchor is not None:
                    self._anchor_fd = os.open(self._anchor, os.O_RDONLY | os.O_DIRECTORY)
                    if not _taken(self._anchor_fd) and not os.fstat(self._fd).st_size:
                        self._wait_for(self._anchor_fd, end)
            except BaseException:
                self.release()
                raise
        for fd in (self._fd, self._anchor_fd):
            if fd >= 0:
                os.set_inheritable(fd, True)  # a process that works for this one holds the lock as long as it does
        self._say_whose()
        return self

    def release(self) -> None:
        """Let the lock go, if it is held."""
        held, self._fd, self._anchor_fd = (self._fd, self._anchor_fd), -1, -1
        for fd in held:
            if fd >= 0:
                os.close(fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def _wait_for(self, fd: int, end: float | None) -> None:
        while not _taken(fd):
            left = _EVERY if end is None else min(_EVERY, end - self._clock())
            if left <= 0:
                raise self._refusal(fd)
            self._sleep(left)

    def _refusal(self, fd: int) -> Locked:
        """Why the lock is not to be had; odd if its holder is not known, or has it for long, and that once a day."""
        holder = os.pread(self._fd, _LONGEST_TEXT, 0).decode(errors="replace").strip()
        if fd == self._fd and time.time() - os.fstat(fd).st_mtime < _LONG:
            holder = holder or "an unknown process"
            return Locked(f"another run holds this mirror: {holder} ({self._path}); wait for it, or stop it")
        os.utime(self._fd)
        place = self._path if fd == self._fd else self._anchor
        since = f"since a day or more (the last that said so is {holder})" if holder else "and does not say who it is"
        return Locked(
            f"somebody holds the lock {place} {since}, so no run can begin; fuser -v {place} names the process: "
            "wait for it if it is a run, else stop it",
            odd=True,
        )

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
    except OSError as error:
        # Network file systems lock no folder that was opened for reading: then the file alone has to do.
        if error.errno not in _NO_LOCKS or not stat.S_ISDIR(os.fstat(fd).st_mode):
            raise
    return True
