"""What changed upstream: asked in the cheapest way that upstream offers and that the selection needs.

From the best to the plainest: the changelog; the serials in the list of projects; a conditional request for each
page; the digest of each page. Each falls back to the next.
"""

from __future__ import annotations

import asyncio

from bandersnatch import plan
from bandersnatch.catalogue.base import Catalogue
from bandersnatch.errors import NotFound, Refused, UpstreamError, UsageError
from bandersnatch.model import Listed, Validators
from bandersnatch.sync import configured, events
from bandersnatch.sync.configured import ASK_LIST, UNREAD
from bandersnatch.sync.lines import LEAP, Lines, brake, doubt
from bandersnatch.sync.mirror import Mirror
from bandersnatch.sync.run import is_away
from bandersnatch.upstream.base import Listing, TooLong
from bandersnatch.values import Struct, replace

SMALL_LIST = 1 << 20
BYTES_PER_NAME = 4 << 10
"""A list longer than both allow costs more than asking for the few selected pages, each with a conditional request."""

SERIAL = "list-serial"
"""The fact that holds the newest serial up to which all changes are known."""

OLDER = "list-older"
"""The fact that holds since when upstream's list is older than one seen before."""

DAY = 86400.0

HIGHEST = "list-highest"
"""The fact that holds the highest serial that upstream's list has, its own or that of a line; none if no line has any:
then what it claims for itself says nothing of its pages."""

QUIET = "changelog-quiet"
"""The fact that holds since when a changelog that says nothing is believed: nobody else tells an upstream without
changes from one whose serials do not reach ours."""

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
    behind: str = ""
    """Why what upstream has now is not known, though it answers."""
    highest: int | None = None
    """The highest serial that a page can have and be believed; None where upstream does not say how far it is."""


async def detect(mirror: Mirror, now: float, *, full: bool, accept_removals: bool, tell: events.Tell) -> Detected:
    """Ask upstream what changed, and make the projects that did due. Raises UpstreamError and CatalogueError."""
    catalogue = mirror.catalogue
    names = mirror.selection.names
    if names is not None:
        await asyncio.to_thread(catalogue.want, [Listed(name, name) for name in sorted(names)], now)
    await asyncio.to_thread(catalogue.wake, now, now + 2 * plan.LONGEST_WAIT)
    await asyncio.to_thread(configured.note_reach, mirror, now)
    rules_changed = await asyncio.to_thread(configured.note_rules, mirror, now)
    detection = _Detection(mirror, now, full or rules_changed, accept_removals, tell)
    detected = await detection.run()
    highest = None if detected.by == "pages" else await asyncio.to_thread(catalogue.get, HIGHEST)
    detected = replace(detected, highest=None if highest is None else int(highest) + LEAP)
    if full:
        await asyncio.to_thread(catalogue.make_due, now, waiting=True)
    return detected


