"""Where to go on: one name in one small file, replaced whole."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path

from bandersnatch.storage.fsops import FileSystem, write_all
from bandersnatch.storage.oserrors import translated


class Bookmark:
    """
    The file *path*, in a folder that is there, keeps how far something came that is done in the order of names.

    It counts for one way of doing it, *mode*. Every method raises StorageError.
    """

    def __init__(self, path: Path, mode: str, *, fs: FileSystem | None = None) -> None:
        self._path = path
        self._mode = mode
        self._fs = fs or FileSystem()

    def read(self) -> str:
        """The last name that was finished; empty to begin at the beginning."""
        try:
            with translated(None, str(self._path)), suppress(FileNotFoundError):
                kept = json.loads(self._path.read_bytes())
                return str(kept["after"]) if kept["mode"] == self._mode else ""
        except (ValueError, LookupError, TypeError):
            pass  # a file that cannot be read costs nothing but time
        return ""

    def write(self, after: str) -> None:
        """Keep the name *after*."""
        data = json.dumps({"mode": self._mode, "after": after}).encode()
        new = f"{self._path.name}.new"
        with translated(None, str(self._path)):
            folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
            try:
                fd = self._fs.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, dir_fd=folder)
                try:
                    write_all(self._fs, fd, data)
                    self._fs.fsync(fd)
                finally:
                    self._fs.close(fd)
                self._fs.rename(new, self._path.name, source_dir=folder, target_dir=folder)
            finally:
                os.close(folder)

    def clear(self) -> None:
        """All is done."""
        with translated(None, str(self._path)), suppress(FileNotFoundError):
            folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
            try:
                self._fs.unlink(self._path.name, dir_fd=folder)
            finally:
                os.close(folder)
