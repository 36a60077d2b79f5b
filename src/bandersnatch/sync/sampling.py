"""A sample of what is due, where it is too much to ask for every page."""

from __future__ import annotations

import asyncio
import random
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import pairwise

from bandersnatch import layout
from bandersnatch.catalogue.base import Due, Failure
from bandersnatch.errors import StorageError
from bandersnatch.model import File
from bandersnatch.storage.base import Storage
from bandersnatch.sync.hands import each
from bandersnatch.sync.page import prepare
from bandersnatch.sync.plans import Estimate, Sum, estimate
from bandersnatch.sync.room import Keeping
from bandersnatch.sync.run import Gone, Outcome, Prepared, Run
from bandersnatch.values import Struct, field

GROUPS = 10
"""Groups of those that are held, and of those that are new, at most. Each has half of what the one below it has."""

EACH = 8
"""Pages of a group, on average and at least: with fewer, nothing can be said of how wrong it may be."""

_NEW = 1 << 62
"""What is new weighs less than anything that is held."""


class Group(Struct):
    """Projects of which about the same is known."""

    size: int
    names: list[str] = field(default_factory=list)
    """Those that were drawn, at random."""
    seen: list[Sum] = field(default_factory=list)
    """What is to be fetched for each of them that could be read."""


def draw(due: Callable[[], Iterable[Due]], count: int) -> list[Group]:
    """
    Draw *count* of the projects that *due* gives, each time it is called, in groups of about the same weight.

    A few projects have most of the bytes, and who draws blindly misses them. Half of the sample is drawn evenly over
    the groups, so that many are drawn of the few that weigh most; the other half by how many there are. Nothing but
    the weights is held of those that are not drawn: there may be a million.
    """
    weights = array("q", sorted(map(_weight, due())))
    edges = _edges(weights, count)
    borders = [0, *(bisect_left(weights, edge) for edge in edges), len(weights)]
    groups = [Group(after - before) for before, after in pairwise(borders)]
    quotas = _quotas([group.size for group in groups], count)
    dice = random.Random(len(weights))  # noqa: S311  # no secret, and the same again for the same
    met = [0] * len(groups)
    for one in due():
        at = bisect_right(edges, _weight(one))
        names, met[at] = groups[at].names, met[at] + 1
        place = len(names) if len(names) < quotas[at] else dice.randrange(met[at])
        if place < quotas[at]:
            names[place : place + 1] = [one.name]
    return groups


def _weight(one: Due) -> int:
    """What is held says how much there is of a project; of a new one the serial does: what changed last is alive."""
    return one.bytes if one.published else (one.promised or 0) - _NEW


def _edges(weights: Sequence[int], count: int) -> list[int]:
    """The weights at which a group begins, the lowest first."""
    new = bisect_left(weights, 0)
    edges = {0} if 0 < new < len(weights) else set()
    for low, high in ((0, new), (new, len(weights))):
        share = count * (high - low) // max(1, len(weights))
        edges |= {weights[high - max(1, (high - low) >> step)] for step in range(1, min(GROUPS, share // EACH))}
    return sorted(edges - {weights[0]})


def _quotas(sizes: Sequence[int], count: int) -> list[int]:
    """How many are drawn of groups of *sizes*: *count* in all, if there are so many."""
    quotas = [min(size, max(2, round(count * (1 / len(sizes) + size / sum(sizes)) / 2))) for size in sizes]
    for at in sorted(range(len(sizes)), key=lambda at: sizes[at] - quotas[at], reverse=True):
        rest = count - sum(quotas)
        quotas[at] = min(sizes[at], max(2, quotas[at] + rest))
    return quotas


def here(files: Iterable[File], storage: Storage) -> set[File]:
    """The files that lie in storage or in the trash already, as far as their size and the storage tell. Blocks."""
    found = set()
    for file in files:
        with suppress(StorageError):  # what cannot be looked at ends no more than its own project, and not yet
            key = layout.file_key(file) if layout.has_key(file) else None
            stat = None if key is None else storage.stat(key) or storage.buried(key)
            if stat is not None and file.size in (None, stat.size):
                found.add(file)
    return found


def to_fetch(page: Prepared, storage: Storage) -> Sum:
    """What has to come from upstream for *page*. Blocks."""
    found = here(page.plan.fetch, storage)
    return Sum.of(file for file in page.plan.fetch if file not in found)


async def forecast(run: Run, count: int) -> tuple[Mapping[str, Prepared | Gone | Outcome], Estimate | None]:
    """
    What *count* projects come to, by name, and what is to be fetched for all that are due, as far as they tell. Pages
    that are too much to be kept are not among them.
    """
    catalogue = run.mirror.catalogue
    groups = await asyncio.to_thread(draw, lambda: catalogue.weigh(run.now), count)
    looked_at: dict[str, Prepared | Gone | Outcome] = {}
    keeping = Keeping()

    async def look(one: tuple[str, Group]) -> None:
        name, group = one
        entry = await asyncio.to_thread(catalogue.entry, name)
        if entry is None:
            return
        page = await prepare(entry, run)
        if isinstance(page, Prepared):
            group.seen.append(await asyncio.to_thread(to_fetch, page, run.mirror.storage))
        elif not isinstance(page, Failure):
            group.seen.append(Sum())
        if not isinstance(page, Prepared) or keeping.keep(page) is page:
            looked_at[name] = page

    drawn = ((name, group) for group in groups for name in group.names)
    await each(drawn, look, run.mirror.rules.projects_at_once, lambda: run.health.is_over)
    return looked_at, estimate([(group.size, group.seen) for group in groups])
