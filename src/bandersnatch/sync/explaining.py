"""Why a file is here or not: every rule's verdict about upstream's present page, beside what the mirror holds."""

from __future__ import annotations

import asyncio
from collections.abc import Container, Iterator, Sequence
from contextlib import AbstractAsyncContextManager

from bandersnatch import names, plan
from bandersnatch.catalogue.base import Behind, Catalogue, Entry, Published
from bandersnatch.errors import NotFound, UpstreamError
from bandersnatch.model import Project, Rejected, Slice, Validators
from bandersnatch.selection import Explained
from bandersnatch.sync.mirror import Mirror
from bandersnatch.sync.nearest import Nearest
from bandersnatch.sync.page import compare, keep_what_may_be
from bandersnatch.sync.run import Health, Prepared, Run
from bandersnatch.upstream.base import Absorb, Body, Fetched
from bandersnatch.values import Struct, replace


class Fate(Struct, frozen=True):
    """What becomes of a file that is held and not wanted."""

    cause: str
    """deleted, quarantined, yanked or deselected."""
    policy: str
    """The value of the key of that name under ``[removal]``: follow, hide or keep."""
    stays: bool
    """Whether it stays on its page; if not, the next run takes it off."""
    reason: str


class Judged(Struct, frozen=True):
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


class Answer(Struct, frozen=True):
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
    rejected: tuple[Rejected, ...]
    """Files on upstream's page that are not taken, whatever the rules say."""
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
    entry = await asyncio.to_thread(mirror.catalogue.entry, name)
    before = await asyncio.to_thread(mirror.catalogue.published, name)
    asked = entry or Entry(name, name)
    exists, unreachable, page = None, "", None
    try:
        if not offline:
            page = await _look(mirror, asked, now)
            exists = True
    except NotFound:
        exists = False
    except UpstreamError as error:
        unreachable = str(error)
    kept = await _kept_unselected(mirror, entry, now)
    if exists is None:
        alone = await _look(replace(mirror, upstream=_Nobody(name, before)), asked, now)
        files = [replace(one, upstream=False) for one in _judge(mirror, name, alone, before, kept)]
    else:
        files = list(_judge(mirror, name, page, before, kept))
    return Answer(
        project=name,
        exists=exists,
        unreachable=unreachable,
        explained=mirror.selection.explain_name(name),
        index_only=mirror.selection.is_index_only(name),
        entry=entry,
        behind=await asyncio.to_thread(_behind, mirror.catalogue, entry),
        status=page.fetched.project.status if page else None,
        files=tuple(files),
        rejected=page.fetched.project.rejected if page else (),
        nearest=await _nearest(mirror, name) if exists is False else (),
    )


async def _look(mirror: Mirror, entry: Entry, now: float) -> Prepared:
    """Upstream's page in front of the selection, by the run's own step. Raises UpstreamError."""
    fetched = await mirror.upstream.project(entry.name, Validators(), at_least=None)
    assert fetched is not None, "nothing was said to be known"
    return await compare(entry, fetched, None, _run(mirror, now))


async def _kept_unselected(mirror: Mirror, entry: Entry | None, now: float) -> frozenset[str] | None:
    """What stays of a project that is kept though nothing selects it, whatever upstream's page says; else None."""
    if entry is None or mirror.selection.wants(entry.name) or mirror.rules.policies.deselected is not plan.Policy.KEEP:
        return None
    page = await keep_what_may_be(entry, _run(mirror, now))
    return frozenset(one.file.filename for one in (*page.plan.keep, *page.kept))


def _run(mirror: Mirror, now: float) -> Run:
    return Run(mirror, now, False, lambda _: None, asyncio.Semaphore(1), Health())


# --- file by file --------------------------------------------------------------------------------------------------


