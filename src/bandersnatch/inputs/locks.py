"""
The locks of Python's package managers.

``pylock.toml`` is PEP 751 and read by ``packaging``. The others are private to their tools, which offer no reader: the
fields that name a version and where it comes from are read, of the versions of the format that are known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from packaging import pylock

from bandersnatch.errors import Problem, UsageError
from bandersnatch.inputs import documents
from bandersnatch.inputs.findings import Findings
from bandersnatch.inputs.pins import Pin, collect

_PLACES = {
    "git": "a Git repository",
    "hg": "a Mercurial repository",
    "svn": "a Subversion repository",
    "bzr": "a Bazaar repository",
    "url": "a URL",
    "file": "a file",
    "path": "a path",
    "directory": "a folder",
    "editable": "a folder",
    "virtual": "a folder",
}


class _File(msgspec.Struct):
    hash: str | None = None


def _hashes(files: Iterable[_File | None]) -> tuple[str, ...]:
    return tuple(file.hash for file in files if file is not None and file.hash)


def _refuse_version(tool: str, version: object, file: str) -> None:
    raise UsageError(Problem(f"has version {version} of {tool}'s format, which is not known here", file))


# --- pylock.toml ---------------------------------------------------------------------------------------------------


def read_pylock(text: str, findings: Findings) -> None:
    """PEP 751. Raises UsageError."""
    table = documents.toml(text, findings.file, dict[str, Any])
    _fill_in_hashes(table)
    try:
        lock = pylock.Pylock.from_dict(table)
    except (pylock.PylockValidationError, pylock.PylockUnsupportedVersionError) as error:
        raise UsageError(Problem(f"is not a lock of PEP 751: {error}", findings.file)) from error
    lines = documents.lines_of_tables(text, "packages", len(lock.packages))
    collect((_pylock_pin(one, line) for one, line in zip(lock.packages, lines, strict=True)), findings)


def _fill_in_hashes(table: dict[str, Any]) -> None:
    """PEP 751 wants hashes, and ``packaging`` no lock without; tools write none where an index has none."""
    packages = table.get("packages")
    for package in packages if isinstance(packages, list) else ():
        for kind in ("sdist", "archive", "wheels") if isinstance(package, dict) else ():
            files = package.get(kind)
            for file in files if isinstance(files, list) else [files]:
                if isinstance(file, dict) and not file.get("hashes"):
                    file["hashes"] = {"sha256": ""}


def _pylock_pin(package: pylock.Package, line: int | None) -> Pin:
    files: list[pylock.PackageSdist | pylock.PackageWheel] = [*(package.wheels or ())]
    if package.sdist:
        files.insert(0, package.sdist)
    direct = "a repository" if package.vcs else "a folder" if package.directory else "a URL or file"
    return Pin(
        package.name,
        None if package.version is None else str(package.version),
        line,
        markers=() if package.marker is None else (str(package.marker),),
        hashes=tuple(f"{kind}:{value}" for file in files for kind, value in file.hashes.items() if value),
        index=package.index or "",
        elsewhere=direct if package.is_direct else "",
    )


# --- uv.lock -------------------------------------------------------------------------------------------------------


class _UvPackage(msgspec.Struct, rename="kebab"):
    name: str
    version: str | None = None
    source: dict[str, Any] = {}
    resolution_markers: tuple[str, ...] = ()
    sdist: _File | None = None
    wheels: tuple[_File, ...] = ()


class _Uv(msgspec.Struct):
    version: int
    package: tuple[_UvPackage, ...] = ()


def read_uv(text: str, findings: Findings) -> None:
    """``uv.lock``, and the lock that uv keeps beside a script. Raises UsageError."""
    lock = documents.toml(text, findings.file, _Uv)
    if lock.version != 1:
        _refuse_version("uv", lock.version, findings.file)
    lines = documents.lines_of_tables(text, "package", len(lock.package))
    collect((_uv_pin(one, line) for one, line in zip(lock.package, lines, strict=True)), findings)


def _uv_pin(package: _UvPackage, line: int | None) -> Pin:
    registry = str(package.source.get("registry", ""))
    kind = next(iter(package.source), "registry")
    if kind == "registry":
        elsewhere = _PLACES["directory"] if registry and "://" not in registry else ""
    else:
        elsewhere = _PLACES.get(kind, kind)
    return Pin(
        package.name,
        package.version,
        line,
        markers=package.resolution_markers,
        hashes=_hashes((package.sdist, *package.wheels)),
        index=registry,
        elsewhere=elsewhere,
    )


# --- poetry.lock ---------------------------------------------------------------------------------------------------


class _PoetrySource(msgspec.Struct):
    type: str = ""
    url: str = ""


class _PoetryPackage(msgspec.Struct):
    name: str
    version: str
    groups: tuple[str, ...] = ()
    markers: str | dict[str, str] | None = None
    files: tuple[_File, ...] = ()
    source: _PoetrySource | None = None


class _PoetryMetadata(msgspec.Struct, rename="kebab"):
    lock_version: str = "1.0"


class _Poetry(msgspec.Struct):
    metadata: _PoetryMetadata
    package: tuple[_PoetryPackage, ...] = ()


def read_poetry(text: str, findings: Findings) -> None:
    """``poetry.lock``, formats 1 and 2. Raises UsageError."""
    lock = documents.toml(text, findings.file, _Poetry)
    if lock.metadata.lock_version.partition(".")[0] not in {"1", "2"}:
        _refuse_version("poetry", lock.metadata.lock_version, findings.file)
    lines = documents.lines_of_tables(text, "package", len(lock.package))
    collect((_poetry_pin(one, line) for one, line in zip(lock.package, lines, strict=True)), findings)


def _poetry_pin(package: _PoetryPackage, line: int | None) -> Pin:
    source = package.source or _PoetrySource("legacy")
    return Pin(
        package.name,
        package.version,
        line,
        markers=_poetry_markers(package),
        hashes=_hashes(package.files),
        index=source.url if source.type == "legacy" else "",
        elsewhere="" if source.type == "legacy" else _PLACES.get(source.type, source.type),
    )


def _poetry_markers(package: _PoetryPackage) -> tuple[str, ...]:
    if not isinstance(package.markers, dict):
        return (package.markers,) if package.markers else ()
    # A group that has no marker of its own needs the package everywhere.
    everywhere = set(package.groups) - package.markers.keys()
    return () if everywhere else tuple(dict.fromkeys(package.markers.values()))


# --- pdm.lock ------------------------------------------------------------------------------------------------------


class _PdmPackage(msgspec.Struct):
    name: str
    version: str | None = None
    marker: str | None = None
    files: tuple[_File, ...] = ()
    git: str | None = None
    hg: str | None = None
    svn: str | None = None
    bzr: str | None = None
    url: str | None = None
    path: str | None = None


class _PdmMetadata(msgspec.Struct):
    lock_version: str = "4.0"


class _Pdm(msgspec.Struct):
    metadata: _PdmMetadata
    package: tuple[_PdmPackage, ...] = ()


def read_pdm(text: str, findings: Findings) -> None:
    """``pdm.lock``, format 4. Raises UsageError."""
    lock = documents.toml(text, findings.file, _Pdm)
    if lock.metadata.lock_version.partition(".")[0] != "4":
        _refuse_version("PDM", lock.metadata.lock_version, findings.file)
    lines = documents.lines_of_tables(text, "package", len(lock.package))
    collect((_pdm_pin(one, line) for one, line in zip(lock.package, lines, strict=True)), findings)


def _pdm_pin(package: _PdmPackage, line: int | None) -> Pin:
    kind = next((kind for kind in ("git", "hg", "svn", "bzr", "url", "path") if getattr(package, kind)), "")
    return Pin(
        package.name,
        package.version,
        line,
        markers=(package.marker,) if package.marker else (),
        hashes=_hashes(package.files),
        elsewhere=_PLACES.get(kind, ""),
    )


# --- Pipfile.lock --------------------------------------------------------------------------------------------------


class _PipfileEntry(msgspec.Struct):
    version: str | None = None
    markers: str | None = None
    hashes: tuple[str, ...] = ()
    index: str = ""


class _PipfileMeta(msgspec.Struct, rename="kebab"):
    pipfile_spec: int = 6
    sources: tuple[dict[str, Any], ...] = ()


def read_pipfile(text: str, findings: Findings) -> None:
    """``Pipfile.lock``, format 6. Raises UsageError."""
    lock = documents.json(text, findings.file, dict[str, dict[str, Any]])
    meta = documents.convert(lock.pop("_meta", {}), findings.file, _PipfileMeta)
    if meta.pipfile_spec != 6:
        _refuse_version("Pipenv", meta.pipfile_spec, findings.file)
    usual = str(meta.sources[0].get("name", "")) if meta.sources else ""
    lines = documents.lines_of_strings(text)
    found = [(name, table) for category in lock.values() for name, table in category.items()]
    collect((_pipfile_pin(name, table, usual, lines.get(name), findings.file) for name, table in found), findings)


def _pipfile_pin(name: str, table: Mapping[str, Any], usual: str, line: int | None, file: str) -> Pin:
    entry = documents.convert(table, file, _PipfileEntry)
    kind = next((kind for kind in _PLACES if kind in table), "")
    pinned = entry.version is not None and entry.version.startswith("==")
    return Pin(
        name,
        entry.version[2:] if entry.version and pinned else None,
        line,
        markers=(entry.markers,) if entry.markers else (),
        hashes=entry.hashes,
        index=entry.index or usual,
        elsewhere=_PLACES.get(kind, ""),
    )
