"""The releases that the page of a project comes to, and what of each an installer would take."""

from __future__ import annotations

from functools import lru_cache

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from bandersnatch import names
from bandersnatch.closure import sources
from bandersnatch.closure.base import Interpreter
from bandersnatch.model import File, Project
from bandersnatch.values import Struct


class Release(Struct, frozen=True):
    """The files of one version."""

    name: str
    """Of the project, normalised."""
    version: Version
    files: tuple[File, ...]

    @property
    def yanked(self) -> bool:
        return all(file.yanked is not None for file in self.files)

    def installable(self, interpreter: Interpreter) -> tuple[File, ...]:
        """What installers could take there: every wheel that suits; without any, the source distribution."""
        fitting = [file for file in self.files if _admits(file.requires_python, interpreter.python)]
        wheels = tuple(file for file in fitting if interpreter.suits(file.filename))
        return wheels or tuple(file for file in fitting if sources.is_source(file.filename))[:1]


def releases(project: Project) -> tuple[Release, ...]:
    """The releases of *project*, the newest first; files whose version is none (PEP 440) are left out."""
    found: dict[Version, list[File]] = {}
    for file in project.files:
        text = names.version_of(file.filename, project.name)
        try:
            found.setdefault(Version(text or ""), []).append(file)
        except InvalidVersion:
            continue
    return tuple(Release(project.name, version, tuple(found[version])) for version in sorted(found, reverse=True))


@lru_cache(maxsize=1 << 12)  # the thousands of files of a project share a few
def _admits(requires_python: str | None, python: str) -> bool:
    """Whether Requires-Python lets *python* in; one that cannot be read forbids nothing, as installers have it."""
    try:
        return SpecifierSet(requires_python or "").contains(python, prereleases=True)
    except InvalidSpecifier:
        return True
