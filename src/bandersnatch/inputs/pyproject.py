"""What pyproject.toml (PEP 621, 518, 735) and the head of a script (PEP 723) require."""

from __future__ import annotations

import graphlib
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from packaging.dependency_groups import DependencyGroupResolver
from packaging.utils import canonicalize_name

from bandersnatch.errors import Problem, UsageError
from bandersnatch.inputs import documents
from bandersnatch.inputs.findings import Findings, parse
from bandersnatch.values import Struct


class _Project(msgspec.Struct, rename="kebab"):
    name: str = ""
    dependencies: tuple[str, ...] = ()
    optional_dependencies: dict[str, tuple[str, ...]] = {}
    dynamic: tuple[str, ...] = ()


class _Build(msgspec.Struct):
    requires: tuple[str, ...] = ()


class _Pyproject(msgspec.Struct, rename="kebab"):
    project: _Project = msgspec.field(default_factory=_Project)
    build_system: _Build = msgspec.field(default_factory=_Build)
    dependency_groups: dict[str, Any] = {}


class _Script(msgspec.Struct):
    dependencies: tuple[str, ...] = ()


class _Part(Struct, frozen=True):
    """What a part requires, and the names of the parts that belong to it."""

    requirements: tuple[str, ...]
    includes: tuple[str, ...] = ()


def read(text: str, select: str, findings: Findings) -> None:
    """Note the requirements of a pyproject.toml: the parts that *select* names, or all. Raises UsageError."""
    document = documents.toml(text, findings.file, _Pyproject)
    parts = {**_project_parts(document), **_groups(document, findings.file)}
    lines = documents.lines_of_strings(text)
    for name in _chosen(select, parts, findings):
        for one in parts[name].requirements:
            findings.want(one, lines.get(one))
    for field in document.project.dynamic:
        if field in {"dependencies", "optional-dependencies"}:
            findings.warn(f"the build backend makes the {field} of this project (dynamic): not read")


def read_script(text: str, findings: Findings) -> None:
    """Note the requirements in the head of a script (PEP 723). Raises UsageError."""
    blocks = list(_blocks(text))
    if len(blocks) != 1:
        count = "no" if not blocks else "more than one"
        raise UsageError(Problem(f"has {count} block '# /// script' (PEP 723)", findings.file))
    start, block = blocks[0]
    script = documents.toml(block, findings.file, _Script, start)
    lines = documents.lines_of_strings(block, start)
    for one in script.dependencies:
        findings.want(one, lines.get(one))


# --- the parts of a pyproject.toml ---------------------------------------------------------------------------------


def _project_parts(document: _Pyproject) -> dict[str, _Part]:
    """The parts besides the groups, by the names that *select* has for them."""
    project = document.project
    parts = {"dependencies": project.dependencies, "build": document.build_system.requires}
    parts |= {f"extra:{canonicalize_name(name)}": listed for name, listed in project.optional_dependencies.items()}
    return {name: _without_itself(listed, project.name) for name, listed in parts.items()}


def _without_itself(listed: Sequence[str], project: str) -> _Part:
    """``all = ["this-project[one, two]"]`` means the project's own extras, and nothing on an index."""
    requirements, includes = list[str](), list[str]()
    for one in listed:
        try:
            requirement = parse(one)
        except ValueError:
            requirements.append(one)  # reported if it is selected
            continue
        if canonicalize_name(requirement.name) == canonicalize_name(project):
            includes += [f"extra:{canonicalize_name(extra)}" for extra in sorted(requirement.extras)]
        else:
            requirements.append(one)
    return _Part(tuple(requirements), tuple(includes))


def _groups(document: _Pyproject, file: str) -> dict[str, _Part]:
    """The dependency groups (PEP 735). Raises UsageError with what is wrong in any of them."""
    groups: dict[str, _Part] = {}
    wrong: list[Exception] = []
    try:
        resolver = DependencyGroupResolver(document.dependency_groups)
    except ExceptionGroup as error:
        raise UsageError(*_told(error.exceptions, file)) from error
    for name, listed in resolver.dependency_groups.items():
        try:
            resolver.lookup(name)
        except ExceptionGroup as error:
            wrong += error.exceptions
            continue
        except RecursionError as error:
            raise UsageError(Problem(f"[dependency-groups] {name}: a marker is nested too deeply", file)) from error
        part = _without_itself([one for one in listed if isinstance(one, str)], document.project.name)
        included = [one["include-group"] for one in listed if not isinstance(one, str)]
        includes = tuple(f"group:{canonicalize_name(one)}" for one in included)
        groups[f"group:{name}"] = _Part(part.requirements, part.includes + includes)
    if wrong:
        raise UsageError(*_told(wrong, file))
    _check_includes(groups, file)
    return groups


def _told(errors: Sequence[Exception], file: str) -> list[Problem]:
    return [Problem(f"[dependency-groups]: {str(error).splitlines()[0]}", file) for error in errors]


def _check_includes(groups: dict[str, _Part], file: str) -> None:
    """Raises UsageError for groups that include what is not there, or each other."""
    includes = {name: [one for one in part.includes if one.startswith("group:")] for name, part in groups.items()}
    lacking = sorted({one for listed in includes.values() for one in listed} - groups.keys())
    if lacking:
        raise UsageError(*(Problem(f"{one} is included, and is not in this file", file) for one in lacking))
    try:
        graphlib.TopologicalSorter(includes).prepare()
    except graphlib.CycleError as error:
        raise UsageError(Problem(f"dependency groups include each other: {' > '.join(error.args[1])}", file)) from error


def _chosen(select: str, parts: dict[str, _Part], findings: Findings) -> list[str]:
    """The names of the selected parts and of all that belong to them, each once."""
    wanted = [_normalised(one) for one in select.split(",")] if select else list(parts)
    for name in (one for one in wanted if one not in parts):
        findings.refuse(f"{name!r} is not a part of this file, which has: {', '.join(parts)}")
    chosen: dict[str, None] = {}
    for name in wanted:
        _choose(name, parts, chosen, findings)
    return list(chosen)


def _choose(name: str, parts: dict[str, _Part], chosen: dict[str, None], findings: Findings) -> None:
    waiting = [name] if name in parts else []
    while waiting:
        one = waiting.pop()
        if one in chosen:
            continue
        chosen[one] = None
        for included in parts[one].includes:
            if included in parts:
                waiting.append(included)
            else:
                findings.warn(f"{one} wants this project's {included}, which is not in this file")


def _normalised(part: str) -> str:
    kind, colon, name = part.strip().partition(":")
    return f"{kind}{colon}{canonicalize_name(name.strip())}"


# --- scripts -------------------------------------------------------------------------------------------------------


def _blocks(text: str) -> Iterator[tuple[int, str]]:
    """The TOML of each block "script" and the number of its first line. A block ends at the last line "# ///"."""
    lines = text.splitlines()
    number = 0
    while number < len(lines):
        number += 1
        if lines[number - 1] != "# /// script":
            continue
        stop = number
        while stop < len(lines) and (lines[stop] == "#" or lines[stop].startswith("# ")):
            stop += 1
        ends = [end for end in range(number, stop) if lines[end] == "# ///"]
        if ends:
            yield number + 1, "\n".join(line[2:] for line in lines[number : ends[-1]])
        number = stop
