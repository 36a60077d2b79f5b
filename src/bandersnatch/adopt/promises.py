"""What a file has to be: by the place that it is in, by what lies beside it, by the tree's pages, by upstream."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

from bandersnatch import layout, names
from bandersnatch.adopt import pages, sorting
from bandersnatch.adopt.base import Ask, Layout, Promise, Source
from bandersnatch.errors import StorageError
from bandersnatch.model import File

REMEMBERED = 64
"""Pages that are kept: the files of a project mostly lie together."""

_SHORT = 1024
"""Bytes of a file that holds a digest and nothing else."""

_DEVPI = re.compile(r"(?:.*/)?\+f/([0-9a-f]{3})/([0-9a-f]{13})/[^/]+\Z")
_MORGAN = re.compile(r"sha256=([0-9a-f]{64})\s*\Z")


class Promises:
    """What is promised of each file of a tree. Safe to use from several threads, but for ``of_upstream``."""

    def __init__(self, source: Source, kind: Layout, ask: Ask | None) -> None:
        self._source = source
        self._kind = kind
        self._ask = lru_cache(maxsize=REMEMBERED)(ask) if ask else None
        self._page = lru_cache(maxsize=REMEMBERED)(self._read)

    def of_tree(self, path: str) -> Promise | None:
        """What the tree itself promises of the file at *path*; None if nothing does."""
        return self._of_place(path) or self._of_neighbour(path) or self._of_pages(path)

    def of_upstream(self, path: str) -> Promise | None:
        """What upstream promises of a file with this name; None if it lists none. Raises UpstreamError."""
        filename = path.rpartition("/")[2]
        for project in dict.fromkeys((*self._named_by_folder(path), *sorting.owners(filename))):
            file = self._listed(project).get(filename)
            if file is not None:
                return _stated(file)
        return None

    @property
    def asks_upstream(self) -> bool:
        return self._ask is not None

    def _listed(self, project: str) -> Mapping[str, File]:
        return self._ask(project) if self._ask else {}

    # --- by the tree -----------------------------------------------------------------------------------------------

    def _of_place(self, path: str) -> Promise | None:
        key = sorting.place_of(path, self._kind)
        if key:
            return Promise("its place", either=sorting.digits_of(key), key=key)
        found = _DEVPI.match(path)
        return Promise("its place", begins="".join(found.groups())) if found else None

    def _of_neighbour(self, path: str) -> Promise | None:
        data = self._small(f"{path}.hash", _SHORT)
        found = _MORGAN.match(data.decode("ascii", "replace")) if data else None
        return Promise(f"{path}.hash", found[1]) if found else None

    def _of_pages(self, path: str) -> Promise | None:
        filename = path.rpartition("/")[2]
        for page in self._pages_of(path):
            promise = self._page(page).get(filename)
            if promise is not None and (promise.sha256 or promise.md5):
                return promise
        return None

    def _pages_of(self, path: str) -> Iterator[str]:
        """Where pages that link the file at *path* would be: beside it, or those of its project."""
        folder = path.rpartition("/")[0]
        yield f"{folder}/index.html" if folder else "index.html"
        projects = dict.fromkeys((*self._named_by_folder(path), *sorting.owners(path.rpartition("/")[2])))
        for project in projects:
            yield from (f"{self._kind.prefix}{page}" for page in (f"json/{project}", f"pypi/{project}/json"))
        for project in (folder.rpartition("/")[2], *projects):
            if names.is_project_name(project):
                for place in (project, f"{project[0]}/{project}"):
                    yield from (f"{self._kind.prefix}simple/{place}/{form}" for form in ("index.v1_json", "index.html"))

    @staticmethod
    def _named_by_folder(path: str) -> tuple[str, ...]:
        """The project that the folder of a file is named after, if it can be one."""
        above = path.rpartition("/")[0].rpartition("/")[2]
        return (names.normalise(above),) if names.is_project_name(above) else ()

    def _read(self, page: str) -> Mapping[str, Promise]:
        body = self._small(page, pages.MAX_PAGE)
        return pages.read(page, body) if body else {}

    def _small(self, path: str, limit: int) -> bytes | None:
        """An object of the tree; None for what is not there or cannot be read."""
        try:
            return self._source.read(path, limit)
        except (StorageError, ValueError):
            return None


def _stated(file: File) -> Promise | None:
    """What upstream states of the *file*'s bytes; None if that is nothing."""
    if not layout.has_key(file):
        md5 = dict(file.digests).get("md5", "")
        return Promise("upstream", md5=md5, size=file.size) if md5 else None
    key = layout.file_key(file)
    return Promise("upstream", file.sha256, either=sorting.digits_of(key), size=file.size, key=key)
