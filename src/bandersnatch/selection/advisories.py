"""Versions that security advisories name are not wanted: by how bad it is, by malice, or by the advisory's id.

``bandersnatch.inputs.advisories`` reads advisories from disk.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet

from bandersnatch import names
from bandersnatch.errors import Problem, UsageError
from bandersnatch.selection.affected import Advisory, Severity
from bandersnatch.selection.base import Motive, Origin, Subject, Verdict
from bandersnatch.selection.digests import digest_of
from bandersnatch.values import Struct


class _Ground(Struct, frozen=True):
    """An advisory that blocks what it affects, and why it does."""

    advisory: Advisory
    origin: Origin
    allowed: bool
    """Let through by its id or an alias."""

    def rank(self) -> tuple[bool, int, str]:
        """The worst sorts first."""
        return not self.advisory.malicious, -(self.advisory.severity or Severity.NONE), self.advisory.id


@dataclass(frozen=True, slots=True)
class AdvisoryRule:
    """
    The rule ``advisories``. Made by ``of``.

    What blocks: an advisory in ``ids``; a malicious one if ``malicious``; with a minimum severity every advisory that
    reaches it, and every one whose severity nobody gives, since it may be the worst. Malice of no given severity is
    for ``malicious`` alone to decide. What ``allow`` names is let through, whatever blocks it.
    """

    name: ClassVar[str] = "advisories"
    motive: ClassVar[Motive] = Motive.HARM
    scope: ClassVar[str] = "release"

    grounds: Mapping[str, tuple[_Ground, ...]]
    """By normalised name of the project, the worst first."""
    allowed: Mapping[str, tuple[SpecifierSet, ...]]
    """By normalised name, the versions that are let through."""
    digest: str
    unmatched: tuple[Origin, ...] = field(default=(), compare=False)
    """The items of ``ids`` and ``allow`` that no advisory has anything to do with."""

    @classmethod
    def of(
        cls,
        advisories: Mapping[str, tuple[Advisory, ...]],
        *,
        severity: str | None = None,
        malicious: bool = True,
        ids: Iterable[str] = (),
        allow: Iterable[str] = (),
    ) -> AdvisoryRule:
        """
        The rule for *advisories* by normalised name of the project.

        *severity* is the least that blocks: low, medium, high or critical; None: severity blocks nothing. *allow* has
        ids and requirements with a version (``foo==1.2``). Raises UsageError with everything that cannot be used.
        """
        options = _Options.of(severity, malicious, tuple(ids), tuple(allow))
        grounds = {name: found for name, each in advisories.items() if (found := options.grounds(each))}
        digests = {name: _digest(found, options.allowed.get(name, ())) for name, found in grounds.items()}
        digest = digest_of(sorted(digests.items()))
        return cls(grounds, options.allowed, digest, options.unmatched(advisories))

    def fingerprint(self, name: str) -> str:
        """Changes whenever a verdict about the project with the normalised *name* could; empty if all must pass."""
        return _digest(self.grounds.get(name, ()), self.allowed.get(name, ()))

    def judge(self, subject: Subject) -> Verdict:
        grounds = self.grounds.get(subject.project.name, ())
        hits = [one for one in grounds if one.advisory.affects(subject.version, subject.release)]
        if not hits:
            return Verdict(self.name, True, "no advisory speaks against its version")
        pardon = self._pardon(subject)
        blocking = None if pardon else next((one for one in hits if not one.allowed), None)
        if blocking is None:
            origin = Origin("advisories.allow", pardon or hits[0].advisory.id)
            return Verdict(self.name, True, f"{hits[0].advisory.id} is about its version, and is allowed", origin)
        return Verdict(self.name, False, _reason(blocking.advisory), blocking.origin, motive=self.motive)

    def _pardon(self, subject: Subject) -> str | None:
        """The requirement that lets this version through, whatever is said about it."""
        version = subject.version or subject.release
        for specifier in self.allowed.get(subject.project.name, ()):
            if specifier.contains(version, prereleases=True):
                return f"{subject.project.name}{specifier}"
        return None


# --- what the operator wrote ---------------------------------------------------------------------------------------


class _Options(Struct, frozen=True):
    """The settings of the rule, read."""

    minimum: Severity | None
    malicious: bool
    ids: tuple[str, ...]
    allow: tuple[str, ...]
    """Ids only."""
    allowed: Mapping[str, tuple[SpecifierSet, ...]]

    @classmethod
    def of(cls, severity: str | None, malicious: bool, ids: tuple[str, ...], allow: tuple[str, ...]) -> _Options:
        problems: list[Problem] = []
        if severity not in (None, *_MINIMA):
            problems.append(Problem(f"{severity!r} is none of {', '.join(_MINIMA)}", key="advisories.severity"))
        both = {item.casefold() for item in ids} & {item.casefold() for item in allow}
        problems += [Problem(f"{item} is in advisories.ids as well", key="advisories.allow") for item in sorted(both)]
        allowed: dict[str, tuple[SpecifierSet, ...]] = {}
        for item in filter(_has_specifier, allow):
            try:
                name, specifier = _pinned(item)
                allowed[name] = (*allowed.get(name, ()), specifier)
            except ValueError as error:
                problems.append(Problem(f"{item!r}: {error}", key="advisories.allow"))
        if problems:
            raise UsageError(*problems)
        minimum = Severity[severity.upper()] if severity else None
        return cls(minimum, malicious, ids, tuple(item for item in allow if not _has_specifier(item)), allowed)

    def grounds(self, advisories: Iterable[Advisory]) -> tuple[_Ground, ...]:
        """Those of one project's *advisories* that block, the worst first."""
        allow = {item.casefold() for item in self.allow}
        found = [
            _Ground(one, origin, not allow.isdisjoint(one.known_as))
            for one in advisories
            if (origin := self._origin(one)) is not None
        ]
        return tuple(sorted(found, key=_Ground.rank))

    def _origin(self, advisory: Advisory) -> Origin | None:
        """The setting that makes *advisory* block, with the record; None if none does."""
        known_as = advisory.known_as
        listed = next((item for item in self.ids if item.casefold() in known_as), None)
        if listed is not None:
            return Origin("advisories.ids", listed, advisory.file, advisory.line)
        if advisory.malicious and self.malicious:
            return Origin("advisories.malicious", "true", advisory.file, advisory.line)
        severity = advisory.severity
        if severity is None:
            severity = Severity.NONE if advisory.malicious else Severity.CRITICAL
        if self.minimum is not None and severity >= self.minimum:
            return Origin("advisories.severity", str(self.minimum), advisory.file, advisory.line)
        return None

    def unmatched(self, advisories: Mapping[str, tuple[Advisory, ...]]) -> tuple[Origin, ...]:
        known: set[str] = set()
        for each in advisories.values():
            known.update(*(one.known_as for one in each))
        lists = (("advisories.ids", self.ids), ("advisories.allow", self.allow))
        ids = [Origin(key, item) for key, items in lists for item in items if item.casefold() not in known]
        without = [(name, each) for name, each in self.allowed.items() if name not in advisories]
        return (*ids, *(Origin("advisories.allow", f"{name}{one}") for name, each in without for one in each))


