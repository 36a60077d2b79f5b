"""What the rules of our own share."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import ClassVar

from bandersnatch.selection.base import Origin, Verdict


def digest_of(*facts: object) -> str:
    """A short digest of *facts*, which have to show all that they are in their ``repr``."""
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


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
        return Verdict(self.name, False, reason, self.origin, until)
