"""Tables with names that the operator chooses: ``[environments.NAME]``, ``[hooks.NAME]``. Only the file has them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

from bandersnatch.config import spelling
from bandersnatch.config.locate import Lines
from bandersnatch.config.options import NAMED
from bandersnatch.config.read import described
from bandersnatch.errors import Problem, UsageError
from bandersnatch.values import Struct, field

Table: TypeAlias = Mapping[str, object]
"""One table, in the types of TOML."""


class Tables(Struct, frozen=True):
    """The tables of every named section, read, and what is wrong with others."""

    of: Mapping[str, Mapping[str, Any]]
    """By section and name: what the section's reader makes of a table."""
    lines: Mapping[str, int | None] = field(default_factory=dict)
    """Where each begins, by ``section.name``."""
    problems: tuple[Problem, ...] = ()


def read(document: Mapping[str, object], lines: Lines, file: str) -> Tables:
    """The named tables of *document*, the content of *file*. A section that is no table at all is passed over."""
    found: dict[str, Mapping[str, Any]] = {}
    places: dict[str, int | None] = {}
    problems: list[Problem] = []
    for section in NAMED:
        tables: dict[str, Any] = {}
        for name, table in _tables(document, section, lines, file, problems):
            try:
                tables[name] = _READERS[section](name, table)
            except UsageError as error:
                problems += [_placed(problem, (section, name), lines, file) for problem in error.problems]
            places[f"{section}.{name}"] = lines.of(section, name)
        found[section] = MappingProxyType(tables)
    return Tables(found, places, tuple(problems))


def _tables(
    document: Mapping[str, object], section: str, lines: Lines, file: str, problems: list[Problem]
) -> Iterator[tuple[str, Table]]:
    whole = document.get(section)
    for name, table in whole.items() if isinstance(whole, dict) else ():
        if isinstance(table, dict):
            yield name, table
        else:
            shown = spelling.printable(name)
            message = f"wants to be a table, [{section}.NAME]; not {described(table)}"
            problems.append(Problem(message, file, lines.of(section, name), f"{section}.{shown}"))


def _placed(problem: Problem, path: tuple[str, str], lines: Lines, file: str) -> Problem:
    """*problem*, whose key begins with the dotted *path*, with the line of what it is about."""
    key = (problem.key or "").removeprefix(".".join(path)).removeprefix(".")
    shown = [path[0], *(spelling.printable(part) for part in (path[1], key) if part)]
    return Problem(problem.message, file, lines.of(*path, key), ".".join(shown))


def _plain(_: str, table: Table) -> Table:
    """What only the rule itself can judge."""
    return MappingProxyType(dict(table))


def _environment(name: str, table: Table) -> Any:
    from bandersnatch.selection import environments

    return environments.read(name, table)


def _hook(name: str, table: Table) -> Any:
    from bandersnatch.config import hooks

    return hooks.read(name, table)


_READERS: Mapping[str, Callable[[str, Table], Any]] = {
    "environments": _environment,
    "hooks": _hook,
    "rules": _plain,
}
