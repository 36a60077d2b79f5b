"""Rules about single files: ``[files]``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bandersnatch.model import Project
from bandersnatch.selection import patterns, requires_python
from bandersnatch.selection.base import Subject, Verdict
from bandersnatch.selection.configured import Configured, OfProjects
from bandersnatch.selection.distributions import type_of
from bandersnatch.selection.times import shown, uploaded
from bandersnatch.values import Struct


@dataclass(frozen=True, slots=True)
class Types(Configured):
    """``files.types``: only files of these types (``distributions.TYPES``)."""

    name: ClassVar[str] = "files.types"
    types: tuple[str, ...]

    def judge(self, subject: Subject) -> Verdict:
        found = type_of(subject.file.filename, subject.project.name)
        if found in self.types:
            return self.passes(f"its type is {found}")
        return self.refuses(f"its type is {found}, wanted are {', '.join(self.types)}")


# --- size ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MaxSize(Configured):
    """``files.max-size``: no larger files, in bytes; and none whose size upstream does not say."""

    name: ClassVar[str] = "files.max-size"
    limit: int

    def judge(self, subject: Subject) -> Verdict:
        size = subject.file.size
        if size is None:
            return self.refuses(f"upstream does not say its size, at most {self.limit} bytes are wanted")
        reason = f"its size is {size} bytes, at most {self.limit} are wanted"
        return self.passes(reason) if size <= self.limit else self.refuses(reason)


@dataclass(frozen=True, slots=True)
class MaxProjectSize(OfProjects):
    """``files.max-project-size``: no projects whose files at upstream, all together, are larger, in bytes."""

    name: ClassVar[str] = "files.max-project-size"
    exempting: ClassVar[str] = "files.max-project-size-exempt"
    limit: int

    def judge_project(self, project: Project) -> Verdict:
        known = sum(file.size or 0 for file in project.files)
        unknown = sum(file.size is None for file in project.files)
        reason = f"the project's files have {known} bytes at upstream, at most {self.limit} are wanted"
        if unknown and known <= self.limit:
            return self.refuses(f"{reason}, and upstream does not say the size of {unknown} of them")
        return self.passes(reason) if known <= self.limit else self.refuses(reason)


# --- time ----------------------------------------------------------------------------------------------------------


class Line(Struct, frozen=True):
    """A line in time, fixed or moving with the clock. Exactly one of the two is set."""

    moment: float | None = None
    """Seconds since the epoch."""
    age: float | None = None
    """Seconds before now."""

    def crossed_by(self, time: float) -> float:
        """When what happened at *time* begins to lie before the line; minus infinity: always did, infinity: never."""
        if self.moment is not None:
            return float("-inf") if time < self.moment else float("inf")
        return time + (self.age or 0.0)

    def __str__(self) -> str:
        return shown(self.moment) if self.moment is not None else f"{_days(self.age or 0.0)} ago"


def _days(seconds: float) -> str:
    """A duration for people."""
    for name, length in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.4g} {name}"
    return f"{seconds:.4g} seconds"


@dataclass(frozen=True, slots=True)
class UploadedAfter(Configured):
    """``files.uploaded-after``: only files uploaded at the line or later; none whose time is not known."""

    name: ClassVar[str] = "files.uploaded-after"
    line: Line

    def judge(self, subject: Subject) -> Verdict:
        time = uploaded(subject.file)
        if time is None:
            return self.refuses("upstream does not say when it was uploaded")
        crossed = self.line.crossed_by(time)
        if crossed <= subject.context.now:
            return self.refuses(f"it was uploaded on {shown(time)}, before {self.line}")
        return self.passes(f"it was uploaded on {shown(time)}, after {self.line}", _finite(crossed))


@dataclass(frozen=True, slots=True)
class UploadedBefore(Configured):
    """``files.uploaded-before``: only files uploaded before the line; none whose time is not known."""

    name: ClassVar[str] = "files.uploaded-before"
    line: Line

    def judge(self, subject: Subject) -> Verdict:
        time = uploaded(subject.file)
        if time is None:
            return self.refuses("upstream does not say when it was uploaded")
        crossed = self.line.crossed_by(time)
        if crossed <= subject.context.now:
            return self.passes(f"it was uploaded on {shown(time)}, before {self.line}")
        return self.refuses(f"it was uploaded on {shown(time)}, after {self.line}", _finite(crossed))


def _finite(moment: float) -> float | None:
    return None if moment in (float("-inf"), float("inf")) else moment


# --- Python --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Python(Configured):
    """
    ``files.python``: only files whose ``requires-python`` (PEP 503) admits one of the target Pythons.

    A target ``3.11`` stands for all its releases: one that is admitted is enough. ``3.11.4`` stands for itself.
    A ``requires-python`` that is no specifier keeps nobody out, as installers ignore it.
    """

    name: ClassVar[str] = "files.python"
    targets: tuple[str, ...]

    def judge(self, subject: Subject) -> Verdict:
        required = subject.file.requires_python
        if not required:
            return self.passes("it requires no particular Python")
        # Free-threaded Pythons have the version of the others.
        fitting = (one for one in self.targets if requires_python.admits(required, one.removesuffix("t")))
        found = next(fitting, None)
        if found is None:
            return self.refuses(f"it requires Python {required}, wanted is {' or '.join(self.targets)}")
        return self.passes(f"it requires Python {required}, which does not keep {found} out")


# --- name ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Names(Configured):
    """``files.names``: only files whose name matches one of the globs or ``/regular expressions/``, in any case."""

    name: ClassVar[str] = "files.names"
    patterns: tuple[str, ...]

    def judge(self, subject: Subject) -> Verdict:
        found = _first_match(self.patterns, subject.file.filename)
        if found is None:
            return self.refuses(f"its name matches none of {', '.join(self.patterns)}")
        return self.passes(f"its name matches {found}")


@dataclass(frozen=True, slots=True)
class ExcludedNames(Configured):
    """``files.exclude-names``: no file whose name matches one of the globs or ``/regular expressions/``."""

    name: ClassVar[str] = "files.exclude-names"
    patterns: tuple[str, ...]

    def judge(self, subject: Subject) -> Verdict:
        found = _first_match(self.patterns, subject.file.filename)
        if found is None:
            return self.passes("its name matches none of the excluded")
        return self.refuses(f"its name matches {found}")


def _first_match(texts: tuple[str, ...], filename: str) -> str | None:
    return next((text for text in texts if patterns.over_filenames(text).fullmatch(filename)), None)
