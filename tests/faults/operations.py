"""Every operation of a run, numbered in the order in which it begins: on files, on folders, and on the catalogue.

What a test does to one of them is a *strike*: an exception that is raised in its place, or None to let it happen.
"""

from __future__ import annotations

import functools
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Lock
from types import SimpleNamespace
from typing import Any

import pytest

from bandersnatch.storage import partial, reading, staging, tree
from bandersnatch.storage.fsops import FileSystem

FILES = ("open", "write", "truncate", "close", "fsync", "fsync_directory", "syncfs", "rename", "link", "unlink")
CHANGES = (*FILES, "mkdir", "rmdir")
"""The calls of ``FileSystem`` that change something."""

Strike = Callable[[int, str], BaseException | None]
"""Given the number of an operation, from 1 on, and its name, what is to be raised."""


class Death(BaseException):
    """The process ends here: no handler of errors may take it for one."""


class Operations(FileSystem):
    """
    A ``FileSystem`` whose calls are struck as *strike* says; those of the catalogue are, while ``patched``.

    A write that is struck has written the first half by then: a disk takes a part before it is full. With *whole*,
    syncfs is used where it may be.
    """

    def __init__(self, strike: Strike, *, whole: bool = False) -> None:
        self.names: list[str] = []
        self.failed_syncs: list[int] = []
        """The inodes whose fsync was struck, and that still have the bytes of which nobody knows."""
        self.lied = 0
        """How often one of these was synchronised again: the second time would succeed and prove nothing."""
        self._strike = strike
        self._whole = whole
        self._lock = Lock()

    def before(self, name: str) -> None:
        """An operation begins."""
        with self._lock:
            self.names.append(name)
            error = self._strike(len(self.names), name)
        if error is not None:
            raise error

    def can_syncfs(self, fd: int) -> bool:
        return self._whole

    def write(self, fd: int, data: bytes | memoryview) -> int:
        try:
            self.before("write")
        except BaseException:
            super().write(fd, data[: len(data) // 2])
            raise
        return super().write(fd, data)

    def sync(self) -> None:
        self.before("syncfs")

    def close(self, fd: int) -> None:
        super().close(fd)  # Linux closes also what it then complains about
        self.before("close")

    def truncate(self, fd: int, size: int) -> None:
        self.before("truncate")
        super().truncate(fd, size)
        inode = os.fstat(fd).st_ino
        if inode in self.failed_syncs:  # the journal's way: the bytes in doubt are cut off, and written again later
            self.failed_syncs.remove(inode)

    def fsync(self, fd: int) -> None:
        inode = os.fstat(fd).st_ino
        self.lied += inode in self.failed_syncs
        try:
            self.before("fsync")
        except OSError:
            self.failed_syncs.append(inode)
            raise
        super().fsync(fd)


def _struck(name: str) -> Callable[..., Any]:
    original = getattr(FileSystem, name)

    @functools.wraps(original)
    def call(self: Operations, *args: Any, **kwargs: Any) -> Any:
        self.before(name)
        return original(self, *args, **kwargs)

    return call


for _name in CHANGES:
    if _name not in vars(Operations):
        setattr(Operations, _name, _struck(_name))


# --- the catalogue ---------------------------------------------------------------------------------------------------


def _kind(statement: str) -> str:
    """BEGIN, COMMIT, or another change; empty for what only looks."""
    word = statement.split(None, 1)[0].upper()
    lines = (line for line in statement.splitlines() if not line.lstrip().startswith("--"))
    word = next((line.split(None, 1)[0].upper() for line in lines if line.strip()), word)
    return "" if word in ("SELECT", "PRAGMA", "ROLLBACK") else "commit" if word == "COMMIT" else "statement"


def _connection(operations: Operations) -> type[sqlite3.Connection]:
    class Struck(sqlite3.Connection):
        def execute(self, sql: str, *args: Any) -> sqlite3.Cursor:
            self._before(sql)
            return super().execute(sql, *args)

        def executemany(self, sql: str, *args: Any) -> sqlite3.Cursor:
            self._before(sql)
            return super().executemany(sql, *args)

        @staticmethod
        def _before(sql: str) -> None:
            if kind := _kind(sql):
                operations.before(f"catalogue {kind}")

    return Struck


_OF_ERRNO = {"ENOSPC": 13, "EDQUOT": 13, "EROFS": 8, "EACCES": 8, "EPERM": 8, "EMFILE": 14, "ENFILE": 14, "ELOOP": 14}
_IOERR = 10


def catalogue_error(name: str) -> sqlite3.OperationalError:
    """What SQLite makes of the system's error *name*: full, read-only, cannot open, or an I/O error."""
    error = sqlite3.OperationalError(f"made of {name}")
    error.sqlite_errorcode = _OF_ERRNO.get(name, _IOERR)
    return error


@contextmanager
def patched(operations: Operations, *, looks: bool = False) -> Iterator[None]:
    """The catalogue's changes are operations as well, and with *looks* what storage only reads: open, stat, read."""
    real = sqlite3.connect
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sqlite3, "connect", functools.partial(real, factory=_connection(operations)))
        if looks:
            for module in (tree, staging, partial):
                patch.setattr(module, "os", _looking(operations))
            patch.setattr(reading._Source, "readinto", _reading(operations))
        yield


def _looking(operations: Operations) -> SimpleNamespace:
    def opened(*args: Any, **kwargs: Any) -> int:
        operations.before("look open")
        return os.open(*args, **kwargs)

    def stat(*args: Any, **kwargs: Any) -> os.stat_result:
        operations.before("look stat")
        return os.stat(*args, **kwargs)

    return SimpleNamespace(**{**vars(os), "open": opened, "stat": stat})


def _reading(operations: Operations) -> Callable[..., Any]:
    from bandersnatch.storage.oserrors import translated

    real = reading._Source.readinto

    def readinto(self: Any, buffer: Any, /) -> int | None:
        with translated(*self._about):
            operations.before("look read")
        return real(self, buffer)

    return readinto


# --- strikes ---------------------------------------------------------------------------------------------------------


def never(number: int, name: str) -> BaseException | None:
    """Nothing is struck."""
    return None


def fails(error: Callable[[str], BaseException], at: int, *, sticky: bool, only: str | None = None) -> Strike:
    """Operation number *at* fails, and if *sticky* all later ones; given *only*, no others are counted."""
    seen = 0

    def strike(number: int, name: str) -> BaseException | None:
        nonlocal seen
        if only is not None and name != only:
            return None
        seen += 1
        return error(name) if seen == at or (sticky and seen > at) else None

    return strike


def system_error(number: int) -> Callable[[str], BaseException]:
    """The error of the system, and in the catalogue what SQLite makes of it."""
    name = os.strerror(number)

    def make(operation: str) -> BaseException:
        if operation.startswith("catalogue"):
            import errno

            return catalogue_error(errno.errorcode[number])
        return OSError(number, name)

    return make


def dies(at: int) -> Strike:
    """The process is killed before operation number *at*: that one and all later ones do nothing."""
    return fails(lambda _: Death(), at, sticky=True)


@contextmanager
def nothing_left_open() -> Iterator[None]:
    """Close what was opened and never closed: a process that is killed leaves that to the system."""
    before = set(os.listdir("/proc/self/fd"))
    try:
        yield
    finally:
        for name in set(os.listdir("/proc/self/fd")) - before:
            with suppress(OSError):
                os.close(int(name))
