"""What a mirror must show, said in as little as possible: sets of what each page may be."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

Page = frozenset[tuple[str, str, str | None]]
"""What a page offers: file name, SHA-256, why it is yanked. A project without a page offers nothing."""

NOTHING: Page = frozenset()


@dataclass
class Model:
    """
    A page may be what it was when the mirror could surely read it last, or anything that it has been since.

    After a run that could read it, it is what upstream has now. That is all there is to a mirror.
    """

    may: dict[str, set[Page]] = field(default_factory=dict)
    now: dict[str, Page] = field(default_factory=dict)
    partial: set[str] = field(default_factory=set)
    """Projects of which a file could not be had: their page may lack what it will have later."""

    def changed(self, name: str, page: Page) -> None:
        """What is to be mirrored of the project is another thing from now on."""
        self.now[name] = page
        self.may.setdefault(name, {NOTHING}).add(page)

    def read(self, names: Iterable[str]) -> None:
        """A run could read these."""
        for name in names:
            self.may[name] = {self.now.get(name, NOTHING)}
            self.partial.discard(name)

    def allows(self, name: str, page: Page) -> bool:
        """Whether the mirror may show this."""
        states = self.may.get(name, {NOTHING})
        return page in states or (name in self.partial and page <= frozenset().union(*states))
