"""Items of the configuration that are about no project of upstream's list: most are misspelt."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from bandersnatch.selection import Item, Items, Rule, Selection
from bandersnatch.sync import events

if TYPE_CHECKING:
    from bandersnatch.sync.nearest import Nearest

NAMED = 20
"""With more items than so many, only how many they are is said."""


class Unmatched:
    """
    Sees every name of a list once, and says which items of a selection match none of them.

    Holds 9 bytes for each plain name (there may be 900,000), and the list's names as one text, which takes a tenth of
    what they would take apart: which names the nearest are sought for is known only when the list has come whole.

    *anywhere*: the page of a name that is asked for may be elsewhere, so the list says nothing of that name.
    """

    def __init__(self, selection: Selection, *, anywhere: bool = False) -> None:
        asked = (selection.names or frozenset()) if anywhere else frozenset()
        self._items = [item for item in _items(selection) if item.pattern is not None or item.name not in asked]
        self._names = sorted(item.name for item in self._items if item.pattern is None)
        self._seen = bytearray(len(self._names))
        self._patterns = Items(tuple(item for item in self._items if item.pattern is not None))
        self._list: list[str] = []

    def absorb(self, names: Sequence[str]) -> None:
        """Look at a batch of the list."""
        if self._names:
            self._list.append("\n".join(names))
        for name in names:
            place = bisect_left(self._names, name)
            if place < len(self._names) and self._names[place] == name:
                self._seen[place] = 1
        if self._patterns:
            matched = {item for name in names for item in self._patterns.of_name(name)}
            if matched:
                self._patterns = Items(tuple(item for item in self._patterns if item not in matched))

    def warnings(self) -> Sequence[events.Warned]:
        """What to warn of, once the list has come whole."""
        items = [item for item in self._items if self._is_unmatched(item)]
        if len(items) > NAMED:
            some = ", ".join(item.origin.text for item in items[:3])
            return [
                events.Warned(f"{len(items):,} items of the selection match no project of upstream, such as {some}")
            ]
        from bandersnatch.sync.nearest import Nearest

        nearest = Nearest({item.name for item in items if item.pattern is None})
        for batch in self._list if items else ():
            nearest.offer(batch.split("\n"))
        return [
            events.Warned(
                f"{item.origin}: {_told(item, nearest)}", "unmatched", item.name if item.pattern is None else None
            )
            for item in items
        ]

    def _is_unmatched(self, item: Item) -> bool:
        if item.pattern is not None:
            return any(item is one for one in self._patterns)
        return not self._seen[bisect_left(self._names, item.name)]


def _items(selection: Selection) -> Iterator[Item]:
    """Everything that is to be about some project, whoever uses it."""
    yield from selection.items
    yield from selection.exclusions
    yield from selection.index_only
    # Two rules may share a list.
    yield from dict.fromkeys(_exempt(selection.rules))


def _exempt(rules: Sequence[Rule]) -> Iterator[Item]:
    if not rules:
        return
    from bandersnatch.selection.configured import OfProjects
    from bandersnatch.selection.cooldown import CoolDown

    for rule in rules:
        if isinstance(rule, CoolDown):
            yield from rule.exempt
            yield from rule.break_glass
        elif isinstance(rule, OfProjects):
            yield from rule.exempt


def _told(item: Item, nearest: Nearest) -> str:
    if item.pattern is not None:
        return "no project of upstream has a name that matches"
    return f"upstream has no project of this name{perhaps(nearest.of(item.name))}"


def perhaps(names: Sequence[str]) -> str:
    """What to say of the nearest *names*, if there are any."""
    return f"; did you mean {' or '.join(names)}?" if names else ""
