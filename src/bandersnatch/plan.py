"""What to do, decided from values alone: what is known × what upstream says × what is wanted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

from bandersnatch import layout, names
from bandersnatch.model import File, Held, Project
from bandersnatch.selection.base import Motive, Verdict
from bandersnatch.values import Struct, replace

FIRST_WAIT = 60.0
"""Seconds before the second try of a project that failed; each further wait is twice as long."""

LONGEST_WAIT = 6 * 3600.0

CONFIRMATION = 300.0
"""Seconds that must lie between two answers "not found" before they count as two (where there is no list)."""

FEW = 5
"""So many projects may always leave in one run, however small the mirror is."""

FEW_FILES = 100
"""So many files may always leave the pages of projects that stay, however small the mirror is."""

SMALL = 300
"""With so many files at most, no brake lets more than a third of a mirror leave."""

QUARANTINED = "quarantined"
"""PEP 792: the status of a project whose files must not be offered."""


def offered(page: Project, held: Iterable[Held]) -> Project:
    """
    Upstream's *page* with what is offered there, as far as can be told.

    What is listed and cannot be taken is not gone: where a file of its name is *held*, that stands for it, and all that
    is held does where an entry names no file, since it may be any. What is in quarantine offers nothing, whatever its
    page lists (PEP 792).
    """
    if page.status == QUARANTINED:
        return replace(page, files=(), rejected=())
    unread, there = {one.filename for one in page.rejected}, {file.filename for file in page.files}
    if not all(map(names.is_filename, unread)):
        unread.update(one.file.filename for one in held)
    return replace(page, files=(*page.files, *(one.file for one in held if one.file.filename in unread - there)))


class FilePlan(Struct, frozen=True):
    """What one project's page needs: files to fetch, files held already, and files that leave."""

    fetch: tuple[File, ...]
    keep: tuple[Held, ...]
    """With the facts that upstream states now (a file may have been yanked since)."""
    drop: tuple[Held, ...]

    @property
    def bytes(self) -> int:
        """What is to be fetched, as far as upstream says."""
        return sum(file.size or 0 for file in self.fetch)


def files(
    wanted: Iterable[File],
    held: Iterable[Held],
    *,
    trust: bool = True,
    companions: bool = False,
    metadata: bool = True,
    provenance: bool = True,
) -> FilePlan:
    """
    Compare what is *wanted* with what is *held*; a file is the same when its key and its SHA-256 are, so one of which
    none is known is not held.

    Without *trust*, each wanted file is planned to be fetched: a fetch looks into storage before it asks upstream.
    *companions* plans so each file that lacks one: they may be wanted now, or be had now. *metadata* and *provenance*
    say whether these are wanted at all: what is kept has none that is not.
    """
    have = {layout.file_key(one.file): one for one in held}
    fetch: list[File] = []
    keep: list[Held] = []
    for file in wanted:
        key = layout.file_key(file) if layout.has_key(file) else ""
        one = have.get(key)
        if one is None or one.file.sha256 != file.sha256:
            fetch.append(file)
            continue
        del have[key]
        if trust and not _companion_is_missing(file, one, anew=companions):
            mine = one.metadata if metadata else None
            keep.append(replace(one, file=file, metadata=mine, provenance=one.provenance and provenance))
        else:
            fetch.append(file)
    return FilePlan(tuple(fetch), tuple(keep), tuple(have.values()))


def _companion_is_missing(file: File, held: Held, *, anew: bool) -> bool:
    """Whether upstream advertises something beside the file that it did not when the file was fetched, or *anew*."""
    has_metadata = bool(file.core_metadata) or (anew and file.filename.endswith(".whl"))
    metadata = held.metadata is None and has_metadata and (anew or file.core_metadata != held.file.core_metadata)
    news = anew or file.provenance != held.file.provenance
    return metadata or (not held.provenance and file.provenance is not None and news)


# --- what leaves ---------------------------------------------------------------------------------------------------


class Cause(StrEnum):
    """Why something that is here is not to be listed any more."""

    DELETED = "deleted"
    """Upstream does not have it any more."""
    QUARANTINED = "quarantined"
    """Upstream set the project's status to quarantined (PEP 792)."""
    YANKED = "yanked"
    """Upstream yanked it (PEP 592), and yanked files are not wanted."""
    DESELECTED = "deselected"
    """The rules do not want it."""


