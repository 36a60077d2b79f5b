"""The keys under which a project's published state lies in storage."""

from __future__ import annotations

from collections.abc import Iterator

from bandersnatch import layout, names
from bandersnatch.catalogue.base import Published
from bandersnatch.model import Held


def live(project: str, published: Published) -> Iterator[str]:
    """Every key that *project*'s state vouches for: its pages, its files, and what lies beside these."""
    for key, _ in published.pages:
        yield key
    for held in published.held:
        yield from _of_file(project, held)


def _of_file(project: str, held: Held) -> Iterator[str]:
    yield layout.file_key(held.file)
    if held.metadata is not None:
        yield layout.metadata_key(held.file)
    version = names.version_of(held.file.filename, project) if held.provenance else None
    if version is not None and names.is_filename(version):
        yield layout.provenance_key(project, version, held.file.filename)
