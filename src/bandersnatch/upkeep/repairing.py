"""Findings become a plan: what the next run looks at again, writes again, forgets, or lets leave.

The marks are in the catalogue, so a repair that is cut off is gone on with by the next run, whoever starts it.
"""

from __future__ import annotations

from collections import Counter
from enum import StrEnum

from bandersnatch import layout
from bandersnatch.catalogue.base import Catalogue
from bandersnatch.sync.finish import INDEX_STALE
from bandersnatch.upkeep.garbage import Garbage
from bandersnatch.verify.base import Finding, Kind, Severity

AT_ONCE = 1000
"""Projects that are marked in one transaction."""


class Step(StrEnum):
    """What is done about a finding, in the order in which it is done."""

    FILES = "files"
    PAGES = "pages"
    INDEX = "index"
    RETRY = "retry"
    DATE = "date"
    FORGET = "forget"
    GARBAGE = "garbage"
    NOTHING = "nothing"

    @property
    def meaning(self) -> str:
        """What it is, in a clause without a subject."""
        return _MEANINGS[self]


_MEANINGS = {
    Step.FILES: "look at each file of the project, fetch what is damaged, and compare its pages",
    Step.PAGES: "compare the pages of the project, and write those anew that are not as they should be",
    Step.INDEX: "write the list of projects anew",
    Step.RETRY: "try again now what waits for its next try",
    Step.DATE: "write the date of the last run anew",
    Step.FORGET: "forget what the trash has lost",
    Step.GARBAGE: "take away what nothing knows: pages at once, files after the grace time and by way of the trash",
    Step.NOTHING: "nothing: garbage goes with --garbage and if it is ours, the rest is for you to look at",
}

_INDEX = frozenset({Kind.MISSING_INDEX, Kind.BROKEN_INDEX, Kind.LISTED_IN_VAIN, Kind.STALE_INDEX})
_PAGES = frozenset({Kind.MISSING_PAGE, Kind.BROKEN_PAGE, Kind.STALE_PAGE, Kind.UNWANTED})
_GARBAGE = frozenset({Kind.UNKNOWN_OBJECT, Kind.UNKNOWN_IN_TRASH})


def step_for(finding: Finding, *, garbage: bool) -> Step:
    """What is to be done about *finding*; *garbage*: whether what nothing knows is to go."""
    kind = finding.kind
    if kind in _INDEX:
        return Step.INDEX
    if kind in _PAGES:
        return Step.PAGES
    if kind in _GARBAGE:
        return Step.GARBAGE if garbage else Step.NOTHING
    if kind is Kind.BEHIND:
        return Step.RETRY
    if kind is Kind.WRONG_DATE or finding.key == layout.LAST_MODIFIED:
        return Step.DATE
    if kind is Kind.LOST_FROM_TRASH:
        return Step.FORGET
    if kind.severity is Severity.DAMAGE:
        return Step.FILES if finding.project else Step.INDEX
    return Step.NOTHING


class Marks:
    """
    Notes in the catalogue what is to be repaired, as it is found. Blocks. Raises CatalogueError.

    *catalogue* is None for a rehearsal: then it is counted, and nothing is noted.
    """

    def __init__(self, catalogue: Catalogue | None, now: float, spooled: Garbage | None) -> None:
        self._catalogue = catalogue
        self._now = now
        self._garbage = spooled
        self._files: dict[str, None] = {}
        self._pages: dict[str, None] = {}
        self._lost: list[str] = []
        self.steps: Counter[Step] = Counter()
        """For each step, how many findings it is for."""
        self.projects = 0
        """How many projects are marked, those counted twice that are found damaged far apart."""

    def add(self, finding: Finding) -> Step:
        """Note what *finding* calls for."""
        step = step_for(finding, garbage=self._garbage is not None)
        if step is Step.GARBAGE and self._garbage is not None and not self._garbage.add(finding):
            step = Step.NOTHING
        self.steps[step] += 1
        match step:
            case Step.FILES:
                self._files[finding.project] = None
            case Step.PAGES:
                self._pages[finding.project] = None
            case Step.FORGET:
                self._lost.append(finding.key)
            case _:
                pass
        if max(len(self._files), len(self._pages), len(self._lost)) >= AT_ONCE:
            self._write()
        return step

    def finish(self) -> None:
        """Note the rest."""
        self._write()
        if self._catalogue is not None:
            if self.steps[Step.INDEX]:
                self._catalogue.set({INDEX_STALE: "1"})
            if self.steps[Step.RETRY]:
                self._catalogue.cut_waits(self._now)

    def _write(self) -> None:
        self.projects += len(self._files.keys() | self._pages.keys())
        if self._catalogue is not None:
            self._catalogue.suspect(list(self._files), self._now, files=True)
            self._catalogue.suspect(list(self._pages), self._now, files=False)
            self._catalogue.purge(self._lost)
        self._files, self._pages, self._lost = {}, {}, []