class Policy(StrEnum):
    """What becomes of it."""

    FOLLOW = "follow"
    """It leaves its page, and storage after the grace time."""
    HIDE = "hide"
    """The same, and its bytes are kept apart for long, to be restored."""
    KEEP = "keep"
    """It stays as it is."""


class Policies(Struct, frozen=True):
    """What becomes of what is not to be listed any more, by the cause."""

    deleted: Policy = Policy.FOLLOW
    quarantined: Policy = Policy.FOLLOW
    yanked: Policy = Policy.FOLLOW
    deselected: Policy = Policy.FOLLOW

    def of(self, cause: Cause) -> Policy:
        """The policy for *cause*."""
        return {
            Cause.DELETED: self.deleted,
            Cause.QUARANTINED: self.quarantined,
            Cause.YANKED: self.yanked,
            Cause.DESELECTED: self.deselected,
        }[cause]


class Departure(Struct, frozen=True):
    """A file that leaves its page."""

    held: Held
    reason: str
    hidden: bool
    """Whether its bytes are kept apart for long."""
    harmful: bool = False
    """Whether it must not be offered, whatever else there is to offer."""


def depart(
    drop: Iterable[Held], upstream: Project, refused: Mapping[str, Verdict], policies: Policies
) -> tuple[tuple[Held, ...], tuple[Departure, ...]]:
    """
    Of the files to *drop*, those that stay after all, and those that leave.

    *upstream* is its whole page; *refused* has, by file name, the verdict that refuses a file. A file that stays
    has the facts that upstream states now; one whose name upstream gave to another file always leaves.
    """
    there = {file.filename: file for file in upstream.files}
    kept: list[Held] = []
    leaving: list[Departure] = []
    for held in drop:
        file = there.get(held.file.filename)
        replaced = file is not None and not is_at(file, layout.file_key(held.file))
        verdict = None if replaced else refused.get(held.file.filename)
        causes = _causes(upstream, None if replaced else file, verdict)
        chosen = [policies.of(cause) for cause in causes]
        harmful = verdict is not None and verdict.motive is Motive.HARM
        if all(one is Policy.KEEP for one in chosen) and not replaced and not harmful:
            kept.append(held if file is None else replace(held, file=file))
        else:
            reason = f"{causes[0]}: {verdict.reason}" if verdict else str(causes[0])
            harmful = harmful or Cause.QUARANTINED in causes
            leaving.append(Departure(held, reason, Policy.HIDE in chosen, harmful))
    return tuple(kept), tuple(leaving)


def is_at(file: File, key: str) -> bool:
    """Whether *key* is that of *file*, as far as it is known yet."""
    return layout.has_key(file) and layout.file_key(file) == key


def with_files(project: Project, files: tuple[File, ...], status: str | None) -> Project:
    """*project* with other files and another status."""
    return replace(project, files=files, status=status)


def _causes(upstream: Project, file: File | None, verdict: Verdict | None) -> list[Cause]:
    """Everything that speaks against a file; what happened upstream first. All policies have to agree to keep it."""
    causes = []
    if upstream.status == QUARANTINED:
        causes.append(Cause.QUARANTINED)
    elif file is None:
        causes.append(Cause.DELETED)
    if verdict or not causes:
        causes.append(Cause.YANKED if verdict and verdict.motive is Motive.YANK else Cause.DESELECTED)
    return causes


class Brake(Struct, frozen=True):
    """How much may leave the mirror in one run without an operator's word."""

    most: int = 500
    ratio: float = 0.001
    """Of the projects that are published."""
    files: int = 10_000
    files_ratio: float = 0.01
    """Of the files that are held."""

    def refuses(self, leaving: int, published: int) -> bool:
        """Whether *leaving* projects of *published* are too many to be believed."""
        return leaving > self.most or leaving > max(FEW, self.ratio * published)

    def refuses_files(self, leaving: int, held: int) -> bool:
        """The same for files that leave the pages of projects that stay."""
        return leaving > self.files or leaving > max(FEW_FILES, self.files_ratio * held)


def is_too_much(lost: int, held: int) -> bool:
    """Whether a mirror of *held* files that has *lost* fewer is emptied, or a small one is as good as that."""
    return 0 < held <= lost or (held <= SMALL and 3 * lost > held)


def wait(tries: int) -> float:
    """Seconds to wait after the *tries*-th failed try in a row (counted from 1)."""
    return float(min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(tries - 1, 20)))
