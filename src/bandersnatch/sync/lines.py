"""Upstream's list of projects, line by line as it comes in, and how far it can be believed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from bandersnatch.catalogue.base import Diff, Sliced
from bandersnatch.model import Listed, Slice
from bandersnatch.plan import Brake
from bandersnatch.sync import events
from bandersnatch.sync.mirror import Mirror
from bandersnatch.sync.unmatched import Unmatched
from bandersnatch.upstream.base import Listing
from bandersnatch.values import replace

LEAP = 1_000_000
"""A list's own serial is not believed that is higher by more than the highest that it names, nor a page's by more than
the list's: on PyPI that many changes take a month, and what has a serial too high makes all that follows look old. A
list that is older by more is none that a cache kept: the serial before was wrong."""

ANOTHER = (
    "it may be another index, or the page of something on the way to it; nothing was removed. If it is right, run once "
    "with --accept-removals"
)


class Lines:
    """Hands what is wanted of the list to the catalogue, and knows what all of it says together."""

    def __init__(self, mirror: Mirror, *, full: bool) -> None:
        self._mirror = mirror
        self._again = 0
        """Lines that were not read, since they came before."""
        self.unmatched = Unmatched(mirror.selection, anywhere=bool(mirror.rules.page_hosts)) if full else None
        self.known: Mapping[bytes, Sliced] = {}
        """What need not be read again."""
        self.are_bare = True
        """Whether no line had a serial so far."""
        self.highest = 0
        """The highest serial of a line so far."""
        self.are_cut = True
        """Whether all lines so far came in slices."""

    async def absorb(self, batch: Sequence[Slice]) -> None:
        """Take in some more of the list."""
        again = [self.known[one.digest] for one in batch if one.again and one.digest is not None]
        lines = [line for one in batch for line in one.lines]
        highest = max((one.serial for one in lines if one.serial is not None), default=None)
        for serial in (highest, *(one.highest for one in again)):
            self.are_bare = self.are_bare and serial is None
            self.highest = max(self.highest, serial or 0)
        self._again += sum(one.count for one in again)
        self.are_cut = self.are_cut and all(one.digest is not None for one in batch)
        if self.unmatched is not None:
            await asyncio.to_thread(self.unmatched.absorb, [one.name for one in lines])
        await asyncio.to_thread(self._take, batch, [one.digest for one in again])

    def _take(self, batch: Sequence[Slice], again: Sequence[bytes]) -> None:
        wanted = [(one, self._wanted(one.lines)) for one in batch if not one.again]
        lines = [line for _, part in wanted for line in part]
        if lines:
            self._mirror.catalogue.absorb(lines)
        self._mirror.catalogue.note([_sliced(one.digest, one.lines, part) for one, part in wanted if one.digest], again)

    def _wanted(self, lines: Sequence[Listed]) -> Sequence[Listed]:
        selection = self._mirror.selection
        if selection.everything and not selection.exclusions:
            return lines
        # Asking a set is several times cheaper than asking the selection, and there are a million names.
        wants = selection.wants if selection.names is None else selection.names.__contains__
        return [one for one in lines if wants(one.name)]

    def summed(self, listing: Listing, tell: events.Tell) -> Listing:
        """The list, once it has come whole: with all its lines counted, and a serial that can be believed."""
        listing = replace(listing, count=listing.count + self._again)
        if self.are_bare:
            return replace(listing, serial=listing.serial or None)  # 0 is what a tree has that counts nothing
        if listing.serial is None or listing.serial <= self.highest + LEAP:
            return listing
        tell(
            events.Warned(
                f"upstream's list of projects claims serial {listing.serial}, though no project in it has a higher one "
                f"than {self.highest}: it is taken for a list of that serial"
            )
        )
        return replace(listing, serial=self.highest)


def doubt(listing: Listing, diff: Diff, braked: str, *, accepted: bool) -> str:
    """Why the list cannot be believed to be whole; empty if it can. *accepted*: whatever it lacks may go."""
    if listing.count == 0 and diff.known:
        return f"upstream's list of projects is empty, though {diff.known} projects of it are published here"
    if accepted:
        return ""
    if len(diff.missing) == diff.known > 1:
        return f"upstream's list has none of the {diff.known} projects that are published here: {ANOTHER}"
    return braked


def brake(diff: Diff, rule: Brake) -> str:
    """Why so many projects cannot be missing without an operator's word; empty if they can."""
    if not rule.refuses(len(diff.missing), diff.known):
        return ""
    return (
        f"upstream's list lacks {len(diff.missing)} of {diff.known} published projects, which is more than "
        "[removal] allows; nothing was removed. If that is right, run once with --accept-removals"
    )


def _sliced(digest: bytes, lines: Sequence[Listed], wanted: Sequence[Listed]) -> Sliced:
    highest = max((one.serial for one in lines if one.serial is not None), default=None)
    return Sliced(digest, len(lines), highest, tuple(one.name for one in wanted))
