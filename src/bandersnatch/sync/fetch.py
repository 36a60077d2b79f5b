"""One project's files, brought in. What the project then comes to, ``settle`` makes true."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress

from bandersnatch import layout, publish, transfer
from bandersnatch.errors import BadContent, StorageError, UpstreamError
from bandersnatch.model import File, Held, Validators
from bandersnatch.storage.base import Storage
from bandersnatch.sync import events
from bandersnatch.sync.outcome import outcome_of
from bandersnatch.sync.page import looked_at
from bandersnatch.sync.recognising import changed
from bandersnatch.sync.run import Outcome, Prepared, Run, ends_the_run
from bandersnatch.values import Struct, field, replace

UNCERTAIN = (
    "files of which upstream states no digest come over http, so anybody on the way can put others in their place: an "
    'https address would mend that, and [files] without-digest = "refuse" leaves them out'
)


async def fetch(prepared: Prepared, run: Run) -> Outcome:
    """Bring in the files that the page needs. Raises only what ends the whole run."""
    results = _Results(_new_keys(prepared, run), list(prepared.problems))
    # What is staged becomes visible with whatever batch is settled next.
    await run.arrivals.expect(prepared.entry.name, results.expected, run.mirror.catalogue, run.lane)
    await _each(prepared, run, results)
    here = [*prepared.plan.keep, *results.arrived]
    if prepared.pinned:
        here = await asyncio.gather(*(_as_at_first(one, prepared, run, results) for one in here))
    return outcome_of(prepared, here, results.problems, run, withheld=results.withheld)


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
    mirror, files = run.mirror, prepared.plan.fetch
    if not files:
        return
    if mirror.rules.http and any(file.url.startswith("http:") and not transfer.is_certain(file) for file in files):
        run.tell(events.Warned(UNCERTAIN))
    try:
        here = await run.lane.ask(transfer.look, files, mirror.storage, mirror.rules.transfer)
    except StorageError as error:  # such as a link that somebody planted: one project's trouble, not everybody's
        if ends_the_run(error):
            raise
        results.problems.append(str(error))
        for file in files:
            results.arrived += await run.lane.ask(_still_held, prepared, file, mirror.storage)
        return
    twins: defaultdict[str, list[File]] = defaultdict(list)
    for twin in prepared.fetched.project.twins:
        twins[twin.filename].append(twin)
    # The rest is for other projects, however slow the files of this one come.
    own = asyncio.Semaphore(max(1, mirror.rules.files_at_once * 3 // 4))
    async with asyncio.TaskGroup() as group:
        for file in files:
            await own.acquire()
            await run.slots.acquire()  # before the task is made: a million files are not a million tasks
            others = twins.get(file.filename, ())
            one = group.create_task(_one(prepared, file, others, run, results, new=file.filename not in here))
            one.add_done_callback(lambda _: own.release())


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
            project, file, mirror.upstream, mirror.storage, _rules(run), progress, twins=twins, named=named, new=new
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
