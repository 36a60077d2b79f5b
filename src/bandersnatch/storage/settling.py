"""The way from the stage to the keys: bytes to the disk, then names, then the names to the disk."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from threading import Lock

from bandersnatch.storage.fsops import FileSystem
from bandersnatch.storage.keys import split
from bandersnatch.storage.oserrors import storage_error, synchronised
from bandersnatch.storage.staging import Stage, Staged
from bandersnatch.storage.tree import Parts, Tree

_FEW = 8
"""Up to so many files or folders are synchronised one by one, more by one syncfs. See ``_prefers_syncfs``."""


class Settling:
    """From *stage* into *tree*, and what is owed to the disk since. One ``settle`` at a time."""

    def __init__(self, tree: Tree, stage: Stage, fs: FileSystem) -> None:
        self._tree = tree
        self._stage = stage
        self._fs = fs
        self.syncfs_is_enough = fs.can_syncfs(stage.folder)
        """Whether one ``syncfs`` is worth as much as an ``fsync`` of each file and folder."""
        self._lock = Lock()
        self._owed: set[tuple[Tree, Parts]] = set()
        """The folders whose names changed and are not durable yet."""

    def owe(self, tree: Tree, folders: Iterable[Parts]) -> None:
        """The names in *folders* changed: the next ``settle`` makes that durable."""
        with self._lock:
            self._owed.update((tree, parts) for parts in folders)

    def settle(self, staged: Iterable[Staged]) -> None:
        """Give all of *staged* their keys, in order. Raises StorageError, and whatever *staged* raises."""
        named: list[tuple[str, str]] = []
        try:
            files = []
            for one in staged:
                named.append((one.name, one.key))
                if self._stage.write_out(one):
                    files.append((one.name, one.key))
            self._flush_files(files)
            self._name(named)
            self.flush_folders()
        finally:
            self._stage.drop([name for name, _ in named])

    def _flush_files(self, files: Sequence[tuple[str, str]]) -> None:
        if self._prefers_syncfs(len(files)):
            # The descriptor is older than the files: syncfs reports what went wrong since it was opened.
            with synchronised(files[0][1], f"{self._tree.place('')} (one of {len(files)} objects)"):
                self._fs.syncfs(self._stage.folder)
        else:
            for name, key in files:
                self._stage.fsync(name, key)

    def _name(self, staged: Sequence[tuple[str, str]]) -> None:
        touched: set[Parts] = set()
        try:
            with self._tree.placing(self._stage.folder, touched) as placing:
                for name, key in staged:
                    try:
                        placing.place(name, split(key))
                    except OSError as error:
                        raise storage_error(error, key, self._tree.place(key)) from error
                    self._stage.placed(name)
        finally:
            self.owe(self._tree, touched)

    def flush_folders(self) -> None:
        """Pay what is owed. What failed is not owed any more: a second fsync would succeed and prove nothing."""
        with self._lock:
            owed, self._owed = sorted(self._owed, key=self._turn), set()
        try:
            if self._prefers_syncfs(len(owed)):
                owed.clear()
                with synchronised(None, self._tree.place("")):
                    self._fs.syncfs(self._stage.folder)
            while owed:
                tree, parts = owed.pop()  # those of the trash first: what is buried arrives there before it leaves here
                folder = "/".join(parts)
                with synchronised(folder or None, tree.place(folder)):
                    tree.fsync(parts)
        finally:
            with self._lock:
                self._owed.update(owed)

    def _turn(self, owed: tuple[Tree, Parts]) -> tuple[bool, int]:
        """The last comes first: the trash, and of each tree the folders above, whose names the ones below hang on."""
        tree, parts = owed
        return tree is not self._tree, -len(parts)

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
        return self.syncfs_is_enough and count > _FEW
