"""
The slices of upstream's last list: what they were made of, and what has happened since to the projects they name.

A list whose slices were all noted is remembered by them. Of the next list only the slices that differ are read, and
what is missing from it can only be a project that a slice named which did not come again. Whoever changes the row of a
project otherwise notes its name (``strayed``): the slices that have it are read again, as if they were new.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

from bandersnatch.catalogue.base import Sliced
from bandersnatch.catalogue.database import Database
from bandersnatch.catalogue.statements import SQL


class Slices:
    """The slices of one list that arrives, beside those of the list before it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._again: set[bytes] = set()
        with database.connection() as connection:
            connection.execute(SQL["unstage_slices"])
            connection.execute(SQL["stage_slices"])

    @property
    def any_again(self) -> bool:
        """Whether a part of the list was not read."""
        return bool(self._again)

    def known(self) -> Mapping[bytes, Sliced]:
        """What need not be read again, without its names."""
        found = {digest: Sliced(digest, count, highest) for digest, count, highest in self._database.rows("slices")}
        strayed = self._strayed(listed=True) if found else frozenset()
        if strayed:
            for digest, names in self._named(found):
                if not strayed.isdisjoint(names):
                    del found[digest]
        return found

    def note(self, slices: Sequence[Sliced], again: Collection[bytes]) -> None:
        """These were read, or came *again*."""
        self._again.update(again)
        if slices:
            with self._database.transaction() as connection:  # writes nothing but what is temporary
                connection.executemany(SQL["note_slice"], map(_row, slices))

    def lost(self, is_seen: Callable[[str], bool]) -> Sequence[str]:
        """Names that may have been in the last list or since in the catalogue, and are not in this one: a few."""
        unlisted = {name for name in self._strayed(listed=False) if not is_seen(name)}
        doubtful = {name for name in self._doubtful() if not is_seen(name)} - unlisted
        if doubtful:
            # A list may name a project twice.
            for _, others in self._named(self._again):
                doubtful.difference_update(others)
        return sorted(unlisted | doubtful)

    def _doubtful(self) -> Iterator[str]:
        """The names that this list may lack though the last one had them: all of them, if it was cut elsewhere."""
        for _, names in self._named(self.gone()):
            yield from names
        yield from self._strayed(listed=True)
        for (name,) in self._database.rows("waiting_missing"):
            yield name

    def gone(self) -> Sequence[bytes]:
        """The digests of slices of the last list that did not come again."""
        return [digest for (digest,) in self._database.rows("gone_slices") if digest not in self._again]

    def adopt(
        self, connection: sqlite3.Connection, gone: Iterable[bytes], unlisted: Iterable[str], *, cut: bool
    ) -> None:
        """
        Remember the slices of this list in place of the *gone* ones, if it was *cut* as a whole; else none.

        *unlisted*: what it does not name, projects that are known among them.
        """
        if cut:
            connection.executemany(SQL["forget_slice"], [{"digest": digest} for digest in gone])
            connection.execute(SQL["keep_slices"])
            connection.execute(SQL["keep_slice_names"])
        else:
            connection.execute(SQL["forget_slices"])
        connection.execute(SQL["gather_strayed"])
        if cut:
            connection.executemany(SQL["stray_unlisted"], ({"name": name} for name in unlisted))

    def _strayed(self, *, listed: bool) -> frozenset[str]:
        return frozenset(name for (name,) in self._database.rows("strayed", listed=listed))

    def _named(self, digests: Iterable[bytes]) -> Iterator[tuple[bytes, Sequence[str]]]:
        for digest in list(digests):
            for (packed,) in self._database.rows("slice_names", digest=digest):
                yield digest, zlib.decompress(packed).decode().split("\n")


def _row(one: Sliced) -> Mapping[str, object]:
    packed = zlib.compress("\n".join(one.names).encode(), 1)
    return {"digest": one.digest, "count": one.count, "highest": one.highest, "names": packed}
