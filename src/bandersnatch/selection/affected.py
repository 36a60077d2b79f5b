"""What an advisory is about: which versions of a project, and how bad it is.

An advisory is what a record in the OSV format says about one project (https://ossf.github.io/osv-schema/).
"""

from __future__ import annotations

from enum import IntEnum
from functools import lru_cache

from packaging.version import InvalidVersion, Version

from bandersnatch.values import Struct

Range = tuple[tuple[str, str], ...]
"""The events of one range, as (kind, version): kind is introduced, fixed, last_affected or limit."""


class Severity(IntEnum):
    """The bands of CVSS 3 and 4; GHSA says moderate for medium."""

    NONE = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4

    def __str__(self) -> str:
        return self.name.lower()


class Advisory(Struct, frozen=True):
    """What one record says about one project."""

    id: str
    versions: str = ""
    """The versions it names, separated by line ends: there are a million of them, and few are ever looked at."""
    ranges: tuple[Range, ...] = ()
    aliases: tuple[str, ...] = ()
    summary: str = ""
    """One line of printable text."""
    severity: Severity | None = None
    """None where nobody says."""
    malicious: bool = False
    """A report of malice, not of a mistake."""
    file: str | None = None
    line: int | None = None

    @property
    def known_as(self) -> frozenset[str]:
        """Its id and its aliases, without case."""
        return frozenset(name.casefold() for name in (self.id, *self.aliases))

    def affects(self, version: Version | None, release: str) -> bool:
        """
        Whether it is about *version*, which the file name spells *release*.

        A version that is none of PEP 440's (None) can only be named to the letter, or be one of all versions.
        """
        reach = _reach(self.versions, self.ranges)
        if version is None:
            return _literal(release) in reach.literals or any(span.endless for span in reach.spans)
        if reach.versions & {version, _public(version)}:
            return True
        return any(span.holds(version) for span in reach.spans)


_ZERO = Version("0")
"""Where OSV lets a range begin that has no beginning."""


class _Span(Struct, frozen=True):
    """
    One range, in PEP 440's order, after the algorithm of the OSV schema.

    What cannot be compared is read as reaching further, never less far: an unreadable beginning is the beginning of
    all, and an unreadable end is none.
    """

    from_start: bool
    turns: tuple[tuple[Version, str], ...]
    """From the oldest to the newest: here it begins or ends."""
    limits: tuple[Version, ...]

    @classmethod
    def of(cls, events: Range) -> _Span:
        from_start, turns, limits = False, [], []
        for kind, text in events:
            version = _version(text)
            if kind == "limit":
                limits.append(version)
            elif kind == "introduced" and (version is None or version == _ZERO):
                from_start = True
            elif version is not None:
                turns.append((version, kind))
        # A range may begin and end with one version; last_affected ends behind it, so it comes after.
        turns.sort(key=lambda turn: (turn[0], turn[1] == "last_affected"))
        readable = tuple(limit for limit in limits if limit is not None)
        return cls(from_start, tuple(turns), readable if len(readable) == len(limits) else ())

    @property
    def endless(self) -> bool:
        """Whether it holds every version, even one that cannot be compared."""
        return self.from_start and not self.limits and all(kind == "introduced" for _, kind in self.turns)

    def holds(self, version: Version) -> bool:
        inside = self.from_start
        for at, kind in self.turns:
            if kind == "introduced":
                inside = inside or version >= at
            elif kind == "fixed":
                inside = inside and version < at
            else:
                inside = inside and _public(version) <= at
        return inside and (not self.limits or any(version < limit for limit in self.limits))


class _Reach(Struct, frozen=True):
    """All that a record says about versions, ready to be compared."""

    literals: frozenset[str]
    versions: frozenset[Version]
    spans: tuple[_Span, ...]


# A project's files come one after the other, so each of its advisories is read once; the most that one has is 1,000.
@lru_cache(maxsize=1024)
def _reach(versions: str, ranges: tuple[Range, ...]) -> _Reach:
    listed = versions.splitlines()
    return _Reach(
        frozenset(map(_literal, listed)),
        frozenset(version for text in listed if (version := _version(text)) is not None),
        tuple(map(_Span.of, ranges)),
    )


def _version(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None


def _public(version: Version) -> Version:
    """*version* without its local label (PEP 440): a rebuild has the holes of what it was built from."""
    return version if version.local is None else Version(version.public)


def _literal(text: str) -> str:
    """*text* as it can be compared where it is no version; wheels write ``_`` for ``-``."""
    return text.strip().casefold().replace("_", "-")
