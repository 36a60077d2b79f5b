"""What changed upstream: asked in the cheapest way that upstream offers and that the selection needs.

From the best to the plainest: the changelog; the serials in the list of projects; a conditional request for each
page; the digest of each page. Each falls back to the next.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from itertools import islice

from bandersnatch import plan
from bandersnatch.catalogue.base import Catalogue, Diff, Known, Sliced
from bandersnatch.errors import NotFound, Refused, UpstreamError, UsageError
from bandersnatch.model import Listed, Project, Slice, Validators
from bandersnatch.selection import Context
from bandersnatch.sync import events
from bandersnatch.sync.context import LONG_AGO
from bandersnatch.sync.mirror import Mirror
from bandersnatch.sync.page import strict
from bandersnatch.sync.unmatched import Unmatched
from bandersnatch.upstream.base import Listing, TooLong
from bandersnatch.values import Struct, replace

SMALL_LIST = 1 << 20
BYTES_PER_NAME = 4 << 10
"""A list longer than both allow costs more than asking for the few selected pages, each with a conditional request."""

SERIAL = "list-serial"
"""The fact that holds the newest serial up to which all changes are known."""

ASK_LIST = "list-ask"
"""
The fact that is set while the rules are others than those that the last list was believed under: neither a changelog
will do then, nor a part of a list.
"""

OLDER = "list-older"
"""The fact that holds since when upstream's list is older than one seen before."""

TOO_LONG_OLD = 86400.0

LEAP = 1_000_000
"""A list's own serial is not believed that is higher by more than the highest that it names, nor a page's by more than
the list's: on PyPI that many changes take a month, and what has a serial too high makes all that follows look old."""

ANOTHER = (
    "it may be another index, or the page of something on the way to it; nothing was removed. If it is right, run once "
    "with --accept-removals"
)

AT_ONCE = 5000
"""Projects that the selection is asked about between two writes to the catalogue."""

BARE = "list-bare"
"""The fact that is set where the lines of upstream's list have no serials."""


class Detected(Struct, frozen=True):
    """What was found out."""

    by: str
    listed: bool = False
    """Whether upstream's list was compared, in this run or, unchanged since, in an earlier one."""
    refused: str = ""
    """Why the list was not believed where it lacks projects."""
    braked: str = ""
    """Why it would not have been, if the operator had not accepted removals."""
    highest: int | None = None
    """The highest serial that a page can have and be believed; None where upstream does not say how far it is."""


async def detect(mirror: Mirror, now: float, *, full: bool, accept_removals: bool, tell: events.Tell) -> Detected:
    """Ask upstream what changed, and make the projects that did due. Raises UpstreamError and CatalogueError."""
    catalogue = mirror.catalogue
    names = mirror.selection.names
    if names is not None:
        await asyncio.to_thread(catalogue.want, [Listed(name, name) for name in sorted(names)], now)
    await asyncio.to_thread(catalogue.wake, now, now + 2 * plan.LONGEST_WAIT)
    rules_changed = await asyncio.to_thread(_note_rules, mirror, now)
    detection = _Detection(mirror, now, full or rules_changed, accept_removals, tell)
    detected = await detection.run()
    newest = None if detected.by == "pages" else await asyncio.to_thread(catalogue.get, SERIAL)
    detected = replace(detected, highest=None if newest is None else int(newest) + LEAP)
    if full:
        await asyncio.to_thread(catalogue.make_due, now, waiting=True)
    return detected


def _note_rules(mirror: Mirror, now: float) -> bool:
    """Whether the rules are others than in the last run; then each project whose part could change is due. Blocks."""
    if mirror.catalogue.get("rules") == mirror.digest:
        return False
    _reselect(mirror, now)
    facts: dict[str, str | None] = {"list-etag": None, "list-modified": None, "list-long": None, ASK_LIST: "1"}
    mirror.catalogue.set({"rules": mirror.digest, **facts})
    return True


def _reselect(mirror: Mirror, now: float) -> None:
    """Ask the selection about every project that is known: one pass, whatever the rules are."""
    known = mirror.catalogue.known()
    while part := list(islice(known, AT_ONCE)):
        wanted = {one.name for one in part if mirror.selection.wants(one.name)}
        due = [one.name for one in part if one.name in wanted and _is_other(one, mirror)]
        leaving = [one.name for one in part if one.name not in wanted and _leaves(one, mirror, now)]
        staying = sorted({one.name for one in part} - wanted - set(leaving))
        mirror.catalogue.reselect(due, leaving, now, leave=True)
        mirror.catalogue.reselect([], staying, now, leave=False)


def _leaves(known: Known, mirror: Mirror, now: float) -> bool:
    """Whether anything of a project that is not selected has to leave."""
    if mirror.rules.policies.deselected is not plan.Policy.KEEP:
        return True
    rules = strict(mirror.selection)
    if not rules.rules or not known.published:
        return False
    held = mirror.catalogue.published(known.name).held
    told = Context(now, {one.file.sha256: LONG_AGO for one in held})
    return bool(rules.apply(Project(known.name, tuple(one.file for one in held)), told).dropped)


