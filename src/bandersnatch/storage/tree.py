"""The folders below a root, entered one by one, so that no symbolic link on the way is ever followed.

An operator, or whoever else may write to the tree, can put a link anywhere in it; a path as a whole would lead
through. Raises OSError throughout.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from bandersnatch.storage.base import Stat
from bandersnatch.storage.fsops import FileSystem

Parts = tuple[str, ...]

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
# What was a regular file a moment ago might be a pipe now, whose opening would wait for a writer.
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
_NOT_EMPTY = (errno.ENOTEMPTY, errno.EEXIST)
_ATTEMPTS = 100
"""How often a folder may vanish between its making and its use; each time another thread emptied it just then."""


class Tree:
    """The tree below *root*, a descriptor that now belongs to the tree. An object is a regular file in it."""

    def __init__(self, root: int, fs: FileSystem) -> None:
        self._root = root
        self._fs = fs

    def close(self) -> None:
        """Let go of the root."""
        root, self._root = self._root, -1
        if root >= 0:
            os.close(root)

    def free(self) -> int:
        """Bytes that somebody without privileges can still write."""
        system = os.fstatvfs(self._root)
        return system.f_bavail * system.f_frsize

    @contextmanager
    def folder(self, parts: Parts, *, touched: set[Parts] | None = None) -> Iterator[int]:
        """A descriptor of a folder. With *touched*, missing ones are made, and those that got an entry added to it."""
        fd = os.dup(self._root)
        try:
            for depth, name in enumerate(parts):
                if touched is None:
                    inner = os.open(name, _FOLDER, dir_fd=fd)
                else:
                    inner = self._enter(fd, parts[:depth], name, touched)
                os.close(fd)
                fd = inner
            yield fd
        finally:
            os.close(fd)

    def _enter(self, fd: int, parts: Parts, name: str, touched: set[Parts]) -> int:
        try:
            return os.open(name, _FOLDER, dir_fd=fd)
        except FileNotFoundError:
            touched.add(parts)
        with suppress(FileExistsError):  # somebody else made it meanwhile
            self._fs.mkdir(name, dir_fd=fd)
        return os.open(name, _FOLDER, dir_fd=fd)

    def stat(self, parts: Parts) -> Stat | None:
        """What is known of an object, or None if there is none."""
        try:
            with self.folder(parts[:-1]) as folder:
                return _object(os.stat(parts[-1], dir_fd=folder, follow_symlinks=False))
        except FileNotFoundError:
            return None

    def open(self, parts: Parts) -> int | None:
        """A descriptor for reading an object, or None if there is none."""
        try:
            with self.folder(parts[:-1]) as folder:
                if _object(os.stat(parts[-1], dir_fd=folder, follow_symlinks=False)) is None:
                    return None
                return os.open(parts[-1], _READ, dir_fd=folder)
        except FileNotFoundError:
            return None

    def place(self, name: str, source_dir: int, parts: Parts, touched: set[Parts]) -> None:
        """Move the file *name* of the folder *source_dir* to *parts*; adds to *touched* each folder that it changes."""
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                with self.folder(parts[:-1], touched=touched) as folder:
                    touched.add(parts[:-1])
                    self._fs.rename(name, parts[-1], source_dir=source_dir, target_dir=folder)
                return
            except FileNotFoundError:
                if attempt == _ATTEMPTS:
                    raise

    def remove(self, parts: Parts) -> Parts:
        """Remove an object and the folders that this empties, the first level excepted; returns the one that stays."""
        # No such object? Then an attempt that was cut off may still have left its folders.
        with suppress(FileNotFoundError, IsADirectoryError), self.folder(parts[:-1]) as folder:
            self._fs.unlink(parts[-1], dir_fd=folder)
        return self._prune(parts[:-1])

    def _prune(self, parts: Parts) -> Parts:
        while len(parts) > 1:
            try:
                with self.folder(parts[:-1]) as outer:
                    self._fs.rmdir(parts[-1], dir_fd=outer)
            except FileNotFoundError:
                pass
            except OSError as error:
                if error.errno in _NOT_EMPTY:
                    break
                raise
            parts = parts[:-1]
        return parts

    def fsync(self, parts: Parts) -> None:
        """Make the names in a folder durable. One that is gone has none; its removal is for the folder above."""
        with suppress(FileNotFoundError), self.folder(parts) as folder:
            self._fs.fsync_directory(folder)

    def walk(self, parts: Parts) -> Iterator[tuple[str, Stat]]:
        """Every object below a folder with its key, as the disk has them: nothing is gathered."""
        with suppress(FileNotFoundError), self.folder(parts) as folder:
            yield from _walk(folder, "".join(part + "/" for part in parts))


def _walk(folder: int, prefix: str) -> Iterator[tuple[str, Stat]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):  # removed since it was listed
                if entry.is_dir(follow_symlinks=False):
                    yield from _walk_inner(folder, entry.name, prefix)
                elif found := _object(entry.stat(follow_symlinks=False)):
                    yield prefix + entry.name, found


def _walk_inner(outer: int, name: str, prefix: str) -> Iterator[tuple[str, Stat]]:
    folder = os.open(name, _FOLDER, dir_fd=outer)
    try:
        yield from _walk(folder, f"{prefix}{name}/")
    finally:
        os.close(folder)


def _object(status: os.stat_result) -> Stat | None:
    return Stat(status.st_size, status.st_mtime_ns) if stat.S_ISREG(status.st_mode) else None
