"""Rules about releases: ``[releases]``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import ClassVar, TypeAlias

from packaging.version import Version

from bandersnatch.model import Project
from bandersnatch.selection import patterns
from bandersnatch.selection.base import Motive, Origin, Subject, Verdict
from bandersnatch.selection.configured import Configured, OfProjects
from bandersnatch.selection.digests import digest_of
from bandersnatch.selection.distributions import release_of, version_of
from bandersnatch.selection.times import uploaded

Release: TypeAlias = Version | str
"""A public version, equal for spellings that PEP 440 says are the same; as it is spelled where that knows it not."""


@dataclass(frozen=True, slots=True)
class NoPrereleases(Configured):
    """
    ``releases.prereleases = false``: no alphas, betas, candidates and development releases (PEP 440 counts them in).

    A version that nobody can read is none of them.
    """

    name: ClassVar[str] = "releases.prereleases"
    scope: ClassVar[str] = "release"
    waivable: ClassVar[bool] = True

    def judge(self, subject: Subject) -> Verdict:
        if subject.version is not None and subject.version.is_prerelease:
            return self.refuses(f"{subject.release} is a pre-release")
        return self.passes(f"{subject.release} is no pre-release")


@dataclass(frozen=True, slots=True)
class NoDevelopment(Configured):
    """``releases.development = false``: nothing whose version has a ``.dev`` part; other pre-releases pass."""

    name: ClassVar[str] = "releases.development"
    scope: ClassVar[str] = "release"
    waivable: ClassVar[bool] = True

    def judge(self, subject: Subject) -> Verdict:
        if subject.version is not None and subject.version.is_devrelease:
            return self.refuses(f"{subject.release} is a development release")
        return self.passes(f"{subject.release} is no development release")


@dataclass(frozen=True, slots=True)
class NoYanked(Configured):
    """``releases.yanked = false``: no yanked files (PEP 592)."""

    name: ClassVar[str] = "releases.yanked"
    motive: ClassVar[Motive] = Motive.YANK
    waivable: ClassVar[bool] = True

    def judge(self, subject: Subject) -> Verdict:
        yanked = subject.file.yanked
        if yanked is None:
            return self.passes("it is not yanked")
        return self.refuses(f"it is yanked: {yanked}" if yanked else "it is yanked")


@dataclass(frozen=True, slots=True)
class HiddenYanked(NoYanked):
    """``removal.yanked = "hide"``: no yanked files either; this is no rule of ``[releases]``, and nothing waives it."""

    name: ClassVar[str] = "removal.yanked"
    waivable: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class Unwanted(Configured):
    """``releases.unwanted``: no version that one of the regular expressions matches as a whole."""

    name: ClassVar[str] = "releases.unwanted"
    scope: ClassVar[str] = "release"
    waivable: ClassVar[bool] = True
    patterns: tuple[str, ...]
    """Each is tried on the version as the file name spells it, and on its normal form (PEP 440)."""

    def judge(self, subject: Subject) -> Verdict:
        spellings = {subject.release, str(subject.version or subject.release)}
        for text in self.patterns:
            if any(patterns.over_versions(text).fullmatch(spelling) for spelling in spellings):
                return self.refuses(f"version {subject.release} matches {text}")
        return self.passes(f"version {subject.release} matches none of the unwanted")


# --- how many there are --------------------------------------------------------------------------------------------


def releases_of(project: Project) -> int:
    """
    How many releases *project* has on upstream's page.

    Counted are those that the page names (PEP 700) and those that its files are of, also of files that cannot be
    mirrored; local builds are of the release that they build. Where the page does not name them, only a whole page can
    be counted.
    """
    files = (*(one.filename for one in project.files), *(one.filename for one in project.rejected))
    of_files = (release_of(filename, project.name) for filename in files)
    named = ((text, version_of(text)) for text in project.versions)
    return len({_public(text, version) for text, version in (*of_files, *named) if text})


@dataclass(frozen=True, slots=True)
class AtLeast(OfProjects):
    """``releases.at-least``: only projects with so many releases at upstream."""

    name: ClassVar[str] = "releases.at-least"
    exempting: ClassVar[str] = "releases.count-exempt"
    count: int

    def judge_project(self, project: Project) -> Verdict:
        found = releases_of(project)
        reason = f"the project has {found} {'release' if found == 1 else 'releases'}, wanted are at least {self.count}"
        return self.passes(reason) if found >= self.count else self.refuses(reason)


@dataclass(frozen=True, slots=True)
class AtMost(OfProjects):
    """``releases.at-most``: only projects with no more releases at upstream."""

    name: ClassVar[str] = "releases.at-most"
    exempting: ClassVar[str] = "releases.count-exempt"
    count: int

    def judge_project(self, project: Project) -> Verdict:
        found = releases_of(project)
        reason = f"the project has {found} {'release' if found == 1 else 'releases'}, wanted are at most {self.count}"
        return self.passes(reason) if found <= self.count else self.refuses(reason)


# --- the newest ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Newest:
    """
    ``releases.newest``: the newest releases of what an admitting item admits and all rules leave.

    - *count* final releases are kept. Pre-releases are not counted: up to *count* of them that are newer than the
      newest final release are kept as well, and older ones are not. A project that has only pre-releases keeps the
      newest *count* of those. With *counts_prereleases* all releases are counted alike.
    - Local builds (``2.11.0+cpu``) are of the release that they build: they are kept, or not, with it.
    - A release is yanked when all its files that are left are. Yanked releases are neither counted nor kept, unless
      all are yanked: then they are counted like others.
    - *by* "version": in the order of PEP 440; versions that nobody can read are final and older than all others.
    - *by* "time": a release is as old as its oldest file that is left; one without any known upload time is older
      than all others. Equally old releases go by version.
    """

    name: ClassVar[str] = "releases.newest"
    count: int
    by: str = "version"
    """``version`` or ``time``."""
    counts_prereleases: bool = False
    origin: Origin | None = field(default=None, kw_only=True, repr=False, compare=False)

    @property
    def digest(self) -> str:
        """Changes whenever any verdict could."""
        return digest_of(repr(self))

    def of(self, subjects: Iterable[Subject]) -> frozenset[Release]:
        """The releases to keep of those that *subjects* are of."""
        releases: dict[Release, list[Subject]] = {}
        for subject in subjects:
            releases.setdefault(release_key(subject), []).append(subject)
        live = {one: files for one, files in releases.items() if not _is_yanked(files)} or releases
        ranked = sorted(live, key=lambda one: self._rank(one, live), reverse=True)
        counted = [one for one in ranked if self._counts(one)] or ranked
        newer = takewhile(lambda one: one != counted[0], ranked)
        return frozenset((*counted[: self.count], *list(newer)[: self.count]))

    def _counts(self, release: Release) -> bool:
        return self.counts_prereleases or isinstance(release, str) or not release.is_prerelease

    def _rank(self, release: Release, releases: Mapping[Release, Sequence[Subject]]) -> tuple[float, bool, Release]:
        """Readable versions and unreadable ones never meet in the last place: the one before tells them apart."""
        age = float("-inf")
        if self.by == "time":
            times = [time for subject in releases[release] if (time := uploaded(subject.file)) is not None]
            age = min(times, default=age)
        return age, isinstance(release, Version), release


def release_key(subject: Subject) -> Release:
    """The release that a file is of, or builds."""
    return _public(subject.release, subject.version)


def _public(text: str, version: Version | None) -> Release:
    if version is None:
        return text
    return version if version.local is None else Version(version.public)


def _is_yanked(files: Iterable[Subject]) -> bool:
    return all(one.file.yanked is not None for one in files)
