"""Storage in a directory that any web server can serve.

Below ``work`` an object is staged (``tmp/``, if it is too large to wait in memory), still arriving (``partial/``) or
kept though it is not served any more (``trash/``); below ``root`` it has its key and is whole. ``settle`` is the way
from the first to the last: bytes to the disk, then names, then the names to the disk.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator, Sequence
from threading import Lock
from typing import BinaryIO

from bandersnatch.errors import StorageError
from bandersnatch.storage.base import Incoming, Stat
from bandersnatch.storage.fresh import Fresh
from bandersnatch.storage.fsops import FileSystem, make_folders
from bandersnatch.storage.keys import check_token, distinct, split, split_prefix
from bandersnatch.storage.oserrors import storage_error, synchronised, translated
from bandersnatch.storage.partial import Partials
from bandersnatch.storage.reading import stream
from bandersnatch.storage.staging import Stage, Staged
from bandersnatch.storage.trash import Trash
from bandersnatch.storage.tree import Parts, Tree

_FEW = 8
"""Up to so many files or folders are synchronised one by one, more by one syncfs. See ``_prefers_syncfs``."""


class FileStorage:
    """
    The ``Storage`` port over the directories *root*, which is published, and *work*, which is not.

    Both are made if they are missing, and have to be on one file system. Either may be a symbolic link, which is
    followed once, here; no link below them ever is. One process at a time may use a *work*: ``sweep`` takes for
    garbage what another one has staged there.
    """

    def __init__(self, root: str | os.PathLike[str], work: str | os.PathLike[str], *, fs: FileSystem | None = None):
        self._fs = fs or FileSystem()
        self._root = os.path.abspath(root)
        work = os.path.abspath(work)
        tmp, partial, trash = (os.path.join(work, name) for name in ("tmp", "partial", "trash"))
        self._tree = Tree(self._open_folder(self._root), self._root, self._fs)
        self._stage = Stage(self._open_folder(tmp), tmp, self._fs)
        self._partials = Partials(self._open_folder(partial), partial, self._fs, self._stage)
        self._syncfs_is_enough = self._fs.can_syncfs(self._stage.folder)
        self._settling = Lock()
        held = Tree(self._open_folder(trash, os.O_NOFOLLOW), trash, self._fs)
        self._trash = Trash(self._tree, held, self._settling, self._owe)
        self._owed_lock = Lock()
        self._owed: set[tuple[Tree, Parts]] = set()
        """The folders whose names changed and are not durable yet."""
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

    def settle(self) -> None:
        # One at a time, so that of two objects with one key the one that was staged last is the one that stays.
        with self._settling:
            staged = self._stage.take()
            try:
                self._flush_files(self._stage.write_out(staged))
                self._name(staged)
                self._flush_folders()
                self._fresh.add(staged)
            except BaseException:
                self._fresh.clear()
                raise
            finally:
                self._stage.drop(staged)

    def synchronise(self) -> None:
        with synchronised(None, self._root):
            if self._syncfs_is_enough:
                self._fs.syncfs(self._stage.folder)
            else:
                self._fs.sync()

    def delete(self, key: str) -> None:
        parts = split(key)
        self._fresh.forget(key)
        with translated(key, self._place(key)):
            self._owe(self._tree, [self._tree.remove(parts)])

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
            self._stage.close()
            self._partials.close()
            self._trash.close()
            self._tree.close()

    # --- settling --------------------------------------------------------------------------------------------------

    def _flush_files(self, files: Sequence[Staged]) -> None:
        if self._prefers_syncfs(len(files)):
            # The descriptor is older than the files: syncfs reports what went wrong since it was opened.
            with synchronised(files[0].key, f"{self._root} (one of {len(files)} objects)"):
                self._fs.syncfs(self._stage.folder)
        else:
            for one in files:
                self._stage.fsync(one)

    def _name(self, staged: Sequence[Staged]) -> None:
        touched: set[Parts] = set()
        try:
            with self._tree.placing(self._stage.folder, touched) as placing:
                for one in staged:
                    try:
                        placing.place(one.name, split(one.key))
                    except OSError as error:
                        raise storage_error(error, one.key, self._place(one.key)) from error
                    self._stage.placed(one)
        finally:
            self._owe(self._tree, touched)

    def _flush_folders(self) -> None:
        """Pay what is owed. What failed is not owed any more: a second fsync would succeed and prove nothing."""
        with self._owed_lock:
            owed, self._owed = sorted(self._owed, key=self._is_of_trash), set()
        try:
            if self._prefers_syncfs(len(owed)):
                owed.clear()
                with synchronised(None, self._root):
                    self._fs.syncfs(self._stage.folder)
            while owed:
                tree, parts = owed.pop()  # those of the trash first: what is buried arrives there before it leaves here
                folder = "/".join(parts)
                with synchronised(folder or None, tree.place(folder)):
                    tree.fsync(parts)
        finally:
            with self._owed_lock:
                self._owed.update(owed)

    def _is_of_trash(self, owed: tuple[Tree, Parts]) -> bool:
        return owed[0] is not self._tree

    def _prefers_syncfs(self, count: int) -> bool:
        """
        Whether to synchronise the whole file system rather than *count* files or folders of it.

        Measured on ext4 with 20 kB files, each in a new folder of its own, milliseconds for files + folders:

            objects          1         10        100        500
            fsync          1 + 1     9 + 12    64 + 86   325 + 415
            8 threads      2 + 5    11 + 15    47 + 65    86 + 171
            syncfs         1 + 1     4 + 1      8 + 6     17 + 12

        But syncfs also waits for what other programs wrote, so a single page does not pay for that.
        """
        return self._syncfs_is_enough and count > _FEW

    def _owe(self, tree: Tree, folders: Iterable[Parts]) -> None:
        with self._owed_lock:
            self._owed.update((tree, parts) for parts in folders)

    # --- below the root --------------------------------------------------------------------------------------------

    def _open_folder(self, path: str, flags: int = 0) -> int:
        with translated(None, path):
            make_folders(self._fs, path)
            return os.open(path, os.O_RDONLY | os.O_DIRECTORY | flags)

    def _place(self, key: str) -> str:
        return self._tree.place(key)

    def _open(self, key: str) -> int | None:
        parts = split(key)
        with translated(key, self._place(key)):
            return self._tree.open(parts)

    def _walk(self, parts: Parts, prefix: str) -> Iterator[tuple[str, Stat]]:
        with translated(prefix or None, self._place(prefix)):
            yield from self._tree.walk(parts)
