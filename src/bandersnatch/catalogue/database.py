"""One SQLite connection, used by one thread at a time, with the errors of the port."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bandersnatch.catalogue import opening
from bandersnatch.catalogue.statements import SQL

Row = tuple[Any, ...]

AT_ONCE = 4096
"""Rows that a stream fetches at a time."""

_NORMAL = 1
"""PRAGMA synchronous: the write-ahead log is synchronised before it is emptied, not at each commit."""


class Database:
    """Runs named statements. Every method raises CatalogueError only."""

    def __init__(self, path: Path, *, read_only: bool) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._connection = opening.connect(path, read_only=read_only)

    @contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        """The connection, for this thread alone."""
        with self._lock, opening.translated(self.path):
            yield self._connection

    @contextmanager
    def transaction(self, *, durable: bool = True) -> Iterator[sqlite3.Connection]:
        """
        The same, in a transaction that is durable at the end, or undone if anything is raised.

        One that need not be *durable* outlives this process all the same, and is so after the next that is.
        """
        with self.connection() as connection, _hurrying(connection, hurry=not durable):
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                connection.rollback()
                raise

    def rows(self, statement: str, **values: object) -> list[Row]:
        """All rows of a statement."""
        with self.connection() as connection:
            return connection.execute(SQL[statement], values).fetchall()

    def _part(self, statement: str, after: str, values: dict[str, object]) -> list[Row]:
        """The next rows of a stream. The table's pages are not kept for anybody: whoever streams has passed them."""
        with self.connection() as connection:
            rows = connection.execute(SQL[statement], {**values, "after": after, "count": AT_ONCE}).fetchall()
            if len(rows) == AT_ONCE:
                connection.execute("PRAGMA shrink_memory")
            return rows

    def value(self, statement: str, **values: object) -> Any:
        """The first column of the first row, or None if there is no row."""
        rows = self.rows(statement, **values)
        return rows[0][0] if rows else None

    def stream(self, statement: str, after: str = "", **values: object) -> Iterator[Row]:
        """
        The rows of a statement that takes ``:after`` and ``:count`` and sorts by its first column, some at a time.

        They begin after *after*.

        Nothing is held between two parts: others may write meanwhile, and a stream that is not read to its end
        leaves nothing open that would keep the log from being emptied.
        """
        while rows := self._part(statement, after, values):
            yield from rows
            after = rows[-1][0]

    def copy(self, path: Path) -> None:
        """Copy the whole database to the new file *path*, over a connection of its own: nobody waits for that."""
        opening.copy_catalogue(self.path, path)

    def close(self) -> None:
        with self.connection() as connection:
            connection.close()


@contextmanager
def _hurrying(connection: sqlite3.Connection, *, hurry: bool) -> Iterator[None]:
    """Let SQLite not wait for the disk at a commit; it does wait before it empties its log."""
    if not hurry:
        yield
        return
    [before] = connection.execute("PRAGMA synchronous").fetchone()
    connection.execute(f"PRAGMA synchronous = {min(before, _NORMAL)}")
    try:
        yield
    finally:
        connection.execute(f"PRAGMA synchronous = {before}")
