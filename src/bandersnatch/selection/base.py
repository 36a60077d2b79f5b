"""The words of a selection: what is judged, by what, and what comes of it. All values are frozen."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from bandersnatch.model import File, Project
from bandersnatch.values import Struct, field

if TYPE_CHECKING:
    from packaging.version import Version


class Origin(Struct, frozen=True):
    """Where the operator wrote what a verdict comes from."""

    key: str
    """The key of the configuration, such as ``select.projects``; for the command line the option's name."""
    text: str = ""
    """The very item that decides, as it was written; empty where the key has one value only."""
    file: str | None = None
    line: int | None = None

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line) if part is not None)
        item = f"{self.key} = {self.text}" if self.text else self.key
        return f"{item} ({place})" if place else item


class Motive(Enum):
    """Why a rule refuses a file, as far as it matters to what becomes of one that is held."""

    CHOICE = "choice"
    """It is not what the operator wants."""
    YANK = "yank"
    """Upstream yanked it (PEP 592)."""
    HARM = "harm"
    """It may do harm: no policy keeps it listed."""


class Verdict(Struct, frozen=True):
    """One rule's answer about one project or one file."""

    rule: str
    """The rule's name: the key of the configuration that sets it, such as ``files.types``."""
    wanted: bool
    reason: str
    """A clause that completes "is (not) wanted: …", naming the facts that decide."""
    origin: Origin | None = None
    until: float | None = None
    """When the verdict changes by itself, in seconds since the epoch; None if only another page can change it."""
    motive: Motive = Motive.CHOICE
    """The rule's, where it refuses."""


class Context(Struct, frozen=True):
    """What a selection is told besides upstream's page."""

    now: float
    """Seconds since the epoch: when the run began."""
    first_seen: Mapping[str, float] = field(default_factory=dict)
    """By the SHA-256 of a file, when this mirror saw it first; a file that is not in it is seen for the first time."""
    metadata: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    """Core metadata by version as file names spell it: field name in lower case to values. Asked for by ``needs``."""


class Subject(Struct, frozen=True):
    """One file in front of a rule."""

    project: Project
    """Upstream's whole page."""
    file: File
    version: Version | None
    """None where the file name's version is none of PEP 440's."""
    release: str
    """The version as the file name spells it; empty where none can be told."""
    context: Context


class Rule(Protocol):
    """
    A test that every file has to pass, whatever admitted it.

    Rules are pure and know nothing of each other: their order decides nothing but which of several refusals is named.
    """

    @property
    def name(self) -> str:
        """How verdicts, ``why`` and ``plan`` name it."""

    @property
    def digest(self) -> str:
        """Changes whenever any verdict could: the pages that were made with another digest are made anew."""

    def judge(self, subject: Subject) -> Verdict:
        """Whether *subject* passes, and why."""


class Dropped(Struct, frozen=True):
    """A file of upstream's page that is not wanted, with the verdict that decides."""

    file: File
    verdict: Verdict


class Selected(Struct, frozen=True):
    """What the selection leaves of a project, and what it dropped."""

    project: Project
    """With the wanted files only, in the order of the page."""
    dropped: tuple[Dropped, ...] = ()
    until: float | None = None
    """When the same page would be selected differently, in seconds since the epoch; None if never."""


class Explained(Struct, frozen=True):
    """One file, or one project by its name alone, with every rule's verdict in order."""

    filename: str
    """Empty where the project as a whole is explained."""
    wanted: bool
    verdicts: tuple[Verdict, ...]
    deciding: Verdict
    """The one of *verdicts* that decides: the first refusal, or else what admitted it."""
