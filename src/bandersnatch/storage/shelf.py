"""A folder of files that are replaced whole: read by others at any time, written by one who holds a lock."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from bandersnatch.storage.beneath import FOLDER, open_folder
from bandersnatch.storage.fsops import FileSystem, make_folders, write_all
from bandersnatch.storage.oserrors import translated


class Shelf:
    """
    The files below *folder*, each made as *staging* first, a path on the same file system that nobody reads.

    Names are relative to *folder*; their last part may stand in folders, and neither these nor *folder* are symbolic
    links. Every method raises StorageError.
    """

    def __init__(self, folder: Path, staging: Path, *, fs: FileSystem | None = None) -> None:
        self._folder = folder.absolute()
        self._staging = staging.absolute()
        self._fs = fs or FileSystem()

    def replace(self, name: str, content: Iterable[bytes]) -> None:
        """Put *content* in the place of what has the *name*: durably, and wholly or not at all."""
        target = self._folder / name
        with translated(name, str(target)):
            make_folders(self._fs, str(target.parent))
            place, staged = self._opened(target.parent), os.open(self._staging.parent, FOLDER & ~os.O_NOFOLLOW)
            try:
                self._stage(staged, content)
                self._fs.rename(self._staging.name, target.name, source_dir=staged, target_dir=place)
                self._fs.fsync_directory(place)
            finally:
                os.close(place)
                os.close(staged)

    def remove(self, name: str) -> None:
        """Remove what has the *name*, if anything has."""
        target = self._folder / name
        with translated(name, str(target)), suppress(FileNotFoundError):
            place = self._opened(target.parent)
            try:
                self._fs.unlink(target.name, dir_fd=place)
            finally:
                os.close(place)

    def names(self, folder: str) -> list[str]:
        """The names of what there is in a *folder*, sorted."""
        try:
            return sorted(os.listdir(self._folder / folder))
        except OSError:
            return []  # nothing was put there yet, or it cannot be seen

    def path(self, name: str) -> Path:
        """Where it is."""
        return self._folder / name

    def _opened(self, folder: Path) -> int:
        """A descriptor of a *folder* of the shelf."""
        root = os.open(self._folder.parent, FOLDER & ~os.O_NOFOLLOW)
        try:
            return open_folder(root, folder.relative_to(self._folder.parent).parts)
        finally:
            os.close(root)

    def _stage(self, folder: int, content: Iterable[bytes]) -> None:
        fd = self._fs.open(self._staging.name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, dir_fd=folder)
        try:
            for part in content:
                write_all(self._fs, fd, part)
            self._fs.fsync(fd)
        finally:
            self._fs.close(fd)
