"""The configuration from its three sources: the file, over it the environment, over that the command line."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from types import MappingProxyType
from typing import Literal

from bandersnatch.config import named, spelling
from bandersnatch.config.combinations import Contradiction, contradictions
from bandersnatch.config.document import Document, read_document
from bandersnatch.config.locate import Lines
from bandersnatch.config.option import Kind, Option
from bandersnatch.config.options import BY_NAME, NAMED, OPTIONS, SECTIONS
from bandersnatch.config.read import Fault, Value, described, from_text, read
from bandersnatch.config.schema import Config, build, value_of
from bandersnatch.errors import Problem, UsageError
from bandersnatch.inputs import globs
from bandersnatch.values import Struct

Source = Literal["default", "file", "environment", "command line"]


class Origin(Struct, frozen=True):
    """Where a value comes from."""

    source: Source = "default"
    place: str = ""
    """The file, or the environment variable."""
    line: int | None = None

    def __str__(self) -> str:
        if self.source == "file":
            return f"{self.place}:{self.line}"
        return f"{self.source} {self.place}".strip()

    def problem(self, name: str, message: str, line: int | None = None) -> Problem:
        """A problem with the option called *name*, for whoever has to mend it there."""
        match self.source:
            case "file":
                return Problem(message, self.place, line or self.line, name)
            case "environment":
                return Problem(message, self.source, key=self.place)
            case _:
                return Problem(message, self.source, key=name)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration, and where each value of it comes from."""

    config: Config
    origins: Mapping[str, Origin]
    """By the option's name, ``section.key``: every option has one; and by ``section.name`` for each named table."""
    file: Path | None
    selection_line: int | None = None
    """The line of the file to change where nothing is selected."""
    lines: Lines = field(default_factory=Lines, repr=False)
    notes: tuple[Problem, ...] = ()
    """What has no effect here, or a different one, of a file of PyPA bandersnatch."""

    def line_of(self, name: str, *path: str | int) -> int | None:
        """
        The line of the option called *name*, or of what *path* leads to in it, such as the position in a list.

        None where its value does not come from the file.
        """
        origin = self.origins[name]
        if origin.source != "file":
            return None
        return self.lines.of(*name.split(".", 1), *path) or origin.line

    def item_origins(self, name: str) -> tuple[tuple[str, str | None, int | None], ...]:
        """
        For each item of the list called *name*: its text, and the file and the line where it stands.

        Where it stands in no file, the environment's variable or the command line takes the file's place.
        """
        origin = self.origins[name]
        place = origin.place if origin.source == "file" else str(origin)
        items = value_of(self.config, name)
        assert isinstance(items, tuple), f"{name} is no list"
        return tuple((item, place, self.line_of(name, index)) for index, item in enumerate(items))

    def nothing_selected(self) -> Problem:
        """The problem of ``Config.selects_nothing``: which line to change, and how."""
        message = 'nothing is selected; write projects = ["NAME", …], or everything = true, under [select]'
        if self.file is None:
            message += " of a file; one to start from is written with: bandersnatch config init FILE"
        file = str(self.file) if self.file else None
        return Problem(message, file, self.selection_line, "select.projects")


@dataclass(frozen=True, slots=True)
class _Setting:
    """One value that somebody wrote."""

    option: Option
    raw: object = field(repr=False)
    origin: Origin
    lines: Lines = Lines()

    def read(self) -> tuple[Value, list[Problem]]:
        """The value, and what is wrong with it."""
        value, faults = read(self.option, self.raw)
        if self.option.kind is Kind.FILE and isinstance(value, tuple):
            value = tuple(self._placed(path) for path in value)
        return value, [self.origin.problem(self.option.name, fault.message, self._line(fault)) for fault in faults]

    def _line(self, fault: Fault) -> int | None:
        return self.lines.of(self.option.section, self.option.key, *fault.path)

    def _placed(self, path: str) -> str:
        """*path* from the folder that it starts from; in a glob that folder's name still stands for itself."""
        base = self._base()
        return str(PurePath(glob.escape(base) if globs.is_glob(path) else base, path))

    def _base(self) -> str:
        """What a relative path starts from: the file's folder; outside of the file, where the program runs."""
        return os.path.dirname(os.path.abspath(self.origin.place)) if self.origin.source == "file" else os.getcwd()


