"""What a power cut may leave of what a run has done: a log of its operations, and the states that it allows.

A file system may keep or lose whatever was not synchronised, and keeps the rest. So here a file has its bytes as they
were at its last fsync, and as they are now; a folder has its names as they were at its last fsync, and the changes
since. A rename, also from one folder to another, is one change: it is there, or it is not. The catalogue is modelled
by its file and its log at the end of each transaction, since SQLite synchronises these before a commit returns: what
was committed is there, and of a transaction that was not there may be a torn end of the log.
"""

from __future__ import annotations

import functools
import itertools
import os
import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import RLock
from typing import Any

import pytest

from bandersnatch.storage.fsops import FileSystem


@dataclass
class File:
    """A file: its bytes now, and as they were when it was synchronised last."""

    data: bytes = b""
    safe: bytes = b""


@dataclass(frozen=True)
class Change:
    """One change of names: what is under *name* in a folder is *node* from now on, or nothing."""

    kind: str
    folder: int
    name: str
    node: int | None
    source: tuple[int, str] | None = None
    """Of a rename: the folder and the name that it is gone from."""


Folders = dict[int, dict[str, int]]
Catalogue = tuple[bytes, bytes]
"""The database's file and its log."""


@dataclass
class Disk:
    """A root folder (number 0) with all that is below it, as it is now and as it is on the disk for certain."""

    files: dict[int, File] = field(default_factory=dict)
    safe: Folders = field(default_factory=lambda: {0: {}})
    pending: list[Change] = field(default_factory=list)
    catalogue: Catalogue | None = None
    """As it was after the last transaction that was synchronised."""
    latest: Catalogue | None = None
    """As it is now."""


Content = Callable[[File], bytes]
Chosen = Callable[[list[Change]], list[Change]]


