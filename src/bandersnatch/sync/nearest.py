"""The names of an index that are most like a name that it does not have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from difflib import SequenceMatcher

SHOWN = 3
ALIKE = 0.75
"""The least likeness, as difflib's ratio, that is worth showing."""

LONGER = 3
"""So many letters may be too many, or missing."""

COMMON = 0.2
"""The least share of its pairs of letters that a likely name has in common with the one sought."""


class Nearest:
    """
    Looks at every name of a list once, and keeps the few that are most like each of those sought.

    Looking costs about the same for one name as for twenty: pairs of letters that a name shares with those sought
    pick the few that are compared.
    """

    def __init__(self, sought: Iterable[str]) -> None:
        self._best: dict[str, list[tuple[float, str]]] = {name: [] for name in sought}
        self._matchers = {name: SequenceMatcher(None, "", name, autojunk=False) for name in self._best}
        self._least = {name: COMMON * max(1, len(name) - 1) for name in self._best}
        self._fewest = min(self._least.values(), default=0.0)
        self._lengths = {len(name) + more for name in self._best for more in range(-LONGER, LONGER + 1)}
        self._sharing: dict[str, list[str]] = {}
        for name in self._best:
            for pair in _pairs(name):
                self._sharing.setdefault(pair, []).append(name)

    def offer(self, names: Iterable[str]) -> None:
        """Look at some more names."""
        for name in names:
            if len(name) not in self._lengths:
                continue
            shared = [one for place in range(len(name) - 1) if (one := self._sharing.get(name[place : place + 2]))]
            if len(shared) >= self._fewest:
                self._compare(name, Counter(sought for each in shared for sought in each))

    def of(self, name: str) -> Sequence[str]:
        """The names that are most like *name*, the most alike first."""
        return tuple(found for _, found in self._best.get(name, ()))

    def _compare(self, name: str, shared: Mapping[str, int]) -> None:
        """*shared*: how many pairs it has in common with each of those sought that it has any with."""
        for sought, count in shared.items():
            if count >= self._least[sought] and name != sought and abs(len(name) - len(sought)) <= LONGER:
                self._weigh(name, sought)

    def _weigh(self, name: str, sought: str) -> None:
        matcher = self._matchers[sought]
        matcher.set_seq1(name)
        if matcher.quick_ratio() < ALIKE or (ratio := matcher.ratio()) < ALIKE:
            return
        best = self._best[sought]
        best.append((-ratio, name))
        best.sort()
        del best[SHOWN:]


def _pairs(name: str) -> Iterable[str]:
    """Every two letters of *name* that stand side by side, each once."""
    return {name[place : place + 2] for place in range(len(name) - 1)}
