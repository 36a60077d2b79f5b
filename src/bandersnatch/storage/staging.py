"""Objects before they have a key: files in ``work/tmp``, under names that say nothing."""

from __future__ import annotations

import errno
import itertools
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock

from bandersnatch.storage.fsops import FileSystem, write_all
from bandersnatch.storage.oserrors import translated

_NO_LINKS = (errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP, errno.ENOSYS)
_COPIED_AT_ONCE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Staged:
    """One object that waits for ``settle``."""

    name: str
    """In ``work/tmp``."""
    key: str
    linked: bool = False
    """Whether it is another name of a file that was staged before, which need not be synchronised twice."""


class Stage:
    """What is staged, in order. *folder* is a descriptor of ``work/tmp``, *place* its path for messages."""

    def __init__(self, folder: int, place: str, fs: FileSystem) -> None:
        self.folder = folder
        self._place = place
        self._fs = fs
        self._lock = Lock()
        self._staged: list[Staged] = []
        self._ours: set[str] = set()
        """Every name in the folder that this process still answers for; others are garbage to ``sweep``."""
        self._run = secrets.token_hex(8)
        self._count = itertools.count(1)

    def put(self, keys: Sequence[str], data: bytes | Iterator[bytes]) -> None:
        """Write *data* once and stage it under all of *keys*, or raise and stage nothing."""
        names = [self._new_name() for _ in keys]
        try:
            self._write(names[0], keys[0], (data,) if isinstance(data, bytes) else data)
            staged = [Staged(names[0], keys[0])]
            for name, key in zip(names[1:], keys[1:], strict=True):
                staged.append(Staged(name, key, linked=self._link(names[0], name, key)))
        except BaseException:
            self._remove(names)
            raise
        with self._lock:
            self._staged.extend(staged)

    def adopt(self, source: str, source_dir: int, key: str) -> None:
        """Move the file *source* of another folder here and stage it."""
        name = self._new_name()
        try:
            with translated(key, self._place):
                self._fs.rename(source, name, source_dir=source_dir, target_dir=self.folder)
        except BaseException:
            self._forget(name)
            raise
        with self._lock:
            self._staged.append(Staged(name, key))

    def take(self) -> list[Staged]:
        """Everything that is staged, which is then the caller's to place or to drop."""
        with self._lock:
            staged, self._staged = self._staged, []
        return staged

    def fsync(self, staged: Staged) -> None:
        """Make its bytes durable."""
        with translated(staged.key, self._place):
            fd = os.open(staged.name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=self.folder)
            try:
                self._fs.fsync(fd)
            finally:
                os.close(fd)

    def placed(self, staged: Staged) -> None:
        """It has left the folder."""
        self._forget(staged.name)

    def drop(self, staged: Sequence[Staged]) -> None:
        """Remove what is still in the folder, as well as that goes; ``sweep`` gets the rest."""
        self._remove([one.name for one in staged if one.name in self._ours])

    def sweep(self) -> None:
        """Remove what interrupted runs left."""
        with translated(None, self._place), os.scandir(self.folder) as entries:
            for entry in entries:
                if entry.name not in self._ours:
                    with suppress(FileNotFoundError, IsADirectoryError):
                        self._fs.unlink(entry.name, dir_fd=self.folder)

    def close(self) -> None:
        """Drop what is staged, and let go of the folder."""
        self.drop(self.take())
        folder, self.folder = self.folder, -1
        if folder >= 0:
            os.close(folder)

    def _new_name(self) -> str:
        name = f"{self._run}-{next(self._count)}"
        self._ours.add(name)
        return name

    def _forget(self, name: str) -> None:
        self._ours.discard(name)

    def _remove(self, names: Sequence[str]) -> None:
        for name in names:
            with suppress(OSError):
                self._fs.unlink(name, dir_fd=self.folder)
            self._forget(name)

    def _write(self, name: str, key: str, chunks: Iterator[bytes] | tuple[bytes, ...]) -> None:
        """Only our own errors are translated: what *chunks* raises is the caller's, and passes unchanged."""
        with translated(key, self._place):
            fd = self._fs.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, dir_fd=self.folder)
        try:
            for chunk in chunks:
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
