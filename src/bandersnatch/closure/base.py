"""The words of a closure: for which interpreters, by which policy, and what comes of it. All values are frozen."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from bandersnatch.errors import Problem, UsageError
from bandersnatch.resolver.base import Target
from bandersnatch.values import Struct, to_builtins

_NEWEST = re.compile(r"newest ([1-9][0-9]{0,3})\Z")
_FORM = 1
"""Of what ``to_json`` gives, and of how a closure is found: another number makes every stored one void."""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """One Python on one platform of an environment: what a single installation can be made for."""

    environment: str
    """The name of the environment that it belongs to."""
    target: Target
    markers: Mapping[str, str]
    """The variables of environment markers (PEP 508), all but ``extra``."""
    suits: Callable[[str], bool] = field(compare=False, repr=False)
    """Whether a wheel of this file name can be installed there (PEP 425)."""

    @property
    def python(self) -> str:
        """The full version, for comparison with Requires-Python."""
        return self.markers.get("python_full_version") or self.target.python

    def __str__(self) -> str:
        return f"{self.environment} ({self.target})"


# --- policies --------------------------------------------------------------------------------------------------------


class Locked(Struct, frozen=True):
    """For each interpreter the one version of each project that the resolver chooses: the smallest closure."""

    def __str__(self) -> str:
        return "locked"


class Newest(Struct, frozen=True):
    """
    The newest *count* versions that each range admits: the policy to recommend.

    Users may upgrade and constrain within it, and it stays finite, while ``Ranges`` follows every old release to
    the old releases that it needs.
    """

    count: int

    def __str__(self) -> str:
        return f"newest {self.count}"


class Ranges(Struct, frozen=True):
    """Every version that the ranges admit. Metadata of all of them is read: thousands for a mid-size application."""

    def __str__(self) -> str:
        return "ranges"


Policy = Locked | Newest | Ranges


def policy(text: str) -> Policy:
    """The policy that an operator writes as ``locked``, ``ranges`` or ``newest N``. Raises UsageError."""
    if text in ("locked", "ranges"):
        return Locked() if text == "locked" else Ranges()
    found = _NEWEST.match(text)
    if found is None:
        raise UsageError(Problem(f"must be locked, ranges, or newest and a number such as newest 3, not {text!r:.80}"))
    return Newest(int(found[1]))


# --- what comes of it ------------------------------------------------------------------------------------------------


class Item(Struct, frozen=True, order=True):
    """One thing that the mirror has to have."""

    requirement: str
    """``name==version``, or the name with a range; it admits all files that the selection's rules leave."""
    because: str
    """What needs it: one reason of possibly many."""


class Unknown(Struct, frozen=True, order=True):
    """A release whose needs could not be told, or a project that is not there: the closure may lack something."""

    project: str
    """Or the requirement that is asked for; empty where it is about all together."""
    version: str
    """Empty where it is about the project."""
    reason: str
    unresolved: bool = False
    """Whether something that is asked for cannot be installed for this reason, in any version."""

    def __str__(self) -> str:
        return f"{f'{self.project} {self.version}'.strip() or 'all of it together'}: {self.reason}"


class Closure(Struct, frozen=True):
    """Everything that is needed, in the order of names."""

    items: tuple[Item, ...]
    unknown: tuple[Unknown, ...] = ()

    @property
    def unresolved(self) -> tuple[Unknown, ...]:
        return tuple(one for one in self.unknown if one.unresolved)

    def __or__(self, other: Closure) -> Closure:
        """What either has; where both have an item, this one's reason."""
        reasons = {one.requirement: one for one in (*other.items, *self.items)}
        return Closure(tuple(sorted(reasons.values())), tuple(sorted({*self.unknown, *other.unknown})))

    def to_json(self) -> str:
        """The closure as text, to be stored."""
        return json.dumps({"form": _FORM, **to_builtins(self)}, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Closure | None:
        """The closure that ``to_json`` wrote; None for anything else, also for what an older program wrote."""
        try:
            data = json.loads(text)
            if data["form"] != _FORM:
                return None
            return cls(tuple(Item(**one) for one in data["items"]), tuple(Unknown(**one) for one in data["unknown"]))
        except (ValueError, KeyError, TypeError):
            return None


def key(
    requirements: Sequence[str],
    constraints: Sequence[str],
    interpreters: Sequence[Interpreter],
    chosen: Policy,
    *facts: object,
) -> str:
    """
    A digest of all that a closure is found from; *facts* are the caller's, such as upstream and its serial.

    While it stays the same, a stored closure can be used again.
    """
    places = sorted((str(one.target), sorted(one.markers.items())) for one in interpreters)
    parts = (_FORM, sorted(requirements), sorted(constraints), places, str(chosen), facts)
    return hashlib.sha256(repr(parts).encode()).hexdigest()
