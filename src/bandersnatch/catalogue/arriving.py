"""Upstream's list on its way into the catalogue: only lines that say something new are staged, and none is kept."""

from __future__ import annotations

import json
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice, repeat
from operator import attrgetter, eq

from bandersnatch.catalogue.base import Diff
from bandersnatch.catalogue.database import Database
from bandersnatch.catalogue.slices import Slices
from bandersnatch.catalogue.statements import SQL
from bandersnatch.model import Listed

WORTH_A_RANGE = 100
"""Lines of a batch from which on they are read in one go."""

Facts = Mapping[str, str | None]

_name, _serial, _display = attrgetter("name"), attrgetter("serial"), attrgetter("display")
_PARTS = 64
_CHANGES, _MISSABLE = 1, 2
"""The bits of ``known_exactly``."""


class Arriving:
    """
    One list. What is held in memory is a digest of each line's name, to tell later what was not there: 8 bytes, and
    as much again where they have to be put in order.

    Python's own digest of a text is keyed anew in every process, so no list can be made to collide; by chance, two
    of a million names do once in some ten million lists, and a missing project is then noticed with the next one.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._seen = array("q")
        self._last = ""
        self._is_ascending = True
        """Whether each name came after all before it: then none came twice."""
        self._sorted: Sequence[Sequence[int]] = ()
        """The same in order, in parts, see ``_part``; empty where that has to be found out anew."""
        self._missable = 0
        """Lines of projects that would be missed if they were not there."""
        self._known_lines = 0
        """Lines of known projects."""
        self._staged = False
        """Whether any line differs so far."""
        self.slices = Slices(database)
        with database.connection() as connection:
            connection.execute(SQL["unstage"])
            connection.execute(SQL["stage"])

    def absorb(self, batch: Sequence[Listed]) -> None:
        """Compare a batch with what is known, and stage what differs."""
        if not batch or self._is_known(batch):
            return
        lines = {line.name: line for line in batch}
        known = self._known(sorted(lines))
        new = (None, "", 0)
        differing = [
            (line.name, line.display, line.serial)
            for line in lines.values()
            if known.get(line.name, new) != (line.serial, line.display, 0)
        ]
        self._see(sorted(lines))
        with self._database.transaction() as connection:
            # A later line for the same project counts, also where it takes back what an earlier one said.
            if self._staged and len(differing) < len(lines):
                connection.execute(SQL["unabsorb"], {"names": json.dumps(list(lines))})
            connection.executemany(SQL["absorb"], differing)
        self._staged = self._staged or bool(differing)

    def _is_known(self, batch: Sequence[Listed]) -> bool:
        """
        Whether the batch says what is known of all projects from its first name to its last, which are all alike.

        Most batches of a list that is in order do. To find out takes half of the time that comparing line by line
        takes: the interpreter's own loops do it.
        """
        batch = sorted(batch, key=_name)
        names = list(map(_name, batch))
        rows = self._database.rows("known_exactly", first=names[0], last=names[-1], count=len(names) + 1)
        bits = rows[0][3] if rows else _CHANGES
        if bits & _CHANGES or rows != list(zip(names, map(_serial, batch), map(_display, batch), repeat(bits))):
            return False
        self._missable += len(names) if bits & _MISSABLE else 0
        self._known_lines += len(names)
        self._see(names)
        if self._staged:
            with self._database.transaction() as connection:
                connection.execute(SQL["unabsorb_known"], {"first": names[0], "last": names[-1]})
        return True

    def _see(self, names: Sequence[str]) -> None:
        """Remember *names*, which are in order, each once."""
        self._seen.extend(map(hash, names))
        self._sorted = ()
        self._is_ascending = self._is_ascending and names[0] > self._last
        self._last = names[-1]

    def _known(self, names: Sequence[str]) -> dict[str, tuple[object, ...]]:
        """
        What is known of the projects, as a line says it. *names* are in order.

        Lists are nearly in order of names, so most of a batch lies close together in the catalogue, and to read
        from one end to the other costs a fraction of looking each name up; what lies elsewhere is looked up.
        """
        low, high = len(names) // 50, len(names) - len(names) // 50
        first, last = names[low : low + 1], names[high - 1 : high]
        rows: list[tuple[object, ...]] = []
        if len(names) >= WORTH_A_RANGE:
            count = 2 * len(names)
            rows = self._database.rows("known_range", first=first[0], last=last[0], count=count)
            if len(rows) == count:
                rows = []  # they lie too far apart after all
            else:
                wanted = set(names)
                rows = [row for row in rows if row[0] in wanted]
                names = [*names[:low], *names[high:]]
        if names:
            rows += self._database.rows("known_lines", names=json.dumps(list(names)))
        self._missable += sum(bool(row[4]) for row in rows)
        self._known_lines += len(rows)
        return {str(row[0]): row[1:4] for row in rows}

    def compare(self) -> Diff:
        """What the list says that was not known."""
        [(new, changed)] = self._database.rows("compare")
        [(known, missable)] = self._database.rows("count_listed")
        missing: tuple[str, ...] = ()
        if self.slices.any_again:
            rows = self._database.rows("missable_of", names=json.dumps(list(self._lost)))
            missing = tuple(name for (name,) in rows)
        elif self._has_doubles() or self._missable != missable:
            missing = tuple(self._unlisted(self._database.stream("missable")))
        return Diff(new, changed, missing, known)

    def adopt(self, now: float, facts: Facts, *, whole: bool, cut: bool) -> None:
        """As the port says."""
        gone = self.slices.gone()
        unlisted = self._unlisted_now() if whole or cut else ()
        with self._database.transaction() as connection:
            connection.execute(SQL["adopt"], {"now": now})
            for name, value in facts.items():
                connection.execute(SQL["drop_fact" if value is None else "set_fact"], {"name": name, "value": value})
            if whole:
                connection.executemany(SQL["forget_unpublished"], [{"name": name} for name in unlisted])
            self.slices.adopt(connection, gone, unlisted, cut=cut)
        with self._database.connection() as connection:
            connection.execute(SQL["unstage"])

    def _unlisted_now(self) -> Sequence[str]:
        """What the list lacks, all known projects that it lacks among it: few, unless the list is another one."""
        if self.slices.any_again:
            return self._lost
        known = self._database.value("count_projects")
        if not self._has_doubles() and known == self._known_lines:
            return ()  # each of them was listed
        return list(self._unlisted(self._database.stream("known_projects")))

    @cached_property
    def _lost(self) -> Sequence[str]:
        """What may be in the catalogue and is not in the list, where parts of it came again: a few names."""
        return self.slices.lost(self._is_seen)

    def _unlisted(self, rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
        """The names that no line had."""
        return (name for name, *_ in rows if not self._is_seen(name))

    def _is_seen(self, name: str) -> bool:
        digest = hash(name)
        seen = self._in_order()[_part(digest)]
        place = bisect_left(seen, digest)
        return place < len(seen) and seen[place] == digest

    def _has_doubles(self) -> bool:
        if self._is_ascending:
            return False
        return any(any(map(eq, seen, islice(seen, 1, None))) for seen in self._in_order())

    def _in_order(self) -> Sequence[Sequence[int]]:
        """In parts, so that never more than one of them is sorted, as numbers of Python's of five times the size."""
        if not self._sorted:
            parts = [array("q") for _ in range(_PARTS)]
            for digest in self._seen:
                parts[_part(digest)].append(digest)
            self._sorted = [array("q", sorted(part)) for part in parts]
        return self._sorted


def _part(digest: int) -> int:
    return digest & _PARTS - 1
