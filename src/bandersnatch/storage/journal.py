"""The journal of removals in a file, which people and their tools can read too: one JSON object a line, as in

{"time": 1760000000.5, "action": "buried", "project": "demo", "key": "packages/…/demo-1.whl", "reason": "…"}
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from threading import Lock
from typing import BinaryIO, cast, get_args

from bandersnatch.storage.base import Action, Removal
from bandersnatch.storage.fsops import FileSystem, make_folders, write_all
from bandersnatch.storage.oserrors import translated
from bandersnatch.storage.reading import stream
from bandersnatch.values import to_builtins

LARGEST = 64 * 1024 * 1024
"""Bytes from which on a journal is put aside and a new one begun: some 300,000 lines."""
KEPT = 3
"""Journals that were put aside: ``.1``, the latest, to ``.3``."""
_APPEND = os.O_RDWR | os.O_APPEND | os.O_CREAT
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
"""To open a pipe, which may be where a journal was, would wait for a writer."""
_ACTIONS = frozenset(get_args(Action))
_YEAR_10000 = 253_402_300_800


class FileJournal:
    """
    The ``Journal`` port over the file *path*, whose folder is made if it is missing; one process at a time may write.

    The file is opened for each batch: it may be moved away at any time, and a new one is begun.
    """

    def __init__(self, path: str | os.PathLike[str], *, fs: FileSystem | None = None) -> None:
        self._path = os.path.abspath(path)
        self._folder, self._name = os.path.split(self._path)
        self._fs = fs or FileSystem()
        self._lock = Lock()
        self._unreadable = 0

    @property
    def unreadable(self) -> int:
        return self._unreadable

    def write(self, lines: Sequence[Removal]) -> None:
        if not lines:
            return
        # Escaped to ASCII, for the bytes of a key may be no UTF-8.
        data = b"".join(json.dumps(to_builtins(line), allow_nan=False).encode() + b"\n" for line in lines)
        with self._lock, translated(None, self._path):
            make_folders(self._fs, self._folder)
            with self._opened_folder() as folder:
                self._rotate(folder)
                self._append(folder, data)

    def read(self) -> Iterator[Removal]:
        self._unreadable = 0
        with ExitStack() as stack:
            for source in self._open_all(stack):
                for line in source:
                    removal = _parsed(line)
                    if removal is None:
                        self._unreadable += 1
                    else:
                        yield removal

    @contextmanager
    def _opened_folder(self) -> Iterator[int]:
        fd = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            yield fd
        finally:
            os.close(fd)

    def _names(self) -> list[str]:
        """The journal and those that were put aside, the latest first."""
        return [self._name, *(f"{self._name}.{number}" for number in range(1, KEPT + 1))]

    # --- writing ---------------------------------------------------------------------------------------------------

    def _rotate(self, folder: int) -> None:
        """Put a journal that is large enough aside, in place of the oldest if there is no room."""
        if (_size(self._name, folder) or 0) < LARGEST:
            return
        names = self._names()
        # Only up to the first free name: a rotation that was cut off is gone on with, and costs no older journal.
        end = next((at for at, name in enumerate(names) if _size(name, folder) is None), KEPT)
        for at in range(end, 0, -1):
            self._fs.rename(names[at - 1], names[at], source_dir=folder, target_dir=folder)

    def _append(self, folder: int, data: bytes) -> None:
        fd = self._fs.open(self._name, _APPEND, dir_fd=folder)
        try:
            size = os.fstat(fd).st_size
            if size and os.pread(fd, 1, size - 1) != b"\n":
                data = b"\n" + data  # a line that was cut off ends here
            try:
                write_all(self._fs, fd, data)
                self._fs.fsync(fd)
                if not size:
                    self._fs.fsync_directory(folder)
            except BaseException:
                with suppress(OSError):
                    self._fs.truncate(fd, size)
                raise
        finally:
            with suppress(OSError):  # fsync has said already whether the bytes are safe
                self._fs.close(fd)

    # --- reading ---------------------------------------------------------------------------------------------------

    def _open_all(self, stack: ExitStack) -> list[BinaryIO]:
        """
        Streams of the journals that there are, the oldest first.

        They are opened the latest first: one that another process puts aside meanwhile is found twice, never missed.
        """
        found: dict[int, BinaryIO] = {}
        with translated(None, self._path), suppress(FileNotFoundError), self._opened_folder() as folder:
            for name in self._names():
                fd = _open(name, folder)
                if fd is not None:
                    source = stack.enter_context(stream(fd, None, f"{self._folder}/{name}"))
                    found.setdefault(os.fstat(fd).st_ino, source)
        return list(found.values())[::-1]


def _size(name: str, folder: int) -> int | None:
    """Bytes of a file, or None if there is none."""
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False).st_size
    except FileNotFoundError:
        return None


def _open(name: str, folder: int) -> int | None:
    """A descriptor for reading a journal, or None if there is none."""
    try:
        fd = os.open(name, _READ, dir_fd=folder)
    except FileNotFoundError:
        return None
    if stat.S_ISREG(os.fstat(fd).st_mode):
        return fd
    os.close(fd)
    return None


def _parsed(line: bytes) -> Removal | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):  # what damage left may well be a thousand brackets
        return None
    match found:
        case {
            "time": int() | float() as time,
            "action": str() as action,
            "project": str() as project,
            "key": str() as key,
            "reason": str() as reason,
        } if 0 <= time < _YEAR_10000 and action in _ACTIONS:
            return Removal(float(time), cast(Action, action), project, key, reason)
    return None
