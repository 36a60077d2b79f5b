"""The words of ``adopt``: what it looks at, what becomes of each thing there, and what it needs for that."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import BinaryIO, Protocol

from bandersnatch.catalogue.base import Vouchers
from bandersnatch.model import File
from bandersnatch.storage.base import Stat
from bandersnatch.values import Struct


class Fate(StrEnum):
    """What becomes of one thing in a foreign tree."""

    FILE = "file"
    """A distribution file; before it is read, nothing more can be said."""
    KEPT = "kept"
    """It is whole, and where this mirror wants it."""
    TAKEN = "taken"
    """It is whole, and the mirror has it in its own place now."""
    DAMAGED = "damaged"
    """It is not what was promised: it stays as it is, and the next run fetches it."""
    COMPANION = "companion"
    """It lies beside a file because of it."""
    PAGE = "page"
    """It is served as it is until a run replaces it."""
    LEFTOVER = "leftover"
    """It is served as it is, and nothing replaces it: delete it once the first run is over."""
    STATE = "state"
    """The other tool's own memory."""
    STRANGER = "stranger"
    """Nothing here knows it: it is left as it is."""


class Found(Struct, frozen=True):
    """One thing in the tree, and what becomes of it."""

    fate: Fate
    path: str
    """Below the tree, with slashes; hostile: escape it before anybody sees it."""
    size: int = 0
    """Bytes."""
    key: str = ""
    """Where the mirror has it, if it has."""
    reason: str = ""
    """For people: why it is damaged or strange."""


class Layout(Struct, frozen=True):
    """What kind of tree it is."""

    tool: str
    """Who made it, for people."""
    prefix: str = ""
    """The folder of published things, with a slash behind it, or empty for the tree itself."""
    start: str = ""
    """Only what is below this folder is looked at."""
    is_mirror: bool = False
    """Whether it is what this program keeps too: ``web/`` in the folder of a mirror."""
    state: tuple[str, ...] = ()
    """The tool's own memory at the top of the tree, which is put aside where the mirror is made in place."""
    known: tuple[str, ...] = ()
    """Further files at the top that are the tool's own and can go."""
    facts: tuple[str, ...] = ()
    """What its memory says, for people."""


class Plan(Struct, frozen=True):
    """What an adoption will do, as far as names and sizes tell."""

    layout: Layout
    source: str
    """The tree, an absolute path."""
    directory: str
    """The mirror's."""
    counts: Mapping[Fate, int]
    bytes: int
    """Of the distribution files."""
    aside: tuple[str, ...] = ()
    """What is put aside."""

    @property
    def in_place(self) -> bool:
        """Whether the tree is the mirror's own folder."""
        return self.source == self.directory


class Wish(Struct, frozen=True):
    """What the operator asked of this adoption."""

    trust_size: bool = False
    """Take files for whole, unread, whose size and time are those that their pages state."""
    by: str = "link"
    """How files come to their places: ``link``, ``copy`` or ``move``."""
    places: str = "blake2"
    """The digest that places are made from where nobody says: ``blake2`` as PyPI does, or ``sha256``."""
    threads: int = 2


class Source(Protocol):
    """A foreign tree. Raises StorageError, and ValueError for a path that could lead out of it."""

    place: str

    def names(self, prefix: str = "") -> list[str]: ...
    def survey(self, prefix: str = "", *, without: Sequence[str] = ()) -> Iterator[tuple[str, Stat | None]]:
        """Everything below the folder *prefix*; None for what is no object: a link, a device."""

    def stat(self, path: str) -> Stat | None: ...
    def open(self, path: str) -> BinaryIO: ...
    def read(self, path: str, limit: int) -> bytes | None: ...
    def remove(self, path: str) -> None: ...
    def set_aside(self, names: Sequence[str], place: str) -> None: ...


class Shelf(Protocol):
    """The part of ``Storage`` that files are put on. Raises StorageError."""

    def stat(self, key: str) -> Stat | None: ...
    def borrow(self, path: str, key: str, seen: Stat, *, copy: bool) -> None:
        """Stage the object *path* of the source as *key*; *seen* is what it was when it was verified."""

    def settle(self) -> None: ...


Ask = Callable[[str], Mapping[str, File]]
"""What upstream lists of a project, by file name; empty if it has no such project. Raises UpstreamError."""

Tell = Callable[[int], None]
"""Hears of the bytes of each file that is done."""


class Ground(Struct, frozen=True):
    """What an adoption works with."""

    source: Source
    shelf: Shelf
    vouchers: Vouchers
    aside: str
    """The folder for what is put aside, absolute."""
    ask: Ask | None = None
    """None: upstream is not asked; the next run does that."""


class Promise(Struct, frozen=True):
    """What a file has to be, by what somebody wrote down about it."""

    says: str
    """Who promises it, for people."""
    sha256: str = ""
    md5: str = ""
    either: str = ""
    """Digits of the place that a file is in: its BLAKE2b-256, or its SHA-256."""
    begins: str = ""
    """What its SHA-256 or its MD5 begins with."""
    size: int | None = None
    time: float | None = None
    """When it was uploaded, in seconds since the epoch."""
    key: str = ""
    """Where the mirror wants it, if that is known."""
    path: str = ""
    """Where the page links it, below the folder of published things; validated."""


class Digests(Struct, frozen=True):
    """Of one file, from one reading; lower-case hexadecimal."""

    sha256: str
    blake2: str
    """BLAKE2b-256; empty where only the SHA-256 is known, from a page that was trusted."""
    md5: str
    """Empty unless it is needed."""
    size: int
    """Bytes."""
