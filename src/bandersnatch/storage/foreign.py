"""A tree that another tool made: looked at as it is, all its names hostile, no link in it followed."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import count, islice
from typing import BinaryIO

from bandersnatch.errors import StorageError
from bandersnatch.storage.base import Stat
from bandersnatch.storage.beneath import FOLDER
from bandersnatch.storage.fsops import FileSystem, make_folders
from bandersnatch.storage.keys import split, split_prefix
from bandersnatch.storage.oserrors import translated
from bandersnatch.storage.reading import stream
from bandersnatch.storage.tree import Tree

_SOME = 4096
"""Names that are enough to tell what a folder is."""


class Foreign:
    """
    The tree below the folder *place*, which may itself be a symbolic link; no link below it is followed.

    Paths are relative to it, with slashes; what of a name is no UTF-8 is in surrogates. Every method raises
    StorageError, and ValueError for a path that could lead out of the tree.
    """

    def __init__(self, place: str | os.PathLike[str], *, fs: FileSystem | None = None) -> None:
        self.place = os.path.realpath(place)
        self._fs = fs or FileSystem()
        with translated(None, self.place):
            self._tree = Tree(os.open(self.place, FOLDER), self.place, self._fs)

    def names(self, prefix: str = "") -> list[str]:
        """What is in one folder, some thousand at most; empty if there is no such folder."""
        with (
            translated(None, self._tree.place(prefix)),
            suppress(FileNotFoundError, NotADirectoryError),
            self._tree.folder(split_prefix(prefix)) as folder,
            os.scandir(folder) as entries,
        ):
            return [entry.name for entry in islice(entries, _SOME)]
        return []

    def survey(self, prefix: str = "", *, without: Sequence[str] = ()) -> Iterator[tuple[str, Stat | None]]:
        """
        Everything below the folder *prefix*, folder by folder, but for what is in the folders *without* at its top.

        None stands for what is no object: a link, a pipe, a folder that this user may not look into.
        """
        parts = split_prefix(prefix)
        with translated(None, self._tree.place(prefix)):
            yield from self._tree.survey(parts, without=without)

    def stat(self, path: str) -> Stat | None:
        """What is known of an object, or None if there is none, or none that may be reached."""
        with translated(None, self._tree.place(path)):
            try:
                return self._tree.stat(split(path))
            except OSError as error:
                if error.errno in (errno.ELOOP, errno.ENOTDIR, errno.ENAMETOOLONG):
                    return None
                raise

    def open(self, path: str) -> BinaryIO:
        """A seekable stream of an object; the caller closes it."""
        with translated(None, self._tree.place(path)):
            fd = self._tree.open(split(path))
        if fd is None:
            raise StorageError(f"{self._tree.place(path)} is gone", errno=errno.ENOENT)
        return stream(fd, None, self._tree.place(path))

    def read(self, path: str, limit: int) -> bytes | None:
        """The object's bytes; None if there is none, or a larger one than *limit* bytes."""
        found = self.stat(path)
        if found is None or found.size > limit:
            return None
        with self.open(path) as source:
            data = source.read(limit + 1)
        return data if len(data) <= limit else None

    @contextmanager
    def beside(self, path: str) -> Iterator[tuple[int, str]]:
        """A descriptor of the folder that an object is in, and its name there."""
        parts = split(path)
        with translated(None, self._tree.place(path)), self._tree.folder(parts[:-1]) as folder:
            yield folder, parts[-1]

    def remove(self, path: str) -> None:
        """Remove an object, and the folders that this empties. Nothing happens if it is gone."""
        with translated(None, self._tree.place(path)):
            self._tree.remove(split(path))

    def set_aside(self, names: Sequence[str], place: str) -> None:
        """
        Move objects at the top of the tree into the folder *place*, absolute and on the same file system.

        What an earlier adoption put there keeps its name with a number behind it.
        """
        with translated(None, place):
            make_folders(self._fs, place)
            with self._tree.folder(()) as folder:
                aside = os.open(place, FOLDER)
                try:
                    for name in names:
                        if not _is_there(name, folder):
                            continue  # an adoption that was cut off has moved it
                        if _is_there(name, aside):
                            self._fs.rename(name, _free(name, aside), source_dir=aside, target_dir=aside)
                        self._fs.rename(name, name, source_dir=folder, target_dir=aside)
                    self._fs.fsync_directory(aside)
                    self._fs.fsync_directory(folder)
                finally:
                    os.close(aside)

    def close(self) -> None:
        """Let go of the tree."""
        self._tree.close()


def _is_there(name: str, folder: int) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _free(name: str, folder: int) -> str:
    """*name* with the first number behind it that is free."""
    return next(one for number in count(1) if not _is_there(one := f"{name}.{number}", folder))
