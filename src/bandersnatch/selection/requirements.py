"""Selection by project names and requirements, or of everything."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from bandersnatch import names
from bandersnatch.errors import Problem, UsageError
from bandersnatch.model import File, Project, Rejected


@dataclass(frozen=True, slots=True)
class Selected:
    """What the selection leaves of a project, and what it dropped."""

    project: Project
    """With the wanted files only."""
    dropped: tuple[Rejected, ...] = ()


@dataclass(frozen=True, slots=True)
class Selection:
    """
    The wanted projects, each with the version ranges that are wanted of it; or everything.

    A project named more than once is wanted in every range named: a further requirement only ever admits more.
    Extras and environment markers (PEP 508) do not narrow a selection: a mirror serves other machines than its own.
    Pre-releases inside a range are wanted, since whether to install them is the client's choice.
    """

    everything: bool = False
    ranges: Mapping[str, tuple[SpecifierSet, ...]] = field(default_factory=dict)
    """By normalised name; one empty specifier means every version."""

    @classmethod
    def of(cls, requirements: Iterable[str]) -> Selection:
        """Read PEP 508 requirements. Raises UsageError with every one that cannot be used."""
        ranges: dict[str, tuple[SpecifierSet, ...]] = {}
        problems = []
        for text in requirements:
            try:
                requirement = _read(text)
            except ValueError as error:
                problems.append(Problem(f"{text!r}: {error}"))
                continue
            name = names.normalise(requirement.name)
            ranges[name] = (*ranges.get(name, ()), requirement.specifier)
        if problems:
            raise UsageError(*problems)
        return cls(ranges=ranges)

    @property
    def names(self) -> frozenset[str] | None:
        """The normalised names that are wanted; None for everything."""
        return None if self.everything else frozenset(self.ranges)

    def wants(self, name: str) -> bool:
        """Whether any file of the project with the normalised *name* can be wanted."""
        return self.everything or name in self.ranges

    def apply(self, project: Project) -> Selected:
        """The wanted part of *project*. Applying it again changes nothing."""
        kept: list[File] = []
        dropped: list[Rejected] = []
        for file in project.files:
            reason = self._against(project.name, file)
            if reason is None:
                kept.append(file)
            else:
                dropped.append(Rejected(file.filename, reason))
        return Selected(replace(project, files=tuple(kept)), tuple(dropped))

    def fingerprint(self, name: str) -> str:
        """Changes whenever another part of the project could be wanted than before."""
        ranges = sorted(str(one) for one in self.ranges.get(name, ()))
        return hashlib.sha256(repr((self.everything, ranges)).encode()).hexdigest()[:16]

    def _against(self, name: str, file: File) -> str | None:
        """Why *file* is not wanted, or None if it is."""
        if self.everything:
            return None
        ranges = self.ranges.get(name)
        if ranges is None:
            return "the project is not selected"
        if any(not str(one) for one in ranges):
            return None
        version = names.version_of(file.filename, name)
        if version is None or not _is_version(version):
            return "its version cannot be compared with the requirement"
        if any(one.contains(version, prereleases=True) for one in ranges):
            return None
        return f"version {version} is not in {' or '.join(str(one) for one in ranges)}"


def _read(text: str) -> Requirement:
    """One requirement, or ValueError with a reason that a person understands."""
    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        raise ValueError(f"not a requirement (PEP 508): {str(error).splitlines()[0]}") from error
    if requirement.url:
        raise ValueError("a mirror cannot select by URL; name the project")
    if not names.is_project_name(requirement.name):
        raise ValueError("not a project name")
    return requirement


def _is_version(text: str) -> bool:
    try:
        Version(text)
    except InvalidVersion:
        return False
    return True
