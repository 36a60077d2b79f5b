"""Objects that arrive bit by bit, perhaps over several runs: files in ``work/partial``, named by their token."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Lock
from typing import BinaryIO

from bandersnatch.errors import StorageError
from bandersnatch.storage.fsops import FileSystem, write_all
from bandersnatch.storage.keys import split
from bandersnatch.storage.oserrors import translated
from bandersnatch.storage.reading import stream
from bandersnatch.storage.staging import Stage


class Partials:
    """What has begun to arrive. *folder* is a descriptor of ``work/partial``, *place* its path for messages."""

    def __init__(self, folder: int, place: str, fs: FileSystem, stage: Stage) -> None:
        self.folder = folder
        self.place = place
        self.fs = fs
        self.stage = stage
        self._lock = Lock()
        self._open: set[str] = set()
        self._held: set[str] | None = None
        """The tokens under which there are bytes, but for those in ``_open``; None until somebody asks."""

    def holds(self, token: str) -> bool:
        """Whether there are bytes to go on with. The folder is read once; what changes it keeps to that."""
        with self._lock:
            if self._held is None:
                self._held = self._read()
            return token in self._held and token not in self._open

    def receive(self, token: str) -> FileIncoming:
        """Begin or go on. Raises StorageError if *token* is being received already: two would mix their bytes."""
        with self._lock:
            if token in self._open:
                raise StorageError(f"{self.place}/{token} is being received already", errno=errno.EBUSY)
            self._open.add(token)
        try:
            return FileIncoming(token, self)
        except BaseException:
            with self._lock:
                self._open.discard(token)
            raise

    def release(self, token: str, *, held: bool) -> None:
        """*token* may be received again; *held* says whether there are bytes under it."""
        with self._lock:
            self._open.discard(token)
            if self._held is not None:
                self._held.discard(token)
                if held:
                    self._held.add(token)

    def list(self) -> Iterator[tuple[str, int, int]]:
        """What is there and is not being received: token, bytes, and when it was last written."""
        with translated(None, self.place), os.scandir(self.folder) as entries:
            for entry in entries:
                with suppress(FileNotFoundError):  # staged since it was listed
                    if entry.is_file(follow_symlinks=False) and entry.name not in self._open:
                        stat = entry.stat(follow_symlinks=False)
                        yield entry.name, stat.st_size, stat.st_mtime_ns

    def sweep(self, keep_ns: int) -> None:
        """Remove what was last written before *keep_ns* and is not being received."""
        with translated(None, self.place), os.scandir(self.folder) as entries:
            for entry in entries:
                with suppress(FileNotFoundError, IsADirectoryError), self._lock:
                    if entry.name not in self._open and entry.stat(follow_symlinks=False).st_mtime_ns < keep_ns:
                        self.fs.unlink(entry.name, dir_fd=self.folder)
                        if self._held is not None:
                            self._held.discard(entry.name)

    def _read(self) -> set[str]:
        held = set()
        with translated(None, self.place):
            os.fstat(self.folder)  # scandir(-1), after close, would read the working directory
        with translated(None, self.place), os.scandir(self.folder) as entries:
            for entry in entries:
                with suppress(FileNotFoundError):  # staged since it was listed
                    if entry.is_file(follow_symlinks=False) and entry.stat(follow_symlinks=False).st_size:
                        held.add(entry.name)
        return held

    def close(self) -> None:
        """Let go of the folder."""
        folder, self.folder = self.folder, -1
        if folder >= 0:
            os.close(folder)


class FileIncoming:
    """``Incoming`` as a file. After ``keep``, ``discard`` or ``stage`` it is over, and the first two do nothing."""

    def __init__(self, token: str, home: Partials) -> None:
        self._token = token
        self._home = home
        self._place = f"{home.place}/{token}"
        self._is_gone = False
        with translated(None, self._place):
            self._fd = home.fs.open(token, os.O_WRONLY | os.O_APPEND | os.O_CREAT, dir_fd=home.folder)
            self._size = os.fstat(self._fd).st_size

    @property
    def size(self) -> int:
        return self._size

    def write(self, data: bytes) -> None:
        with translated(None, self._place):
            try:
                write_all(self._home.fs, self._fd, data)
            except OSError:
                self._size = os.fstat(self._fd).st_size  # some of *data* may be there
                raise
        self._size += len(data)

    def reader(self) -> BinaryIO:
        with translated(None, self._place):
            fd = os.open(self._token, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=self._home.folder)
        return stream(fd, None, self._place)

    def restart(self) -> None:
        with translated(None, self._place):
            self._home.fs.truncate(self._fd, 0)
        self._size = 0

    def keep(self) -> None:
        if self._fd >= 0:
            with self._ending():
                pass

    def discard(self) -> None:
        if self._fd >= 0:
            try:
                with translated(None, self._place):
                    self._home.fs.unlink(self._token, dir_fd=self._home.folder)
                self._is_gone = True
            finally:
                self.keep()

    def stage(self, key: str) -> None:
        split(key)
        with self._ending():
            self._home.stage.adopt(self._token, self._home.folder, key)
            self._is_gone = True

    @contextmanager
    def _ending(self) -> Iterator[None]:
        """Close, do what the block does, and let the token go, whatever goes wrong."""
        fd, self._fd = self._fd, -1
        try:
            with translated(None, self._place):
                self._home.fs.close(fd)
            yield
        finally:
            self._home.release(self._token, held=self._size > 0 and not self._is_gone)
