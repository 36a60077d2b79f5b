"""One project: its page is read and compared, its files are brought in. What it then is, ``settle`` makes true."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from bandersnatch import layout, plan, transfer
from bandersnatch.catalogue.base import Commit, Entry, Failure, Published
from bandersnatch.errors import BadContent, NotAllowed, NotFound, Stale, StorageError, UpstreamError
from bandersnatch.model import File, Held, Project, Validators
from bandersnatch.sync import events
from bandersnatch.sync.mirror import Mirror
from bandersnatch.upstream.base import Fetched

FATAL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EMFILE, errno.ENFILE})
"""What no other project would survive either: the run ends."""


AWAY = frozenset({502, 503, 504})
"""What answers in upstream's place while it is away."""

UNREACHABLE = 20
"""So many requests for pages in a row without any answer mean that upstream is away: the run ends."""


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


@dataclass(frozen=True, slots=True)
class Run:
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


@dataclass(frozen=True, slots=True)
class Prepared:
    """A project whose page was read, and what is to be done about it."""

    entry: Entry
    """As it was before."""
    fetched: Fetched
    shown: Project
    """The selected part of the page."""
    plan: plan.FilePlan
    before: Published
    late: Stale | None = None
    """The page is newer than the published one, yet older than promised."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A project whose files are staged: its page can be published and its state committed."""

    commit: Commit
    """Its ``published.pages`` are still those before."""
    shown: Project


@dataclass(frozen=True, slots=True)
class Unchanged:
    """A project of which upstream said that it is as it was."""

    name: str


@dataclass(frozen=True, slots=True)
class Gone:
    """A published project that upstream does not have any more, as far as one project can tell."""

    entry: Entry


Outcome = Ready | Unchanged | Failure | Gone


async def refresh(entry: Entry, run: Run) -> Outcome:
    """Bring one project up to date as far as ``settle``. Raises only what ends the whole run."""
    prepared = await prepare(entry, run)
    return await fetch(prepared, run) if isinstance(prepared, Prepared) else prepared


async def prepare(entry: Entry, run: Run) -> Prepared | Outcome:
    """Read the project's page and compare. Raises only what ends the whole run."""
    try:
        prepared = await _prepare(entry, run)
    except NotFound as error:
        run.health.answered()
        return _not_found(entry, run, error)
    except (Stale, BadContent, NotAllowed) as error:
        run.health.answered()
        return failure(entry, str(error), run.now)
    except UpstreamError as error:
        if error.status is None or error.status in AWAY:
            run.health.unanswered()
        else:
            run.health.answered()
        return failure(entry, str(error), run.now)
    run.health.answered()
    return prepared


async def fetch(prepared: Prepared, run: Run) -> Outcome:
    """Bring in the files that the page needs. Raises only what ends the whole run."""
    arrived, problems = await _each(prepared, run)
    entry, shown = prepared.entry, prepared.shown
    if not arrived and problems and not entry.published:
        return failure(entry, problems[0], run.now)  # nothing to show yet
    held = _in_order(shown.files, (*prepared.plan.keep, *arrived))
    here = {layout.file_key(one.file) for one in held}
    leaving = [one for one in prepared.before.held if layout.file_key(one.file) not in here]
    new = _entry(prepared, run, whole=not problems)
    reason = "; ".join(problems[:3]) if problems else str(prepared.late) if prepared.late else ""
    return Ready(
        Commit(
            new,
            Published(held, prepared.before.pages),
            tuple(key for one in leaving for key in layout.keys_of(entry.name, one)),
            failure(entry, reason, run.now) if reason else None,
        ),
        replace(shown, serial=new.serial),
    )


def failure(entry: Entry, reason: str, now: float, missing_since: float | None = None) -> Failure:
    """What to record of a try that failed."""
    return Failure(entry.name, reason, now + plan.wait(entry.tries + 1), missing_since, entry.tries + 1)


# --- its page ------------------------------------------------------------------------------------------------------


async def _prepare(entry: Entry, run: Run) -> Prepared | Unchanged:
    mirror = run.mirror
    trusted = not run.full and entry.published and entry.selection == mirror.fingerprint(entry.name)
    late = None
    fetched: Fetched | None
    try:
        fetched = await mirror.upstream.project(
            entry.name, entry.validators if trusted else Validators(), at_least=_least(entry, run)
        )
    except Stale as stale:
        late = stale
        fetched = stale.page if isinstance(stale.page, Fetched) else None
        if fetched is None or not _is_newer(fetched, entry):
            raise
    if trusted and fetched is None:
        _refuse_late(entry)
        return Unchanged(entry.name)
    if trusted and late is None and fetched is not None and fetched.digest == entry.digest:
        return Unchanged(entry.name)
    assert fetched is not None  # an unconditional request is never answered with "unchanged"
    before = await asyncio.to_thread(mirror.catalogue.published, entry.name)
    shown = mirror.selection.apply(fetched.project).project
    for one in fetched.project.rejected:
        run.tell(events.Skipped(entry.name, one.filename, one.reason))
    other_rules = entry.selection != mirror.fingerprint(entry.name)
    files = plan.files(shown.files, before.held, trust=not run.full, companions=other_rules)
    if files.fetch:
        run.tell(events.Expected(entry.name, len(files.fetch), files.bytes))
    return Prepared(entry, fetched, shown, files, before, late)


