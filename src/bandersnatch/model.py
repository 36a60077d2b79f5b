"""The values that flow through a run: frozen, compared with ``==``, free of any library's types.

Each field's comment gives the sentence of the specification that governs it.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from bandersnatch import names
from bandersnatch.values import Struct


class File(Struct, frozen=True):
    """One sdist, wheel or other distribution file, with the facts that upstream states about it."""

    filename: str
    url: str
    """Absolute; resolved against the address that the page finally came from."""
    sha256: str = ""
    """64 lower-case hexadecimal digits; empty where upstream states none. What is held has it: it is computed."""
    size: int | None = None
    """Bytes (PEP 700: mandatory from API 1.1 on; older indexes do not say)."""
    upload_time: str | None = None
    """PEP 700: ``yyyy-mm-ddThh:mm:ss.ffffffZ``, put so where upstream wrote it in another way, and never invented."""
    requires_python: str | None = None
    """PEP 503: a version specifier; the raw string, since indexes hold invalid ones and clients cope."""
    yanked: str | None = None
    """PEP 592: None is not yanked; a string is yanked, for that reason; an empty string is yanked without one."""
    core_metadata: str | bool | None = None
    """PEP 658/714: the SHA-256 of ``<url>.metadata``; True: there, digest unknown; False: none; None: not said."""
    provenance: str | None = None
    """PEP 740: the absolute URL of the file's provenance object."""
    digests: tuple[tuple[str, str], ...] = ()
    """What upstream states besides (PEP 503 allows any of hashlib): algorithms and digits, the strongest first."""

    @property
    def metadata_url(self) -> str:
        """PEP 658: ``.metadata`` after the path of the file's URL; a query, perhaps a token, stays behind it."""
        path, mark, query = self.url.partition("#")[0].partition("?")
        return f"{path}.metadata{mark}{query}"

    @property
    def stated(self) -> dict[str, str]:
        """Every digest that is known of it, by algorithm."""
        return {**({"sha256": self.sha256} if self.sha256 else {}), **dict(self.digests)}

    @property
    def identity(self) -> str:
        """Stands for the file's bytes, as far as upstream says what they are; for their place where it does not."""
        return self.sha256 or next((f"{name}:{digest}" for name, digest in self.digests), self.url)

    def agrees(self, other: File) -> bool | None:
        """Whether *other* has the same bytes, by the strongest digest that is known of both; None without any."""
        mine, others = self.stated, other.stated
        common = max(mine.keys() & others.keys(), key=names.strength, default=None)
        return None if common is None else mine[common] == others[common]


class Refusal(StrEnum):
    """Why a file that upstream lists is not taken."""

    UNUSABLE = "unusable"
    """What upstream says of it cannot be used: the project is behind."""
    CONFIGURED = "configured"
    """A key of the operator's own refuses it."""
    SPARE = "spare"
    """It is no file of its own, or stands for one that is here: nobody misses it."""


class Rejected(Struct, frozen=True):
    """A file that upstream lists and that is not taken, with the reason."""

    filename: str
    reason: str
    refusal: Refusal = Refusal.UNUSABLE


class Project(Struct, frozen=True):
    """What an index says about one project: its page, as a value."""

    name: str
    """Normalised (PEP 503)."""
    files: tuple[File, ...] = ()
    """In the order of the page."""
    versions: tuple[str, ...] = ()
    """PEP 700: every version that the project has; empty where the index does not say."""
    serial: int | None = None
    """``meta._last-serial``, or the ``SERIAL`` comment, or the ``X-PyPI-Last-Serial`` header; None without any."""
    status: str | None = None
    """PEP 792: active, archived, quarantined or deprecated; None, not said, means active."""
    status_reason: str | None = None
    tracks: tuple[str, ...] = ()
    """PEP 708 (rejected): relayed where an upstream sends it."""
    alternate_locations: tuple[str, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    """What the page lists and is not taken."""
    twins: tuple[File, ...] = ()
    """Of two files that the page lists under one name, the one that is not among ``files``."""


class Held(Struct, frozen=True):
    """A file that the mirror holds, whole and verified, with what the mirror itself knows about it."""

    file: File
    size: int
    """Bytes in storage."""
    metadata: str | None = None
    """SHA-256 of the core metadata beside the file (PEP 658), or None: none is held, so none is advertised."""
    provenance: bool = False
    """Whether the provenance object is held (PEP 740)."""
    etag: str | None = None
    last_modified: str | None = None
    """What upstream's answer said of a file of which upstream states no digest: it is asked with these, if it is."""

    @property
    def validators(self) -> Validators:
        """The same, as they are sent back."""
        return Validators(self.etag, self.last_modified)


class Listed(Struct, frozen=True):
    """One line of an index's list of projects."""

    name: str
    """Normalised (PEP 503)."""
    display: str
    """The name as the list spells it."""
    serial: int | None = None
    """The project's ``_last-serial``, where the list has serials."""


class Slice(Struct, frozen=True):
    """A part of an index's list of projects, as it was cut out by its content."""

    lines: Sequence[Listed] = ()
    digest: bytes | None = None
    """Of the bytes that it was made of; None where the list is not cut."""
    again: bool = False
    """Whether it came before, and so was not read: its lines are those that came then."""


class Validators(Struct, frozen=True):
    """What a later conditional request sends back (RFC 9110, section 13)."""

    etag: str | None = None
    last_modified: str | None = None

    def __bool__(self) -> bool:
        return self.etag is not None or self.last_modified is not None
