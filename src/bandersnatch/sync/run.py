"""What is the same for every project of one run, and what one project can come to."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Sequence

from bandersnatch import plan
from bandersnatch.catalogue.base import Commit, Entry, Failure, Published
from bandersnatch.errors import BadContent, NotAllowed, NotDurable, Stale, StorageError, UpstreamError
from bandersnatch.model import Held, Project, Refusal
from bandersnatch.plan import Departure, FilePlan
from bandersnatch.selection.base import Context, Selected
from bandersnatch.sync import events
from bandersnatch.sync.arrivals import Arrivals
from bandersnatch.sync.lane import Lane
from bandersnatch.sync.mirror import Mirror
from bandersnatch.sync.room import Room
from bandersnatch.upstream.base import Fetched
from bandersnatch.values import Struct, field

_FATAL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EMFILE, errno.ENFILE})
"""What no other project would survive either: the run ends."""

UNREACHABLE = 20
"""So many requests for pages in a row without any answer mean that upstream is away: the run ends."""


FEW = 3
"""Problems of one project that are told in full."""
AWAY = frozenset({502, 503, 504})
"""What answers in upstream's place while it is away."""


def is_away(error: UpstreamError) -> bool:
    """Whether upstream itself gave no answer at all."""
    answered = isinstance(error, (BadContent, NotAllowed, Stale))
    return not answered and (error.status is None or error.status in AWAY)


HELD_BACK = "what is to leave of it is held back, since so much would leave in all; --accept-removals lets it go"


def ends_the_run(error: StorageError) -> bool:
    """Whether no other project would survive what happened either, or nobody knows what else it has cost."""
    return error.errno is None or error.errno in _FATAL or isinstance(error, NotDurable)


class Health:
    """Whether it makes sense to go on to the next project, and how warily."""

    def __init__(self) -> None:
        self._unanswered = 0
        self._stopped = False
        self._disk_doubtful = False

    @property
    def is_disk_doubtful(self) -> bool:
        """Whether anything could not be stored in this run."""
        return self._disk_doubtful

    def doubt_disk(self) -> None:
        """Something could not be stored: what else was to be stored is not taken for granted any more."""
        self._disk_doubtful = True

    @property
    def is_over(self) -> bool:
        return self._stopped or self._unanswered >= UNREACHABLE

    def answered(self) -> None:
        self._unanswered = 0

    def unanswered(self) -> None:
        self._unanswered += 1

    def stop(self) -> None:
        """Take no further project, for a reason of our own."""
        self._stopped = True


class Run(Struct, frozen=True):
    """What is the same for every project of one run."""

    mirror: Mirror
    now: float
    """Seconds since the epoch, read once, when the run began."""
    full: bool
    """Trust nothing that the catalogue says of storage: look."""
    tell: events.Tell
    slots: asyncio.Semaphore
    """Files that may be on their way at once, over all projects."""
    health: Health
    listed: bool = False
    """Whether upstream's list is known: then only a published project that it lacks has ``missing_since``."""
    highest: int | None = None
    """The highest serial that a page can have and be believed; None where upstream has not told how far it is."""
    lane: Lane = field(default_factory=Lane)
    """Where short questions to storage and catalogue are answered."""
    arrivals: Arrivals = field(default_factory=Arrivals)
    """What becomes visible before its commit."""
    room: Room = field(default_factory=Room)
    """For the pages that are worked on."""
    accepted: frozenset[str] = frozenset()
    """Projects whose files may have changed though upstream states no digest of them."""

    def looks(self, entry: Entry) -> bool:
        """Whether each file of the project is to be looked at in storage."""
        return self.full or entry.suspect

    def trusts(self, entry: Entry) -> bool:
        """Whether the catalogue knows what is published of the project."""
        return not self.full and entry.selection != ""


class Prepared(Struct, frozen=True):
    """A project whose page was read, and what is to be done about it."""

    entry: Entry
    """As it was before."""
    fetched: Fetched
    selected: Selected
    plan: FilePlan
    """What it drops is settled by ``kept`` and ``leaving``."""
    kept: tuple[Held, ...]
    """Files that stay, though they are not selected."""
    leaving: tuple[Departure, ...]
    before: Published
    context: Context
    """What the selection was told."""
    fingerprint: str
    """Of what was asked of upstream's page."""
    late: Stale | None = None
    """The page is newer than the published one, yet older than promised."""
    gone: bool = False
    """Whether upstream has no page any more, and what the rules leave of the files that are here is to be kept."""
    problems: tuple[str, ...] = ()
    """What upstream lists and cannot be taken, though it is wanted: the project stays behind."""
    pinned: frozenset[str] = frozenset()
    """Names of the files of which only what was seen first says what they have to be."""

    held_back: int = 0
    """If the brake keeps a project in quarantine on the list: so many files count as held back."""

    @property
    def is_quarantined(self) -> bool:
        """Whether nothing of it may be offered (PEP 792)."""
        return self.shown.status == plan.QUARANTINED

    @property
    def is_unwanted(self) -> bool:
        """Whether the rules leave nothing of the project: it is not offered, not even with an empty page."""
        page = self.fetched.project
        listed = bool(page.files) or any(one.refusal is not Refusal.SPARE for one in page.rejected)
        return not self.shown.files and (self.gone or listed)

    @property
    def vanishes(self) -> bool:
        """Whether the project is offered now, and nothing of it afterwards."""
        if self.shown.files:
            return False
        unlisted = self.is_unwanted or self.is_quarantined
        return bool(self.before.held) or (self.entry.indexed and unlisted)

    @property
    def shown(self) -> Project:
        """Upstream's page with the files that are to be listed."""
        project, kept = self.selected.project, tuple(one.file for one in self.kept)
        if not kept:
            return project
        # What is kept of a quarantined project is offered, and a page may not say both (PEP 792).
        status = None if project.status == plan.QUARANTINED else project.status
        return plan.with_files(project, (*project.files, *kept), status)


class Ready(Struct, frozen=True):
    """A project whose files are staged: its page can be published and its state committed."""

    commit: Commit
    """Its ``published.pages`` are still those before."""
    shown: Project | None
    """None where there is no page to publish: nothing of the project is wanted, and nothing was published."""
    trusted: bool = True
    """Whether the catalogue knows what is published of it."""
    index_only: bool = False
    """Whether the page links upstream's own files."""


class Unchanged(Struct, frozen=True):
    """A project of which upstream said that it is as it was."""

    name: str


class Gone(Struct, frozen=True):
    """A published project that upstream does not have any more, as far as one project can tell; or a deselected one."""

    entry: Entry
    cause: plan.Cause = plan.Cause.DELETED


class Kept(Struct, frozen=True):
    """A published project that upstream does not have any more and that stays all the same."""

    name: str


Outcome = Ready | Unchanged | Failure | Kept
"""What can be settled."""


def summed(problems: Sequence[str]) -> str:
    """*problems* as one reason: the first few, and how many there are besides."""
    more = f"; and {len(problems) - FEW:,} more" if len(problems) > FEW else ""
    return "; ".join(problems[:FEW]) + more


def failure(entry: Entry, reason: str, now: float, missing_since: float | None = None, *, losing: int = 0) -> Failure:
    """What to record of a try that failed; *losing*: how many files were to leave, and were held back."""
    return Failure(entry.name, reason, now + plan.wait(entry.tries + 1), missing_since, entry.tries + 1, losing)
