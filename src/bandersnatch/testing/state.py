"""What the index of the tests holds, as frozen values: every state that a project ever had can be served again."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, cached_property
from typing import Literal, NamedTuple

from packaging.version import InvalidVersion, Version

Status = Literal["active", "archived", "quarantined"]


class Row(NamedTuple):
    """One row of the journal, in the order in which ``changelog_since_serial`` gives it."""

    name: str
    """The project's display name at that time."""
    version: str | None
    timestamp: int
    """Seconds since 1970, UTC."""
    action: str
    serial: int


@dataclass(frozen=True)
class UploadedFile:
    """A distribution file of the index, with its bytes."""

    project: str
    """Normalised (PEP 503)."""
    version: str
    filename: str
    kind: str
    """One of ``distributions.KINDS``."""
    content: bytes = field(repr=False)
    python_version: str
    """What PyPI's older JSON says: ``source`` for sdists, else the tag of the interpreter."""
    summary: str = ""
    requires_python: str | None = None
    requires_dist: tuple[str, ...] = ()
    metadata: bytes | None = field(default=None, repr=False)
    """Core metadata (PEP 658), None where the index offers none."""
    provenance: bool = False
    """Whether the index has a provenance object (PEP 740)."""
    upload_time: str = ""
    """PEP 700: ``yyyy-mm-ddThh:mm:ss.ffffffZ``."""

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.content)

    def digest(self, algorithm: str) -> str:
        """By any *algorithm* of hashlib, lower-case hexadecimal."""
        return hashlib.new(algorithm, self.content, usedforsecurity=False).hexdigest()

    @cached_property
    def sha256(self) -> str:
        """Lower-case hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()

    @cached_property
    def md5(self) -> str:
        """Lower-case hexadecimal."""
        return hashlib.md5(self.content, usedforsecurity=False).hexdigest()

    @cached_property
    def blake2b(self) -> str:
        """BLAKE2b-256 in lower-case hexadecimal: what PyPI makes paths from."""
        return hashlib.blake2b(self.content, digest_size=32).hexdigest()

    @cached_property
    def metadata_sha256(self) -> str | None:
        """Lower-case hexadecimal, None where no core metadata is offered."""
        return None if self.metadata is None else hashlib.sha256(self.metadata).hexdigest()

    @property
    def path(self) -> str:
        """``/packages/aa/bb/<60 digits>/<file name>``, not percent-encoded."""
        return f"/packages/{self.blake2b[:2]}/{self.blake2b[2:4]}/{self.blake2b[4:]}/{self.filename}"


@dataclass(frozen=True, slots=True)
class Release:
    """What holds for all files of one version: on PyPI, releases are yanked, never single files."""

    version: str
    yanked: str | None = None
    """None: not yanked; else the reason, which may be empty (PEP 592)."""
    quarantined: bool = False


@dataclass(frozen=True)
class ProjectState:
    """One project, as it was from one serial on."""

    name: str
    """Normalised (PEP 503)."""
    display: str
    """As the last upload spelled it."""
    serial: int
    status: Status = "active"
    """PEP 792."""
    releases: tuple[Release, ...] = ()
    files: tuple[UploadedFile, ...] = ()
    """In the order of upload, those in quarantine too."""
    revision: int = 0
    """How often the project changed without a new serial."""

    @cached_property
    def visible(self) -> tuple[tuple[UploadedFile, Release], ...]:
        """The files that a page lists, with their releases, sorted as PyPI does: by version, then by file name."""
        if self.status == "quarantined":
            return ()
        releases = {release.version: release for release in self.releases if not release.quarantined}
        files = [file for file in self.files if file.version in releases]
        files.sort(key=lambda file: (version_order(file.version), file.filename))
        return tuple((file, releases[file.version]) for file in files)

    @property
    def versions(self) -> tuple[str, ...]:
        """PEP 700's versions: on PyPI those that have files, in their order."""
        return tuple(dict.fromkeys(file.version for file, _ in self.visible))

    @property
    def modified(self) -> datetime:
        """When the page changed last; unlike the serial it sees every change."""
        return moment(self.serial + self.revision)

    def release(self, version: str) -> Release | None:
        """The release of *version*, spelled as it was uploaded."""
        return next((release for release in self.releases if release.version == version), None)


@cache
def version_order(version: str) -> tuple[bool, Version, str]:
    """A sort key for versions: the ones of before PEP 440 come first."""
    try:
        return True, Version(version), version
    except InvalidVersion:
        return False, Version("0"), version


def moment(serial: int) -> datetime:
    """When the row *serial* of the journal was written: one second per row, from 2020 on."""
    return datetime.fromtimestamp(1_577_836_800 + serial, UTC)


def timestamp(when: datetime) -> str:
    """*when* as PEP 700 writes an upload time. A time without a zone is taken as UTC."""
    aware = when if when.tzinfo else when.replace(tzinfo=UTC)
    return aware.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
