"""What one project comes to, by the files that are here and those that could not be had: its entry, its page."""

from __future__ import annotations

from collections.abc import Sequence

from bandersnatch import layout, plan, transfer
from bandersnatch.catalogue.base import Commit, Entry, Leaving, Published
from bandersnatch.model import File, Held, Validators
from bandersnatch.sync.context import seen
from bandersnatch.sync.recognising import NAMED
from bandersnatch.sync.run import HELD_BACK, Outcome, Prepared, Ready, Run, failure, summed
from bandersnatch.values import replace

WITHHELD = 7 * 86400.0
"""Seconds after which upstream is asked again for what belongs to a file and what it did not give though it has it."""

UNTOLD = 86400.0
"""Seconds after which upstream is asked again for files whose page would not tell that they are others."""

COMPANION = "what belongs to the file is not wanted, or not to be had"
"""Why metadata or provenance leaves though its file stays."""


def outcome_of(
    prepared: Prepared, here: Sequence[Held], problems: Sequence[str], run: Run, *, withheld: bool
) -> Outcome:
    """
    The project with the files that are *here*; *problems* say why others are not.

    *withheld*: upstream did not give what belongs to a file, though it says that it has it.
    """
    entry, page, index_only = prepared.entry, prepared.shown, run.mirror.selection.is_index_only(prepared.entry.name)
    held = _in_order(page.files, (*here, *prepared.kept))
    shows_none = not (page.files if index_only else held)
    harmful = entry.published and any(one.harmful for one in prepared.leaving)
    if problems and shows_none and not harmful:
        # An empty page in place of none, or of what is there, would hide what other indexes have, or what we had.
        return failure(entry, summed(problems), run.now)
    new = _entry(prepared, run, whole=not problems, withheld=withheld)
    shown = page if page.serial == new.serial else replace(page, serial=new.serial)
    nothing = prepared.is_unwanted or (bool(problems) and shows_none)
    if nothing:
        # A page without files would name a project that this mirror does not offer. One that is there goes as a
        # removed project's does: once the list of projects does not name it.
        new = replace(new, published=entry.published, indexed=False, departing=entry.published)
    commit = _commit(prepared, held, new, problems, run)
    return Ready(commit, None if nothing and not entry.published else shown, run.trusts(entry), index_only)


def _commit(prepared: Prepared, held: tuple[Held, ...], new: Entry, problems: Sequence[str], run: Run) -> Commit:
    fetched = prepared.fetched.project
    digests = frozenset(one.file.sha256 for one in held)
    remembered = seen(fetched, prepared.context, digests, run.now) if run.mirror.rules.first_seen else ()
    published = Published(held, prepared.before.pages, remembered, fetched.rejected[:NAMED])
    reason = summed(problems) if problems else str(prepared.late or (HELD_BACK if prepared.held_back else ""))
    late = failure(prepared.entry, reason, run.now, losing=prepared.held_back) if reason else None
    return Commit(new, published, _leaving(prepared, held), late)


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


def _entry(prepared: Prepared, run: Run, *, whole: bool, withheld: bool) -> Entry:
    """The project's new entry. A page that lacks a file keeps its old serial, and is asked for again as if unknown."""
    entry, fetched = prepared.entry, prepared.fetched
    serial, validators, digest = entry.serial, Validators(), ""
    if whole:
        serial = fetched.project.serial if fetched.project.serial is not None else entry.promised
    if whole and not prepared.held_back:
        validators, digest = fetched.validators, fetched.digest
    return replace(
        entry,
        published=True,
        indexed=entry.indexed if prepared.held_back else not prepared.is_quarantined,
        departing=False,
        selection=prepared.fingerprint,
        review=_review(prepared, run, withheld=withheld),
        missing_since=entry.missing_since if run.listed and entry.published else None,
        suspect=False,  # whatever the page links now was looked at
        serial=serial,
        validators=validators,
        digest=digest,
    )


def _review(prepared: Prepared, run: Run, *, withheld: bool) -> float | None:
    """When the project is to be looked at again though upstream's page is the same: the earliest of all reasons."""
    is_uncertain = bool(prepared.pinned) or not all(map(transfer.is_certain, prepared.plan.fetch))
    times = [
        prepared.selected.until,
        run.now + WITHHELD if withheld else None,
        run.now + UNTOLD if is_uncertain else None,
    ]
    earlier = prepared.entry.review
    if earlier is not None and earlier > run.now:
        times.append(earlier)  # what was withheld then may be so still: nobody has asked for it in this run
    return min((one for one in times if one is not None), default=None)


def _in_order(files: Sequence[File], held: Sequence[Held]) -> tuple[Held, ...]:
    """The files that are here, in the order of upstream's page, however they arrived."""
    place = {file.filename: position for position, file in enumerate(files)}
    return tuple(sorted(held, key=lambda one: place[one.file.filename]))
