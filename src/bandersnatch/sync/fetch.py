"""One project's files: brought in, and put together to its new state. What it then is, ``settle`` makes true."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress

from bandersnatch import layout, plan, publish, transfer
from bandersnatch.catalogue.base import Commit, Entry, Leaving, Published
from bandersnatch.errors import BadContent, StorageError, UpstreamError
from bandersnatch.model import File, Held, Validators
from bandersnatch.storage.base import Storage
from bandersnatch.sync import events
from bandersnatch.sync.context import seen
from bandersnatch.sync.page import looked_at
from bandersnatch.sync.recognising import NAMED, changed
from bandersnatch.sync.run import HELD_BACK, Outcome, Prepared, Ready, Run, ends_the_run, failure, summed
from bandersnatch.values import Struct, field, replace

WITHHELD = 7 * 86400.0
"""Seconds after which upstream is asked again for what belongs to a file and what it did not give though it has it."""

UNCERTAIN = (
    "files of which upstream states no digest come over http, so anybody on the way can put others in their place: an "
    'https address would mend that, and [files] without-digest = "refuse" leaves them out'
)

UNTOLD = 86400.0
"""Seconds after which upstream is asked again for files whose page would not tell that they are others."""

COMPANION = "what belongs to the file is not wanted, or not to be had"
"""Why metadata or provenance leaves though its file stays."""


async def fetch(prepared: Prepared, run: Run) -> Outcome:
    """Bring in the files that the page needs. Raises only what ends the whole run."""
    results = _Results(_new_keys(prepared, run), list(prepared.problems))
    # What is staged becomes visible with whatever batch is settled next.
    await run.arrivals.expect(prepared.entry.name, results.expected, run.mirror.catalogue, run.lane)
    await _each(prepared, run, results)
    here = [*prepared.plan.keep, *results.arrived]
    if prepared.pinned:
        here = await asyncio.gather(*(_as_at_first(one, prepared, run, results) for one in here))
    entry, problems = prepared.entry, results.problems
    held = _in_order(prepared.shown.files, (*here, *prepared.kept))
    harmful = entry.published and any(one.harmful for one in prepared.leaving)
    if problems and not _shows_any(prepared, held, run) and not harmful:
        # An empty page in place of none, or of what is there, would hide what other indexes have, or what we had.
        return failure(entry, summed(problems), run.now)
    reason = summed(problems) if problems else str(prepared.late or (HELD_BACK if prepared.held_back else ""))
    return _ready(prepared, held, reason, run, results)


def _shows_any(prepared: Prepared, held: tuple[Held, ...], run: Run) -> bool:
    """Whether the page would list anything."""
    index_only = run.mirror.selection.is_index_only(prepared.entry.name)
    return bool(prepared.shown.files if index_only else held)


def _new_keys(prepared: Prepared, run: Run) -> list[str]:
    """What the project may come to have, and the catalogue does not vouch for yet."""
    name, before, mirror = prepared.entry.name, prepared.before, run.mirror
    fetched = {file.filename for file in prepared.plan.fetch}
    twins = [file for file in prepared.fetched.project.twins if file.filename in fetched]
    arriving = tuple(Held(file, 0, metadata="", provenance=True) for file in (*prepared.plan.fetch, *twins))
    held = (*prepared.plan.keep, *prepared.kept, *arriving)
    index_only = mirror.selection.is_index_only(name)
    pages = publish.keys(
        prepared.shown,
        publish.linked(prepared.shown.files) if index_only else held,
        mirror.rules.publish,
        upstream_files=index_only,
    )
    known = {key for key, _ in before.pages} | {key for one in before.held for key in layout.keys_of(name, one)}
    # What has no key yet is expected as soon as it has one.
    files = [key for one in arriving if layout.has_key(one.file) for key in layout.keys_of(name, one)]
    return [key for key in (*files, *pages) if key not in known]


def _ready(prepared: Prepared, held: tuple[Held, ...], reason: str, run: Run, results: _Results) -> Ready:
    entry, mirror = prepared.entry, run.mirror
    index_only = mirror.selection.is_index_only(entry.name)
    nothing = prepared.is_unwanted or (bool(results.problems) and not _shows_any(prepared, held, run))
    new = _entry(prepared, run, results)
    if nothing:
        # A page without files would name a project that this mirror does not offer. One that is there goes as a
        # removed project's does: once the list of projects does not name it.
        new = replace(new, published=entry.published, indexed=False, departing=entry.published)
    digests = frozenset(one.file.sha256 for one in held)
    remembered = seen(prepared.fetched.project, prepared.context, digests, run.now) if mirror.rules.first_seen else ()
    commit = Commit(
        new,
        Published(held, prepared.before.pages, remembered, prepared.fetched.project.rejected[:NAMED]),
        _leaving(prepared, held),
        failure(entry, reason, run.now, losing=prepared.held_back) if reason else None,
    )
    shown = None if nothing and not entry.published else prepared.shown
    if shown is not None and shown.serial != new.serial:
        shown = replace(shown, serial=new.serial)
    return Ready(commit, shown, run.trusts(entry), index_only)


def _leaving(prepared: Prepared, held: tuple[Held, ...]) -> tuple[Leaving, ...]:
    """The keys of what left the page: by a decision, or because a file that replaces it could not be had."""
    here = {layout.file_key(one.file): one for one in held}
    decided = {layout.file_key(one.held.file): one for one in prepared.leaving}
    name = prepared.entry.name
    result: list[Leaving] = []
    for one in prepared.before.held:
        file_key = layout.file_key(one.file)
        if file_key not in here:
            departure = decided.get(file_key) or plan.Departure(one, "damaged", hidden=False)
            keys = layout.keys_of(name, one)
            result += [Leaving(key, name, departure.reason, departure.hidden) for key in keys]
        else:
            now = layout.keys_of(name, here[file_key])
            result += [Leaving(key, name, COMPANION) for key in layout.keys_of(name, one) if key not in now]
    return tuple(result)


def _entry(prepared: Prepared, run: Run, results: _Results) -> Entry:
    """The project's new entry. A page that lacks a file keeps its old serial, and is asked for again as if unknown."""
    entry, fetched = prepared.entry, prepared.fetched
    serial, validators, digest = entry.serial, Validators(), ""
    if not results.problems:
        serial = fetched.project.serial if fetched.project.serial is not None else entry.promised
    if not results.problems and not prepared.held_back:
        validators, digest = fetched.validators, fetched.digest
    return replace(
        entry,
        published=True,
        indexed=entry.indexed if prepared.held_back else not prepared.is_quarantined,
        departing=False,
        selection=prepared.fingerprint,
        review=_review(prepared, run, results),
        missing_since=entry.missing_since if run.listed and entry.published else None,
        suspect=False,  # whatever the page links now was looked at
        serial=serial,
        validators=validators,
        digest=digest,
    )


