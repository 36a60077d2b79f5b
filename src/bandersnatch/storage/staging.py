"""Objects before they have a key: in memory, or files in ``work/tmp`` under names that say nothing."""

from __future__ import annotations

import errno
import itertools
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from threading import Lock

from bandersnatch.errors import StorageError
from bandersnatch.storage.base import Stat
from bandersnatch.storage.fsops import FileSystem, write_all
from bandersnatch.storage.oserrors import storage_error, synchronised, translated
from bandersnatch.storage.room import Admit
from bandersnatch.values import Struct

SMALL = 256 * 1024
"""
Bytes up to which an object waits in memory. Nearly all pages and core metadata and many wheels are smaller: putting
them then costs the caller no system call. Writing a larger one takes longer than the calls around it anyway.
"""
HELD = 32 * 1024 * 1024
"""
Bytes that wait in memory at most: a few times what one batch of ordinary projects stages. Beyond that an object is
written at once, as a large one is. What is being settled is counted no more, so there may be twice as much for a while.
"""
_NO_LINKS = (errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP, errno.ENOSYS)
_NO_CLONES = (errno.EXDEV, errno.EOPNOTSUPP, errno.EINVAL, errno.ENOTTY, errno.ENOSYS, errno.EPERM, errno.ETXTBSY)
_COPIED_AT_ONCE = 1024 * 1024


class Staged(Struct, frozen=True):
    """One object that waits for ``settle``."""

    name: str
    """In ``work/tmp``, where it is after ``write_out``."""
    key: str
    data: bytes | None = None
    """The object, while it is in memory."""
    twin: str | None = None
    """The name of an object that was staged before with the same bytes, of which this becomes another name."""


