"""Upstream's page in front of what is held: which of its files are here already, whatever digest it states of them."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence

from bandersnatch import layout, names, transfer
from bandersnatch.model import File, Held, Project, Refusal, Rejected
from bandersnatch.selection.base import Context
from bandersnatch.storage.base import Storage
from bandersnatch.sync.run import Run
from bandersnatch.values import Struct, replace

WITHOUT_DIGEST = 'upstream states no digest of it, and [files] without-digest = "refuse"'

NAMED = 20
"""So many files that are not taken are named of each project; the others are counted."""


class Recognised(Struct, frozen=True):
    """Upstream's page, in which what is held has its SHA-256."""

    project: Project
    pinned: frozenset[str] = frozenset()
    """Names of files of which upstream states no digest: they have to be what they were at first sight."""
    problems: tuple[str, ...] = ()
    """What is not as it was at first sight."""


async def recognise(project: Project, held: Iterable[Held], run: Run) -> Recognised:
    """Tell which files of the *project* are *held*. Bytes are read only where digests alone do not say it."""
    if not project.twins and all(file.sha256 for file in project.files):
        return Recognised(project)
    recognising = _Recognising(held, run, unpinned=project.name in run.accepted)
    return await asyncio.to_thread(recognising.page, project)


class _Recognising:
    def __init__(self, held: Iterable[Held], run: Run, *, unpinned: bool) -> None:
        self._held = {one.file.filename: one for one in held}
        self._storage: Storage = run.mirror.storage
        self._takes_all = run.mirror.rules.without_digest
        self._unpinned = unpinned
        """Whether the operator takes what is there now for what was there at first."""
        self._pinned: list[str] = []
        self._problems: list[str] = []

    def page(self, project: Project) -> Recognised:
        """Blocks."""
        twins: defaultdict[str, list[File]] = defaultdict(list)
        for twin in project.twins:
            twins[twin.filename].append(twin)
        files: list[File] = []
        refused: list[Rejected] = []
        for file in project.files:
            known = self._known((file, *twins[file.filename]))
            if known.sha256 or self._takes_all or _is_stated(known):
                files.append(known)
            else:
                refused.append(Rejected(file.filename, WITHOUT_DIGEST, Refusal.CONFIGURED))
        page = replace(project, files=tuple(files), rejected=(*project.rejected, *refused))
        return Recognised(page, frozenset(self._pinned), tuple(self._problems))

    def _known(self, listed: tuple[File, ...]) -> File:
        """That of the files *listed* under one name that is held, with its SHA-256; else the first."""
        one = self._held.get(listed[0].filename)
        if one is None:
            return listed[0]
        for file in listed:
            if self._is_held(file, one):
                return replace(file, sha256=one.file.sha256)
        if self._unpinned or any(map(_is_stated, listed)):
            return listed[0]
        return self._as_at_first(listed[0], one)

    def _is_held(self, file: File, one: Held) -> bool:
        agrees = file.agrees(one.file)
        if agrees is not None:
            return agrees
        if file.digests:
            return file.size in (None, one.size) and transfer.fits(file, one, self._storage)
        digits = layout.path_digest(file.url)
        return digits is not None and digits in (one.file.sha256, layout.path_digest(one.file.url))

    def _as_at_first(self, file: File, one: Held) -> File:
        self._pinned.append(file.filename)
        if file.size not in (None, one.size):
            was = f"it had {one.size:,} bytes at first sight, and upstream says {file.size:,} now"
            self._problems.append(changed(file.filename, was))
        return replace(file, sha256=one.file.sha256, size=one.size)


def _is_stated(file: File) -> bool:
    """Whether upstream says anything that the file's bytes can be told by."""
    return bool(file.stated) or layout.path_digest(file.url) is not None


def changed(filename: str, what: str) -> str:
    """Why the bytes are not taken that upstream has now."""
    return f"{filename}: {what}; no digest says which is right, so what is here stays: mirror --accept-changed takes it"


def missed(project: Project, told: Context, run: Run) -> Sequence[str]:
    """What the selection wants, as far as names tell, and of what upstream says nothing that can be used."""
    there = {file.filename for file in project.files}
    unusable = [one for one in project.rejected if one.refusal is Refusal.UNUSABLE and one.filename not in there]
    if not unusable:
        return ()
    asked = {one.filename: File(one.filename, "") for one in unusable if names.is_filename(one.filename)}
    judged = run.mirror.selection.apply(replace(project, files=(*project.files, *asked.values())), told)
    unwanted = {one.file.filename for one in judged.dropped}
    wanted = [one for one in unusable if one.filename not in unwanted]
    more = [f"{len(wanted) - NAMED:,} further files of its page"] if len(wanted) > NAMED else []
    return [f"{one.filename}: upstream lists it, and it cannot be taken: {one.reason}" for one in wanted[:NAMED]] + more