_MINIMA = ("low", "medium", "high", "critical")


def _has_specifier(item: str) -> bool:
    return re.search(r"[<>=!~@;\[]", item) is not None


def _pinned(item: str) -> tuple[str, SpecifierSet]:
    """Name and versions, or ValueError with a reason that a person understands."""
    try:
        requirement = Requirement(item)
    except InvalidRequirement as error:
        raise ValueError(f"not a requirement (PEP 508): {str(error).splitlines()[0]}") from error
    if requirement.url or requirement.marker or requirement.extras or not requirement.specifier:
        raise ValueError("write a name and versions only, such as foo==1.2")
    return names.normalise(requirement.name), requirement.specifier


def _reason(advisory: Advisory) -> str:
    severity = "severity not given" if advisory.severity is None else str(advisory.severity)
    kind = "malicious" if advisory.malicious else severity
    summary = f": {advisory.summary}" if advisory.summary else ""
    return f"{advisory.id} ({kind}) is about its version{summary}"


def _digest(grounds: Iterable[_Ground], allowed: Iterable[SpecifierSet]) -> str:
    """Of what decides, and nothing else: a record that is worded anew changes no page. Empty if nothing is blocked."""
    reach = {(one.advisory.versions, one.advisory.ranges) for one in grounds if not one.allowed}
    return digest_of(sorted(reach), sorted(map(str, allowed))) if reach else ""
