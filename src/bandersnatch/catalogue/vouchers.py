"""Which objects were verified when they were adopted: so that neither the adoption nor the next run reads them again.

A file beside the catalogue that can be deleted at any time, which costs nothing but another reading. A voucher counts
for as long as the object has the size and the time that it had.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bandersnatch.catalogue.base import Voucher
from bandersnatch.catalogue.opening import BUSY, CatalogueCorrupt, address, translated

_SCHEMA = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS voucher (
    key TEXT NOT NULL PRIMARY KEY, sha256 TEXT NOT NULL, size INTEGER NOT NULL, mtime INTEGER NOT NULL,
    since REAL NOT NULL, source TEXT, source_mtime INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS voucher_source ON voucher (source) WHERE source IS NOT NULL;
"""
_BY_KEY = "SELECT key, sha256, size, mtime, since, source, source_mtime FROM voucher WHERE key = ?"
_BY_SOURCE = "SELECT key, sha256, size, mtime, since, source, source_mtime FROM voucher WHERE source = ?"


class FileVouchers:
    """The ``Vouchers`` port over the file *path*, which is created unless it is to be *read_only*."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self._path = path
        self._lock = threading.Lock()
        with translated(path):
            uri = address(path, read_only=read_only)
            self._connection = sqlite3.connect(
                uri, uri=True, timeout=BUSY, isolation_level=None, check_same_thread=False
            )
            try:
                if not read_only:
                    self._connection.executescript(_SCHEMA)
            except BaseException:
                self._connection.close()
                raise

    def add(self, vouchers: Iterable[Voucher]) -> None:
        rows = [
            (one.key, one.sha256, one.size, one.mtime_ns, one.since, _text(one.source), one.source_mtime_ns)
            for one in vouchers
        ]
        with self._used() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                connection.executemany("INSERT OR REPLACE INTO voucher VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
                connection.execute("COMMIT")
            except BaseException:
                connection.rollback()
                raise

    def of(self, key: str) -> Voucher | None:
        return self._one(_BY_KEY, key)

    def from_source(self, source: str) -> Voucher | None:
        return self._one(_BY_SOURCE, _text(source))

    def vouched(self, key: str, size: int, mtime_ns: int) -> str | None:
        """The SHA-256 that was verified of the object *key* when it had this size and time."""
        found = self.of(key)
        return found.sha256 if found is not None and (found.size, found.mtime_ns) == (size, mtime_ns) else None

    def newest(self) -> float | None:
        """When the last adoption began that vouched for anything, in seconds since the epoch."""
        with self._used() as connection:
            if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'voucher'").fetchone() is None:
                return None  # it was cut off before there was any
            found: float | None = connection.execute("SELECT max(since) FROM voucher").fetchone()[0]
        return found

    def close(self) -> None:
        """Let go of the file."""
        with self._used() as connection:
            connection.close()

    def _one(self, statement: str, value: object) -> Voucher | None:
        with self._used() as connection:
            row = connection.execute(statement, (value,)).fetchone()
        if row is None:
            return None
        return Voucher(*row)

    @contextmanager
    def _used(self) -> Iterator[sqlite3.Connection]:
        with self._lock, translated(self._path):
            yield self._connection


def open_vouchers(path: Path) -> FileVouchers:
    """The vouchers at *path*; a file that cannot be read is replaced."""
    try:
        return FileVouchers(path)
    except CatalogueCorrupt:
        forget(path)
        return FileVouchers(path)


def forget(path: Path) -> None:
    """Remove the vouchers at *path*."""
    for ending in ("", "-wal", "-shm"):
        path.with_name(path.name + ending).unlink(missing_ok=True)


def _text(path: str | None) -> str | None:
    """*path* as the database can hold it: a name that is no UTF-8 is spelled in escapes."""
    return None if path is None else path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
