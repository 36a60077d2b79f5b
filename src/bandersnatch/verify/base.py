"""The words of ``verify``: what it looks at, what it finds, and what is to be done about that."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import BinaryIO, Protocol

from bandersnatch import publish
from bandersnatch.catalogue.base import Catalogue, Entry, Published
from bandersnatch.model import Project
from bandersnatch.plan import Policies
from bandersnatch.selection import Selection
from bandersnatch.storage.base import Stat
from bandersnatch.values import Struct


class Severity(StrEnum):
    """What a finding means for those who install from the mirror, the worst first."""

    DAMAGE = "damage"
    """Something is served that is not what was promised, or cannot be served."""
    STALE = "stale"
    """What is published is whole, and not what the catalogue says."""
    BEHIND = "behind"
    """What is published is older than upstream's."""
    UNWANTED = "unwanted"
    """What is held is no longer what the rules want."""
    GARBAGE = "garbage"
    """Something is there that nothing knows."""


class Kind(StrEnum):
    """What kind of difference was seen."""

    MISSING_FILE = "missing-file"
    WRONG_SIZE = "wrong-size"
    WRONG_BYTES = "wrong-bytes"
    MISSING_METADATA = "missing-metadata"
    WRONG_METADATA = "wrong-metadata"
    MISSING_PROVENANCE = "missing-provenance"
    WRONG_PROVENANCE = "wrong-provenance"
    MISSING_PAGE = "missing-page"
    BROKEN_PAGE = "broken-page"
    BROKEN_LINK = "broken-link"
    MISSING_INDEX = "missing-index"
    BROKEN_INDEX = "broken-index"
    LISTED_IN_VAIN = "listed-in-vain"
    UNREADABLE = "unreadable"
    STALE_PAGE = "stale-page"
    STALE_INDEX = "stale-index"
    WRONG_DATE = "wrong-date"
    LOST_FROM_TRASH = "lost-from-trash"
    BEHIND = "behind"
    UNWANTED = "unwanted"
    NOT_TAKEN = "not-taken"
    UNKNOWN_OBJECT = "unknown-object"
    FOREIGN_OBJECT = "foreign-object"
    UNKNOWN_IN_TRASH = "unknown-in-trash"

    @property
    def severity(self) -> Severity:
        """How bad it is."""
        return _FACTS[self][0]

    @property
    def meaning(self) -> str:
        """What it means, in a clause without a subject."""
        return _FACTS[self][1]

    @property
    def todo(self) -> str:
        """What to do about it."""
        return _FACTS[self][2]


_REPAIR = "bandersnatch verify --repair fetches or writes it again"
_NEXT_RUN = "the next run of bandersnatch mirror writes it"
_BY_HAND = "look what it is; delete it by hand if nobody needs it"
_GARBAGE = "bandersnatch gc --dry-run says whether it is to be taken away"