def _half(file: File) -> bytes:
    """Half of what is new."""
    kept = file.safe if file.data.startswith(file.safe) else b""
    return file.data[: len(kept) + (len(file.data) - len(kept)) // 2]


def _zeros(file: File) -> bytes:
    """As long as it is now, with NUL where nothing was synchronised."""
    kept = file.safe if file.data.startswith(file.safe) else b""
    return kept + bytes(len(file.data) - len(kept))


_FULL = 2
"""PRAGMA synchronous: the log is synchronised at each commit."""
CREATING = ("open", "rename", "link", "mkdir")


def _without_last(changes: list[Change]) -> list[Change]:
    last = max((at for at, one in enumerate(changes) if one.kind in CREATING), default=-1)
    return [one for at, one in enumerate(changes) if at != last]


STATES: dict[str, tuple[Chosen, Content]] = {
    "all that was not synchronised is gone": (lambda changes: [], lambda file: file.safe),
    "names without bytes": (lambda changes: changes, lambda file: file.safe),
    "NUL where bytes were": (lambda changes: changes, _zeros),
    "torn bytes": (lambda changes: changes, _half),
    "the later half of the names": (lambda changes: changes[len(changes) // 2 :], lambda file: file.data),
    "the last new name is lost": (_without_last, lambda file: file.data),
    "nothing was removed": (
        lambda changes: [one for one in changes if one.kind not in ("unlink", "rmdir")],
        lambda file: file.data,
    ),
    "all is kept": (lambda changes: changes, lambda file: file.data),
}


def by_chance(seed: int) -> tuple[Chosen, Content]:
    """Any of the names, in their order, and any of the contents."""
    draw = random.Random(seed)

    def chosen(changes: list[Change]) -> list[Change]:
        return [one for one in changes if draw.random() < 0.5]

    return chosen, lambda file: draw.choice([file.safe, _zeros(file), _half(file), file.data])


@dataclass(frozen=True)
class State:
    """What somebody finds who switches the machine on again."""

    objects: dict[str, bytes | None]
    """By path; None for a folder. Those come before what is in them."""
    catalogue: Catalogue | None

    @property
    def identity(self) -> int:
        """The same for the same state."""
        return hash((frozenset(self.objects.items()), self.catalogue))

    def materialise(self, directory: Path) -> None:
        """Make it a directory."""
        directory.mkdir()
        for path, data in self.objects.items():
            if data is None:
                (directory / path).mkdir()
            else:
                (directory / path).write_bytes(data)
        state = directory / "state"
        if self.catalogue is not None and state.is_dir():
            for name, data in zip(("catalogue.sqlite", "catalogue.sqlite-wal"), self.catalogue, strict=True):
                (state / name).write_bytes(data)


def state_of(disk: Disk, chosen: Chosen, content: Content, *, torn: bool = False) -> State:
    """One state that the file system may leave; with *torn*, the end of the catalogue's log is not whole."""
    folders = {number: dict(names) for number, names in disk.safe.items()}
    changes = _possible(disk.pending, chosen(disk.pending))
    for change in changes:
        removed = folders.get(change.folder, {}).get(change.name, -1)
        if change.kind != "rmdir" or not folders.get(removed):  # no file system removes a folder that holds something
            _apply(folders, change)
    found: dict[str, bytes | None] = {}
    _walk(disk, folders, 0, "", content, found)
    catalogue = disk.latest if changes or not disk.pending else disk.catalogue
    if torn and disk.catalogue is not None:
        catalogue = _torn(disk.catalogue, disk.latest or disk.catalogue)
    return State(found, catalogue)


def _possible(pending: list[Change], chosen: list[Change]) -> list[Change]:
    """Those of *chosen* that a file system can keep: nothing is moved into a folder that is not on the disk itself."""
    wanted, lost, found = set(map(id, chosen)), set[int | None](), []
    for change in pending:
        if id(change) in wanted and change.folder not in lost:
            found.append(change)
        elif change.kind == "mkdir":
            lost.add(change.node)
    return found


def _torn(safe: Catalogue, latest: Catalogue) -> Catalogue:
    """What was synchronised, and a half of what came after it, or of something."""
    more = latest[1][len(safe[1]) :] if latest[1].startswith(safe[1]) else b""
    more = more or b"\x55" * 5000
    return safe[0], safe[1] + more[: len(more) // 2]


def _apply(folders: Folders, change: Change) -> None:
    if change.source is not None:
        folder, name = change.source
        folders.setdefault(folder, {}).pop(name, None)
    names = folders.setdefault(change.folder, {})
    if change.node is None:
        names.pop(change.name, None)
    else:
        names[change.name] = change.node
        if change.kind == "mkdir":
            folders.setdefault(change.node, {})


def _walk(
    disk: Disk, folders: Folders, number: int, prefix: str, content: Content, found: dict[str, bytes | None]
) -> None:
    for name, node in folders.get(number, {}).items():
        path = f"{prefix}{name}"
        if node in disk.files:
            found[path] = content(disk.files[node])
        else:
            found[path] = None
            _walk(disk, folders, node, f"{path}/", content, found)


# --- the log ---------------------------------------------------------------------------------------------------------


Each = Callable[[Disk, str], None]


class Recorder(FileSystem):
    """
    Does everything below *directory*, one operation at a time, and shows the disk to *each* after every operation.

    It can be used for several runs, one after the other. What is there at first is taken to be synchronised.
    """

    def __init__(self, directory: Path, *, whole: bool = False) -> None:
        self.disk = Disk()
        self.each: Each = lambda disk, name: None
        self._directory = directory
        self._whole = whole
        self._lock = RLock()
        self._numbers = itertools.count(1)
        self._nodes: dict[tuple[int, int], int] = {}
        self._load(directory, 0)

    def _load(self, folder: Path, number: int) -> None:
        self._nodes[_identity(folder.stat())] = number
        names = self.disk.safe.setdefault(number, {})
        for path in folder.iterdir():
            if path.name == "lock" or path.name.startswith("catalogue.sqlite"):
                continue
            key = _identity(path.stat())
            node = names[path.name] = self._nodes.setdefault(key, next(self._numbers))
            if path.is_dir():
                self._load(path, node)
            else:
                data = path.read_bytes()
                self.disk.files[node] = File(data, data)
        self.note_catalogue(durable=True)

    # --- what is asked ---------------------------------------------------------------------------------------------

    def can_syncfs(self, fd: int) -> bool:
        return self._whole

    def open(self, name: str, flags: int, *, dir_fd: int | None = None) -> int:
        with self._lock:
            is_new = not _exists(name, dir_fd)
            fd = super().open(name, flags, dir_fd=dir_fd)
            if is_new:
                self._change("open", self._folder(dir_fd), name, self._new(os.fstat(fd), File()))
            return fd

    def write(self, fd: int, data: bytes | memoryview) -> int:
        with self._lock:
            written = super().write(fd, data)
            self._file(fd).data += bytes(data[:written])
            self.each(self.disk, "write")
            return written

    def truncate(self, fd: int, size: int) -> None:
        with self._lock:
            super().truncate(fd, size)
            file = self._file(fd)
            file.data = file.data[:size]
            self.each(self.disk, "truncate")

    def fsync(self, fd: int) -> None:
        with self._lock:
            file = self._file(fd)
            file.safe = file.data
            self.each(self.disk, "fsync")

    def fsync_directory(self, fd: int) -> None:
        with self._lock:
            number = self._nodes.get(_identity(os.fstat(fd)))
            self._keep([one for one in self.disk.pending if number in (one.folder, one.source and one.source[0])])
            self.each(self.disk, "fsync_directory")

    def syncfs(self, fd: int) -> None:
        self.sync()

    def sync(self) -> None:
        with self._lock:
            for file in self.disk.files.values():
                file.safe = file.data
            self._keep(list(self.disk.pending))
            self.each(self.disk, "syncfs")

    def rename(self, source: str, target: str, *, source_dir: int, target_dir: int) -> None:
        with self._lock:
            node = self._nodes[_identity(os.stat(source, dir_fd=source_dir, follow_symlinks=False))]
            super().rename(source, target, source_dir=source_dir, target_dir=target_dir)
            self._change("rename", self._folder(target_dir), target, node, (self._folder(source_dir), source))

    def link(self, source: str, target: str, *, dir_fd: int) -> None:
        with self._lock:
            node = self._nodes[_identity(os.stat(source, dir_fd=dir_fd, follow_symlinks=False))]
            super().link(source, target, dir_fd=dir_fd)
            self._change("link", self._folder(dir_fd), target, node)

    def unlink(self, name: str, *, dir_fd: int) -> None:
        with self._lock:
            super().unlink(name, dir_fd=dir_fd)
            self._change("unlink", self._folder(dir_fd), name, None)

    def mkdir(self, name: str, *, dir_fd: int | None = None) -> None:
        with self._lock:
            super().mkdir(name, dir_fd=dir_fd)
            folder = self._above(name) if dir_fd is None else self._folder(dir_fd)
            made = os.stat(name, dir_fd=dir_fd)
            self._change("mkdir", folder, os.path.basename(name), self._new(made, None))

    def rmdir(self, name: str, *, dir_fd: int) -> None:
        with self._lock:
            super().rmdir(name, dir_fd=dir_fd)
            self._change("rmdir", self._folder(dir_fd), name, None)

    # --- what is noted ---------------------------------------------------------------------------------------------

    def note_catalogue(self, *, durable: bool) -> None:
        """The catalogue's files are as they are now; *durable*: SQLite has synchronised them."""
        with self._lock:
            path = self._directory / "state/catalogue.sqlite"
            if path.exists():
                log = path.with_name(f"{path.name}-wal")
                self.disk.latest = (path.read_bytes(), log.read_bytes() if log.exists() else b"")
                if durable:
                    self.disk.catalogue = self.disk.latest
                self.each(self.disk, "commit")

    def _folder(self, fd: int | None) -> int:
        assert fd is not None
        key = _identity(os.fstat(fd))
        return self._nodes[key] if key in self._nodes else self._above(f"{os.readlink(f'/proc/self/fd/{fd}')}/x")

    def _above(self, path: str) -> int:
        """The folder above; one that nobody recorded was made, and synchronised, before the first operation."""
        above, name = os.path.split(os.path.dirname(path))
        key = _identity(os.stat(os.path.dirname(path)))
        if key not in self._nodes:
            node = self.disk.safe[self._above(f"{above}/{name}")][name] = self._nodes[key] = next(self._numbers)
            self.disk.safe[node] = {}
        return self._nodes[key]

    def _file(self, fd: int) -> File:
        return self.disk.files[self._nodes[_identity(os.fstat(fd))]]

    def _new(self, status: os.stat_result, file: File | None) -> int:
        node = self._nodes[_identity(status)] = next(self._numbers)  # the system gives an inode's number again
        if file is not None:
            self.disk.files[node] = file
        return node

    def _change(
        self, kind: str, folder: int, name: str, node: int | None, source: tuple[int, str] | None = None
    ) -> None:
        self.disk.pending.append(Change(kind, folder, name, node, source))
        self.each(self.disk, kind)

    def _keep(self, changes: list[Change]) -> None:
        for change in changes:
            _apply(self.disk.safe, change)
        kept = set(map(id, changes))
        self.disk.pending = [one for one in self.disk.pending if id(one) not in kept]


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _exists(name: str, dir_fd: int | None) -> bool:
    try:
        os.stat(name, dir_fd=dir_fd, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


@contextmanager
def recorded(recorder: Recorder) -> Iterator[None]:
    """The catalogue's transactions are in the log as well."""

    class Noting(sqlite3.Connection):
        def execute(self, sql: str, *args: Any) -> sqlite3.Cursor:
            cursor = super().execute(sql, *args)
            if sql == "COMMIT":
                [level] = super().execute("PRAGMA synchronous").fetchone()
                recorder.note_catalogue(durable=level >= _FULL)
            return cursor

        def close(self) -> None:
            super().close()
            recorder.note_catalogue(durable=True)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sqlite3, "connect", functools.partial(sqlite3.connect, factory=Noting))
        yield
