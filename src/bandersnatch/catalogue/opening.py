"""The catalogue's file: opened, created, checked, brought up to date, or set aside when it is damaged."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from bandersnatch.catalogue.statements import SCHEMA, SLICES, TOTALS
from bandersnatch.errors import CatalogueError

APPLICATION_ID = 0x6264736E
"""Marks the file as ours (``PRAGMA application_id``)."""

VERSION = 5
"""Of the schema (``PRAGMA user_version``)."""

_TO_2 = (
    """
ALTER TABLE project ADD COLUMN wanted INTEGER NOT NULL DEFAULT 1;
ALTER TABLE project ADD COLUMN review REAL;
ALTER TABLE project ADD COLUMN losing INTEGER NOT NULL DEFAULT 0;
CREATE INDEX project_review ON project (review) WHERE review IS NOT NULL;
ALTER TABLE leaving ADD COLUMN project TEXT NOT NULL DEFAULT '';
ALTER TABLE leaving ADD COLUMN reason TEXT NOT NULL DEFAULT '';
ALTER TABLE leaving ADD COLUMN hidden INTEGER NOT NULL DEFAULT 0;
CREATE TABLE trash (
    key TEXT NOT NULL PRIMARY KEY, project TEXT NOT NULL, reason TEXT NOT NULL, since REAL NOT NULL,
    until REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE guest (key TEXT NOT NULL, project TEXT NOT NULL, PRIMARY KEY (key, project)) WITHOUT ROWID;
"""
    + TOTALS
)

_TO_3 = "ALTER TABLE project ADD COLUMN suspect INTEGER NOT NULL DEFAULT 0;"

_TO_4 = """
CREATE TABLE arriving (
    project TEXT NOT NULL PRIMARY KEY,
    keys    TEXT NOT NULL
) WITHOUT ROWID;
"""

_TO_5 = f"DROP INDEX IF EXISTS project_unpublished; {SLICES}"

MIGRATIONS: Sequence[tuple[int, str]] = ((2, _TO_2), (3, _TO_3), (4, _TO_4), (5, _TO_5))
"""For each later version, in order: its number, and the SQL that makes it from the one before."""

BUSY = 5.0
"""Seconds to wait for another process that has the file locked."""

SETTINGS = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA temp_store = FILE;
PRAGMA cache_size = -16384;
PRAGMA journal_size_limit = 67108864;
"""

_ADVICE = {
    sqlite3.SQLITE_FULL: "the disk is full: make room and run again",
    sqlite3.SQLITE_CANTOPEN: "see that the folder exists and that this user may read and write it",
    sqlite3.SQLITE_READONLY: "it was opened for reading, or this user may not write it",
    sqlite3.SQLITE_BUSY: "another process is writing to it: try again later",
    sqlite3.SQLITE_IOERR: "the disk failed: look at the system's log",
}


class CatalogueCorrupt(CatalogueError):
    """The file is damaged, or is no catalogue. Set it aside: a new one is rebuilt from upstream and the files held."""


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn what SQLite, or a value that it cannot hold, raises into CatalogueError or CatalogueCorrupt."""
    try:
        yield
    except sqlite3.Error as error:
        # The low byte is the kind of error, the rest its details; misuse (a closed connection) has no code.
        code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            raise CatalogueCorrupt(f"the catalogue {path} is damaged ({error}); set it aside and run again") from error
        advice = _ADVICE.get(code)
        raise CatalogueError(f"the catalogue {path}: {error}" + (f"; {advice}" if advice else "")) from error
    except (OverflowError, ValueError) as error:
        raise CatalogueError(f"the catalogue {path} cannot hold this: {error}") from error


def connect(path: Path, *, read_only: bool, at_rest: bool = False) -> sqlite3.Connection:
    """
    A connection in autocommit mode to the catalogue at *path*, which is created unless it is to be *read_only*.

    *at_rest*: nobody writes to it meanwhile. Then nothing is made beside it either, which SQLite else does to read.
    Raises CatalogueCorrupt for a file that is damaged or foreign, CatalogueError for one that a newer version made.
    """
    with translated(path):
        uri = address(path, read_only=read_only, at_rest=at_rest)
        connection = sqlite3.connect(uri, uri=True, timeout=BUSY, isolation_level=None, check_same_thread=False)
        try:
            _prepare(connection, path, read_only=read_only)
        except BaseException:
            connection.close()
            raise
        return connection


def address(path: Path, *, read_only: bool, at_rest: bool = False) -> str:
    """The database at *path* as a URI, by which it can also be read in a folder that may only be read."""
    # Not Path.as_uri: from Python 3.14 on that loads the library's HTTP client.
    uri = f"file://{quote(os.fsencode(path.absolute()))}?mode={'ro' if read_only else 'rwc'}"
    if read_only and (at_rest or (not os.access(path.parent, os.W_OK) and not _log(path).exists())):
        # SQLite wants to write beside a database with a write-ahead log, even to read it. Nobody is writing now.
        uri += "&immutable=1"
    return uri


def _prepare(connection: sqlite3.Connection, path: Path, *, read_only: bool) -> None:
    version = _checked_version(connection, path)
    if read_only:
        if version != VERSION:
            raise CatalogueError(f"the catalogue {path} has format {version}, not {VERSION}: run the mirror once first")
        return
    connection.executescript(SETTINGS)
    if version == 0:
        _run(connection, f"{SCHEMA} PRAGMA application_id = {APPLICATION_ID};", VERSION)
    else:
        migrate(connection, version, MIGRATIONS)


def _checked_version(connection: sqlite3.Connection, path: Path) -> int:
    """The version of the schema, or 0 for a file that holds nothing yet."""
    application = _pragma(connection, "application_id")
    version = _pragma(connection, "user_version")
    if application == 0 and version == 0 and not connection.execute("SELECT 1 FROM sqlite_master").fetchone():
        return 0
    if application != APPLICATION_ID:
        raise CatalogueCorrupt(f"{path} is a database of another program, not a catalogue; set it aside and run again")
    if version > VERSION:
        raise CatalogueError(
            f"the catalogue {path} was made by a newer version (format {version}); this one must not write it"
        )
    return version


def is_catalogue(begin: bytes) -> bool:
    """Whether a file that begins like this is a catalogue, of any version."""
    return begin.startswith(b"SQLite format 3\0") and begin[68:72] == APPLICATION_ID.to_bytes(4)


def migrate(connection: sqlite3.Connection, version: int, migrations: Sequence[tuple[int, str]]) -> None:
    """Bring the schema from *version* to the last of *migrations*, each step whole or not at all."""
    for number, script in migrations:
        if number > version:
            _run(connection, script, number)


def _run(connection: sqlite3.Connection, script: str, version: int) -> None:
    """Run *script* and note *version*, in one transaction."""
    try:
        connection.executescript(f"BEGIN IMMEDIATE; {script} PRAGMA user_version = {version}; COMMIT;")
    except BaseException:
        connection.rollback()
        raise


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


def copy_catalogue(path: Path, to: Path) -> None:
    """
    Copy the catalogue at *path*, which may be in use, to a new file. Raises CatalogueError.

    Unless it is in use nothing is made beside it, not even for a moment.
    """
    if not _copied_at_rest(path, to):
        _copy(path, to, at_rest=False)


def take_over(backup: Path, to: Path) -> None:
    """
    Copy the catalogue *backup*, which nobody has open, to the new file *to*, if it is whole; an older format is kept.

    Raises CatalogueCorrupt for what is damaged or no catalogue, CatalogueError for one that a newer version made.
    """
    with translated(backup):
        uri = f"{backup.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, timeout=BUSY, isolation_level=None)) as source:
            if _checked_version(source, backup) == 0:
                raise CatalogueCorrupt(f"{backup} is empty")
            found = [row[0] for row in source.execute("PRAGMA integrity_check(10)")]
            if found != ["ok"]:
                raise CatalogueCorrupt(f"{backup} is damaged: {'; '.join(found)}")
            with translated(to), closing(sqlite3.connect(to)) as target:
                source.backup(target)


def _copied_at_rest(path: Path, to: Path) -> bool:
    """Whether it could be copied while nobody was writing to it: whoever does has a log beside it."""
    if _log(path).exists():
        return False
    try:
        before = _identity(path)
        _copy(path, to, at_rest=True)
        if _identity(path) == before and not _log(path).exists():
            return True
    except (CatalogueError, OSError):
        pass  # it may have changed meanwhile; the other way says what is wrong, if anything is
    to.unlink(missing_ok=True)
    return False


def _identity(path: Path) -> tuple[int, int, int]:
    stat = path.stat()
    return stat.st_ino, stat.st_size, stat.st_mtime_ns


def _copy(path: Path, to: Path, *, at_rest: bool) -> None:
    source = connect(path, read_only=True, at_rest=at_rest)
    with closing(source), translated(to), closing(sqlite3.connect(to)) as target:
        source.backup(target)


def _log(path: Path) -> Path:
    """Where the write-ahead log of the catalogue at *path* is, while it is in use."""
    return path.with_name(f"{path.name}-wal")


def set_aside(path: Path, stamp: str) -> Path:
    """
    Rename the catalogue at *path*, which nobody has open, to ``<name>.<stamp>``; its log goes with it.

    Returns the new path. Raises CatalogueError when that is taken, or the disk refuses.
    """
    aside = path.with_name(f"{path.name}.{stamp}")
    if aside.exists():
        raise CatalogueError(f"cannot set the catalogue {path} aside: {aside} is there already")
    try:
        # The database first: SQLite discards a log that it finds beside no database, never the other way round.
        path.rename(aside)
        for suffix in ("-wal", "-shm", "-journal"):
            companion = path.with_name(path.name + suffix)
            if companion.exists():
                companion.rename(aside.with_name(aside.name + suffix))
    except OSError as error:
        raise CatalogueError(f"cannot set the catalogue {path} aside: {error}") from error
    return aside
