"""The rules about use, ``[usage]``: they refuse by name what this mirror's statistics say that nobody uses."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import pairwise
from typing import ClassVar

from bandersnatch.model import Project
from bandersnatch.selection.base import Subject, Verdict
from bandersnatch.selection.configured import Configured
from bandersnatch.selection.digests import digest_of
from bandersnatch.selection.items import Items

GAP = timedelta(days=7)
"""How long the statistics may know nothing before they are called interrupted."""


def covered_since(days: Iterable[date], today: date) -> date | None:
    """
    The first day from which on, to *today*, the statistics of these *days*, in order, have no gap; None if there is one
    just now.
    """
    known = [*days, today]
    since = today
    for before, after in reversed(list(pairwise(known))):
        if after - before > GAP:
            break
        since = before
    return since if len(known) > 1 and since < today else None


@dataclass(frozen=True, slots=True)
class OfUse(Configured):
    """
    A rule that refuses the projects that are *unused*: known by name, worked out from the statistics before the run.

    Whatever is not known to be unused passes: with *resting*, the reason why the statistics tell nothing yet,
    everything.
    """

    scope: ClassVar[str] = "project"
    span: str = ""
    """For how long they are unused, in words."""
    unused: frozenset[str] = field(default=frozenset(), repr=False)
    resting: str = ""
    exempt: Items = field(default_factory=Items, repr=False)
    """What ``usage.exempt`` names."""
    named: Items = field(default_factory=Items, repr=False)
    """What is admitted by its own name: it is wanted, used or not. Patterns are not among it."""

    @property
    def digest(self) -> str:
        """Changes whenever any verdict could."""
        spared = [sorted({item.identity for item in items}) for items in (self.exempt, self.named)]
        return digest_of(self.name, "" if self.resting else sorted(self.unused), spared)

    def fingerprint(self, name: str) -> str:
        """Changes whenever a verdict about the project *name* could."""
        return digest_of(self.name, self._refuses(name))

    def judge(self, subject: Subject) -> Verdict:
        return self.judge_project(subject.project)

    def judge_project(self, project: Project) -> Verdict:
        """Whether *project* passes, and why."""
        if self.resting:
            return self.passes(self.resting)
        if project.name not in self.unused:
            return self.passes(f"{self._used()}, or was not here so long")
        for item in (*self.exempt.of_name(project.name), *self.named.of_name(project.name)):
            return self.passes(f"{item.origin.key} names {item.origin.text}")
        return self.refuses(self._not_used())

    def _refuses(self, name: str) -> bool:
        spared = self.exempt.of_name(name) or self.named.of_name(name)
        return not self.resting and name in self.unused and not spared

    def _used(self) -> str:
        raise NotImplementedError

    def _not_used(self) -> str:
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class UnusedFor(OfUse):
    """``usage.unused-for``: not what nobody downloaded anything of for so long."""

    name: ClassVar[str] = "usage.unused-for"

    def _used(self) -> str:
        return f"it was downloaded in the last {self.span}"

    def _not_used(self) -> str:
        return f"nobody downloaded anything of it in the last {self.span}, and it was here all the time"


@dataclass(frozen=True, slots=True)
class Share(OfUse):
    """``usage.share``: only the most used projects, as many as it takes for a share of all downloads."""

    name: ClassVar[str] = "usage.share"
    share: str = ""
    """In words."""

    def _used(self) -> str:
        return f"it is among the projects that made {self.share} of all downloads in the last {self.span}"

    def _not_used(self) -> str:
        return (
            f"other projects made {self.share} of all downloads in the last {self.span}, and it was here all the time"
        )


def most_used(downloads: Iterable[tuple[str, int]], share: float) -> frozenset[str]:
    """
    The projects that it takes to answer *share*, from 0 to 1, of all *downloads*, the most used first.

    Of projects that are used equally much, all belong to it or none.
    """
    ranked = sorted(downloads, key=lambda one: one[1], reverse=True)
    wanted, sofar, last = share * sum(number for _, number in ranked), 0, 0
    kept = set()
    for name, number in ranked:
        if sofar >= wanted and number < last:
            break
        kept.add(name)
        sofar, last = sofar + number, number
    return frozenset(kept)