def _least(entry: Entry, run: Run) -> int | None:
    """
    The serial below which a page is stale: what was promised, and never less than what is published.

    A full run takes upstream as it is: it may have been set back, or have promised what it cannot keep.
    """
    if run.full:
        return None
    known = [serial for serial in (entry.promised, entry.serial) if serial is not None]
    return max(known, default=None)


def _is_newer(fetched: Fetched, entry: Entry) -> bool:
    serial = fetched.project.serial
    return not entry.published or (serial is not None and (entry.serial is None or serial > entry.serial))


def _refuse_late(entry: Entry) -> None:
    """An unchanged page cannot be the one that was promised, if what was promised is newer than what is published."""
    if entry.promised is not None and entry.serial is not None and entry.promised > entry.serial:
        raise Stale(
            f"{entry.name}: upstream promised serial {entry.promised}, and still answers with {entry.serial}",
            promised=entry.promised,
            got=entry.serial,
        )


def _not_found(entry: Entry, run: Run, error: NotFound) -> Outcome:
    """A page that is not there: is the project gone? One answer alone never says so."""
    since = entry.missing_since
    if not entry.published:
        return failure(entry, f"upstream has no page for it: {error}", run.now, run.now if since is None else since)
    if since is None or (not run.listed and run.now - since < plan.CONFIRMATION):
        noted = None if run.listed else since or run.now
        return failure(entry, f"its page is not found, though it was there before: {error}", run.now, noted)
    return Gone(entry)


def _entry(prepared: Prepared, run: Run, *, whole: bool) -> Entry:
    """The project's new entry. A page that lacks a file keeps its old serial, and is asked for again as if unknown."""
    entry, project = prepared.entry, prepared.fetched.project
    new = replace(
        entry,
        published=True,
        indexed=project.status != "quarantined",
        departing=False,
        selection=run.mirror.fingerprint(entry.name),
        missing_since=entry.missing_since if run.listed and entry.published else None,
    )
    if not whole:
        return replace(new, validators=Validators(), digest="")
    serial = project.serial if project.serial is not None else entry.promised
    return replace(new, serial=serial, validators=prepared.fetched.validators, digest=prepared.fetched.digest)


# --- its files -----------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Results:
    arrived: list[Held] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


async def _each(prepared: Prepared, run: Run) -> tuple[Sequence[Held], Sequence[str]]:
    """All files of the project, in parallel; one that fails keeps none of the others back."""
    results, mirror = _Results(), run.mirror
    if not prepared.plan.fetch:
        return (), ()
    here = await asyncio.to_thread(transfer.look, prepared.plan.fetch, mirror.storage, mirror.rules.transfer)
    async with asyncio.TaskGroup() as group:
        for file in prepared.plan.fetch:
            await run.slots.acquire()  # before the task is made: a million files are not a million tasks
            group.create_task(_one(prepared.entry.name, file, run, results, new=file.filename not in here))
    return results.arrived, results.problems


async def _one(project: str, file: File, run: Run, results: _Results, *, new: bool) -> None:
    mirror = run.mirror

    def progress(wanted: File, count: int) -> None:
        run.tell(events.Progressed(wanted.filename, count, wanted.size))

    try:
        arrived = await transfer.file(
            project, file, mirror.upstream, mirror.storage, mirror.rules.transfer, progress, new=new
        )
    except UpstreamError as error:
        results.problems.append(f"{file.filename}: {error}")
    except StorageError as error:
        if error.errno is None or error.errno in FATAL:
            raise
        results.problems.append(f"{file.filename}: {error}")
    else:
        results.arrived.append(arrived.held)
        if arrived.problem:
            results.problems.append(f"{file.filename}: {arrived.problem}")
        if arrived.warning:
            run.tell(events.Warned(arrived.warning))
        run.tell(events.Arrived(project, file.filename, arrived.held.size, arrived.fetched))
    finally:
        run.slots.release()


def _in_order(files: Sequence[File], held: Sequence[Held]) -> tuple[Held, ...]:
    """The files that are here, in the order of upstream's page, however they arrived."""
    place = {file.filename: position for position, file in enumerate(files)}
    return tuple(sorted(held, key=lambda one: place[one.file.filename]))
