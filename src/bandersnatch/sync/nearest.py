"""The names of an index that are most like a name that it does not have."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher

SHOWN = 3
ALIKE = 0.75
"""The least likeness, as difflib's ratio, that is worth showing."""


class Nearest:
    """Looks at every name of a list once, and keeps the few that are most like each of those sought."""

    def __init__(self, sought: Iterable[str]) -> None:
        self._best: dict[str, list[tuple[float, str]]] = {name: [] for name in sought}
        self._matchers = {name: SequenceMatcher(None, "", name, autojunk=False) for name in self._best}

    def offer(self, names: Iterable[str]) -> None:
        """Look at some more names."""
        if not self._best:
            return
        for name in names:
            for sought, best in self._best.items():
                # Cheap tests first: a list has a million names.
                if name != sought and abs(len(name) - len(sought)) <= 3 and _may_be_meant(name, sought):
                    self._weigh(name, sought, best)

    def of(self, name: str) -> Sequence[str]:
        """The names that are most like *name*, the most alike first."""
        return [found for _, found in sorted(self._best.get(name, ()), reverse=True)]

    def _weigh(self, name: str, sought: str, best: list[tuple[float, str]]) -> None:
        matcher = self._matchers[sought]
        matcher.set_seq1(name)
        if matcher.quick_ratio() < ALIKE or (ratio := matcher.ratio()) < ALIKE:
            return
        best.append((ratio, name))
        best.sort(reverse=True)
        del best[SHOWN:]


def _may_be_meant(name: str, sought: str) -> bool:
    """People rarely get both ends of a name wrong."""
    return name[0] == sought[0] or name[-2:] == sought[-2:]
