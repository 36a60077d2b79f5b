"""The ledger in SQLite: one file, one writer at a time (who writes holds the lock of the statistics)."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from importlib import resources
from itertools import chain, islice
from pathlib import Path
from typing import Any

from bandersnatch.errors import OutOfSpace, StorageError
from bandersnatch.ledger.base import Day, Place, Row, Stamp

APPLICATION_ID = 0x62647374
"""Marks the file as ours (``PRAGMA application_id``)."""
VERSION = 1
"""Of the schema (``PRAGMA user_version``)."""
SETTINGS = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA temp_store = FILE;"
_BUSY = 10.0
"""Seconds to wait for another process that has the file locked."""
_AT_ONCE = 5000

_COLUMNS = {"day": "count.day", "project": "file.project", "filename": "file.filename", "agent": "agent.text"}
_JOINED = "FROM count JOIN file ON file.id = count.file JOIN agent ON agent.id = count.agent"
_ADD = """
INSERT INTO count SELECT ?, (SELECT id FROM file WHERE filename = ? AND project = ?),
    (SELECT id FROM agent WHERE text = ?), ? WHERE true
ON CONFLICT DO UPDATE SET number = number + excluded.number
"""


class SqliteEntry:
    """One transaction; see ``Entry``."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def add(self, rows: Iterable[Row]) -> None:
        remaining = iter(rows)
        while part := list(islice(remaining, _AT_ONCE)):
            self._many("INSERT INTO file (filename, project) VALUES (?, ?) ON CONFLICT DO NOTHING",
                       sorted({(row.filename, row.project) for row in part}))  # fmt: skip
            self._many("INSERT INTO agent (text) VALUES (?) ON CONFLICT DO NOTHING", {(row.agent,) for row in part})
            self._many(_ADD, ((row.day.toordinal(), row.filename, row.project, row.agent, row.number) for row in part))

    def add_lines(self, lines: Mapping[date, int]) -> None:
        self._many(
            "INSERT INTO day VALUES (?, ?, 'no') "
            "ON CONFLICT DO UPDATE SET lines = lines + excluded.lines, written = 'no'",
            ((day.toordinal(), number) for day, number in lines.items()),
        )

    def move(self, place: Place) -> int:
        stamp = place.stamp
        cursor = self._connection.execute(
            "INSERT OR REPLACE INTO place VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (place.id, place.offset, place.head_length, place.head, place.tail_length, place.tail,
             stamp.device, stamp.inode, stamp.size, stamp.changed, place.seen.toordinal()),
        )  # fmt: skip
        assert cursor.lastrowid is not None, "a row was inserted"
        return cursor.lastrowid

    def _many(self, statement: str, values: Iterable[tuple[object, ...]]) -> None:
        self._connection.executemany(statement, values)


