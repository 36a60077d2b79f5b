"""The catalogue against upstream: what is wanted of its list and is not here as upstream has it, with the reason.

It is found out on a copy of the catalogue, where each such project is noted as behind: so nothing is held in memory,
and what looks for the projects that are behind finds these as well.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from bandersnatch import layout, plan
from bandersnatch.catalogue.base import Entry, Failure
from bandersnatch.sync.detect import detect
from bandersnatch.sync.hands import each, first
from bandersnatch.sync.mirror import Mirror
from bandersnatch.sync.page import prepare
from bandersnatch.sync.run import Gone, Health, Outcome, Prepared, Run, summed
from bandersnatch.values import Struct
from bandersnatch.verify.base import Finding, Kind

AT_ONCE = 500

NEVER = 1e12
"""When a copy of the catalogue is to try again."""

Tell = Callable[[Finding], None]


class Question(Struct, frozen=True):
    """How much upstream is asked."""

    projects: tuple[str, ...] = ()
    """Normalised: ask for the pages of these, and say nothing of others; empty for all."""
    pages: bool = False
    """Ask for every page of what is published, and not only where the list leaves a doubt."""
    after: str = ""
    """Ask for no page up to this name: they were asked for before."""


async def compare(
    mirror: Mirror, question: Question, now: float, tell: Tell, done: Callable[[str], None] = lambda _: None
) -> str:
    """
    Note in the catalogue, a copy, what is behind upstream; *tell* hears of what upstream has no longer.

    *done* hears of the last name that was dealt with, in order. Returns why upstream's list was not believed, if so.
    Raises UpstreamError, CatalogueError and StorageError.
    """
    detected = await detect(mirror, now, full=False, accept_removals=True, tell=lambda _: None)
    if question.pages:
        await asyncio.to_thread(mirror.catalogue.make_due, now, waiting=True)
    run = Run(mirror, now, False, lambda _: None, asyncio.Semaphore(1), Health(), detected.listed)
    after = ""
    while entries := await asyncio.to_thread(mirror.catalogue.due, now, after, AT_ONCE):
        await _look_at([one for one in entries if _is_asked(one, question)], question, run, tell)
        after = entries[-1].name
        done(after)
    return detected.refused


def _is_asked(entry: Entry, question: Question) -> bool:
    return entry.name in question.projects if question.projects else entry.name > question.after


async def _look_at(entries: list[Entry], question: Question, run: Run, tell: Tell) -> None:
    """One part, in any order: its findings are told in the order of names."""
    found: dict[str, Finding] = {}

    async def look(entry: Entry) -> None:
        finding = await _compared(entry, question, run)
        if finding is not None:
            found[entry.name] = finding

    try:
        await each(entries, look, run.mirror.rules.projects_at_once)
    except BaseExceptionGroup as group:
        raise first(group) from None
    await asyncio.to_thread(_note, entries, found, run)
    for name in sorted(found):
        if found[name].kind is not Kind.BEHIND:
            tell(found[name])


def _note(entries: list[Entry], found: dict[str, Finding], run: Run) -> None:
    """Let the copy of the catalogue say of each project whether it is behind, and why. Blocks."""
    catalogue = run.mirror.catalogue
    behind = [one.name for one in entries if one.name in found and found[one.name].kind is Kind.BEHIND]
    catalogue.keep([one.name for one in entries if one.name not in behind])
    catalogue.fail([Failure(name, found[name].what, NEVER) for name in behind], run.now)


async def _compared(entry: Entry, question: Question, run: Run) -> Finding | None:
    """What there is to say of a project that may be others than upstream has it."""
    reason = "" if question.pages or entry.name in question.projects else _by_list(entry, run)
    if reason:
        return Finding(Kind.BEHIND, entry.name, "", reason)
    return _by_page(entry, await prepare(entry, run))


def _by_list(entry: Entry, run: Run) -> str:
    """What upstream's list alone says against a project; its page need not be asked for then."""
    if not entry.wanted or entry.missing_since is not None or entry.tries:
        return ""  # why something is behind already, its page says best
    if not entry.published:
        if entry.digest:
            return ""  # its page was read, and nothing of it was wanted then
        return "nothing of it is published here yet"
    if entry.promised is not None and entry.serial is not None and entry.promised > entry.serial:
        return f"serial {entry.serial} is published, and upstream has {entry.promised}"
    if entry.suspect:
        return "damage was found in what is stored of it"
    return ""


def _by_page(entry: Entry, outcome: Prepared | Gone | Outcome) -> Finding | None:
    page = layout.page_keys(entry.name)["json"][0]
    match outcome:
        case Prepared():
            reason = _difference(entry, outcome)
            return Finding(Kind.BEHIND, entry.name, "", reason) if reason else None
        case Gone(cause=plan.Cause.DESELECTED):
            return Finding(Kind.UNWANTED, entry.name, page, "it is not selected any more")
        case Gone():
            return Finding(Kind.UNWANTED, entry.name, page, "upstream does not have it any more")
        case Failure(reason=reason):
            return Finding(Kind.BEHIND, entry.name, "", reason)
        case _:
            return None


def _difference(entry: Entry, prepared: Prepared) -> str:
    """In what a run would change the project's page; empty if in nothing."""
    missing = [file.filename for file in prepared.plan.fetch]
    leaving = [one.held.file.filename for one in prepared.leaving]
    held = {one.file for one in prepared.before.held}
    changed = [one.file.filename for one in prepared.plan.keep if one.file not in held]
    parts = [
        f"{len(names)} {'file is' if len(names) == 1 else 'files are'} {how}, such as {names[0]}"
        for names, how in ((missing, "not here"), (leaving, "to leave"), (changed, "described otherwise"))
        if names
    ]
    serial = prepared.fetched.project.serial
    if not parts and serial is not None and entry.serial is not None and serial > entry.serial:
        parts.append(f"serial {entry.serial} is published, and upstream has {serial}")
    parts += [summed(prepared.problems)] if prepared.problems else []
    return "; ".join(parts)
