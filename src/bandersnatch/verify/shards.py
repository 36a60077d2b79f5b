"""The keys of millions of files, kept on the disk while the tree is walked."""

from __future__ import annotations

import errno
import hashlib
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bandersnatch.errors import StorageError

_FOLDER = re.compile(r"packages/([0-9a-f]{2})/")
_DIGEST = 16
"""Bytes that stand for a key: two of ten million have the same with a probability below 10⁻²⁴."""
_PENDING = 1 << 14
"""Bytes of one shard that wait to be written."""


class Shards:
    """
    Which files of ``packages/`` are known. One shard is the folder ``packages/aa/``, of which there are 256.

    A walk goes through the tree folder by folder, so one shard is in memory at a time: some 40,000 digests for ten
    million keys. The shards lie in *folder*.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pending: dict[str, bytearray] = {}
        self._loaded = ""
        self._digests: frozenset[bytes] = frozenset()

    def add(self, key: str) -> None:
        """Take note of *key*. All keys are added before the first is asked for."""
        found = _FOLDER.match(key)
        if found is None:
            return
        pending = self._pending.setdefault(found[1], bytearray())
        pending += _digest(key)
        if len(pending) >= _PENDING:
            self._write(found[1])

    def has(self, key: str) -> bool:
        """Whether *key* was added."""
        found = _FOLDER.match(key)
        if found is None:
            return False
        if found[1] != self._loaded:
            self._load(found[1])
        return _digest(key) in self._digests

    def _write(self, shard: str) -> None:
        with _translated(self._folder), Path(self._folder, shard).open("ab") as file:
            file.write(self._pending.pop(shard))

    def _load(self, shard: str) -> None:
        if shard in self._pending:
            self._write(shard)
        path = Path(self._folder, shard)
        with _translated(self._folder):
            data = path.read_bytes() if path.exists() else b""
        self._digests = frozenset(data[start : start + _DIGEST] for start in range(0, len(data), _DIGEST))
        self._loaded = shard


@contextmanager
def shards() -> Iterator[Shards]:
    """Empty shards, in the system's folder for temporary files. Raises StorageError."""
    with _translated(Path(tempfile.gettempdir())):
        folder = tempfile.TemporaryDirectory(prefix="bandersnatch-")
    with folder as path:
        yield Shards(Path(path))


@contextmanager
def _translated(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"{folder}: {error.strerror}; $TMPDIR names another", errno=error.errno or errno.EIO
        ) from error


def _digest(key: str) -> bytes:
    return hashlib.blake2b(key.encode("utf-8", "surrogateescape"), digest_size=_DIGEST).digest()
