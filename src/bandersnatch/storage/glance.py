"""A mirror's directory, looked at by what must not change it: what it would store stays in memory."""

from __future__ import annotations

import os
import shutil
from contextlib import ExitStack, closing
from pathlib import Path

from bandersnatch.storage.base import Stat
from bandersnatch.storage.beneath import FOLDER
from bandersnatch.storage.fsops import FileSystem
from bandersnatch.storage.keys import split
from bandersnatch.storage.memory import MemoryStorage
from bandersnatch.storage.oserrors import translated
from bandersnatch.storage.reading import stream
from bandersnatch.storage.tree import Tree


class Glance(MemoryStorage):
    """
    The part of the ``Storage`` port that looks at single objects, over the directory of a ``FileStorage``.

    The directory need not be there. Nothing is made in it, and its lock need not be held.
    """

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        super().__init__()
        self._directory = Path(directory)
        self._open = ExitStack()
        self._served = self._tree("web")
        self._trash = self._tree("state/trash")

    def stat(self, key: str) -> Stat | None:
        return _stat(self._served, key)

    def buried(self, key: str) -> Stat | None:
        return _stat(self._trash, key)

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


def _stat(tree: Tree | None, key: str) -> Stat | None:
    parts = split(key)
    if tree is None:
        return None
    with translated(key, tree.place(key)):
        return tree.stat(parts)
