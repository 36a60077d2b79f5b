"""The catalogue port: upstream's state as last seen, and what this mirror has published.

Every method blocks: call it from a worker thread. The catalogue is owned by one run (the lock sees to that); readers
such as ``status`` may look at the same time. Every method raises ``CatalogueError`` and nothing else of its own; a
method that returns has made its change durable.

Times are seconds since the epoch, UTC.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from bandersnatch.model import Held, Listed, Rejected, Validators
from bandersnatch.values import Struct

RUNS_KEPT = 1000
"""So many runs are remembered, the newest ones."""

REASON = "run-reason"
"""The fact that holds why the last run that was not stopped did not end clean."""


class Entry(Struct, frozen=True):
    """One project, as the catalogue has it: the small facts, without its files."""

    name: str
    """Normalised."""
    display: str
    promised: int | None = None
    """The serial that upstream's list or changelog promises."""
    serial: int | None = None
    """The serial of the page that is published; None before the first, or where upstream has none."""
    published: bool = False
    """Whether a page is published; none is for a project of which the selection wants no file."""
    indexed: bool = False
    """Whether the list of projects is to name it: published, and neither quarantined nor departing."""
    departing: bool = False
    """Upstream removed it: its page is empty by now, and goes once the list of projects no longer names it."""
    wanted: bool = True
    """Whether the selection wants anything of it; a published project that it does not want is on its way out."""
    selection: str = ""
    """Fingerprint of the selection that was last applied; empty before the first, or when the page is in doubt."""
    review: float | None = None
    """When the selection's answer changes by itself."""
    losing: int = 0
    """Files that were to leave in the last try, and were held back."""
    validators: Validators = Validators()
    digest: str = ""
    """SHA-256 of upstream's page that the published one was made from."""
    tries: int = 0
    """Failed tries since the last success; 0 means that the project is not behind."""
    missing_since: float | None = None
    """When upstream was first seen without this project; None while it has it."""
    suspect: bool = False
    """Whether damage was found in what is stored of it: then each of its files is to be looked at."""


class Published(Struct, frozen=True):
    """What a project's page is made of: kept so that the next page knows what is held and which bytes changed."""

    held: tuple[Held, ...] = ()
    pages: tuple[tuple[str, str], ...] = ()
    """For each published page, its key and a digest of what it was made from."""
    seen: tuple[tuple[str, float], ...] = ()
    """Files that upstream lists and that are not held: their digests, and when they were seen first."""
    rejected: tuple[Rejected, ...] = ()
    """The first few of the files that upstream lists and that are not taken: they were named."""


class Failure(Struct, frozen=True):
    """A try that failed: the project is behind."""

    name: str
    reason: str
    next_try: float
    missing_since: float | None = None
    tries: int = 1
    """Failed tries in a row, this one included."""
    losing: int = 0
    """Files that were to leave, and were held back."""


class Leaving(Struct, frozen=True):
    """A key that no page links any longer."""

    key: str
    project: str = ""
    reason: str = ""
    hidden: bool = False
    """Whether its bytes are to be kept apart for long."""


class Buried(Struct, frozen=True):
    """A key whose bytes are in the trash."""

    key: str
    project: str
    reason: str
    since: float
    until: float
    """When it is deleted for good."""


class Known(Struct, frozen=True):
    """What a change of the selection needs to know of a project."""

    name: str
    published: bool
    wanted: bool
    selection: str


class Commit(Struct, frozen=True):
    """A project's new state, true once its page is published."""

    entry: Entry
    published: Published
    leaving: tuple[Leaving, ...] = ()
    """What no page links any longer, to be swept after the grace time."""
    failure: Failure | None = None
    """Why the new state is better than the old one and still not all that upstream has: the project stays behind."""


class Behind(Struct, frozen=True):
    """A project whose published state is older than upstream's."""

    name: str
    reason: str
    since: float
    tries: int
    next_try: float
    promised: int | None
    serial: int | None
    absent: bool = False
    """Nothing is published, and upstream has no page to publish: only who named the project misses it."""


class Diff(Struct, frozen=True):
    """What a list of projects says that the catalogue did not know."""

    new: int
    changed: int
    missing: tuple[str, ...]
    """Projects that our list names and this one does not (any longer)."""
    known: int
    """Projects that our list names, before this one."""


class Sliced(Struct, frozen=True):
    """One slice of upstream's list, as it is known again when it comes again."""

    digest: bytes
    count: int
    """Lines, those of projects that are not wanted among them."""
    highest: int | None
    """The highest serial of a line; None where none has one."""
    names: tuple[str, ...] = ()
    """Normalised, of the wanted projects."""


class Due(Struct, frozen=True):
    """A project that is due: what says how much there may be of it."""

    name: str
    wanted: bool
    published: bool
    bytes: int
    """That are held of it."""
    promised: int | None


