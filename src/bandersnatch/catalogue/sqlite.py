"""The catalogue in one SQLite file; see schema.sql for its shape and queries.sql for what is asked of it."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from bandersnatch.catalogue import keys, records, rows
from bandersnatch.catalogue.arriving import Arriving
from bandersnatch.catalogue.base import (
    RUNS_KEPT,
    Behind,
    Buried,
    Commit,
    Diff,
    Due,
    Entry,
    Failure,
    Known,
    Leaving,
    Published,
    RunRecord,
    Sliced,
    Totals,
)
from bandersnatch.catalogue.database import Database
from bandersnatch.catalogue.opening import CatalogueCorrupt
from bandersnatch.catalogue.statements import SQL
from bandersnatch.errors import CatalogueError
from bandersnatch.model import Listed
from bandersnatch.values import to_builtins

LIST_SERIAL = "list-serial"
"""The fact that holds the serial of upstream's list, a decimal number."""

FOREVER = float("inf")

Facts = Mapping[str, str | None]


class SqliteCatalogue:
    """
    The catalogue port on SQLite. Safe to use from several threads, one of which is served at a time.

    *read_only* needs a catalogue that is there, and may look while another process writes. *clock* tells when a key
    leaves its last page: that is the moment of the commit, late in a long run. The fact ``index-stale`` becomes ``1``
    with the first change of what ``index`` yields; who publishes the list of projects removes it.
    """

    def __init__(self, path: Path, *, read_only: bool = False, clock: Callable[[], float] = time.time) -> None:
        self._database = Database(path, read_only=read_only)
        self._clock = clock
        self._arriving: Arriving | None = None

    # --- facts about the mirror as a whole -------------------------------------------------------------------------

    def get(self, fact: str) -> str | None:
        value: str | None = self._database.value("get_fact", name=fact)
        return value

    def set(self, facts: Facts) -> None:
        self._write(facts=facts)

    # --- what upstream has -----------------------------------------------------------------------------------------

    def want(self, projects: Sequence[Listed], now: float) -> None:
        self._write(("stray_unknown", "want"), rows.of_list(projects, now))

    def begin_listing(self) -> None:
        self._arriving = Arriving(self._database)

    def absorb(self, batch: Sequence[Listed]) -> None:
        self._listing().absorb(batch)

    def compare(self) -> Diff:
        return self._listing().compare()

    def slices(self) -> Mapping[bytes, Sliced]:
        return self._listing().slices.known()

    def note(self, slices: Sequence[Sliced], again: Collection[bytes]) -> None:
        self._listing().slices.note(slices, again)

    def adopt(self, now: float, facts: Facts, *, whole: bool = False, cut: bool = False) -> None:
        self._listing().adopt(now, facts, whole=whole, cut=cut)
        self._arriving = None

    def _listing(self) -> Arriving:
        if self._arriving is None:
            raise CatalogueError("no list of projects was begun, or it is adopted already")
        return self._arriving

    def promise(self, changes: Sequence[Listed], now: float, facts: Facts) -> None:
        self._write(("promise", "stray"), rows.of_list(changes, now), facts)

    def known(self, after: str = "") -> Iterator[Known]:
        return (
            Known(name, bool(published), bool(wanted), selection)
            for name, published, wanted, selection in self._database.stream("known_projects", after)
        )

    def reselect(self, wanted: Sequence[str], unwanted: Sequence[str], now: float, *, leave: bool) -> None:
        with self._database.transaction() as connection:
            connection.executemany(SQL["select"], [{"name": name, "now": now} for name in wanted])
            values = [{"name": name, "now": now, "leave": leave} for name in unwanted]
            connection.executemany(SQL["deselect"], values)
            connection.executemany(SQL["drop_deselected"], values)

    def make_due(self, now: float, *, waiting: bool = False) -> None:
        self._write("make_all_due", [{"now": now, "waiting": waiting}])

    def cut_waits(self, now: float) -> None:
        self._write("cut_waits", [{"now": now}])

    def wake(self, now: float, latest: float) -> None:
        with self._database.transaction() as connection:
            connection.execute(SQL["wake"], {"now": now, "latest": latest})
            connection.execute(SQL["wake_reviews"], {"now": now})

    def missing(self, names: Sequence[str], now: float) -> None:
        self._write(("miss", "stray"), [{"name": name, "now": now} for name in names])

    # --- work ------------------------------------------------------------------------------------------------------

    def doubt(self) -> None:
        self._write("doubt", [{}])

    def doubt_empty(self, now: float) -> None:
        self._write("doubt_empty", [{"now": now}])

    def suspect(self, names: Sequence[str], now: float, *, files: bool) -> None:
        self._write("suspect", [{"name": name, "now": now, "files": files} for name in names])

    def expect(self, keys: Mapping[str, Sequence[str]]) -> None:
        with self._database.transaction(durable=False) as connection:
            connection.execute(SQL["expect"], {"keys": json.dumps({name: list(those) for name, those in keys.items()})})

    def expected(self) -> Iterator[tuple[str, str]]:
        return ((project, key) for project, keys in self._database.stream("expected") for key in json.loads(keys))

    def abandon(self, visible: Sequence[Leaving]) -> None:
        now = self._clock()
        with self._database.transaction() as connection:
            keys.abandon(connection, visible, now, lambda name: self._published(connection, name))
            connection.execute(SQL["expect_nothing"])

    def held_back(self) -> tuple[int, int]:
        [(projects, files)] = self._database.rows("held_back")
        return projects, files

    def due(self, now: float, after: str, count: int) -> Sequence[Entry]:
        return [rows.entry(row) for row in self._database.rows("due", now=now, after=after, count=count)]

    def count_due(self, now: float) -> int:
        return self._count("count_due", now=now)

    def weigh(self, now: float) -> Iterator[Due]:
        return (
            Due(name, bool(wanted), bool(published), size, promised)
            for name, wanted, published, size, promised in self._database.stream("weigh", now=now)
        )

    def entry(self, name: str) -> Entry | None:
        found = self._database.rows("entry", name=name)
        return rows.entry(found[0]) if found else None

    def published(self, name: str) -> Published:
        with self._database.connection() as connection:
            return self._published(connection, name)

    def commit(self, commits: Sequence[Commit]) -> None:
        """
        As the port says. The catalogue counts ``tries`` itself, and a promise only rises here: one that was made
        while the project was worked on is not lost. A promise that is not kept leaves the project due as it was.
        """
        now = self._clock()
        whole = [{"name": commit.entry.name} for commit in commits if commit.failure is None]
        failures = [rows.of_failure(commit.failure, now) for commit in commits if commit.failure is not None]
        with self._database.transaction() as connection:
            for commit in commits:
                page = _keep_page(connection, commit.entry.name, commit.published)
                connection.execute(SQL["commit"], rows.of_commit(commit, page))
            connection.execute(SQL["arrived"], {"projects": json.dumps([commit.entry.name for commit in commits])})
            connection.executemany(SQL["keep_promise"], whole)
            connection.executemany(SQL["stray"], [{"name": one.entry.name} for one in commits if _strays(one.entry)])
            connection.executemany(SQL["fail"], failures)
            connection.executemany(SQL["stray"], failures)
            keys.leave(connection, commits, now, lambda name: self._published(connection, name))

    def reform(self, commits: Sequence[Commit]) -> None:
        with self._database.transaction() as connection:
            for commit in commits:
                name, page = commit.entry.name, _keep_page(connection, commit.entry.name, commit.published)
                connection.execute(SQL["reform"], {"name": name, "selection": commit.entry.selection, "page": page})
            connection.execute(SQL["arrived"], {"projects": json.dumps([commit.entry.name for commit in commits])})
            keys.leave(connection, commits, self._clock(), lambda name: self._published(connection, name))

    def unchanged(self, names: Sequence[str], now: float) -> None:
        self._write("unchanged", [{"name": name} for name in names])

    def keep(self, names: Sequence[str]) -> None:
        self._write("keep", [{"name": name} for name in names])

    def fail(self, failures: Sequence[Failure], now: float) -> None:
        """As the port says. A failure that does not say since when the project is missing leaves that as it is."""
        self._write(("fail", "stray"), [rows.of_failure(failure, now) for failure in failures])

    def forget(self, names: Iterable[str]) -> None:
        self._write("forget", [{"name": name} for name in names])

    def retire(self, names: Sequence[str]) -> None:
        with self._database.transaction() as connection:
            for name in names:
                seen = Published(seen=self._published(connection, name).seen)
                if connection.execute(SQL["retire"], {"name": name}).rowcount:
                    page = _keep_page(connection, name, seen)
                    connection.execute(SQL["remember"], {"name": name, "page": page})
            connection.executemany(SQL["forget_departing"], [{"name": name} for name in names])

    # --- afterwards ------------------------------------------------------------------------------------------------

    def index(self) -> Iterator[Listed]:
        return (Listed(*row) for row in self._database.stream("index"))

    def departing(self) -> Sequence[str]:
        return [name for (name,) in self._database.rows("departing")]

    def leaving(self, before: float, after: str = "") -> Iterator[Leaving]:
        return (
            Leaving(key, project, reason, bool(hidden))
            for key, project, reason, hidden in self._database.stream("leaving", after, before=before)
        )

    def leave(self, leaving: Sequence[Leaving]) -> None:
        self._write("leave", [keys.row(one, one.project, self._clock()) for one in leaving])

    def left(self, keys: Sequence[str]) -> None:
        self._write("stay", [{"key": key} for key in keys])

    def bury(self, buried: Sequence[Buried]) -> None:
        values = [to_builtins(one) for one in buried]
        with self._database.transaction() as connection:
            connection.executemany(SQL["bury"], values)
            connection.executemany(SQL["stay"], values)

    def buried(self, before: float | None = None) -> Iterator[Buried]:
        return (Buried(*row) for row in self._database.stream("buried", before=FOREVER if before is None else before))

    def purge(self, keys: Sequence[str]) -> None:
        self._write("purge", [{"key": key} for key in keys])

    def is_leaving(self, key: str) -> bool:
        return bool(self._database.value("is_leaving", key=key))

    def is_buried(self, key: str) -> bool:
        return bool(self._database.value("is_buried", key=key))

    def serial(self) -> int | None:
        """
        The fact ``list-serial``, or one less than the lowest promise that is not kept, whichever is lower.

        None before that fact is set: without a list nobody has said that the projects which are not due are as new
        as any serial. A project that is due for another reason, its promise being kept, does not count.
        """
        listed = self.get(LIST_SERIAL)
        if listed is None:
            return None
        if not listed.isdecimal():
            raise CatalogueError(f"the fact {LIST_SERIAL} is {listed!r}, not a number: forget it and run again")
        lowest = self._database.value("lowest_promise")
        return int(listed) if lowest is None else min(int(listed), lowest - 1)

    # --- looking ---------------------------------------------------------------------------------------------------

    def totals(self) -> Totals:
        [(projects, files, size)] = self._database.rows("totals")
        [(behind, absent)] = self._database.rows("count_behind")
        return Totals(projects, files, size, self._count("count_waiting"), behind - absent, absent)

    def behind(self) -> Iterator[Behind]:
        return (rows.behind(row) for row in self._database.stream("behind"))

    def waiting(self, now: float, *, absent: bool) -> tuple[int, Behind] | None:
        [(count, *first)] = self._database.rows("waiting", now=now, absent=absent)
        return (count, rows.behind(tuple(first))) if count else None

    def record_run(self, run: RunRecord) -> None:
        """Record a run at its beginning, and again, with the same ``started``, at its end. Old ones are forgotten."""
        values = {"started": run.started, "finished": run.finished, "outcome": run.outcome, "serial": run.serial}
        with self._database.transaction() as connection:
            connection.execute(SQL["record_run"], values)
            connection.execute(SQL["forget_runs"], {"keep": RUNS_KEPT})

    def last_runs(self, count: int) -> Sequence[RunRecord]:
        return [RunRecord(*row) for row in self._database.rows("last_runs", count=count)]

    def copy(self, path: str) -> None:
        self._database.copy(Path(path))

    def close(self) -> None:
        self._database.close()

    # --- the two ways to ask ---------------------------------------------------------------------------------------

    def _published(self, connection: sqlite3.Connection, name: str) -> Published:
        found = connection.execute(SQL["published"], {"name": name}).fetchone()
        if found is None:
            return Published()
        try:
            return records.unpack(found[1])
        except ValueError as error:
            raise CatalogueCorrupt(f"the catalogue {self._database.path}, project {name}: {error}") from error

    def _count(self, statement: str, **values: object) -> int:
        return int(self._database.value(statement, **values))

    def _write(
        self, statements: str | tuple[str, ...] = (), values: Sequence[rows.Values] = (), facts: Facts | None = None
    ) -> None:
        """Run each of *statements* for each of *values* and set *facts*, in one transaction."""
        with self._database.transaction() as connection:
            for statement in ((statements,) if isinstance(statements, str) else statements) if values else ():
                connection.executemany(SQL[statement], values)
            for name, value in (facts or {}).items():
                connection.execute(SQL["drop_fact" if value is None else "set_fact"], {"name": name, "value": value})


def _strays(entry: Entry) -> bool:
    """Whether the project's row says something else than that a list named it."""
    return entry.departing or entry.missing_since is not None or entry.promised is None


def _keep_page(connection: sqlite3.Connection, name: str, published: Published) -> int | None:
    """The ``id`` of the row of what the page is made of: a new row if that changed, None if nothing is to be kept."""
    if published == Published():
        return None
    content = records.pack(published)
    kept = connection.execute(SQL["published"], {"name": name}).fetchone()
    if kept is not None and kept[1] == content:
        return int(kept[0])
    return connection.execute(SQL["add_page"], {"content": content}).lastrowid
