"""What a run tells while it goes: frozen values, for a terminal, a log, or a machine."""

from __future__ import annotations

from collections.abc import Callable

from bandersnatch.values import Struct


class Event(Struct, frozen=True):
    """Anything that a run tells."""


class Started(Event, frozen=True):
    """A run begins."""

    directory: str
    upstream: str


class SoFar(Event, frozen=True):
    """Where a run stands: told to who begins to follow it, in place of what was told before."""

    directory: str
    upstream: str
    seconds: float
    """Since the run began."""
    projects: int | None
    """What there is to do, as far as it is known."""
    done: int
    """Projects that had their turn."""
    expected: int
    """Bytes to fetch, of the pages that were read."""
    files: int
    """Fetched or found in storage."""
    bytes: int
    """Fetched."""
    behind: int
    """Projects of which a try failed in this run."""


class Compared(Event, frozen=True):
    """Upstream was asked what changed."""

    by: str
    """How: changelog, list, list-unchanged, list-older or pages."""
    listed: int | None
    """Projects on upstream's list, where one was read."""
    new: int
    changed: int
    missing: int
    """Published projects that upstream's list no longer has."""


class Waiting(Event, frozen=True):
    """Projects are behind, and not tried again in this run."""

    projects: int
    project: str
    """The one that is tried first."""
    reason: str
    """Why it is behind."""
    next_try: float
    """Seconds since the epoch."""


class Planned(Event, frozen=True):
    """What there is to do."""

    projects: int
    files: int | None
    """Files to fetch; None where that becomes known only page by page."""
    bytes: int | None
    free: int | None
    """Bytes free in storage."""
    missing: int = 0
    """Bytes that are too few, the reserve left free; 0 if all fits, or where that is not known."""
    sample: int | None = None
    """Projects that were looked at for an estimate, where they are too many to look at all; None otherwise."""
    error: int | None = None
    """Two standard errors of ``bytes`` where that is an estimate; None otherwise."""
    leaving: int = 0
    """Projects that are to leave, as far as that is known before any is refreshed."""
    is_quiet: bool = False
    """Whether upstream was heard, and neither it nor the rules have changed anything, and nothing is behind."""


class Expected(Event, frozen=True):
    """One more project's page was read: so much is to be fetched for it."""

    project: str
    files: int
    bytes: int


class Progressed(Event, frozen=True):
    """Some more bytes of a file came."""

    filename: str
    bytes: int
    size: int | None
    """Of the whole file."""


class Arrived(Event, frozen=True):
    """A file is here, whole and verified."""

    project: str
    filename: str
    size: int
    fetched: int
    """Bytes that came from upstream for it; 0 when storage had it already."""


class Refreshed(Event, frozen=True):
    """A project's new state is published and committed."""

    project: str
    serial: int | None
    files: int
    """On its page now."""


class Reformed(Event, frozen=True):
    """Pages were made anew from the catalogue, since their form is another now."""

    projects: int
    """Of which they are, by now."""


class Confirmed(Event, frozen=True):
    """Upstream said that a project has not changed."""

    project: str


class Removed(Event, frozen=True):
    """A project left the mirror."""

    project: str
    reason: str


class Skipped(Event, frozen=True):
    """Upstream lists a file that is not taken."""

    project: str
    filename: str
    reason: str
    refusal: str
    """unusable: the project is behind; configured: a key refuses it; spare: nobody misses it."""
    first: bool
    """Whether it was not told of in an earlier run: news."""
    more: int = 0
    """Further files of the project that are not taken, and not named."""


class FellBehind(Event, frozen=True):
    """A try failed; the project is tried again later."""

    project: str
    reason: str
    first: bool
    """Whether the try before this one had succeeded: news."""
    next_try: float
    """Seconds since the epoch."""


class Warned(Event, frozen=True):
    """Something that an operator should know."""

    message: str
    kind: str = ""
    """A word for what there may be many of in one run: unmatched, file or damaged; empty for everything else."""
    project: str | None = None
    """What it is about, if it is about one project."""


class Crashed(Event, frozen=True):
    """What nobody foresaw ends the run: a fault of this program."""

    trace: str
    """Where it happened, for who is to mend it."""


class Missed(Event, frozen=True):
    """Events are left out here: a run waits for no reader, and so much was not read in time."""

    count: int


class Finished(Event, frozen=True):
    """The run is over."""

    outcome: str
    """clean, behind, refused, unreachable, stopped, disk or failed."""
    reason: str
    """Why, for every outcome but clean."""
    seconds: float
    refreshed: int
    confirmed: int
    removed: int
    files: int
    """Fetched."""
    adopted: int
    """Files that storage had already."""
    bytes: int
    """Fetched."""
    skipped: int
    behind: int
    """Projects that are behind now, those that wait for their next try included."""
    waiting: int
    """Projects that are still to be done: the run ended before their turn."""
    serial: int | None
    """The mirror's own."""


class HookRan(Event, frozen=True):
    """A hook was called, after the run, and did what it is for."""

    hook: str
    occasions: str
    """Why it was called: words with spaces between."""
    seconds: float
    output: str
    """The last of what it printed or answered."""


class HookFailed(Event, frozen=True):
    """A hook was called, after the run, and failed; or a file for others could not be written. The run is as it was."""

    hook: str
    occasions: str
    seconds: float
    output: str
    reason: str
    first: bool
    """Whether the call before this one had succeeded: news."""


Tell = Callable[[Event], None]
"""Takes an event; must neither block nor raise."""