class SqliteLedger:
    """The ledger at *path*, which is made unless it is to be *read_only*; see ``Ledger``."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self._path = path
        with self._translated():
            uri = f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rwc'}"
            if read_only and not os.access(path.parent, os.W_OK) and not path.with_name(f"{path.name}-wal").exists():
                # Even to read it SQLite wants to write beside it, which others may not. Nobody is counting now.
                uri += "&immutable=1"
            self._connection = sqlite3.connect(uri, uri=True, timeout=_BUSY, isolation_level=None)
            try:
                self._prepare(read_only=read_only)
            except BaseException:
                self._connection.close()
                raise

    @contextmanager
    def entry(self) -> Iterator[SqliteEntry]:
        with self._translated():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield SqliteEntry(self._connection)
                self._connection.execute("COMMIT")
            except BaseException:
                self._connection.rollback()
                raise

    # --- logs ---

    def places(self) -> tuple[Place, ...]:
        return tuple(map(_place, self._rows("SELECT * FROM place ORDER BY id")))

    def forget_places(self, before: date) -> None:
        self._rows("DELETE FROM place WHERE seen < ?", before.toordinal())

    # --- days ---

    def days(self) -> tuple[Day, ...]:
        rows = self._rows("SELECT day, lines, written FROM day ORDER BY day")
        return tuple(Day(date.fromordinal(day), lines, written) for day, lines, written in rows)

    def closed(self) -> date | None:
        rows = self._rows("SELECT day FROM closed")
        return date.fromordinal(rows[0][0]) if rows else None

    def rows_of(self, day: date) -> Iterator[Row]:
        statement = f"SELECT project, filename, agent.text, number {_JOINED} WHERE day = ? ORDER BY 2, 3, 1"
        for project, filename, agent, number in self._stream(statement, day.toordinal()):
            yield Row(day, project, filename, agent, number)

    def set_written(self, day: date, written: str) -> None:
        self._rows("UPDATE day SET written = ? WHERE day = ?", written, day.toordinal())

    def forget_days(self, before: date) -> None:
        number = before.toordinal()
        with self.entry():
            self._rows("DELETE FROM count WHERE day < ?", number)
            [last] = self._rows("SELECT max(day) FROM day WHERE day < ?", number)
            if last[0] is not None:
                self._rows("DELETE FROM day WHERE day < ?", number)
                self._rows("INSERT OR REPLACE INTO closed VALUES (1, ?)", number - 1)

    # --- what is offered ---

    def looked(self) -> date | None:
        rows = self._rows("SELECT day FROM looked")
        return date.fromordinal(rows[0][0]) if rows else None

    def note_offered(self, projects: Iterable[str], day: date) -> None:
        number = day.toordinal()
        with self.entry():
            self._connection.executemany(
                "INSERT INTO offered VALUES (?, ?) ON CONFLICT DO NOTHING", ((name, number) for name in projects)
            )
            self._rows("INSERT OR REPLACE INTO looked VALUES (1, ?)", number)

    def offered(self, before: date) -> Iterator[str]:
        statement = "SELECT project FROM offered WHERE since <= ? ORDER BY project"
        return (name for (name,) in self._stream(statement, before.toordinal()))

    # --- sums ---

    def sums(
        self, columns: Collection[str], first: date, last: date, projects: Collection[str] = ()
    ) -> Iterator[tuple[tuple[str, ...], int]]:
        names = ", ".join(_COLUMNS[column] for column in columns)
        listed = f"AND file.project IN ({', '.join('?' * len(projects))})" if projects else ""
        statement = f"SELECT sum(number), {names} {_JOINED} WHERE day BETWEEN ? AND ? {listed} GROUP BY {names}"
        days = [position for position, column in enumerate(columns) if column == "day"]
        for number, *values in self._stream(statement, first.toordinal(), last.toordinal(), *projects):
            for position in days:
                values[position] = date.fromordinal(values[position]).isoformat()
            yield tuple(values), number

    def close(self) -> None:
        self._connection.close()

    # --- inside ---

    def _prepare(self, *, read_only: bool) -> None:
        application, version = (self._rows(f"PRAGMA {name}")[0][0] for name in ("application_id", "user_version"))
        tables = self._rows("SELECT count(*) FROM sqlite_schema")[0][0]
        if (tables or read_only) and (application, version) != (APPLICATION_ID, VERSION):
            raise StorageError(
                f"{self._path}: it is no ledger of statistics of this version; move it away, and a new one is begun"
            )
        if read_only:
            return
        self._connection.executescript(SETTINGS)
        if not tables:
            schema = resources.files(__package__).joinpath("schema.sql").read_text("utf-8")
            self._connection.executescript(
                f"BEGIN; {schema} PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION}; COMMIT"
            )

    def _rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        with self._translated():
            return self._connection.execute(statement, values).fetchall()

    def _stream(self, statement: str, *values: object) -> Iterator[tuple[Any, ...]]:
        with self._translated():
            cursor = self._connection.execute(statement, values)
            yield from chain.from_iterable(iter(lambda: cursor.fetchmany(_AT_ONCE), []))

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            # The low byte is the kind of error, the rest its details.
            code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
            if code == sqlite3.SQLITE_FULL:
                raise OutOfSpace(f"{self._path}: the disk is full: make room and run again") from error
            advice = ""
            if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
                advice = "; move it away: a new one is begun, and the days that are written stay as they are"
            raise StorageError(f"{self._path}: {error}{advice}") from error


def _place(row: tuple[Any, ...]) -> Place:
    number, position, head_length, head, tail_length, tail, *stamp, seen = row
    return Place(position, head_length, head, tail_length, tail, Stamp(*stamp), date.fromordinal(seen), number)