class _Detection:
    def __init__(self, mirror: Mirror, now: float, full: bool, accept_removals: bool, tell: events.Tell) -> None:
        self._mirror = mirror
        self._catalogue: Catalogue = mirror.catalogue
        self._now = now
        self._full = full
        self._accept_removals = accept_removals
        self._tell = tell
        self._limit = self._list_limit()
        self._lines = Lines(mirror, full=full)

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
        if changes is None or (not changes and not self._is_recent(await self._get(QUIET))):
            return None
        wants = self._mirror.selection.wants
        wanted = [Listed(one.name, one.display, one.serial) for one in changes if wants(one.name)]
        facts: dict[str, str | None] = {}
        if changes:
            newest = max(one.serial for one in changes)
            highest = max(newest, int(await self._get(HIGHEST) or 0))
            facts = {SERIAL: str(newest), HIGHEST: str(highest), QUIET: str(self._now)}
        await asyncio.to_thread(self._catalogue.promise, wanted, self._now, facts)
        self._tell(events.Compared("changelog", None, 0, len(wanted), 0))
        return Detected("changelog")

    async def _by_list(self) -> Detected | None:
        if not self._full and await self._was_no_use():
            return None
        known = (
            Validators() if self._full else Validators(await self._get("list-etag"), await self._get("list-modified"))
        )
        await asyncio.to_thread(self._catalogue.begin_listing)
        # Slices vouch for what was wanted then: nothing is known until a list was believed under the rules of now.
        if not self._full and not await self._get(ASK_LIST):
            self._lines.known = await asyncio.to_thread(self._catalogue.slices)
        lines = self._lines
        try:
            listing = await self._mirror.upstream.listing(known, lines.absorb, limit=self._limit, slices=lines.known)
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
        except UpstreamError as error:
            await self._do_without(error)
            return None
        return await (self._unchanged() if listing is None else self._compare(listing))

    async def _was_no_use(self) -> bool:
        """Whether the list was too long for so few names when the rules last changed, or could not be read today."""
        if self._limit is not None and await self._get("list-long"):
            return True
        return self._can_do_without and self._is_recent(await self._get(UNREAD))

    async def _unchanged(self) -> Detected:
        self._tell(events.Compared("list-unchanged", None, 0, 0, 0))
        facts: dict[str, str | None] = {OLDER: None, UNREAD: None}
        if await self._get(QUIET) is not None:
            facts[QUIET] = str(self._now)
        await asyncio.to_thread(self._catalogue.set, facts)
        if await self._get(BARE) and await self._get(SERIAL) is None:
            await self._ask_all()
        return Detected("list", listed=True)

    @property
    def _can_do_without(self) -> bool:
        """Whether the pages of the selected projects tell as well what the list would."""
        return bool(self._mirror.selection.names) and self._mirror.rules.changes != "list"

    async def _do_without(self, error: UpstreamError) -> None:
        """Ask for the named projects' pages, though the list cannot be read: if upstream answers at all, else raise."""
        names = self._mirror.selection.names
        if not names or not self._can_do_without:
            raise error
        try:
            await self._mirror.upstream.project(min(names), Validators(), at_least=None)
        except UpstreamError as other:
            if is_away(other):
                raise error from other
        await asyncio.to_thread(self._catalogue.set, {UNREAD: str(self._now)})
        self._tell(
            events.Warned(
                f"the list of projects cannot be read, so for a day the page of each named project is asked for: "
                f'{error}. [upstream] changes = "pages" does without the list for good'
            )
        )

    def _is_recent(self, fact: str | None) -> bool:
        """Whether *fact* holds a time of the last day."""
        return fact is not None and 0 <= self._now - float(fact) < DAY

    async def _compare(self, listing: Listing) -> Detected | None:
        """Take the list over, as far as it can be believed."""
        lines = self._lines
        listing = lines.summed(listing, self._tell)
        known = int(await self._get(SERIAL) or 0)
        older = 0 if listing.serial is None or self._full else known - listing.serial
        if 0 < older <= LEAP:
            return await self._leave_older(known)
        if older > 0:
            self._tell(
                events.Warned(
                    f"upstream's list of projects is of serial {listing.serial}, and one before claimed {known}: that "
                    "is too far away for a list that lags behind, so that one is not believed any more"
                )
            )
        diff = await asyncio.to_thread(self._catalogue.compare)
        self._tell(events.Compared("list", listing.count, diff.new, diff.changed, len(diff.missing)))
        braked = brake(diff, self._mirror.rules.brake)
        refused = doubt(listing, diff, braked, accepted=self._accept_removals)
        if lines.unmatched is not None and not refused:
            for warning in await asyncio.to_thread(lines.unmatched.warnings):
                self._tell(warning)
        facts = {} if refused else self._facts(listing, known)
        whole = self._mirror.selection.names is None and not refused
        if not refused:
            # Noted before the list is: a run that is cut off between the two finds the list new again.
            await asyncio.to_thread(self._catalogue.missing, diff.missing, self._now)
        cut = lines.are_cut and not lines.are_bare and not refused
        await asyncio.to_thread(self._catalogue.adopt, self._now, facts, whole=whole, cut=cut)
        if lines.are_bare:
            await self._ask_all()
        return Detected("list", listed=True, refused=refused, braked=braked)

    async def _leave_older(self, known: int) -> Detected:
        """A cache on the way may serve an old list for a while; after a day, an operator should look."""
        since = await self._get(OLDER)
        self._tell(events.Compared("list-older", None, 0, 0, 0))
        if since is not None and not self._is_recent(since):
            reason = f"upstream's list has been older than serial {known} for more than a day"
            return Detected("list", listed=True, refused=f"{reason}. If upstream went back, run once with --full")
        reason = f"upstream's list is older than serial {known}, which it had before: what is new is not known"
        if since is None:
            await asyncio.to_thread(self._catalogue.set, {OLDER: str(self._now)})
            self._tell(events.Warned(reason))
        return Detected("list", listed=True, behind=reason)

    def _facts(self, listing: Listing, known: int) -> dict[str, str | None]:
        """What is known once the list is believed; *known* was the serial of the one before."""
        serial = listing.serial
        leaps = bool(known) and serial is not None and serial > known + LEAP
        return {
            "list-etag": listing.validators.etag,
            "list-modified": listing.validators.last_modified,
            SERIAL: None if serial is None else str(serial),
            HIGHEST: None if self._lines.are_bare else str(max(serial or 0, self._lines.highest)),
            BARE: "1" if self._lines.are_bare else None,
            QUIET: None if leaps else str(self._now),
            **dict.fromkeys((ASK_LIST, OLDER, UNREAD)),
        }

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

    async def _get(self, fact: str) -> str | None:
        return await asyncio.to_thread(self._catalogue.get, fact)
