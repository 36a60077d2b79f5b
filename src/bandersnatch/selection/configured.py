"""What the rules of our own share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from bandersnatch.model import Project
from bandersnatch.selection.base import Motive, Origin, Subject, Verdict
from bandersnatch.selection.digests import digest_of
from bandersnatch.selection.items import Items


@dataclass(frozen=True, slots=True)
class Configured:
    """A rule made from one key of the configuration. Its fields are all that its verdicts depend on."""

    name: ClassVar[str]
    """The key."""
    scope: ClassVar[str] = "file"
    """
    For what one verdict holds: ``file``; ``release``, all files whose names spell the same version; or ``project``.

    The selection asks a rule once for each. A rule that has no such attribute is asked for every file.
    """
    waivable: ClassVar[bool] = False
    """Whether it is one of those that ``releases.waive-for`` is about: an item may want what they refuse."""
    motive: ClassVar[Motive] = Motive.CHOICE
    """Of its refusals; a rule that has no such attribute refuses by choice."""
    # Where a line stands changes no verdict, so no page has to be made anew when it moves.
    origin: Origin | None = field(default=None, kw_only=True, repr=False, compare=False)

    @property
    def digest(self) -> str:
        """Changes whenever any verdict could."""
        return digest_of(self.name, repr(self))

    def passes(self, reason: str, until: float | None = None) -> Verdict:
        """The verdict "wanted", for *reason*."""
        return Verdict(self.name, True, reason, self.origin, until)

    def refuses(self, reason: str, until: float | None = None) -> Verdict:
        """The verdict "not wanted", for *reason*."""
        return Verdict(self.name, False, reason, self.origin, until, self.motive)


@dataclass(frozen=True, slots=True)
class OfProjects(Configured):
    """A rule about whole projects, from which some are exempt."""

    scope: ClassVar[str] = "project"
    exempting: ClassVar[str]
    """The key that names the exempt ones."""
    exempt: Items = field(default_factory=Items, kw_only=True, repr=False)

    @property
    def digest(self) -> str:
        """Changes whenever any verdict could."""
        return digest_of(self.name, repr(self), sorted({item.identity for item in self.exempt}))

    def fingerprint(self, name: str) -> str:
        """Changes whenever a verdict about the project *name* could: an exemption of another one changes none."""
        return digest_of(self.name, None if self.exempt.of_name(name) else repr(self))

    def judge(self, subject: Subject) -> Verdict:
        for item in self.exempt.of_name(subject.project.name):
            return self.passes(f"{self.exempting} names {item.origin.text}")
        return self.judge_project(subject.project)

    def judge_project(self, project: Project) -> Verdict:
        """Whether *project*, which is not exempt, passes, and why."""
        raise NotImplementedError
