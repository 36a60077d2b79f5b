"""A file that says what is wanted, whatever its format: recognised by its name, else by what stands in it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from bandersnatch.errors import Problem, UsageError
from bandersnatch.inputs import content, documents, locks, pyproject, requirements_txt, sbom
from bandersnatch.inputs.findings import Findings, Read, Wanted

__all__ = ["Read", "Wanted", "read"]

Reader = Callable[[str, Findings], None]

_BY_NAME: tuple[tuple[re.Pattern[str], Reader], ...] = (
    (re.compile(r"pylock(\.[^.]+)?\.toml"), locks.read_pylock),
    (re.compile(r"uv\.lock"), locks.read_uv),
    (re.compile(r"poetry\.lock"), locks.read_poetry),
    (re.compile(r"pdm\.lock"), locks.read_pdm),
    (re.compile(r"Pipfile\.lock"), locks.read_pipfile),
    (re.compile(r".*\.py"), pyproject.read_script),
    (re.compile(r".*\.spdx"), sbom.read_spdx_tags),
)


def read(path: Path, *, select: str = "") -> Read:
    """
    What the file *path* requires, with the files that it includes.

    *select* names parts of a pyproject.toml, separated by commas: ``dependencies``, ``extra:NAME``, ``group:NAME``,
    ``build``; empty means all of it. Raises UsageError with every problem.
    """
    findings = Findings(str(path))
    text = content.text_of(path)
    if path.name == "pyproject.toml":
        pyproject.read(text, select, findings)
    elif select:
        raise UsageError(Problem(f"{select!r} cannot be selected: only a pyproject.toml has parts", str(path)))
    else:
        _read(path, text, findings)
    if findings.problems:
        raise UsageError(*findings.problems)
    if not (findings.items or findings.constraints or findings.warnings):
        findings.warn("names no project")
    return findings.read()


def _read(path: Path, text: str, findings: Findings) -> None:
    for name, reader in _BY_NAME:
        if name.fullmatch(path.name):
            reader(text, findings)
            return
    if path.suffix in {".txt", ".in"}:
        requirements_txt.read(text, path, findings)
        return
    found = _by_content(path, text)
    if found:
        found(text, findings)
    else:
        requirements_txt.read(text, path, findings)


def _by_content(path: Path, text: str) -> Reader | None:
    """The reader for what *text* begins like; None for a requirement file. Raises UsageError."""
    start = text.lstrip()[:1]
    if start == "{":
        return _json_reader(path, text)
    if start == "<":
        return sbom.read_cyclonedx_xml
    if path.suffix in {".toml", ".lock"}:
        return _toml_reader(path, text)
    if re.search(r"^SPDXVersion:", text, re.M):
        return sbom.read_spdx_tags
    if re.search(r"^# /// script$", text, re.M):
        return pyproject.read_script
    return None


class _JsonMarks(msgspec.Struct):
    """The keys by which a JSON document shows what it is."""

    cyclonedx: str = msgspec.field(name="bomFormat", default="")
    spdx2: str = msgspec.field(name="spdxVersion", default="")
    spdx3: Any = msgspec.field(name="@graph", default=None)
    pipfile: Any = msgspec.field(name="_meta", default=None)


def _json_reader(path: Path, text: str) -> Reader:
    marks = documents.json(text, str(path), _JsonMarks)
    if marks.cyclonedx:
        return sbom.read_cyclonedx_json
    if marks.spdx2 or marks.spdx3 is not None:
        return sbom.read_spdx_json
    if marks.pipfile is not None:
        return locks.read_pipfile
    raise UsageError(Problem("is JSON, but neither CycloneDX nor SPDX nor a Pipfile.lock", str(path)))


class _TomlMetadata(msgspec.Struct):
    poetry: str = msgspec.field(name="lock-version", default="")
    pdm: str = msgspec.field(name="lock_version", default="")


class _TomlMarks(msgspec.Struct):
    """The keys by which a TOML document shows what it is."""

    pylock: str = msgspec.field(name="lock-version", default="")
    uv: Any = msgspec.field(name="version", default=None)
    metadata: _TomlMetadata = msgspec.field(default_factory=_TomlMetadata)


def _toml_reader(path: Path, text: str) -> Reader:
    marks = documents.toml(text, str(path), _TomlMarks)
    for mark, reader in (
        (marks.pylock, locks.read_pylock),
        (marks.metadata.poetry, locks.read_poetry),
        (marks.metadata.pdm, locks.read_pdm),
        (marks.uv, locks.read_uv),
    ):
        if mark:
            return reader
    raise UsageError(
        Problem("is TOML, but no lock that is known; a project's file is called pyproject.toml", str(path))
    )