def _judge(
    mirror: Mirror, name: str, page: Prepared | None, before: Published, kept: frozenset[str] | None
) -> Iterator[Judged]:
    """Every file of upstream's *page*, and those that only the mirror has: all of them where there is no page."""
    held = {one.file.filename: one for one in before.held}
    listed: dict[str, Explained] = {}
    digests: dict[str, str] = {}
    if page is None:
        fates = dict.fromkeys(held, _fate_of_all(mirror, name))
    else:
        project = page.fetched.project
        listed = {one.filename: one for one in mirror.selection.explain(project, page.context)}
        digests = {file.filename: file.sha256 for file in project.files}
        fates = dict(_fates(mirror, page, kept))
    for filename in (*listed, *sorted(held.keys() - listed.keys())):
        one = listed.get(filename)
        wanted = one is not None and one.wanted
        here = filename in held and digests.get(filename) in (None, held[filename].file.sha256)
        yield Judged(
            filename=filename,
            version=names.version_of(filename, name) or "",
            wanted=wanted,
            held=here,
            upstream=one is not None,
            explained=one,
            fate=fates.get(filename) if here and not wanted else None,
        )


def _fates(mirror: Mirror, page: Prepared, kept: frozenset[str] | None) -> Iterator[tuple[str, Fate]]:
    """What becomes of the files that are held and not selected."""
    refused = {one.file.filename: one.verdict for one in page.selected.dropped}
    # If everything followed upstream and the rules, all of them would leave, each with its cause.
    _, departures = plan.depart(page.plan.drop, page.fetched.project, refused, plan.Policies())
    stay = {one.file.filename for one in page.kept} if kept is None else kept
    for departure in departures:
        cause, _, reason = departure.reason.partition(": ")
        filename = departure.held.file.filename
        yield filename, _fate(mirror, plan.Cause(cause), reason, stays=filename in stay)


def _fate_of_all(mirror: Mirror, name: str) -> Fate:
    """What becomes of every file of a project that upstream does not have."""
    cause = plan.Cause.DELETED if mirror.selection.wants(name) else plan.Cause.DESELECTED
    return _fate(mirror, cause, "", stays=mirror.rules.policies.of(cause) is plan.Policy.KEEP)


def _fate(mirror: Mirror, cause: plan.Cause, reason: str, *, stays: bool) -> Fate:
    return Fate(str(cause), str(mirror.rules.policies.of(cause)), stays, reason)


# --- the project ---------------------------------------------------------------------------------------------------


def _behind(catalogue: Catalogue, entry: Entry | None) -> Behind | None:
    """Blocks."""
    if entry is None or not entry.tries:
        return None
    return next((one for one in catalogue.behind() if one.name == entry.name), None)


async def _nearest(mirror: Mirror, name: str) -> tuple[str, ...]:
    nearest = Nearest([name])

    async def absorb(batch: Sequence[Slice]) -> None:
        await asyncio.to_thread(nearest.offer, [line.name for one in batch for line in one.lines])

    try:
        await mirror.upstream.listing(Validators(), absorb)
    except UpstreamError:
        return ()
    return tuple(nearest.of(name))


class _Nobody:
    """An upstream that has what the mirror holds of one project, and is asked by no request."""

    def __init__(self, name: str, before: Published) -> None:
        self._page = Project(name, tuple(one.file for one in before.held))

    async def project(self, name: str, known: Validators, *, at_least: int | None) -> Fetched:
        return Fetched(self._page, known, "")

    async def changes(self, since: int) -> None:
        return None

    async def listing(
        self, known: Validators, absorb: Absorb, *, limit: int | None = None, slices: Container[bytes] = frozenset()
    ) -> None:
        return None

    def open(
        self,
        url: str,
        *,
        offset: int = 0,
        direct: bool = False,
        size: int | None = None,
        project: str = "",
        known: Validators = Validators(),  # noqa: B008  # frozen
    ) -> AbstractAsyncContextManager[Body]:
        raise NotFound("upstream is not asked", url=url)

    async def read(self, url: str, *, limit: int) -> bytes:
        raise NotFound("upstream is not asked", url=url)

    async def legacy(self, name: str, release: str, *, limit: int) -> bytes:
        raise NotFound(f"upstream is not asked for {name} {release}")

    async def close(self) -> None:
        pass