class Stage:
    """
    What is staged, in order. *folder* is a descriptor of ``work/tmp``, *place* its path for messages.

    *admit* is asked before anything is written that was not held in memory first.
    """

    def __init__(self, folder: int, place: str, fs: FileSystem, admit: Admit = lambda _: None) -> None:
        self.folder = folder
        self._place = place
        self._fs = fs
        self._admit = admit
        self._lock = Lock()
        self._staged: list[Staged] = []
        self._held = 0
        """Bytes that are staged in memory."""
        self._ours: set[str] = set()
        """Every name in the folder that this process still answers for; others are garbage to ``sweep``."""
        self._run = os.urandom(8).hex()
        self._count = itertools.count(1)

    def put(self, keys: Sequence[str], data: bytes | Iterator[bytes]) -> None:
        """Stage *data* under all of *keys*, or raise and stage nothing."""
        name = self._new_name()
        twins = [Staged(self._new_name(), key, twin=name) for key in keys[1:]]
        if isinstance(data, bytes) and self._hold([Staged(name, keys[0], data), *twins], len(data)):
            return
        try:
            self._write(name, keys[0], (data,) if isinstance(data, bytes) else data)
        except BaseException:
            self._remove([name])
            raise
        with self._lock:
            self._staged += [Staged(name, keys[0]), *twins]

    def _hold(self, staged: Sequence[Staged], size: int) -> bool:
        """Stage in memory what is small, while there is room; False where it has to be written."""
        with self._lock:
            if size > SMALL or self._held + size > HELD or self.folder < 0:
                return False
            self._held += size
            self._staged += staged
        return True

    def adopt(self, source: str, source_dir: int, key: str) -> None:
        """Move the file *source* of another folder here and stage it."""
        name = self._new_name()
        self._ours.add(name)
        try:
            with translated(key, self._place):
                self._fs.rename(source, name, source_dir=source_dir, target_dir=self.folder)
        except BaseException:
            self._forget(name)
            raise
        with self._lock:
            self._staged.append(Staged(name, key))

    def borrow(self, source: str, source_dir: int, key: str, seen: Stat, *, copy: bool) -> None:
        """
        Stage the file *source* of another folder, which stays there: by a hard link, or as a copy where that cannot be.

        *seen* is what it was when it was looked at. Raises StorageError if it is another file by now.
        """
        name = self._new_name()
        self._ours.add(name)
        try:
            with translated(key, self._place):
                if copy or not self._link_across(source, name, source_dir):
                    self._admit([(key, seen.size, seen.size)])
                    self._copy(source, name, source_dir)
                    now = os.stat(source, dir_fd=source_dir, follow_symlinks=False)
                else:
                    now = os.stat(name, dir_fd=self.folder, follow_symlinks=False)
            if Stat(now.st_size, now.st_mtime_ns) != seen:
                message = f"{key}: {source} was changed while it was read; run this again"
                raise StorageError(message, key=key, errno=errno.EBUSY)
        except BaseException:
            self._remove([name])
            raise
        with self._lock:
            self._staged.append(Staged(name, key))

    def _link_across(self, source: str, name: str, source_dir: int) -> bool:
        """Link, and say so; False where only a copy could be made."""
        try:
            self._fs.link_across(source, name, source_dir=source_dir, target_dir=self.folder)
        except OSError as error:
            if error.errno not in (*_NO_LINKS, errno.EXDEV):
                raise
            return False
        return True

    def _copy(self, source: str, name: str, source_dir: int) -> None:
        """Copy, sharing the blocks where the file system can."""
        with open(os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=source_dir), "rb") as stream:
            fd = self._fs.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, dir_fd=self.folder)
            try:
                try:
                    self._fs.clone(stream.fileno(), fd)
                except OSError as error:
                    if error.errno not in _NO_CLONES:
                        raise
                    while data := stream.read(_COPIED_AT_ONCE):
                        write_all(self._fs, fd, data)
            finally:
                self._fs.close(fd)

    def take(self) -> list[Staged]:
        """Everything that is staged, which is then the caller's to place or to drop."""
        with self._lock:
            staged, self._staged, self._held = self._staged, [], 0
        return staged

    def write_out(self, staged: Staged) -> bool:
        """Bring it into the folder. Returns whether it is a file of its own, to be synchronised."""
        if staged.data is not None:
            self._write_whole(staged.name, staged.key, staged.data)
        return staged.twin is None or not self._link(staged.twin, staged.name, staged.key)

    def fsync(self, name: str, key: str) -> None:
        """Make its bytes durable."""
        with translated(key, self._place):
            fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=self.folder)
        try:
            with synchronised(key, self._place):
                self._fs.fsync(fd)
        finally:
            os.close(fd)

    def placed(self, name: str) -> None:
        """It has left the folder."""
        self._forget(name)

    def drop(self, names: Iterable[str]) -> None:
        """Remove what is still in the folder, as well as that goes; ``sweep`` gets the rest."""
        self._remove([name for name in names if name in self._ours])

    def sweep(self) -> None:
        """Remove what interrupted runs left."""
        with translated(None, self._place), os.scandir(self.folder) as entries:
            for entry in entries:
                if entry.name not in self._ours:
                    with suppress(FileNotFoundError, IsADirectoryError):
                        self._fs.unlink(entry.name, dir_fd=self.folder)

    def close(self) -> None:
        """Drop what is staged, and let go of the folder."""
        self.drop([one.name for one in self.take()])
        folder, self.folder = self.folder, -1
        if folder >= 0:
            os.close(folder)

    def _new_name(self) -> str:
        return f"{self._run}-{next(self._count)}"

    def _forget(self, name: str) -> None:
        self._ours.discard(name)

    def _remove(self, names: Sequence[str]) -> None:
        for name in names:
            with suppress(OSError):
                self._fs.unlink(name, dir_fd=self.folder)
            self._forget(name)

    def _write_whole(self, name: str, key: str, data: bytes) -> None:
        self._ours.add(name)
        try:
            fd = self._fs.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, dir_fd=self.folder)
            try:
                write_all(self._fs, fd, data)
            except BaseException:
                with suppress(OSError):
                    self._fs.close(fd)
                raise
            self._fs.close(fd)
        except OSError as error:
            raise storage_error(error, key, self._place) from error

    def _write(self, name: str, key: str, chunks: Iterable[bytes]) -> None:
        """Only our own errors are translated: what *chunks* raises is the caller's, and passes unchanged."""
        self._ours.add(name)
        with translated(key, self._place):
            fd = self._fs.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, dir_fd=self.folder)
        size = 0
        try:
            for chunk in chunks:
                size += len(chunk)
                self._admit([(key, size, len(chunk))])
                with translated(key, self._place):
                    write_all(self._fs, fd, chunk)
        except BaseException:
            with suppress(OSError):
                self._fs.close(fd)
            raise
        with translated(key, self._place):
            self._fs.close(fd)

    def _link(self, source: str, name: str, key: str) -> bool:
        """Give *source* another name; False where only a copy could be made."""
        self._ours.add(name)
        with translated(key, self._place):
            try:
                self._fs.link(source, name, dir_fd=self.folder)
                return True
            except OSError as error:
                if error.errno not in _NO_LINKS:
                    raise
            with open(os.open(source, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=self.folder), "rb") as stream:
                self._write(name, key, iter(lambda: stream.read(_COPIED_AT_ONCE), b""))
        return False
