"""Files that are taken for whole unread: their size and their time are those that a page of the tree states."""

from __future__ import annotations

from collections.abc import Iterator

from bandersnatch import layout, names
from bandersnatch.adopt import pages, sorting
from bandersnatch.adopt.base import Fate, Found, Layout, Promise, Source
from bandersnatch.adopt.placing import Placed
from bandersnatch.errors import StorageError

CLOSE = 1.0
"""Seconds by which two times may differ that are the same: some tools keep no fractions."""


def trusted(source: Source, kind: Layout) -> Iterator[Placed]:
    """Every file that the tree's own JSON vouches for by SHA-256, size and time. Raises StorageError."""
    for page in _pages(source, kind):
        for filename, promise in pages.read(page, source.read(page, pages.MAX_PAGE) or b"").items():
            placed = _trusted(source, kind, filename, promise)
            if placed is not None:
                yield placed


def _pages(source: Source, kind: Layout) -> Iterator[str]:
    """The pages that state sizes and times, one of each project."""
    folder = "json" if source.names(f"{kind.prefix}json") else "simple"
    for path, stat in source.survey(f"{kind.prefix}{folder}"):
        if stat is not None and (folder == "json" or path.endswith("/index.v1_json")):
            yield path


def _trusted(source: Source, kind: Layout, filename: str, promise: Promise) -> Placed | None:
    if not promise.sha256 or promise.size is None or promise.time is None or not promise.path:
        return None
    if promise.path.rpartition("/")[2] != filename or not names.is_filename(filename):
        return None
    path = kind.prefix + promise.path
    try:
        stat = source.stat(path)
    except (StorageError, ValueError):
        return None
    if stat is None or stat.size != promise.size or abs(stat.mtime_ns / 1e9 - promise.time) > CLOSE:
        return None
    digits = layout.path_digest("/" + promise.path)
    if digits is None:
        return None  # its place follows from its bytes, so they have to be read
    return Placed(Found(Fate.FILE, path, stat.size), stat, sorting.place(filename, digits), promise.sha256)
