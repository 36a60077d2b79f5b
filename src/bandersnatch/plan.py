"""What to do, decided from values alone: what is known × what upstream says × what is wanted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from bandersnatch import layout
from bandersnatch.model import File, Held

FIRST_WAIT = 60.0
"""Seconds before the second try of a project that failed; each further wait is twice as long."""

LONGEST_WAIT = 6 * 3600.0

CONFIRMATION = 300.0
"""Seconds that must lie between two answers "not found" before they count as two (where there is no list)."""

FEW = 5
"""So many projects may always leave in one run, however small the mirror is."""


@dataclass(frozen=True, slots=True)
class FilePlan:
    """What one project's page needs: files to fetch, files held already, and files that leave."""

    fetch: tuple[File, ...]
    keep: tuple[Held, ...]
    """With the facts that upstream states now (a file may have been yanked since)."""
    drop: tuple[Held, ...]

    @property
    def bytes(self) -> int:
        """What is to be fetched, as far as upstream says."""
        return sum(file.size or 0 for file in self.fetch)


def files(wanted: Iterable[File], held: Iterable[Held], *, trust: bool = True, companions: bool = False) -> FilePlan:
    """
    Compare what is *wanted* with what is *held*; a file is the same when its key and its digest are.

    Without *trust*, each wanted file is planned to be fetched: a fetch looks into storage before it asks upstream.
    *companions* plans so each file that lacks one: they may be wanted now, or be had now.
    """
    have = {layout.file_key(one.file): one for one in held}
    fetch: list[File] = []
    keep: list[Held] = []
    for file in wanted:
        key = layout.file_key(file)
        one = have.get(key)
        if one is None or one.file.sha256 != file.sha256:
            fetch.append(file)
            continue
        del have[key]
        if trust and not _companion_is_missing(file, one, anew=companions):
            keep.append(replace(one, file=file))
        else:
            fetch.append(file)
    return FilePlan(tuple(fetch), tuple(keep), tuple(have.values()))


def _companion_is_missing(file: File, held: Held, *, anew: bool) -> bool:
    """Whether upstream advertises something beside the file that it did not when the file was fetched, or *anew*."""
    has_metadata = bool(file.core_metadata) or (anew and file.filename.endswith(".whl"))
    metadata = held.metadata is None and has_metadata and (anew or file.core_metadata != held.file.core_metadata)
    news = anew or file.provenance != held.file.provenance
    return metadata or (not held.provenance and file.provenance is not None and news)


@dataclass(frozen=True, slots=True)
class Brake:
    """How many projects may leave the mirror in one run without an operator's word."""

    most: int = 500
    ratio: float = 0.001
    """Of the projects that are published."""

    def refuses(self, leaving: int, published: int) -> bool:
        """Whether *leaving* projects of *published* are too many to be believed."""
        return leaving > self.most or leaving > max(FEW, self.ratio * published)


def wait(tries: int) -> float:
    """Seconds to wait after the *tries*-th failed try in a row (counted from 1)."""
    return float(min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(tries - 1, 20)))
