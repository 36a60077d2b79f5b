"""One project's page: read, judged by the selection, and compared with what is held."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from bandersnatch import plan, transfer
from bandersnatch.catalogue.base import Entry, Published
from bandersnatch.errors import BadContent, NotFound, Stale, UpstreamError
from bandersnatch.model import Held, Project, Validators
from bandersnatch.selection import Selection
from bandersnatch.selection.base import Context, Motive, Verdict
from bandersnatch.sync import events
from bandersnatch.sync.context import LONG_AGO, context
from bandersnatch.sync.recognising import NAMED, missed, recognise
from bandersnatch.sync.run import Gone, Kept, Outcome, Prepared, Run, Unchanged, failure, is_away
from bandersnatch.upstream.base import Fetched
from bandersnatch.values import replace

LOST = "damaged"
"""Why a file leaves that a policy would keep: it is not whole any more, and upstream does not have it."""


async def prepare(entry: Entry, run: Run) -> Prepared | Gone | Outcome:
    """Read the project's page and compare. Raises only what ends the whole run."""
    run.room.leave()
    if not entry.wanted:
        if run.mirror.rules.policies.deselected is plan.Policy.KEEP:
            kept = await keep_what_may_be(entry, run)
            if kept.before.held:
                return kept
        return Gone(entry, plan.Cause.DESELECTED)
    try:
        prepared = await _prepare(entry, run)
    except NotFound as error:
        run.health.answered()
        return await _not_found(entry, run, error)
    except UpstreamError as error:
        if is_away(error):
            run.health.unanswered()
        else:
            run.health.answered()
        return failure(entry, f"{error}{_hint(entry, run)}", run.now)
    run.health.answered()
    return prepared


def _hint(entry: Entry, run: Run) -> str:
    """What helps where the published page itself has a serial that upstream will not come to in months."""
    if run.highest is None or entry.serial is None or entry.serial <= run.highest:
        return ""
    return "; what is published has a serial far beyond what upstream has come to: if upstream errs no more, use --full"


async def _prepare(entry: Entry, run: Run) -> Prepared | Unchanged:
    trusted = _is_current(entry, run)
    fetched, late = await _read_into_room(entry, run, trusted=trusted)
    if fetched is None:
        _refuse_late(entry)
        return Unchanged(entry.name)
    if trusted and late is None and fetched.digest == entry.digest:
        return Unchanged(entry.name)
    prepared = await compare(entry, fetched, late, run)
    rejected = prepared.fetched.project.rejected
    for number, one in enumerate(rejected[:NAMED], 1):
        more = len(rejected) - NAMED if number == NAMED else 0
        new = one not in prepared.before.rejected
        run.tell(events.Skipped(entry.name, one.filename, one.reason, str(one.refusal), new, more))
    return prepared


async def compare(entry: Entry, fetched: Fetched, late: Stale | None, run: Run) -> Prepared:
    """Judge what upstream has of the project, and compare it with what is held. Raises UpstreamError."""
    mirror = run.mirror
    before = await run.lane.ask(mirror.catalogue.published, entry.name)
    recognised = await recognise(fetched.project, before.held, run)
    project = plan.offered(recognised.project, before.held)
    fetched = replace(fetched, project=project)
    told = await context(project, before, run)
    selected = mirror.selection.apply(project, told)
    refused = {one.file.filename: one.verdict for one in selected.dropped}
    index_only = mirror.selection.is_index_only(entry.name)
    fingerprint = mirror.fingerprint(entry.name)
    # What belongs to a file is asked for again by other rules, when its time has come, and after a try that failed.
    anew = not mirror.has_asked(entry.name, entry.selection) or _is_due_by_time(entry, run) or not entry.digest
    files = plan.files(
        () if index_only else selected.project.files,
        before.held,
        trust=not run.looks(entry),
        companions=anew,
        metadata=mirror.rules.transfer.metadata,
        provenance=mirror.rules.transfer.provenance,
    )
    policies = plan.Policies() if index_only else mirror.rules.policies
    refused |= _refused_of_absent(project, before, told, run)
    kept, leaving = plan.depart(files.drop, project, refused, policies)
    if run.looks(entry):
        whole, lost = await asyncio.to_thread(looked_at, entry.name, kept, run)
        kept, leaving = tuple(whole), (*leaving, *lost)
    if files.fetch:
        run.tell(events.Expected(entry.name, len(files.fetch), files.bytes))
    listed = replace(project, files=recognised.project.files)
    problems = (*recognised.problems, *missed(listed, told, run))
    return Prepared(
        entry,
        fetched,
        selected,
        files,
        kept,
        leaving,
        before,
        told,
        fingerprint,
        late,
        problems=problems,
        pinned=recognised.pinned,
    )


