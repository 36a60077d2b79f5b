"""What nothing knows leaves the mirror: pages first, files after the grace time and by way of the trash.

It is looked at first, all of it, and taken away afterwards: an error while looking means that nothing is taken away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bandersnatch import layout, names
from bandersnatch.catalogue.base import Buried, Catalogue, Leaving
from bandersnatch.errors import BadContent, Refused
from bandersnatch.model import File
from bandersnatch.plan import Brake
from bandersnatch.simple import html, json
from bandersnatch.storage.base import Removal
from bandersnatch.sync.finish import publish_index
from bandersnatch.sync.mirror import Mirror
from bandersnatch.upkeep.spool import Spool, spool
from bandersnatch.values import Struct
from bandersnatch.verify.base import Finding, Ground, Kind
from bandersnatch.verify.links import ROOT
from bandersnatch.verify.reading import LARGEST
from bandersnatch.verify.shards import shards
from bandersnatch.verify.strangers import Strangers, note, owners, published_keys

UNKNOWN = "nothing knew it"
"""The reason that the journal and the trash give."""

FILES = ("packages/", "integrity/")
"""Folders of files and of what lies beside them."""

PAGES = ("simple/", "pypi/")
"""Folders of pages. What lies elsewhere in the web server's root is not ours, and stays."""


Spares = Callable[[str], bool]
"""Whether the object with this key was adopted, and waits for a run to publish it."""


class Taken(Struct):
    """What was taken away, and what was not."""

    pages: int = 0
    files: int = 0
    buried: int = 0
    """Objects in the trash that nobody knew: their time there begins."""
    kept: int = 0
    """Objects that stay: a page links them, or their project is not settled."""


class Garbage:
    """What is to be taken away: kept on the disk, for it may be a whole mirror."""

    def __init__(self, pages: Spool, files: Spool, buried: Spool, spares: Spares) -> None:
        self._spares = spares
        self.pages = pages
        self.files = files
        self.buried = buried
        self.bytes = 0
        self.left = 0
        """Objects that are not ours to take away."""
        self.spared = 0
        """Objects that were adopted."""

    def is_spared(self, finding: Finding) -> bool:
        """Whether *finding* is about what was adopted, which no run has looked at yet."""
        return finding.kind is Kind.UNKNOWN_OBJECT and _is_plain(finding.key) and self._spares(finding.key)

    def add(self, finding: Finding) -> bool:
        """Take note of *finding* if it is about garbage that may be taken away; whether it is."""
        key = finding.key
        if self.is_spared(finding):
            self.spared += 1
            return False
        match finding.kind:
            case Kind.UNKNOWN_IN_TRASH:
                self.buried.add(key)
            case Kind.UNKNOWN_OBJECT if key.startswith(PAGES) and _is_plain(key):
                self.pages.add(key)
            case Kind.UNKNOWN_OBJECT if key.startswith(FILES) and _is_plain(key):
                self.files.add(key)
            case Kind.UNKNOWN_OBJECT | Kind.FOREIGN_OBJECT:
                self.left += 1
                return False
            case _:
                return False
        return True

    @property
    def count(self) -> int:
        return self.pages.count + self.files.count + self.buried.count


@contextmanager
def garbage(spares: Spares = lambda _: False) -> Iterator[Garbage]:
    """None yet."""
    with spool() as pages, spool() as files, spool() as buried:
        yield Garbage(pages, files, buried, spares)


def look(ground: Ground, now: float) -> Iterator[Finding]:
    """Whatever nothing knows. *now*: seconds since the epoch. Raises StorageError and CatalogueError."""
    with shards() as known:
        note(ground.catalogue, known)
        found = Strangers(ground, known, now)
        yield from found.served()
        yield from (one for one in found.trash() if one.kind is Kind.UNKNOWN_IN_TRASH)


def refuse_if_unsure(catalogue: Catalogue) -> None:
    """Raises Refused unless the last run ended so that the catalogue knows all that is published."""
    last = catalogue.last_runs(1)
    if not last or last[0].outcome not in ("clean", "behind"):
        how = (last[0].outcome or "it is under way, or was cut off") if last else "none"
        raise Refused(
            f"the last run did not end well ({how}), so what is garbage is not certain: run bandersnatch mirror first"
        )


