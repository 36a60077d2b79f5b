"""What is there and nothing knows: in the web server's root, and in the trash."""

from __future__ import annotations

from collections.abc import Iterator

from bandersnatch import layout, names
from bandersnatch.catalogue.base import Catalogue
from bandersnatch.storage.base import Stat
from bandersnatch.verify.base import Finding, Ground, Kind
from bandersnatch.verify.motion import moving_since
from bandersnatch.verify.shards import Shards

STATISTICS = "local-stats/"
"""PEP 381's access statistics: they are ours, and in no catalogue."""

OF_A_PROJECT = ("simple", "pypi", "integrity")
"""Folders whose next folder is a project's name."""


class Strangers:
    """Walks what is stored. *shards* know every file that a page links."""

    def __init__(self, ground: Ground, shards: Shards, began: float) -> None:
        self._ground = ground
        self._catalogue = ground.catalogue
        self._shards = shards
        self._began = began
        self._always = {
            layout.LAST_MODIFIED,
            *ground.others,
            *(key for keys in layout.index_keys().values() for key in keys),
        }
        self._project = ""
        self._keys: frozenset[str] = frozenset()

    def served(self, prefix: str = "") -> Iterator[Finding]:
        """Whatever is in the web server's root, below the folder *prefix*, and no object of ours."""
        for key, stat in self._ground.place.survey(prefix):
            if self._is_known(key):
                continue
            if stat is None:
                yield Finding(Kind.FOREIGN_OBJECT, "", key)
            elif not self._is_arriving(key, stat):
                yield Finding(Kind.UNKNOWN_OBJECT, "", key, f"{stat.size:,} bytes")

    def trash(self) -> Iterator[Finding]:
        """Whatever is in the trash and in no list of it; and the other way round."""
        for key, size, _ in self._ground.place.list_buried():
            if not (key.isascii() and (self._catalogue.is_buried(key) or self._catalogue.is_leaving(key))):
                yield Finding(Kind.UNKNOWN_IN_TRASH, "", key, f"{size:,} bytes")
        for row in self._catalogue.buried():
            if self._ground.place.buried(row.key) is None and self._is_lost(row.key):
                yield Finding(Kind.LOST_FROM_TRASH, row.project, row.key)

    def _is_lost(self, key: str) -> bool:
        """Whether it is neither purged nor put back by a run that has not told the catalogue yet."""
        return self._catalogue.is_buried(key) and moving_since(self._catalogue, self._began) is None

    # --- what is known ---------------------------------------------------------------------------------------------

    def _is_known(self, key: str) -> bool:
        if not key.isascii():
            return False  # every key of ours is
        if key in self._always or key.startswith(STATISTICS) or self._shards.has(key):
            return True
        folder, _, rest = key.partition("/")
        project = rest.partition("/")[0]
        if folder in OF_A_PROJECT and key in self._keys_of(project):
            return True
        return self._catalogue.is_leaving(key)

    def _keys_of(self, project: str) -> frozenset[str]:
        """What a project has outside ``packages/``; asked for one project after another."""
        if project != self._project:
            self._project = project
            self._keys = frozenset(self._now_of(project) if names.is_normalised(project) else ())
        return self._keys

    def _now_of(self, project: str) -> Iterator[str]:
        return published_keys(self._catalogue, project)

    # --- what a run is in the middle of ----------------------------------------------------------------------------

    def _is_arriving(self, key: str, stat: Stat) -> bool:
        """Whether it may be an object that a run has stored, and has yet to tell the catalogue of."""
        since = moving_since(self._catalogue, self._began)
        if since is None:
            return False
        if stat.mtime_ns / 1e9 >= since or self._catalogue.is_buried(key):
            return True
        return any(self._may_become(project, key) for project in owners(key))

    def _may_become(self, project: str, key: str) -> bool:
        """Whether it is the project's by now; or was here before the catalogue was, which is being made anew."""
        entry = self._catalogue.entry(project)
        return entry is not None and (not entry.published or key in set(self._now_of(project)))


def note(catalogue: Catalogue, shards: Shards) -> None:
    """Let *shards* know every file that a page links, and what lies beside it."""
    for one in catalogue.known():
        if one.published:
            for held in catalogue.published(one.name).held:
                for key in layout.keys_of(one.name, held):
                    shards.add(key)


def published_keys(catalogue: Catalogue, project: str) -> Iterator[str]:
    """Every key that is published of a project."""
    published = catalogue.published(project)
    yield from (key for key, _ in published.pages)
    for held in published.held:
        yield from layout.keys_of(project, held)


def owners(key: str) -> Iterator[str]:
    """The projects that an object can belong to, going by its key."""
    folder, _, rest = key.partition("/")
    if folder in OF_A_PROJECT:
        project = rest.partition("/")[0]
        if names.is_normalised(project):
            yield project
        return
    filename = key.rpartition("/")[2]
    for position, letter in enumerate(filename):
        if letter == "-" and names.is_project_name(filename[:position]):
            yield names.normalise(filename[:position])
