"""What is taken of a file, and how much room must stay."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from bandersnatch import layout, names
from bandersnatch.errors import OutOfSpace
from bandersnatch.model import File
from bandersnatch.storage.base import Storage
from bandersnatch.values import Struct, replace

Vouched = Callable[[str, int, int], str | None]
"""The SHA-256 that was verified of an object, by its key, size and time in nanoseconds; None if nobody did that."""


class Rules(Struct, frozen=True):
    """What is taken of a file, and how much room must stay."""

    metadata: bool = True
    provenance: bool = True
    reserve: int = 0
    """Bytes that must stay free in storage."""
    largest: int = 64 << 30
    """Bytes of the largest file that is taken where upstream states no size."""
    vouched: Vouched | None = None
    """Spares a file that was verified when it was adopted a second reading."""

    def on_page_of(self, project: str, filename: str) -> Rules:
        """The same for a file on the page of *project*; only its own project's page has what lies beside it."""
        return self if names.is_owner(project, filename) else replace(self, metadata=False)


def admit(wanted: File, count: int, storage: Storage, rules: Rules) -> None:
    """Raises OutOfSpace if *count* more bytes would leave less than the reserve."""
    free = storage.free()
    if free is not None and free - count < rules.reserve:
        raise OutOfSpace(
            f"{wanted.filename}: {count} bytes more would leave less than the reserve of {rules.reserve} bytes "
            f"([mirror] reserve; {free} are free)",
            key=layout.file_key(wanted) if layout.has_key(wanted) else wanted.filename,
        )


def token(wanted: File) -> str:
    """Under which name storage keeps a part of the file."""
    if layout.has_key(wanted):
        return hashlib.sha256(layout.file_key(wanted).encode()).hexdigest()
    return hashlib.sha256(repr((wanted.url, wanted.size, wanted.digests)).encode()).hexdigest()


def is_certain(wanted: File) -> bool:
    """Whether anything tells the right bytes from others; else they are to come from one place, in one piece."""
    return bool(wanted.stated) or layout.path_digest(wanted.url) is not None