def _is_other(known: Known, mirror: Mirror) -> bool:
    """Whether the rules may have another answer than when they were last asked; a new project is due anyway."""
    asked = known.published or known.selection != ""
    return asked and (not known.wanted or not mirror.has_asked(known.name, known.selection))


class _Detection:
    def __init__(self, mirror: Mirror, now: float, full: bool, accept_removals: bool, tell: events.Tell) -> None:
        self._mirror = mirror
        self._catalogue: Catalogue = mirror.catalogue
        self._now = now
        self._full = full
        self._accept_removals = accept_removals
        self._tell = tell
        self._limit = self._list_limit()
        self._bare = True
        """Whether no line of the list had a serial so far."""
        self._highest = 0
        """The highest serial of a line so far."""
        self._unmatched = Unmatched(mirror.selection) if self._full else None
        self._slices: Mapping[bytes, Sliced] = {}
        """What need not be read again of the list."""
        self._again = 0
        """Lines of the list that were not read, since they came before."""
        self._cut = True
        """Whether all lines so far came in slices."""

    async def run(self) -> Detected:
        """The first way that works."""
        way = self._mirror.rules.changes
        if way in ("auto", "changelog") and not self._full:
            detected = await self._by_changelog()
            if detected is not None:
                return detected
        if way != "pages":
            detected = await self._by_list()
            if detected is not None:
                return detected
        return await self._by_pages()

    async def _by_changelog(self) -> Detected | None:
        since = await self._get(SERIAL)
        if since is None or await self._get(ASK_LIST):
            return None
        try:
            changes = await self._mirror.upstream.changes(int(since))
        except UpstreamError as error:
            self._tell(events.Warned(f"the changelog cannot be read, so the list of projects is: {error}"))
            return None
        if changes is None:
            return None
        wanted = [Listed(one.name, one.display, one.serial) for one in changes if self._wants(one.name)]
        newest = max((one.serial for one in changes), default=int(since))
        await asyncio.to_thread(self._catalogue.promise, wanted, self._now, {SERIAL: str(newest)})
        self._tell(events.Compared("changelog", None, 0, len(wanted), 0))
        return Detected("changelog")

    async def _by_list(self) -> Detected | None:
        if self._limit is not None and not self._full and await self._get("list-long"):
            return None  # it was too long for so few names when the rules last changed
        known = (
            Validators() if self._full else Validators(await self._get("list-etag"), await self._get("list-modified"))
        )
        await asyncio.to_thread(self._catalogue.begin_listing)
        # Slices vouch for what was wanted then: nothing is known until a list was believed under the rules of now.
        if not self._full and not await self._get(ASK_LIST):
            self._slices = await asyncio.to_thread(self._catalogue.slices)
        try:
            listing = await self._mirror.upstream.listing(known, self._absorb, limit=self._limit, slices=self._slices)
        except TooLong:
            await asyncio.to_thread(self._catalogue.set, {"list-long": "1"})
            return None
        except NotFound as error:
            if self._mirror.selection.names is None:
                if await self._get(SERIAL) is not None or await self._get(BARE) is not None:
                    raise  # there was one before: upstream is not itself
                raise UsageError(
                    f"{self._mirror.shown} has no list of projects, so neither everything in it nor patterns "
                    f"can be mirrored; name the projects: [select] projects ({error})"
                ) from error
            return None
        if listing is None:
            self._tell(events.Compared("list-unchanged", None, 0, 0, 0))
            await asyncio.to_thread(self._catalogue.set, {OLDER: None})
            if await self._get(BARE) and await self._get(SERIAL) is None:
                await self._ask_all()
            return Detected("list", listed=True)
        return await self._compare(listing)

    async def _absorb(self, batch: Sequence[Slice]) -> None:
        again = [self._slices[one.digest] for one in batch if one.again and one.digest is not None]
        lines = [line for one in batch for line in one.lines]
        highest = max((one.serial for one in lines if one.serial is not None), default=None)
        for serial in (highest, *(one.highest for one in again)):
            self._bare = self._bare and serial is None
            self._highest = max(self._highest, serial or 0)
        self._again += sum(one.count for one in again)
        self._cut = self._cut and all(one.digest is not None for one in batch)
        if self._unmatched is not None:
            await asyncio.to_thread(self._unmatched.absorb, [one.name for one in lines])
        await asyncio.to_thread(self._absorb_wanted, batch, [one.digest for one in again])

    def _absorb_wanted(self, batch: Sequence[Slice], again: Sequence[bytes]) -> None:
        wanted = [(one, self._wanted(one.lines)) for one in batch if not one.again]
        lines = [line for _, part in wanted for line in part]
        if lines:
            self._catalogue.absorb(lines)
        self._catalogue.note([_sliced(one.digest, one.lines, part) for one, part in wanted if one.digest], again)

    def _wanted(self, lines: Sequence[Listed]) -> Sequence[Listed]:
        selection = self._mirror.selection
        if selection.everything and not selection.exclusions:
            return lines
        # Asking a set is several times cheaper than asking the selection, and there are a million names.
        wants = selection.wants if selection.names is None else selection.names.__contains__
        return [one for one in lines if wants(one.name)]

    async def _compare(self, listing: Listing) -> Detected | None:
        """Take the list over, as far as it can be believed."""
        listing = self._without_leap(replace(listing, count=listing.count + self._again))
        if await self._is_older(listing):
            return await self._leave_older()
        diff = await asyncio.to_thread(self._catalogue.compare)
        self._tell(events.Compared("list", listing.count, diff.new, diff.changed, len(diff.missing)))
        refused = self._doubt(listing, diff)
        if self._unmatched is not None and not refused:
            for warning in await asyncio.to_thread(self._unmatched.warnings):
                self._tell(warning)
        facts = {} if refused else _facts(listing) | {BARE: "1" if self._bare else None}
        whole = self._mirror.selection.names is None and not refused
        if not refused:
            # Noted before the list is: a run that is cut off between the two finds the list new again.
            await asyncio.to_thread(self._catalogue.missing, diff.missing, self._now)
        await asyncio.to_thread(
            self._catalogue.adopt, self._now, facts, whole=whole, cut=self._cut and not self._bare and not refused
        )
        if self._bare:
            await self._ask_all()
        return Detected("list", listed=True, refused=refused, braked=self._brake(diff))

    def _doubt(self, listing: Listing, diff: Diff) -> str:
        """Why the list cannot be believed to be whole; empty if it can."""
        if listing.count == 0 and diff.known:
            return f"upstream's list of projects is empty, though {diff.known} projects of it are published here"
        if self._accept_removals:
            return ""
        if len(diff.missing) == diff.known > 1:
            return f"upstream's list has none of the {diff.known} projects that are published here: {ANOTHER}"
        return self._brake(diff)

    def _brake(self, diff: Diff) -> str:
        """Why so many projects cannot be missing without an operator's word; empty if they can."""
        if not self._mirror.rules.brake.refuses(len(diff.missing), diff.known):
            return ""
        return (
            f"upstream's list lacks {len(diff.missing)} of {diff.known} published projects, which is more than "
            "[removal] allows; nothing was removed. If that is right, run once with --accept-removals"
        )

    def _without_leap(self, listing: Listing) -> Listing:
        if self._bare or listing.serial is None or listing.serial <= self._highest + LEAP:
            return listing
        self._tell(
            events.Warned(
                f"upstream's list of projects claims serial {listing.serial}, though no project in it has a higher one "
                f"than {self._highest}: it is taken for a list of that serial"
            )
        )
        return replace(listing, serial=self._highest)

    async def _is_older(self, listing: Listing) -> bool:
        """Whether the list is from before one that we have seen; a full run takes upstream as it is."""
        known = await self._get(SERIAL)
        return not self._full and known is not None and listing.serial is not None and listing.serial < int(known)

    async def _leave_older(self) -> Detected:
        """A cache on the way may serve an old list for a while; after a day, an operator should look."""
        since = await self._get(OLDER)
        if since is None:
            await asyncio.to_thread(self._catalogue.set, {OLDER: str(self._now)})
        self._tell(events.Compared("list-older", None, 0, 0, 0))
        if since is None or self._now - float(since) < TOO_LONG_OLD:
            return Detected("list", listed=True)
        known = await self._get(SERIAL)
        reason = (
            f"upstream's list has been older than serial {known} for more than a day. If upstream went back, "
            "run once with --full"
        )
        return Detected("list", listed=True, refused=reason)

    async def _by_pages(self) -> Detected:
        if self._mirror.selection.names is None:
            raise Refused("everything can only be mirrored by upstream's list of projects: [upstream] changes")
        await self._ask_all()
        self._tell(events.Compared("pages", None, 0, 0, 0))
        return Detected("pages")

    async def _ask_all(self) -> None:
        """Nothing but its page tells a changed project from an unchanged one: ask for all of them."""
        await asyncio.to_thread(self._catalogue.make_due, self._now)

    def _list_limit(self) -> int | None:
        names = self._mirror.selection.names
        if names is None or self._mirror.rules.changes == "list":
            return None
        return max(SMALL_LIST, BYTES_PER_NAME * len(names))

    def _wants(self, name: str) -> bool:
        return self._mirror.selection.wants(name)

    async def _get(self, fact: str) -> str | None:
        return await asyncio.to_thread(self._catalogue.get, fact)


def _sliced(digest: bytes, lines: Sequence[Listed], wanted: Sequence[Listed]) -> Sliced:
    highest = max((one.serial for one in lines if one.serial is not None), default=None)
    return Sliced(digest, len(lines), highest, tuple(one.name for one in wanted))


def _facts(listing: Listing) -> dict[str, str | None]:
    facts: dict[str, str | None] = {
        "list-etag": listing.validators.etag,
        "list-modified": listing.validators.last_modified,
        SERIAL: None if listing.serial is None else str(listing.serial),
        ASK_LIST: None,
        OLDER: None,
    }
    return facts