def _review(prepared: Prepared, run: Run, results: _Results) -> float | None:
    """When the project is to be looked at again though upstream's page is the same: the earliest of all reasons."""
    is_uncertain = bool(prepared.pinned) or not all(map(transfer.is_certain, prepared.plan.fetch))
    times = [
        prepared.selected.until,
        run.now + WITHHELD if results.withheld else None,
        run.now + UNTOLD if is_uncertain else None,
    ]
    earlier = prepared.entry.review
    if earlier is not None and earlier > run.now:
        times.append(earlier)  # what was withheld then may be so still: nobody has asked for it in this run
    return min((one for one in times if one is not None), default=None)


# --- its files -----------------------------------------------------------------------------------------------------


class _Results(Struct):
    expected: list[str]
    """Keys that may become visible before the commit."""
    problems: list[str]
    arrived: list[Held] = field(default_factory=list)
    fetched: set[str] = field(default_factory=set)
    """Names of the files whose bytes came from upstream now."""
    withheld: bool = False
    """Whether upstream did not give what belongs to a file, though it says that it has it."""


async def _each(prepared: Prepared, run: Run, results: _Results) -> None:
    """All files of the project, in parallel; one that fails keeps none of the others back."""
    mirror = run.mirror
    if not prepared.plan.fetch:
        return
    if mirror.rules.http and any(_may_be_anybodys(file) for file in prepared.plan.fetch):
        run.tell(events.Warned(UNCERTAIN))
    try:
        here = await run.lane.ask(transfer.look, prepared.plan.fetch, mirror.storage, mirror.rules.transfer)
    except StorageError as error:  # such as a link that somebody planted: one project's trouble, not everybody's
        if ends_the_run(error):
            raise
        results.problems.append(str(error))
        for file in prepared.plan.fetch:
            results.arrived += await run.lane.ask(_still_held, prepared, file, mirror.storage)
        return
    twins: defaultdict[str, list[File]] = defaultdict(list)
    for twin in prepared.fetched.project.twins:
        twins[twin.filename].append(twin)
    # The rest is for other projects, however slow the files of this one come.
    own = asyncio.Semaphore(max(1, mirror.rules.files_at_once * 3 // 4))
    async with asyncio.TaskGroup() as group:
        for file in prepared.plan.fetch:
            await own.acquire()
            await run.slots.acquire()  # before the task is made: a million files are not a million tasks
            others = twins.get(file.filename, ())
            one = group.create_task(_one(prepared, file, others, run, results, new=file.filename not in here))
            one.add_done_callback(lambda _: own.release())


def _may_be_anybodys(file: File) -> bool:
    return file.url.startswith("http:") and not transfer.is_certain(file)


async def _one(
    prepared: Prepared, file: File, twins: Sequence[File], run: Run, results: _Results, *, new: bool
) -> None:
    mirror, project = run.mirror, prepared.entry.name

    def progress(wanted: File, count: int) -> None:
        run.tell(events.Progressed(wanted.filename, count, wanted.size))

    async def named(found: File) -> None:
        results.expected += layout.keys_of(project, Held(found, 0, metadata="", provenance=True))
        await run.arrivals.expect(project, results.expected, mirror.catalogue, run.lane)

    try:
        arrived = await transfer.file(
            project,
            file,
            mirror.upstream,
            mirror.storage,
            _rules(run),
            progress,
            twins=twins,
            named=named,
            new=new,
        )
    except UpstreamError as error:
        results.problems.append(_problem(file, error, prepared))
        results.arrived += await _namesakes(prepared, file, run)
    except StorageError as error:
        if ends_the_run(error):
            raise
        results.problems.append(f"{file.filename}: {error}")
        results.arrived += await run.lane.ask(_still_held, prepared, file, mirror.storage)
    else:
        results.arrived.append(arrived.held)
        if arrived.fetched:
            results.fetched.add(file.filename)
        results.withheld = results.withheld or arrived.withheld
        if arrived.problem:
            results.problems.append(f"{file.filename}: {arrived.problem}")
        if arrived.warning:
            run.tell(events.Warned(arrived.warning, "file", project))
        run.tell(events.Arrived(project, file.filename, arrived.held.size, arrived.fetched))
    finally:
        run.slots.release()


async def _namesakes(prepared: Prepared, file: File, run: Run) -> Sequence[Held]:
    """What is held under the name of a file that cannot be had: upstream lists the name, so it is no removal."""
    found = [one for one in prepared.plan.drop if one.file.filename == file.filename]
    if found and run.looks(prepared.entry):
        found, _ = await asyncio.to_thread(looked_at, prepared.entry.name, found, run)
    return found


async def _as_at_first(held: Held, prepared: Prepared, run: Run, results: _Results) -> Held:
    """*held*; where nothing but its first sight says what it has to be, upstream is asked whether it still is that."""
    filename = held.file.filename
    [before] = [one for one in prepared.before.held if one.file.filename == filename] or [held]
    if filename not in prepared.pinned or filename in results.fetched:
        return held
    known = before.validators if before.file.url == held.file.url else Validators()
    try:
        async with run.slots:
            return await transfer.same(prepared.entry.name, held, known, run.mirror.upstream, whole=run.full)
    except UpstreamError as error:
        results.problems.append(_problem(held.file, error, prepared))
        return replace(held, etag=before.etag, last_modified=before.last_modified)


def _problem(file: File, error: UpstreamError, prepared: Prepared) -> str:
    what = str(error).removeprefix(f"{file.filename}: ")
    if isinstance(error, BadContent) and file.filename in prepared.pinned:
        return changed(file.filename, what.replace("promised was", "at first sight it was"))
    return f"{file.filename}: {what}"


def _still_held(prepared: Prepared, file: File, storage: Storage) -> tuple[Held, ...]:
    """
    The file as it was held, if it cannot be told whether it still is: that is no reason to take it off its page.

    Blocks. Where its size says that it is not whole, it is damage.
    """
    for one in prepared.before.held:
        if one.file.sha256 == file.sha256 and layout.file_key(one.file) == layout.file_key(file):
            with suppress(StorageError):
                stat = storage.stat(layout.file_key(file))
                return () if stat is None or stat.size != one.size else (replace(one, file=file),)
            return (replace(one, file=file),)
    return ()


def _rules(run: Run) -> transfer.Rules:
    """A full run trusts nobody's word about a file."""
    rules = run.mirror.rules.transfer
    return replace(rules, vouched=None) if run.full and rules.vouched is not None else rules


def _in_order(files: Sequence[File], held: Sequence[Held]) -> tuple[Held, ...]:
    """The files that are here, in the order of upstream's page, however they arrived."""
    place = {file.filename: position for position, file in enumerate(files)}
    return tuple(sorted(held, key=lambda one: place[one.file.filename]))
