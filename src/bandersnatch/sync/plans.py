"""What a plan says: frozen values, for people and for machines (docs/reference/json-plan.md has each field)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from bandersnatch.catalogue.base import Totals
from bandersnatch.model import File
from bandersnatch.values import Struct


class Sum(Struct, frozen=True):
    """So many files, and their bytes as far as upstream states them."""

    files: int = 0
    bytes: int = 0

    def __add__(self, other: Sum) -> Sum:
        return Sum(self.files + other.files, self.bytes + other.bytes)

    @staticmethod
    def of(files: Iterable[File]) -> Sum:
        """Of *files*; what upstream does not state the size of counts as 0."""
        sizes = [file.size or 0 for file in files]
        return Sum(len(sizes), sum(sizes))


class Share(Struct, frozen=True):
    """What one project has of a sum."""

    project: str
    files: int
    bytes: int


class Estimate(Struct, frozen=True):
    """A sum that was drawn from a sample."""

    files: int
    bytes: int
    error: int
    """Two standard errors of ``bytes``: seldom is the true sum further away, unless a few projects have most of it."""


class Plan(Struct, frozen=True):
    """
    What a run would do. It looks at the projects that are due: those that upstream or the rules have changed.

    Of a sample, everything but ``forecast`` is about the projects that were looked at.
    """

    due: int
    """Projects to be looked at."""
    looked_at: int
    """Those that were; fewer than ``due`` for a sample, or where upstream stopped answering."""
    new: int
    """Projects that would be published for the first time."""
    unchanged: int
    """Projects whose page is as it was."""
    fetch: Sum
    """Files that would be fetched."""
    unsized: int
    """Those of them of which upstream does not state the size."""
    found: Sum
    """Files that would be taken as they lie in storage or in the trash, if they are whole."""
    keep: Sum
    """Files that the mirror holds and that would stay on their pages."""
    leave: Sum
    """Files that the mirror holds and that would leave their pages."""
    leaving: dict[str, Sum]
    """The same by cause: deleted, quarantined, yanked, deselected."""
    gone: tuple[str, ...]
    """Projects that would leave altogether; their files are in ``leave``."""
    refused: dict[str, Sum]
    """Files of upstream's pages that the rules refuse, by the rule that decides."""
    largest: tuple[Share, ...]
    """The projects with the most to fetch, the largest first."""
    growth: dict[str, int]
    """Bytes of the files that would be on the pages that were read, by the month of their upload, ``YYYY-MM``."""
    undated: Sum
    """Files on those pages that have no upload time, and so are not in ``growth``."""
    failures: dict[str, str]
    """Projects of which nothing can be said, with the reason."""
    untaken: dict[str, str]
    """Projects that a run would leave behind, with the reason: upstream lists what cannot be taken, or they wait for
    their next try."""
    absent: int
    """Projects on upstream's list that it has no page for. If they were named, they are failures."""
    unresolved: tuple[str, ...]
    """Needs that cannot be met, with the reason: a run would do all else, and be behind."""
    stopped: bool
    """Whether upstream stopped answering before all were looked at."""
    brake: tuple[str, ...]
    """Why a run would not remove what this plan says; empty if it would."""
    held: Totals
    """What the mirror holds now."""
    free: int | None
    """Bytes that are free; null where that cannot be told."""
    reserve: int
    """Bytes that a run leaves free."""
    anew: int = 0
    """Projects whose pages would be made anew, upstream unasked, since their form is another now."""
    unmade: int = 0
    """Pages that would leave with that: those of a kind that is not published any more."""
    forecast: Estimate | None = None
    """What would be fetched for all that is due; null unless this is a sample."""

    @property
    def missing(self) -> int:
        """Bytes that the disk has too few, as far as sizes are known; 0 if all fits."""
        size = self.fetch.bytes if self.forecast is None else self.forecast.bytes
        return 0 if self.free is None else max(0, size - max(0, self.free - self.reserve))


def estimate(groups: Sequence[tuple[int, Sequence[Sum]]]) -> Estimate | None:
    """
    The sum over groups of so many projects each, from what is to be fetched for some of them, drawn at random.

    A group of which nothing is known is taken to be as the others are, and one of which one thing is known to vary so.
    """
    known = [(count, drawn) for count, drawn in groups if drawn]
    everything = [one for _, drawn in known for one in drawn]
    if len(everything) < 2:
        return None
    scale = sum(count for count, _ in groups) / sum(count for count, _ in known)
    files = size = variance = 0.0
    for count, drawn in known:
        files += count * sum(one.files for one in drawn) / len(drawn)
        size += count * sum(one.bytes for one in drawn) / len(drawn)
        # Drawn without putting back: the more of all were drawn, the less is left to be wrong about.
        spread = _variance(drawn if len(drawn) > 1 else everything)
        variance += count**2 * spread / len(drawn) * max(0.0, 1 - len(drawn) / count)
    return Estimate(round(files * scale), round(size * scale), round(2 * scale * math.sqrt(variance)))


def _variance(drawn: Sequence[Sum]) -> float:
    mean = sum(one.bytes for one in drawn) / len(drawn)
    return sum((one.bytes - mean) ** 2 for one in drawn) / (len(drawn) - 1)
