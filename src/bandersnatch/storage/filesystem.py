"""Storage in a directory that any web server can serve.

Below ``work`` an object is staged (``tmp/``, if it is too large to wait in memory), still arriving (``partial/``) or
kept though it is not served any more (``trash/``); below ``root`` it has its key and is whole. ``settle`` is the way
from the first to the last: bytes to the disk, then names, then the names to the disk.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator, Sequence
from threading import Lock
from typing import TYPE_CHECKING, BinaryIO

from bandersnatch.errors import StorageError
from bandersnatch.storage.base import Incoming, Stat
from bandersnatch.storage.fresh import Fresh
from bandersnatch.storage.fsops import FileSystem, make_folders
from bandersnatch.storage.keys import check_token, distinct, split, split_prefix
from bandersnatch.storage.oserrors import storage_error, synchronised, translated
from bandersnatch.storage.partial import Partials
from bandersnatch.storage.reading import stream
from bandersnatch.storage.room import Room
from bandersnatch.storage.settling import Settling
from bandersnatch.storage.staging import Stage, Staged
from bandersnatch.storage.trash import Trash
from bandersnatch.storage.tree import Parts, Tree

if TYPE_CHECKING:
    from bandersnatch.storage.foreign import Foreign
    from bandersnatch.storage.helper import Helper

WORTH_IT = 100
"""Objects in one batch from which on a helper is started; it takes a few hundredths of a second."""

_NAME = 255
"""Bytes of a name that most file systems hold, and that a file on an index may have."""


def can_be_helped() -> bool:
    """Whether this machine has a core for a helper, and the interpreter is known."""
    return len(os.sched_getaffinity(0)) > 1 and bool(sys.executable)


class FileStorage:
    """
    The ``Storage`` port over the directories *root*, which is published, and *work*, which is not.

    Both are made if they are missing, and have to be on one file system. Either may be a symbolic link, which is
    followed once, here; no link below them ever is. One process at a time may use a *work*: ``sweep`` takes for
    garbage what another one has staged there.
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        work: str | os.PathLike[str],
        *,
        fs: FileSystem | None = None,
        helped: bool = False,
        reserve: int = 0,
    ) -> None:
        """
        With *helped*, large batches are settled by a process of their own, which *fs* then does nothing for.

        What would leave less than *reserve* bytes free is not written: that raises OutOfSpace.
        """
        self._fs = fs or FileSystem()
        self._root = os.path.abspath(root)
        work = os.path.abspath(work)
        tmp, partial, trash = (os.path.join(work, name) for name in ("tmp", "partial", "trash"))
        served, stage = self._open_folder(self._root), self._open_folder(tmp, os.O_NOFOLLOW)
        self._tree = Tree(served, self._root, self._fs)
        self._room = Room(self._tree, reserve)
        self._stage = Stage(stage, tmp, self._fs, self._room.admit)
        self._refuse_two_file_systems(tmp)
        self._partials = Partials(self._open_folder(partial, os.O_NOFOLLOW), partial, self._fs, self._stage)
        self._way = Settling(self._tree, self._stage, self._fs)
        self._of_helper = (served, self._root, stage, tmp) if helped else None
        """What a helper that is not there yet will need."""
        self._helper: Helper | None = None
        self._settling = Lock()
        held = Tree(self._open_folder(trash, os.O_NOFOLLOW), trash, self._fs)
        self._trash = Trash(self._tree, held, self._settling, self._way.owe)
        self._fresh = Fresh()

    def stat(self, key: str) -> Stat | None:
        parts = split(key)
        with translated(key, self._place(key)):
            return self._tree.stat(parts)

    def open(self, key: str) -> BinaryIO:
        fd = self._open(key)
        if fd is None:
            raise StorageError(f"{key}: there is no such object in {self._root}", key=key, errno=errno.ENOENT)
        return stream(fd, key, self._place(key))

    def read(self, key: str, limit: int) -> bytes | None:
        data = self._fresh.get(key)
        if data is not None and len(data) <= limit:
            return data
        fd = self._open(key)
        if fd is None:
            return None
        with stream(fd, key, self._place(key)) as source:
            size = os.fstat(fd).st_size
            if size > limit:
                message = f"{key}: {size} bytes where at most {limit} were expected"
                raise StorageError(message, key=key, errno=errno.EFBIG)
            return source.read()

    def holds(self, token: str) -> bool:
        check_token(token)
        return self._partials.holds(token)

    def receive(self, token: str) -> Incoming:
        check_token(token)
        return self._partials.receive(token)

    def put(self, keys: tuple[str, ...], data: bytes | Iterator[bytes]) -> None:
        self._stage.put(distinct(keys), data)

    def borrow(self, source: Foreign, path: str, key: str, seen: Stat, *, copy: bool = False) -> None:
        """
        Stage the object *path* of another tree as *key*; it stays there, and is not read unless it has to be copied.

        A hard link shares its bytes with the other tree: *copy* makes it independent. *seen* is what it was when its
        bytes were verified. Raises StorageError, also if it was changed since.
        """
        split(key)
        with source.beside(path) as (folder, name):
            self._stage.borrow(name, folder, key, seen, copy=copy)

    def settle(self) -> None:
        # One at a time, so that of two objects with one key the one that was staged last is the one that stays.
        with self._settling:
            staged = self._stage.take()
            try:
                self._room.admit((one.key, len(one.data), len(one.data)) for one in staged if one.data is not None)
                self._settle(staged)
                self._fresh.add(staged)
            except BaseException:
                self._fresh.clear()
                raise
            finally:
                self._stage.drop([one.name for one in staged])

    def oddities(self) -> Sequence[str]:
        with translated(None, self._root):
            folds_case = self._fs.folds_case(self._stage.folder, "../tmp")
            longest = self._fs.longest_name(self._stage.folder)
        found = []
        if folds_case:
            found.append(
                f"the file system of {self._root} takes upper and lower case for the same: "
                "of two releases whose versions differ in nothing else, one has the other's older JSON"
            )
        if longest < _NAME:
            found.append(
                f"the file system of {self._root} holds names of at most {longest} bytes: "
                "a project that has a longer one stays behind without it"
            )
        return found

    def synchronise(self) -> None:
        with synchronised(None, self._root):
            if self._way.syncfs_is_enough:
                self._fs.syncfs(self._stage.folder)
            else:
                self._fs.sync()

    def delete(self, key: str) -> None:
        parts = split(key)
        self._fresh.forget(key)
        with translated(key, self._place(key)):
            self._way.owe(self._tree, [self._tree.remove(parts)])

    def bury(self, key: str) -> None:
        self._fresh.forget(key)
        self._trash.bury(key)

    def unbury(self, key: str) -> bool:
        return self._trash.unbury(key)

    def buried(self, key: str) -> Stat | None:
        return self._trash.buried(key)

    def open_buried(self, key: str) -> BinaryIO:
        return self._trash.open_buried(key)

    def purge(self, key: str) -> None:
        self._trash.purge(key)

    def list_buried(self) -> Iterator[tuple[str, int, float]]:
        return self._trash.list_buried()

    def keys(self, prefix: str = "") -> Iterator[tuple[str, Stat]]:
        return self._walk(split_prefix(prefix), prefix)

    def free(self) -> int | None:
        with translated(None, self._root):
            return self._tree.free()

    def list_partial(self) -> Iterator[tuple[str, int, int]]:
        return self._partials.list()

    def sweep(self, *, keep_partial_ns: int) -> None:
        self._stage.sweep()
        self._partials.sweep(keep_partial_ns)

    def close(self) -> None:
        with self._settling:
            if self._helper is not None:
                self._helper.close()
            self._stage.close()
            self._partials.close()
            self._trash.close()
            self._tree.close()

    def _settle(self, staged: Sequence[Staged]) -> None:
        helper = self._helper_for(len(staged))
        if helper is None:
            self._way.settle(staged)
            return
        helper.settle(staged)
        self._way.flush_folders()  # what was removed here

    def _helper_for(self, count: int) -> Helper | None:
        """Who settles *count* objects; None: we do, also where no other process could be started."""
        if self._of_helper is not None and count >= WORTH_IT:
            from bandersnatch.storage.helper import Helper

            helper, self._of_helper = Helper(*self._of_helper), None
            self._helper = helper if helper.start() else None
        return self._helper

    # --- below the root --------------------------------------------------------------------------------------------

    def _open_folder(self, path: str, flags: int = 0) -> int:
        with translated(None, path):
            make_folders(self._fs, path)
            return os.open(path, os.O_RDONLY | os.O_DIRECTORY | flags)

    def _refuse_two_file_systems(self, tmp: str) -> None:
        """An object could not be moved from one to the other in one step: no project could be published."""
        if os.fstat(self._stage.folder).st_dev != self._tree.device:
            raise storage_error(OSError(errno.EXDEV, os.strerror(errno.EXDEV)), None, f"{tmp} and {self._root}")

    def _place(self, key: str) -> str:
        return self._tree.place(key)

    def _open(self, key: str) -> int | None:
        parts = split(key)
        with translated(key, self._place(key)):
            return self._tree.open(parts)

    def _walk(self, parts: Parts, prefix: str) -> Iterator[tuple[str, Stat]]:
        with translated(prefix or None, self._place(prefix)):
            yield from self._tree.walk(parts)
