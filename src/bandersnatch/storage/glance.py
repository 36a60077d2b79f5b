"""A mirror's directory, looked at by what must not change it: what it would store stays in memory."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import BinaryIO

from bandersnatch.errors import StorageError
from bandersnatch.storage.base import Stat
from bandersnatch.storage.beneath import FOLDER
from bandersnatch.storage.fsops import FileSystem
from bandersnatch.storage.keys import split, split_prefix
from bandersnatch.storage.memory import MemoryStorage
from bandersnatch.storage.oserrors import translated
from bandersnatch.storage.reading import stream
from bandersnatch.storage.tree import Tree


class Glance(MemoryStorage):
    """
    The part of the ``Storage`` port that only looks, over the directory of a ``FileStorage``.

    The directory need not be there. Nothing is made in it, and its lock need not be held.
    """

    def __init__(self, directory: str | os.PathLike[str], *, served: str = "web") -> None:
        """*served* is the folder in *directory* that is the web server's root; "" for *directory* itself."""
        super().__init__()
        self._directory = Path(directory)
        self._open = ExitStack()
        self._served = self._tree(served)
        self._trash = self._tree("state/trash")

    def stat(self, key: str) -> Stat | None:
        return _stat(self._served, key)

    def buried(self, key: str) -> Stat | None:
        return _stat(self._trash, key)

    def open(self, key: str) -> BinaryIO:
        return _opened(self._served, key, self._directory)

    def keys(self, prefix: str = "") -> Iterator[tuple[str, Stat]]:
        return ((key, found) for key, found in self.survey(prefix) if found is not None)

    def survey(self, prefix: str = "") -> Iterator[tuple[str, Stat | None]]:
        """
        Everything below the folder *prefix*, folder by folder.

        None stands for what is no object: a link, a pipe, a folder that this user may not look into.
        """
        tree, parts = self._served, split_prefix(prefix)
        if tree is not None:
            with translated(prefix or None, tree.place(prefix)):
                yield from tree.survey(parts)

    def list_buried(self) -> Iterator[tuple[str, int, float]]:
        tree = self._trash
        if tree is not None:
            with translated(None, tree.place("")):
                for key, found in tree.walk(()):
                    yield key, found.size, found.mtime_ns / 1e9

    def open_buried(self, key: str) -> BinaryIO:
        return _opened(self._trash, key, self._directory)

    def list_partial(self) -> Iterator[tuple[str, int, int]]:
        partial = self._directory / "state/partial"
        with translated(None, str(partial)), suppress(FileNotFoundError, PermissionError), os.scandir(partial) as found:
            for entry in found:
                with suppress(FileNotFoundError):  # staged since it was listed
                    if entry.is_file(follow_symlinks=False):
                        stat = entry.stat(follow_symlinks=False)
                        yield entry.name, stat.st_size, stat.st_mtime_ns

    def read(self, key: str, limit: int) -> bytes | None:
        tree, parts = self._served, split(key)
        if tree is None:
            return None
        with translated(key, tree.place(key)):
            fd = tree.open(parts)
        if fd is None:
            return None
        with stream(fd, key, tree.place(key)) as source:
            data = source.read(limit + 1)
        return data if len(data) <= limit else None

    def free(self) -> int | None:
        """Where the directory is, or where it would be made."""
        for place in (self._directory, *self._directory.parents):
            try:
                return shutil.disk_usage(place).free
            except OSError:
                continue
        return None

    def close(self) -> None:
        super().close()
        self._open.close()

    def _tree(self, folder: str) -> Tree | None:
        path = self._directory / folder
        try:
            root = os.open(path, FOLDER & ~os.O_NOFOLLOW)
        except (FileNotFoundError, PermissionError):
            return None  # nothing that this user could find there either
        return self._open.enter_context(closing(Tree(root, str(path), FileSystem())))


def _opened(tree: Tree | None, key: str, directory: Path) -> BinaryIO:
    parts = split(key)
    if tree is not None:
        with translated(key, tree.place(key)):
            fd = tree.open(parts)
        if fd is not None:
            return stream(fd, key, tree.place(key))
    raise StorageError(f"{key}: there is no such object in {directory}", key=key, errno=errno.ENOENT)


def _stat(tree: Tree | None, key: str) -> Stat | None:
    parts = split(key)
    if tree is None:
        return None
    with translated(key, tree.place(key)):
        return tree.stat(parts)