def _refused_of_absent(project: Project, before: Published, told: Context, run: Run) -> dict[str, Verdict]:
    """What the rules say of files that upstream does not list any more and that a policy may keep all the same."""
    policies, selection = run.mirror.rules.policies, run.mirror.selection
    there = {file.filename for file in project.files}
    absent = tuple(one.file for one in before.held if one.file.filename not in there)
    if not absent or plan.Policy.KEEP not in (policies.deleted, policies.quarantined):
        return {}
    judged = selection.apply(replace(project, files=(*project.files, *absent)), told)
    # Which are the newest is asked of what upstream has.
    return {
        one.file.filename: one.verdict
        for one in judged.dropped
        if one.file in absent and (selection.newest is None or one.verdict.rule != selection.newest.name)
    }


def looked_at(name: str, kept: Sequence[Held], run: Run) -> tuple[list[Held], list[plan.Departure]]:
    """What of the *kept* files is whole, and what is not and cannot be had again: a page must not link it. Blocks."""
    mirror = run.mirror
    found = [(one, transfer.intact(name, one, mirror.storage, mirror.rules.transfer)) for one in kept]
    whole = [now for _, now in found if now is not None]
    return whole, [plan.Departure(one, LOST, hidden=False) for one, now in found if now is None]


async def keep_what_may_be(entry: Entry, run: Run) -> Prepared:
    """A project that nothing selects and that is kept as it is, but for the files that no policy keeps."""
    before = await run.lane.ask(run.mirror.catalogue.published, entry.name)
    page = Project(entry.name, tuple(one.file for one in before.held), serial=entry.serial)
    told = Context(run.now, {one.file.sha256: LONG_AGO for one in before.held})
    selected = strict(run.mirror.selection).apply(page, told)
    refused = {one.file.filename: one.verdict for one in selected.dropped}
    files = plan.files(selected.project.files, before.held, trust=not run.looks(entry))
    kept, leaving = plan.depart(files.drop, page, refused, run.mirror.rules.policies)
    fetched = Fetched(page, entry.validators, entry.digest)
    return Prepared(entry, fetched, selected, files, kept, leaving, before, told, run.mirror.fingerprint(entry.name))


def strict(selection: Selection) -> Selection:
    """Only the rules of *selection* that hold for whatever is kept."""
    rules = tuple(rule for rule in selection.rules if getattr(rule, "motive", None) is Motive.HARM)
    return Selection(everything=True, rules=rules)


def _is_current(entry: Entry, run: Run) -> bool:
    """Whether the project need not be looked at as long as upstream's page is the one that was looked at last."""
    same_rules = run.mirror.has_asked(entry.name, entry.selection)
    return run.trusts(entry) and same_rules and not _is_due_by_time(entry, run)


def _is_due_by_time(entry: Entry, run: Run) -> bool:
    return entry.review is not None and entry.review <= run.now


async def _read_into_room(entry: Entry, run: Run, *, trusted: bool) -> tuple[Fetched | None, Stale | None]:
    """As ``_read``; a page for which there is no room among the others is let go, and read again once there is."""
    found: tuple[Fetched | None, Stale | None] | None = await _read(entry, run, trusted=trusted)
    page = found and found[0]
    files = len(page.project.files) + len(page.project.rejected) if page else 0
    if found and run.room.takes(files):
        return found
    found = page = None
    await run.room.wait(files)
    return await _read(entry, run, trusted=trusted)


async def _read(entry: Entry, run: Run, *, trusted: bool) -> tuple[Fetched | None, Stale | None]:
    """The page, or None if it is unchanged; and why it is not the one that was promised, if it is not."""
    known = entry.validators if trusted else Validators()
    try:
        fetched = await run.mirror.upstream.project(entry.name, known, at_least=_least(entry, run))
        _refuse_leap(fetched, run)
        return fetched, None
    except Stale as stale:
        if isinstance(stale.page, Fetched) and _is_newer(stale.page, entry):
            return stale.page, stale
        raise


def _refuse_leap(fetched: Fetched | None, run: Run) -> None:
    """A page with a serial out of all proportion is not published: each later one would look older."""
    serial = None if fetched is None else fetched.project.serial
    if fetched is not None and serial is not None and run.highest is not None and serial > run.highest:
        name = fetched.project.name
        raise BadContent(f"{name}: upstream's page claims serial {serial}, far beyond what upstream has come to")


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


async def _not_found(entry: Entry, run: Run, error: NotFound) -> Prepared | Gone | Outcome:
    """A page that is not there: is the project gone? One answer alone never says so."""
    since = entry.missing_since
    if not entry.published:
        return failure(entry, f"upstream has no page for it: {error}", run.now, run.now if since is None else since)
    if since is None or (not run.listed and run.now - since < plan.CONFIRMATION):
        noted = None if run.listed else since or run.now
        return failure(entry, f"its page is not found, though it was there before: {error}", run.now, noted)
    if run.mirror.rules.policies.deleted is plan.Policy.KEEP:
        nothing = Fetched(Project(entry.name, serial=entry.serial), Validators(), "")
        prepared = await compare(entry, nothing, None, run)
        return replace(prepared, gone=True) if prepared.leaving or not run.trusts(entry) else Kept(entry.name)
    return Gone(replace(entry, missing_since=since))