class Totals(Struct, frozen=True):
    """How much the mirror holds, and how much is still to be done."""

    projects: int
    """With a published page."""
    files: int
    bytes: int
    due: int
    """Projects that wait for their turn, those behind included."""
    behind: int
    """Projects that are behind, the absent ones left out."""
    absent: int = 0


class RunRecord(Struct, frozen=True):
    """One run as it ended, or None as its end while it is under way (or was cut off)."""

    started: float
    finished: float | None
    outcome: str
    """The exit code's word: clean, behind, refused, stopped, disk, unreachable, failed; empty while under way."""
    serial: int | None


class Catalogue(Protocol):
    """See the module for what all methods share."""

    # --- facts about the mirror as a whole -------------------------------------------------------------------------

    def get(self, fact: str) -> str | None:
        """A named fact, such as the list's validators, or None."""

    def set(self, facts: dict[str, str | None]) -> None:
        """Set named facts together; None removes one."""

    # --- what upstream has -----------------------------------------------------------------------------------------

    def want(self, projects: Sequence[Listed], now: float) -> None:
        """Make sure that each of *projects* is known; those that were not are due *now*."""

    def known(self, after: str = "") -> Iterator[Known]:
        """Every project, in the order of names, beginning after the name *after*, streamed."""

    def reselect(self, wanted: Sequence[str], unwanted: Sequence[str], now: float, *, leave: bool) -> None:
        """
        Take note that the selection changed for these projects.

        The *wanted* ones are due *now*, and what is published of them is in doubt. The *unwanted* ones are forgotten
        where nothing is published; the others are due *now* where they are to *leave*, or else stay as they are.
        """

    def begin_listing(self) -> None:
        """Begin a new list of projects, forgetting one that was not finished."""

    def absorb(self, batch: Sequence[Listed]) -> None:
        """Take a batch of the list. Not durable before ``compare``."""

    def slices(self) -> Mapping[bytes, Sliced]:
        """The slices of the last list, without their names, by their digests: what need not be read again."""

    def note(self, slices: Sequence[Sliced], again: Collection[bytes]) -> None:
        """These slices the absorbed lines were read from; others came *again*, and were not read."""

    def compare(self) -> Diff:
        """Compare the absorbed list with what is known. Changes nothing."""

    def adopt(self, now: float, facts: dict[str, str | None], *, whole: bool = False, cut: bool = False) -> None:
        """
        Make the absorbed list the known state, and set *facts*, in one transaction.

        New projects and those whose serial moved are due *now*. Published projects that the list lacks are not
        touched; others that it lacks are forgotten where the *whole* list was absorbed: they came and went.

        *cut*: every line of it was in a slice that was noted, and it can be believed. Else the next one is read whole.
        Who adopts lists with *whole*, and then without, has to read one whole in between.
        """

    def promise(self, changes: Sequence[Listed], now: float, facts: dict[str, str | None]) -> None:
        """The same for the projects that a changelog names."""

    def make_due(self, now: float, *, waiting: bool = False) -> None:
        """
        Make all wanted projects due *now*.

        Those that are behind wait for their next try all the same, unless *waiting* is to be cut short, too.
        """

    def cut_waits(self, now: float) -> None:
        """Make due *now* what is behind and waits for its next try."""

    def wake(self, now: float, latest: float) -> None:
        """
        Make due *now* what is to be reviewed by now, and what would wait beyond *latest*.

        Only a clock that was wrong can have made it wait so.
        """

    def missing(self, names: Sequence[str], now: float) -> None:
        """Upstream's list lacks these projects: note since when, and make them due *now*."""

    # --- work ------------------------------------------------------------------------------------------------------

    def doubt(self) -> None:
        """The last run was cut off: what is published of the projects that are due is in doubt."""

    def doubt_empty(self, now: float) -> None:
        """Published pages that list nothing, of an upstream without serials, are in doubt and due *now*."""

    def suspect(self, names: Sequence[str], now: float, *, files: bool) -> None:
        """
        What is stored of these published projects was found not to be what was published: they are due *now*.

        Their pages are in doubt, and their *files* as well if that is said; a commit ends both.
        """

    def expect(self, keys: Mapping[str, Sequence[str]]) -> None:
        """
        For each project, the keys that are to become visible before its commit, in place of what was expected before.

        A commit of the project forgets them. This outlives the process, but not for certain a power cut.
        """

    def expected(self) -> Iterator[tuple[str, str]]:
        """Project and key of everything that was expected and not committed."""

    def abandon(self, visible: Sequence[Leaving]) -> None:
        """Nothing is expected any more; the keys that became *visible* leave, but for those that a page links."""

    def held_back(self) -> tuple[int, int]:
        """How many projects would have lost all their files, and how many files would have left, but were refused."""

    def due(self, now: float, after: str, count: int) -> Sequence[Entry]:
        """The next projects that are due, in the order of names, beginning after the name *after*."""

    def count_due(self, now: float) -> int: ...

    def weigh(self, now: float) -> Iterator[Due]:
        """Every project that is due, in the order of names, streamed."""

    def entry(self, name: str) -> Entry | None: ...

    def published(self, name: str) -> Published:
        """What the project's page is made of; empty when none is published."""

    def commit(self, commits: Sequence[Commit]) -> None:
        """
        Make the new states true, all together: the line that everything before leads to.

        A project whose ``serial`` is as high as its ``promised`` one (or None: upstream has no serials) is no longer
        due or behind, unless the commit carries a failure: that is recorded as by ``fail``, in the same transaction.
        Keys that are held again leave the list of those to be swept.
        """

    def reform(self, commits: Sequence[Commit]) -> None:
        """
        Take note that the same facts were published in another form: the pages and the ``selection`` of the commits.

        Whatever else is known of the projects stays as it is, what is due and behind included.
        """

    def unchanged(self, names: Sequence[str], now: float) -> None:
        """Upstream confirmed that these published projects are as they are: no longer due, behind or missing."""

    def keep(self, names: Sequence[str]) -> None:
        """Upstream does not have these published projects any more, and they stay: neither due nor behind."""

    def fail(self, failures: Sequence[Failure], now: float) -> None:
        """Record tries that failed: one more try, the new reason and next try; since when stays as it was."""

    def forget(self, names: Iterable[str]) -> None:
        """Drop projects altogether. Their objects must be gone from storage, or be on the list to be swept."""

    def retire(self, names: Sequence[str]) -> None:
        """
        The departing projects of *names* are published no longer. Those that upstream has and that the selection is
        to be asked about again stay known, with the files that they have ``seen``; the others are dropped.
        """

    # --- afterwards ------------------------------------------------------------------------------------------------

    def index(self) -> Iterator[Listed]:
        """Every project that the list of projects names, in the order of names, streamed."""

    def departing(self) -> Sequence[str]:
        """Names of the projects whose ``departing`` is set."""

    def leaving(self, before: float, after: str = "") -> Iterator[Leaving]:
        """What left its last page before the time *before*, in the order of keys, beginning after the key *after*."""

    def leave(self, leaving: Sequence[Leaving]) -> None:
        """These keys, which no page links and nothing knew, are to be swept as if they had left their page now."""

    def left(self, keys: Sequence[str]) -> None:
        """These keys are gone from storage."""

    def bury(self, buried: Sequence[Buried]) -> None:
        """These keys are in the trash, and not on the list to be swept any more."""

    def buried(self, before: float | None = None) -> Iterator[Buried]:
        """What is in the trash, in the order of keys: all of it, or what is due to be deleted before *before*."""

    def purge(self, keys: Sequence[str]) -> None:
        """These keys are gone from the trash."""

    def is_leaving(self, key: str) -> bool:
        """Whether *key* left its last page and is to be swept."""

    def is_buried(self, key: str) -> bool:
        """Whether the bytes of *key* are in the trash."""

    def serial(self) -> int | None:
        """The mirror's serial: the list's, or one less than the lowest promise that is not yet kept."""

    # --- looking ---------------------------------------------------------------------------------------------------

    def totals(self) -> Totals: ...

    def behind(self) -> Iterator[Behind]:
        """Every project that is behind, in the order of names."""

    def waiting(self, now: float, *, absent: bool) -> tuple[int, Behind] | None:
        """How many projects are behind and wait beyond *now*, the *absent* ones or not; and which is tried first."""

    def record_run(self, run: RunRecord) -> None: ...

    def last_runs(self, count: int) -> Sequence[RunRecord]:
        """The newest runs, newest first."""

    def copy(self, path: str) -> None:
        """Write all of it, as it is at one moment, to the new file *path*. Others may write to it meanwhile."""

    def close(self) -> None: ...


class Voucher(Struct, frozen=True):
    """That one object in storage was verified when it was adopted: for as long as it has this size and time."""

    key: str
    sha256: str
    size: int
    """Bytes."""
    mtime_ns: int
    since: float
    """When the adoption began that verified it, in seconds since the epoch."""
    source: str | None = None
    """The absolute path that it was taken from, if it was taken from elsewhere."""
    source_mtime_ns: int = 0


class Vouchers(Protocol):
    """The vouchers of one mirror, which can be lost at the cost of a reading. Safe to use from several threads."""

    def add(self, vouchers: Iterable[Voucher]) -> None:
        """Keep *vouchers*, each in place of an older one of its key."""

    def of(self, key: str) -> Voucher | None:
        """The voucher of the object *key*, whether it still counts or not."""

    def from_source(self, source: str) -> Voucher | None:
        """The voucher of the object that was taken from *source*."""