def load(path: Path | None, env: Mapping[str, str], overrides: Mapping[str, object] = MappingProxyType({})) -> Loaded:
    """
    The configuration of the file at *path* (None: no file), the variables in *env* and the command line's *overrides*.

    *overrides* has values by ``section.key``, as the file would have them; text is read like a variable's.
    Raises UsageError with all problems of all sources at once.
    """
    problems: list[Problem] = []
    document = _document(path, problems)
    problems += document.refused
    settings = [
        *_from_file(document, str(path), problems),
        *_from_environment(env, problems),
        *_from_command_line(overrides, problems),
    ]
    tables = named.read(document.tables, document.lines, str(path))
    problems += tables.problems
    values = {option.name: read(option, option.default)[0] for option in OPTIONS}
    origins = dict.fromkeys(values, Origin())
    for setting in settings:
        name = setting.option.name
        value, wrong = setting.read()
        problems += wrong
        origins[name] = setting.origin
        if not wrong:
            values[name] = value
    origins |= {name: Origin("file", str(path), line) for name, line in tables.lines.items()}
    # Contradictions are looked for among what could be read, so that they are reported in the same go.
    config = build(values, tables.of)
    problems += [_problem(one, origins[one.name], document.lines) for one in contradictions(config)]
    if problems:
        raise UsageError(*sorted(problems, key=_reading_order))
    return Loaded(config, MappingProxyType(origins), path, document.selection_line(), document.lines, document.notes)


def _problem(contradiction: Contradiction, origin: Origin, lines: Lines) -> Problem:
    name, item = contradiction.name, contradiction.item
    line = lines.of(*name.split("."), item) if item is not None and origin.source == "file" else None
    return origin.problem(name, contradiction.message, line)


def _document(path: Path | None, problems: list[Problem]) -> Document:
    try:
        return Document() if path is None else read_document(path)
    except UsageError as error:
        problems += error.problems
        return Document()


def _from_file(document: Document, file: str, problems: list[Problem]) -> Iterator[_Setting]:
    lines = document.lines
    for section, table in document.tables.items():
        shown = spelling.printable(section)
        line = lines.of(section)
        if not isinstance(table, dict):
            problems.append(Problem(_not_a_section(section, table), file, line, shown))
        elif section not in SECTIONS:
            problems.append(Problem(spelling.about_section(section), file, line, shown))
        elif section not in NAMED:
            yield from _from_section(section, table, lines, file, problems)


def _from_section(
    section: str, table: Mapping[str, object], lines: Lines, file: str, problems: list[Problem]
) -> Iterator[_Setting]:
    for key, raw in table.items():
        line = lines.of(section, key)
        option = BY_NAME.get(f"{section}.{key}")
        if option is None:
            name = f"{section}.{spelling.printable(key)}"
            problems.append(Problem(spelling.about_key(section, key), file, line, name))
        else:
            yield _Setting(option, raw, Origin("file", file, line), lines)


def _from_environment(env: Mapping[str, str], problems: list[Problem]) -> Iterator[_Setting]:
    """An empty variable is as good as none: compose files and unit files pass them on so."""
    for variable, near in spelling.misspelt_variables(env).items():
        problems.append(Problem(f"unknown variable; did you mean {near}?", "environment", key=variable))
    for option in OPTIONS:
        text = env.get(option.variable)
        if text:
            yield _Setting(option, from_text(option, text), Origin("environment", option.variable))


def _from_command_line(overrides: Mapping[str, object], problems: list[Problem]) -> Iterator[_Setting]:
    for name, raw in overrides.items():
        option = BY_NAME.get(name)
        if option is None:
            problems.append(Problem("unknown key", "command line", key=name))
        else:
            yield _Setting(option, from_text(option, raw) if isinstance(raw, str) else raw, Origin("command line"))


def _not_a_section(name: str, value: object) -> str:
    if name in SECTIONS:
        there = "[[…]]" if isinstance(value, list) else described(value)
        return f"wants to be a section, [{name}]; not {there}"
    return spelling.about_loose_key(name)


def _reading_order(problem: Problem) -> tuple[bool, str, int]:
    """The file first and from top to bottom, as it will be mended; then the rest."""
    return (problem.line is None, problem.file or "", problem.line or 0)
