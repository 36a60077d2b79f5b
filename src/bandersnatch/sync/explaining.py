"""Why a file is here or not: every rule's verdict about upstream's present page, beside what the mirror holds."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from bandersnatch import names
from bandersnatch.catalogue.base import Entry
from bandersnatch.errors import NotFound, UpstreamError
from bandersnatch.model import Listed, Project, Validators
from bandersnatch.selection import Explained
from bandersnatch.sync import context as contexts
from bandersnatch.sync.mirror import Mirror
from bandersnatch.sync.nearest import Nearest
from bandersnatch.sync.run import Health, Run


@dataclass(frozen=True, slots=True)
class Judged:
    """One file, and what the rules say of it."""

    filename: str
    version: str
    """As the file name spells it; empty where none can be told."""
    held: bool
    """Whether the mirror has it on its page."""
    upstream: bool
    """Whether upstream has it on its page."""
    explained: Explained | None
    """None for a file that only the mirror has: upstream's absence decides, by the removal policy."""


@dataclass(frozen=True, slots=True)
class Answer:
    """All that can be said about one project."""

    project: str
    exists: bool | None
    """Whether upstream has a page for it; None if it could not be asked."""
    unreachable: str
    """Why upstream could not be asked: then the files are those that the mirror holds."""
    explained: Explained
    """The project as a whole, by its name."""
    entry: Entry | None
    """What the mirror knows of it."""
    status: str | None
    """The project's (PEP 792), where upstream says."""
    files: tuple[Judged, ...]
    nearest: tuple[str, ...]
    """Names on upstream's list that are most like one that it does not have."""


async def explain(mirror: Mirror, name: str, now: float, *, offline: bool = False) -> Answer:
    """
    Ask every rule about the project with the normalised *name*. Reads only. Raises CatalogueError.

    *offline*: judge the files that the mirror holds, without asking upstream.
    """
    project, exists, unreachable = (None, None, "") if offline else await _ask(mirror, name)
    entry = await asyncio.to_thread(mirror.catalogue.entry, name)
    before = await asyncio.to_thread(mirror.catalogue.published, name)
    page = project or Project(name, tuple(held.file for held in before.held))
    run = Run(mirror, now, False, lambda _: None, asyncio.Semaphore(1), Health())
    judged = mirror.selection.explain(page, await contexts.context(page, before, run))
    held_names = {held.file.filename for held in before.held}
    listed = {one.filename for one in judged}
    files = [Judged(one.filename, _version(one.filename, name), one.filename in held_names, project is not None, one)
             for one in judged]  # fmt: skip
    files += [Judged(one, _version(one, name), True, False, None) for one in sorted(held_names - listed)]
    nearest = await _nearest(mirror, name) if exists is False else ()
    by_name = mirror.selection.explain_name(name)
    return Answer(name, exists, unreachable, by_name, entry, page.status, tuple(files), tuple(nearest))


async def _ask(mirror: Mirror, name: str) -> tuple[Project | None, bool | None, str]:
    try:
        fetched = await mirror.upstream.project(name, Validators(), at_least=None)
    except NotFound:
        return None, False, ""
    except UpstreamError as error:
        return None, None, str(error)
    return (fetched.project if fetched else None), True, ""


async def _nearest(mirror: Mirror, name: str) -> Sequence[str]:
    nearest = Nearest([name])

    async def absorb(batch: Sequence[Listed]) -> None:
        await asyncio.to_thread(nearest.offer, [one.name for one in batch])

    try:
        await mirror.upstream.listing(Validators(), absorb)
    except UpstreamError:
        return ()
    return nearest.of(name)


def _version(filename: str, project: str) -> str:
    return names.version_of(filename, project) or ""
