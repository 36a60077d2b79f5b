"""A report of an audit against a tree: the mirror that it was made of, or a copy of its ``web/`` anywhere else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import Any, Protocol

from bandersnatch.errors import StorageError, UsageError
from bandersnatch.storage.base import Stat
from bandersnatch.upkeep.auditing import FORMAT
from bandersnatch.verify.base import Finding, Kind
from bandersnatch.verify.reading import Reader


class Shelf(Protocol):
    """The part of a place that a check looks at."""

    def stat(self, key: str) -> Stat | None: ...


def trusted(lines: Iterable[str]) -> dict[str, Any]:
    """
    The last line of a report whose own digest is right: everything before it is as it was written.

    Raises UsageError for what is no report, is cut off, or was changed.
    """
    digest = hashlib.sha256()
    last: str | None = None
    for text in lines:
        if last is not None:
            digest.update(last.encode() + b"\n")
        last = text.rstrip("\n")
    found = _parsed(last or "")
    if "digest" not in found:
        raise UsageError("this is no report of an audit, or its end is missing")
    if found["digest"] != digest.hexdigest():
        raise UsageError("this report was changed after it was written: its digest is another")
    return found


def check(lines: Iterable[str], place: Shelf, reader: Reader, *, contents: bool) -> Iterator[Finding]:
    """
    Where the tree is not as the report says. *contents*: read the files, too, and not only the pages.

    Raises UsageError for another format.
    """
    for text in lines:
        facts = _parsed(text)
        match facts:
            case {"audit": number} if number != FORMAT:
                raise UsageError(f"this report has format {number}, and not {FORMAT}")
            case {"project": str() as project, "pages": dict() as pages, "files": list() as files}:
                for key, sha256 in pages.items():
                    yield from _object(project, key, sha256, None, place, reader, Kind.MISSING_PAGE, Kind.STALE_PAGE)
                for file in files:
                    yield from _file(project, file, place, reader, contents=contents)
            case {"index": str() as key, "sha256": sha256}:
                yield from _object("", key, sha256, None, place, reader, Kind.MISSING_INDEX, Kind.STALE_INDEX)
            case _:
                pass


def _file(project: str, file: Any, place: Shelf, reader: Reader, *, contents: bool) -> Iterator[Finding]:
    match file:
        case {"key": str() as key, "sha256": str() | None as sha256}:
            size = file.get("size")
        case _:
            raise UsageError(f"this is no report of an audit: {project} has a file without a key and a SHA-256")
    given = sha256 if contents else None
    yield from _object(project, key, given, size, place, reader, Kind.MISSING_FILE, Kind.WRONG_BYTES)


def _object(
    project: str, key: str, sha256: str | None, size: int | None, place: Shelf, reader: Reader, gone: Kind, other: Kind
) -> Iterator[Finding]:
    try:
        stat = place.stat(key)
        if stat is None:
            yield Finding(gone, project, key)
        elif size is not None and stat.size != size:
            yield Finding(Kind.WRONG_SIZE, project, key, f"{stat.size:,} bytes, and not {size:,}")
        elif sha256 is not None:
            read = reader.sha256(key)
            if read is None or read[0] != sha256:
                yield Finding(other, project, key, f"SHA-256 {read[0] if read else 'unknown'}, and not {sha256}")
    except (StorageError, ValueError) as error:
        yield Finding(Kind.UNREADABLE, project, key, str(error))


def _parsed(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise UsageError("this is no report of an audit: it has a line that is no JSON object")
    return found
