"""Why a file is here or not: every rule's verdict about upstream's present page, beside what the mirror holds."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from bandersnatch import names, plan
from bandersnatch.catalogue.base import Behind, Entry, Published
from bandersnatch.errors import NotFound, UpstreamError
from bandersnatch.model import Held, Validators
from bandersnatch.selection import Explained
from bandersnatch.sync.mirror import Mirror
from bandersnatch.sync.page import compare
from bandersnatch.sync.run import Health, Prepared, Run


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of a file that is held and not wanted."""

    cause: str
    """deleted, quarantined, yanked or deselected."""
    policy: str
    """The value of the key of that name under ``[removal]``: follow, hide or keep."""
    stays: bool
    """Whether it stays on its page; if not, the next run takes it off."""
    reason: str


@dataclass(frozen=True, slots=True)
class Judged:
    """One file, and what the rules say of it."""

    filename: str
    version: str
    """As the file name spells it; empty where none can be told."""
    wanted: bool
    held: bool
    """Whether the mirror has it on its page."""
    upstream: bool
    """Whether it is on upstream's page, as far as that was asked."""
    explained: Explained | None
    """None for a file that only the mirror has, of which no rule was asked."""
    fate: Fate | None
    """None unless it is held and not wanted."""


@dataclass(frozen=True, slots=True)
class Answer:
    """All that can be said about one project."""

    project: str
    exists: bool | None
    """Whether upstream has a page for it; None if it was not asked, or gave no answer."""
    unreachable: str
    """Why upstream gave no answer: then the files are those that the mirror holds."""
    explained: Explained
    """The project as a whole, by its name."""
    index_only: bool
    """Whether its files are linked at upstream and not stored."""
    entry: Entry | None
    """What the mirror knows of it."""
    behind: Behind | None
    """Why it is behind upstream, if it is."""
    status: str | None
    """The project's (PEP 792), where upstream says."""
    files: tuple[Judged, ...]
    """In the order of upstream's page; behind them those that only the mirror has."""
    nearest: tuple[str, ...]
    """Names on upstream's list that are most like one that it does not have."""

    @property
    def is_known(self) -> bool:
        """Whether upstream or the mirror has the project, as far as could be asked."""
        return self.exists is not False or bool(self.entry and self.entry.published)


async def explain(mirror: Mirror, name: str, now: float, *, offline: bool = False) -> Answer:
    """
    Ask every rule about the project with the normalised *name*. Reads only. Raises CatalogueError and StorageError.

    *offline*: judge the files that the mirror holds, without asking upstream.
    """
    catalogue = mirror.catalogue
    entry = await asyncio.to_thread(catalogue.entry, name)
    before = await asyncio.to_thread(catalogue.published, name)
    asked = Entry(name, name) if entry is None else entry
    exists, unreachable, page = None, "", None
    if not offline:
        try:
            page = await _look(mirror, asked, now)
            exists = True
        except NotFound:
            exists = False
        except UpstreamError as error:
            unreachable = str(error)
    if exists is not None:
        files = tuple(_judge(mirror, asked, page, before))
    else:
        held = await _look(replace(mirror, upstream=_Nobody(before)), asked, now)
        files = tuple(replace(one, upstream=False) for one in _judge(mirror, asked, held, before))
    return Answer(
        project=name,
        exists=exists,
        unreachable=unreachable,
        explained=mirror.selection.explain_name(name),
        index_only=mirror.selection.is_index_only(name),
        entry=entry,
        behind=await asyncio.to_thread(_behind, mirror, asked),
        status=page.fetched.project.status if page else None,
        files=files,
        nearest=await _nearest(mirror, name) if exists is False else (),
    )


async def _look(mirror: Mirror, entry: Entry, now: float) -> Prepared:
    """Upstream's page in front of the selection, by the run's own step. Raises UpstreamError."""
    fetched = await mirror.upstream.project(entry.name, Validators(), at_least=None)
    assert fetched is not None, "nothing was said to be known"
    run = Run(mirror, now, False, lambda _: None, asyncio.Semaphore(1), Health())
    return await compare(entry, fetched, None, run)


# --- file by file --------------------------------------------------------------------------------------------------


def _judge(mirror: Mirror, entry: Entry, page: Prepared | None, before: Published) -> Iterator[Judged]:
    """Every file of upstream's *page*, and those that only the mirror has; all of them where there is no page."""
    held = {one.file.filename: one for one in before.held}
    listed = []
    if page is not None:
        fates = _fates(mirror, page)
        listed = mirror.selection.explain(page.fetched.project, page.context)
        for one in listed:
            fate = fates.get(one.filename)
            # A quarantined project's files are offered by nobody, whatever the rules say of them.
            yield _judged(entry.name, one.filename, one, one.filename in held, fate)
    else:
        fates = {name: _absent(mirror, entry, one) for name, one in held.items()}
    for name in sorted(held.keys() - {one.filename for one in listed}):
        yield _judged(entry.name, name, None, True, fates.get(name))


def _judged(project: str, filename: str, explained: Explained | None, held: bool, fate: Fate | None) -> Judged:
    wanted = explained is not None and explained.wanted
    version = names.version_of(filename, project) or ""
    return Judged(filename, version, wanted, held, explained is not None, explained, None if wanted else fate)


def _fates(mirror: Mirror, page: Prepared) -> Mapping[str, Fate]:
    """What becomes of the files that are held and not selected, by file name."""
    fates: dict[str, Fate] = {}
    for departure in page.leaving:
        cause, _, reason = departure.reason.partition(": ")
        fates[departure.held.file.filename] = _fate(mirror, plan.Cause(cause), False, reason)
    return fates


def _absent(mirror: Mirror, entry: Entry, held: Held) -> Fate:
    """What becomes of a file whose project upstream does not have, or is not selected."""
    raise NotImplementedError