def refuse(catalogue: Catalogue, brake: Brake | None, found: Garbage) -> None:
    """
    Raises Refused where it is not certain what is garbage, or more files would leave than ``[removal]`` allows.

    Without a *brake* any number may leave: an operator has agreed.
    """
    refuse_if_unsure(catalogue)
    totals = catalogue.totals()
    if brake is not None and brake.refuses_files(found.files.count, totals.files):
        raise Refused(
            f"{found.files.count} files that nothing knows would leave, and {totals.files} are known: that is more "
            "than [removal] allows. If that is right, say --accept-removals"
        )


def take_away(mirror: Mirror, found: Garbage, now: float, *, accepted: bool = False) -> Taken:
    """
    Delete the pages, let the files leave, and take note of what the trash holds. The lock must be held. Blocks.

    Nothing leaves that a page links. Raises Refused where more would leave than ``[removal]`` allows and the operator
    has not *accepted* that, StorageError and CatalogueError.
    """
    refuse(mirror.catalogue, None if accepted else mirror.rules.brake, found)
    taken = Taken()
    if found.pages.count:
        publish_index(mirror, anew=True)  # it must not name what has no page
    for part in found.pages.parts():
        _delete_pages(mirror, part, taken, now)
    for part in found.files.parts():
        _let_leave(mirror, part, taken, now)
    for part in found.buried.parts():
        until = now + mirror.rules.trash
        unknown = [key for key in part if mirror.storage.buried(key) and not mirror.catalogue.is_buried(key)]
        mirror.catalogue.bury([Buried(key, "", "found in the trash", now, until) for key in unknown])
        taken.buried += len(unknown)
    return taken


def _delete_pages(mirror: Mirror, keys: list[str], taken: Taken, now: float) -> None:
    gone = [key for key in keys if _may_go(mirror.catalogue, key)]
    mirror.journal.write([Removal(now, "deleted", _project(key), key, UNKNOWN) for key in gone])
    for key in gone:
        mirror.storage.delete(key)
    mirror.storage.settle()
    taken.pages += len(gone)
    taken.kept += len(keys) - len(gone)


def _let_leave(mirror: Mirror, keys: list[str], taken: Taken, now: float) -> None:
    gone = [key for key in keys if _may_go(mirror.catalogue, key) and not _is_linked(mirror, key)]
    mirror.catalogue.leave([Leaving(key, _project(key), UNKNOWN) for key in gone])
    mirror.journal.write([Removal(now, "left", _project(key), key, UNKNOWN) for key in gone])
    taken.files += len(gone)
    taken.kept += len(keys) - len(gone)


def _project(key: str) -> str:
    """The first project that *key* can belong to; empty if there is none."""
    return next(owners(key), "")


def _may_go(catalogue: Catalogue, key: str) -> bool:
    """Whether nothing knows *key* by now, after a run perhaps, and no project can want it that is not settled yet."""
    if catalogue.is_leaving(key):
        return False
    for project in owners(key):
        entry = catalogue.entry(project)
        if entry is not None and not (entry.published and entry.selection != ""):
            return False
        if entry is not None and key in published_keys(catalogue, project):
            return False
    return True


def _is_linked(mirror: Mirror, key: str) -> bool:
    """Whether a page that is served, whatever the catalogue says of it, links *key* or what it lies beside."""
    key = key.removesuffix(".metadata")
    return key.startswith("packages/") and any(
        key in _links(mirror, project, page)
        for project in owners(key)
        for pages in layout.page_keys(project).values()
        for page in pages
    )


def _links(mirror: Mirror, project: str, page: str) -> set[str]:
    """The keys that *page* links; of a page that cannot be read nobody knows, so none of its project's leave."""
    data = mirror.storage.read(page, LARGEST)
    if data is None:
        return set()
    parse = json.parse if page.endswith("_json") else html.parse
    try:
        found = parse(data, ROOT + page, project)
    except BadContent as error:
        raise Refused(f"{page} cannot be read, so what it links is not known: verify --repair mends it") from error
    return {_key(file) for file in found.files}


def _key(file: File) -> str:
    try:
        return layout.file_key(file)
    except ValueError:
        return ""  # no name that any object of ours has


def _is_plain(key: str) -> bool:
    """Whether every part of *key* is one that storage takes; what is not was not made by us."""
    return all(names.is_filename(part) for part in key.split("/"))
