"""What becomes of a file of PyPA bandersnatch, and the draft in which it comes about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bandersnatch.config.locate import Lines, Path
from bandersnatch.config.option import Written
from bandersnatch.config.pypa.ini import Entry, Ini
from bandersnatch.config.pypa.known import RENAMED
from bandersnatch.errors import Problem
from bandersnatch.values import Struct, field


class Translation(Struct, frozen=True):
    """A file of PyPA bandersnatch in the words of this program."""

    values: Mapping[str, Written]
    """By our name, ``section.key``; what is not here has our default."""
    refused: tuple[Problem, ...] = ()
    """What has no equivalent here, and what is a mistake: with any of it, nothing of the file is used."""
    notes: tuple[Problem, ...] = ()
    """What has no effect here, and what is different; each names its option of the file."""
    lines: Lines = field(default_factory=Lines)
    """Where in the file our keys and their items come from."""
    sources: Mapping[str, tuple[Entry, ...]] = field(default_factory=dict)
    """The options of the file that each of our keys comes from."""
    ini: Ini = field(default_factory=lambda: Ini(""))

    def tables(self) -> dict[str, dict[str, Written]]:
        """The values as a TOML document has them."""
        tables: dict[str, dict[str, Written]] = {}
        for name, value in self.values.items():
            section, key = name.split(".")
            tables.setdefault(section, {})[key] = value
        return tables


class Draft(Struct):
    """A translation while it is made."""

    ini: Ini
    values: dict[str, Written] = field(default_factory=dict)
    refused: list[Problem] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)
    lines: dict[Path, int] = field(default_factory=dict)
    sources: dict[str, tuple[Entry, ...]] = field(default_factory=dict)

    def finished(self) -> Translation:
        """What came of it, problems in the order of the file."""
        refused, notes = (sorted(found, key=lambda one: one.line or 0) for found in (self.refused, self.notes))
        return Translation(self.values, tuple(refused), tuple(notes), Lines(self.lines), self.sources, self.ini)

    def get(self, section: str, key: str) -> Entry | None:
        """An option under its present name or the former name of its section; None also where its value is empty."""
        former = next((old for old, new in RENAMED.items() if new == section), section)
        entry = self.ini.get(section, key) or self.ini.get(former, key)
        return entry if entry and entry.lines else None

    def of_section(self, section: str) -> tuple[Entry, ...]:
        """All options of *section*."""
        return tuple(entry for entry in self.ini.entries if entry.section == section)

    def put(self, name: str, value: Written, *sources: Entry) -> None:
        """Set our key *name*."""
        self.values[name] = value
        self._came_from(name, sources)

    def add(self, name: str, items: Iterable[tuple[str, int]], source: Entry) -> None:
        """Add *items*, each with the line that it comes from, to the list *name*; those that are there count once."""
        before = self.values.get(name, ())
        found = list(before) if isinstance(before, tuple) else []
        for item, line in items:
            if item not in found:
                self.lines[*_path(name), len(found)] = line
                found.append(item)
        self.values[name] = tuple(found)
        self._came_from(name, (source,))

    def add_field(self, name: str, key: str, items: Iterable[tuple[str, int]], source: Entry) -> None:
        """Add *items* to the list *key* in the table *name*."""
        before = self.values.get(name, {})
        table = dict(before) if isinstance(before, Mapping) else {}
        listed = list(items)
        first = len(table.get(key, ()))
        table[key] = (*table.get(key, ()), *(item for item, _ in listed))
        self.lines.setdefault((*_path(name), key), source.line)
        self.lines |= {(*_path(name), key, first + at): line for at, (_, line) in enumerate(listed)}
        self.values[name] = table
        self._came_from(name, (source,))

    def refuse(self, entry: Entry, message: str, line: int | None = None) -> None:
        """*entry* cannot be used as it is: *message* says why, and what to write instead."""
        self.refused.append(Problem(message, self.ini.file, line or entry.line, entry.name))

    def note(self, entry: Entry, message: str, line: int | None = None) -> None:
        """*entry* has no effect here, or another one than there: *message* says which."""
        self.notes.append(Problem(message, self.ini.file, line or entry.line, entry.name))

    def _came_from(self, name: str, sources: Iterable[Entry]) -> None:
        for source in sources:
            self.lines.setdefault(_path(name), source.line)
            if source not in self.sources.get(name, ()):
                self.sources[name] = (*self.sources.get(name, ()), source)


def _path(name: str) -> tuple[str, str]:
    section, key = name.split(".")
    return section, key