_FACTS: dict[Kind, tuple[Severity, str, str]] = {
    Kind.MISSING_FILE: (Severity.DAMAGE, "a file that a page links is not there", _REPAIR),
    Kind.WRONG_SIZE: (Severity.DAMAGE, "a file has another size than its page says", _REPAIR),
    Kind.WRONG_BYTES: (Severity.DAMAGE, "a file has another SHA-256 than its page says", _REPAIR),
    Kind.MISSING_METADATA: (Severity.DAMAGE, "core metadata that a page advertises is not there", _REPAIR),
    Kind.WRONG_METADATA: (Severity.DAMAGE, "core metadata has another SHA-256 than its page says", _REPAIR),
    Kind.MISSING_PROVENANCE: (Severity.DAMAGE, "the provenance of a file is not there", _REPAIR),
    Kind.WRONG_PROVENANCE: (Severity.DAMAGE, "what is stored as the provenance of a file is none of it", _REPAIR),
    Kind.MISSING_PAGE: (Severity.DAMAGE, "a published page is not there", _REPAIR),
    Kind.BROKEN_PAGE: (Severity.DAMAGE, "a page cannot be read", _REPAIR),
    Kind.BROKEN_LINK: (Severity.DAMAGE, "a page promises what is not there", _REPAIR),
    Kind.MISSING_INDEX: (Severity.DAMAGE, "the list of projects is not there", _REPAIR),
    Kind.BROKEN_INDEX: (Severity.DAMAGE, "the list of projects cannot be read", _REPAIR),
    Kind.LISTED_IN_VAIN: (Severity.DAMAGE, "the list of projects names one that has no page", _REPAIR),
    Kind.UNREADABLE: (Severity.DAMAGE, "the disk does not give it", "see the message: permissions, or a failing disk"),
    Kind.STALE_PAGE: (Severity.STALE, "a page is not the one that was published", _REPAIR),
    Kind.STALE_INDEX: (Severity.STALE, "the list of projects is not the one that was published", _REPAIR),
    Kind.WRONG_DATE: (Severity.STALE, "the date of the last run is not there, or is none", _NEXT_RUN),
    Kind.LOST_FROM_TRASH: (Severity.STALE, "what the trash should hold is not there", "it cannot be restored any more"),
    Kind.BEHIND: (Severity.BEHIND, "a project is behind upstream", "bandersnatch status says when it is tried next"),
    Kind.UNWANTED: (Severity.UNWANTED, "the rules do not want it any more", "the next run takes it off its page"),
    Kind.NOT_TAKEN: (Severity.UNWANTED, "upstream lists a file that is not taken", "nothing, if the reason is right"),
    Kind.UNKNOWN_OBJECT: (Severity.GARBAGE, "nothing knows it", _GARBAGE),
    Kind.FOREIGN_OBJECT: (Severity.GARBAGE, "it is a link, a device, or a folder nobody may look into", _BY_HAND),
    Kind.UNKNOWN_IN_TRASH: (Severity.GARBAGE, "it is in the trash, and nothing knows it", _GARBAGE),
}


class Finding(Struct, frozen=True):
    """A difference that was seen."""

    kind: Kind
    project: str
    """Normalised; empty where it is not about one project."""
    key: str
    """Of the object; empty where it is about none."""
    what: str = ""
    """The facts, for people; empty where the kind says it all."""


class Place(Protocol):
    """The part of ``Storage`` that only looks; raises StorageError."""

    def stat(self, key: str) -> Stat | None: ...
    def open(self, key: str) -> BinaryIO: ...
    def survey(self, prefix: str = "") -> Iterator[tuple[str, Stat | None]]:
        """Everything below the folder *prefix*, folder by folder; None for what is no object."""

    def buried(self, key: str) -> Stat | None: ...
    def open_buried(self, key: str) -> BinaryIO: ...
    def list_buried(self) -> Iterator[tuple[str, int, float]]: ...
    def list_partial(self) -> Iterator[tuple[str, int, int]]: ...


class Ground(Struct, frozen=True):
    """What is verified: one mirror, read only, and the rules that it is to keep to."""

    place: Place
    catalogue: Catalogue
    selection: Selection | None
    """None: what is wanted cannot be known without asking upstream, so nothing is called unwanted."""
    has_asked: Callable[[str, str], bool]
    """Whether a project's page was made by the present rules, by its name and ``Entry.selection``."""
    policies: Policies = Policies()
    publish: publish.Settings = publish.Settings()
    metadata_of_each: bool = False
    """Whether each release is judged by its own core metadata, and not by that of the newest."""
    others: frozenset[str] = frozenset()
    """Further keys that are ours and in no catalogue."""

    def record(self, name: str) -> Record | None:
        """What the catalogue has of a project now; None if nothing of it is published."""
        entry = self.catalogue.entry(name)
        if entry is None or not entry.published:
            return None
        return Record(entry, self.catalogue.published(name))


class Record(Struct, frozen=True):
    """One published project, as the catalogue has it."""

    entry: Entry
    published: Published

    @property
    def name(self) -> str:
        return self.entry.name

    @property
    def project(self) -> Project:
        """The project as if upstream had just what is held."""
        return Project(self.name, tuple(held.file for held in self.published.held), serial=self.entry.serial)


Check = Callable[[Record], Iterator[Finding]]
"""Looks at one project; can be asked again."""
