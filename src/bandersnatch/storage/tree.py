"""The objects below a root, none of which is reached through a symbolic link.

An operator, or whoever else may write to the tree, can put a link anywhere in it. So each folder is opened by
``beneath``, which follows none, and an object is named within its folder. Raises OSError throughout.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from bandersnatch.storage.base import Stat
from bandersnatch.storage.beneath import FOLDER, find_folder, open_folder
from bandersnatch.storage.fsops import FileSystem

Parts = tuple[str, ...]

# What was a regular file a moment ago might be a pipe now, whose opening would wait for a writer.
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
DEEPEST = 64
"""Folders in each other that are looked into. Trees of packages have up to six; each takes two descriptors."""
_KEPT_OPEN = 64
"""Folders, of the 1,024 descriptors that a process may usually have."""
_NOT_EMPTY = (errno.ENOTEMPTY, errno.EEXIST)
_ATTEMPTS = 100
"""How often a folder may vanish between its making and its use; each time another thread emptied it just then."""


class Tree:
    """
    The tree below *root*, a descriptor that now belongs to the tree. An object is a regular file in it.

    *path* is where that is, for messages.
    """

    def __init__(self, root: int, path: str, fs: FileSystem) -> None:
        self._root = root
        self._path = path
        self._fs = fs

    def place(self, key: str) -> str:
        """Where *key* is, for messages."""
        return f"{self._path}/{key}"

    def close(self) -> None:
        """Let go of the root."""
        root, self._root = self._root, -1
        if root >= 0:
            os.close(root)

    @property
    def device(self) -> int:
        """The file system that the root is on, as stat(2) numbers it."""
        return os.fstat(self._root).st_dev

    def free(self) -> int:
        """Bytes that somebody without privileges can still write."""
        return self._fs.free(self._root)

    @contextmanager
    def folder(self, parts: Parts) -> Iterator[int]:
        """A descriptor of a folder."""
        fd = open_folder(self._root, parts)
        try:
            yield fd
        finally:
            os.close(fd)

    def is_empty(self) -> bool:
        """Whether there is nothing at all, not even a folder."""
        with os.scandir(self._root) as entries:
            return next(entries, None) is None

    def stat(self, parts: Parts) -> Stat | None:
        """What is known of an object, or None if there is none."""
        folder = find_folder(self._root, parts[:-1])
        if folder is None:
            return None
        try:
            return object_of(os.stat(parts[-1], dir_fd=folder, follow_symlinks=False))
        except FileNotFoundError:
            return None
        finally:
            os.close(folder)

    def open(self, parts: Parts) -> int | None:
        """A descriptor for reading an object, or None if there is none."""
        try:
            with self.folder(parts[:-1]) as folder:
                if object_of(os.stat(parts[-1], dir_fd=folder, follow_symlinks=False)) is None:
                    return None
                return os.open(parts[-1], _READ, dir_fd=folder)
        except FileNotFoundError:
            return None

    @contextmanager
    def placing(self, source_dir: int, touched: set[Parts]) -> Iterator[Placing]:
        """Move files here out of the folder *source_dir*; adds to *touched* each folder that this changes."""
        placing = Placing(self._root, source_dir, touched, self._fs)
        try:
            yield placing
        finally:
            placing.forget_folders()

    def remove(self, parts: Parts) -> Parts:
        """Remove an object and the folders that this empties, the first level excepted; returns the one that stays."""
        # No such object? Then an attempt that was cut off may still have left its folders.
        with suppress(FileNotFoundError, IsADirectoryError), self.folder(parts[:-1]) as folder:
            self._fs.unlink(parts[-1], dir_fd=folder)
        return self.prune(parts[:-1])

    def prune(self, parts: Parts) -> Parts:
        """Remove a folder if it is empty, and those that this empties, as ``remove`` does; returns what stays."""
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
        """
        Every object below a folder with its key, as the disk has them: nothing is gathered.

        What lies deeper than any key is left out; a folder that may not be looked into raises.
        """
        with suppress(FileNotFoundError), self.folder(parts) as folder:
            for key, found in _survey(folder, "".join(part + "/" for part in parts), strict=True):
                if found is not None:
                    yield key, found

    def survey(self, parts: Parts, *, without: Sequence[str] = ()) -> Iterator[tuple[str, Stat | None]]:
        """
        Everything below a folder, folder by folder, as the disk has it, but for the folders *without* in it.

        None stands for what is no object: a link, a pipe, a folder that this user may not look into, or one that lies
        deeper in others than any tool puts it.
        """
        with suppress(FileNotFoundError), self.folder(parts) as folder:
            yield from _survey(folder, "".join(part + "/" for part in parts), without)


class Placing:
    """
    Files on their way to their keys, one after another. Folders that are missing on the way are made.

    The last folders are kept open: what is placed together mostly belongs in the same ones. They are the folders that
    had those names when they were opened; one that was moved away meanwhile takes along what is placed in it, as it
    would a moment later. So they are kept no longer than one settling takes, and one that was removed is looked for
    again.
    """

    def __init__(self, root: int, source_dir: int, touched: set[Parts], fs: FileSystem) -> None:
        self._root = root
        self._source_dir = source_dir
        self._touched = touched
        self._fs = fs
        self._open: dict[Parts, int] = {}
        self._made: set[Parts] = set()
        """Folders that were not there: neither was anything in them."""

    def place(self, name: str, parts: Parts) -> None:
        """Give the file *name* the place *parts*, instead of what is there."""
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                folder = self._folder(parts[:-1])
                self._touched.add(parts[:-1])
                self._fs.rename(name, parts[-1], source_dir=self._source_dir, target_dir=folder)
                return
            except FileNotFoundError:
                self.forget_folders()
                if attempt == _ATTEMPTS:
                    raise

    def forget_folders(self) -> None:
        """Let go of what is open."""
        self._made.clear()
        while self._open:
            os.close(self._open.popitem()[1])

    def _folder(self, parts: Parts) -> int:
        fd = self._open.pop(parts, None)
        if fd is None:
            fd = self._enter(parts)
        self._open[parts] = fd  # now the last, which is closed last
        if len(self._open) > _KEPT_OPEN:
            os.close(self._open.pop(next(iter(self._open))))
        return fd

    def _enter(self, parts: Parts) -> int:
        if not parts:
            return open_folder(self._root, parts)
        above = parts[:-1]
        outer = self._folder(above)
        if above not in self._made:
            with suppress(FileNotFoundError):
                return os.open(parts[-1], FOLDER, dir_fd=outer)
        self._touched.add(above)
        with suppress(FileExistsError):  # somebody else made it meanwhile
            self._fs.mkdir(parts[-1], dir_fd=outer)
            self._made.add(parts)
        return os.open(parts[-1], FOLDER, dir_fd=outer)


def _survey(
    folder: int, prefix: str, without: Sequence[str] = (), *, depth: int = 0, strict: bool = False
) -> Iterator[tuple[str, Stat | None]]:
    """*strict*: raise PermissionError where a folder may not be looked into."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name in without:
                continue
            with suppress(FileNotFoundError):  # removed since it was listed
                if not entry.is_dir(follow_symlinks=False):
                    yield prefix + entry.name, object_of(entry.stat(follow_symlinks=False))
                elif depth < DEEPEST:
                    yield from _survey_inner(folder, entry.name, prefix, depth + 1, strict=strict)
                else:
                    yield prefix + entry.name, None


def _survey_inner(outer: int, name: str, prefix: str, depth: int, *, strict: bool) -> Iterator[tuple[str, Stat | None]]:
    try:
        folder = os.open(name, FOLDER, dir_fd=outer)
    except PermissionError:
        if strict:
            raise
        yield prefix + name, None
        return
    try:
        yield from _survey(folder, f"{prefix}{name}/", depth=depth, strict=strict)
    finally:
        os.close(folder)


def object_of(status: os.stat_result) -> Stat | None:
    """What is known of the object that has this status; None if it is no object."""
    return Stat(status.st_size, status.st_mtime_ns) if stat.S_ISREG(status.st_mode) else None
