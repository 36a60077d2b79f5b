"""What the catalogue says is there: whether it is, has its size, and has its bytes."""

from __future__ import annotations

from collections.abc import Iterator

from bandersnatch import layout
from bandersnatch.errors import StorageError
from bandersnatch.model import Held
from bandersnatch.simple.provenance import is_of
from bandersnatch.verify.base import Finding, Kind, Place, Record
from bandersnatch.verify.reading import Reader


def guarded(project: str, key: str, found: Iterator[Finding]) -> Iterator[Finding]:
    """*found*, which is about the object *key*; what the disk refuses to tell is a finding, too."""
    try:
        yield from found
    except StorageError as error:
        yield Finding(Kind.UNREADABLE, project, error.key or key, str(error))


# --- there, and of the right size ----------------------------------------------------------------------------------


def present(place: Place, record: Record) -> Iterator[Finding]:
    """Whether every object of a project is there; of files, whether they have their size. Nothing is read."""
    for held in record.published.held:
        for key, missing in _keys(record.name, held):
            yield from guarded(record.name, key, _there(place, record.name, key, missing, held.size))
    if record.entry.departing:
        return  # its pages are on their way out, before the catalogue knows
    for key in [key for key, _ in record.published.pages] or layout.page_keys(record.name)["json"]:
        yield from guarded(record.name, key, _there(place, record.name, key, Kind.MISSING_PAGE, 0))


def _keys(project: str, held: Held) -> Iterator[tuple[str, Kind]]:
    """What storage has because of one file, each with what it is to find it missing."""
    for key in layout.keys_of(project, held):
        if key == layout.file_key(held.file):
            yield key, Kind.MISSING_FILE
        else:
            yield key, Kind.MISSING_METADATA if key.endswith(".metadata") else Kind.MISSING_PROVENANCE


def _there(place: Place, project: str, key: str, missing: Kind, size: int) -> Iterator[Finding]:
    """*size* is that of files; of no other object is it known."""
    stat = place.stat(key)
    if stat is None:
        yield Finding(missing, project, key)
    elif missing is Kind.MISSING_FILE and stat.size != size:
        yield Finding(Kind.WRONG_SIZE, project, key, f"{stat.size:,} bytes, and not {size:,}")


# --- with the right bytes ------------------------------------------------------------------------------------------


def whole(reader: Reader, key: str, record: Record) -> Iterator[Finding]:
    """
    Whether the file *key* of a project, and what lies beside it, has the bytes that were promised.

    What is missing, or of another size, is for ``present`` to say.
    """
    held = next((one for one in record.published.held if layout.file_key(one.file) == key), None)
    if held is None:
        return  # it left its page meanwhile
    for each, missing in _keys(record.name, held):
        match missing:
            case Kind.MISSING_FILE:
                found = _file(reader, record.name, each, held)
            case Kind.MISSING_METADATA:
                found = _metadata(reader, record.name, each, held)
            case _:
                found = _provenance(reader, record.name, each, held)
        yield from guarded(record.name, each, found)


def _file(reader: Reader, project: str, key: str, held: Held) -> Iterator[Finding]:
    read = reader.sha256(key)
    if read is not None and read[1] == held.size and read[0] != held.file.sha256:
        yield Finding(Kind.WRONG_BYTES, project, key, f"SHA-256 {read[0]}, and not {held.file.sha256}")


def _metadata(reader: Reader, project: str, key: str, held: Held) -> Iterator[Finding]:
    read = reader.sha256(key)
    if read is not None and read[0] != held.metadata:
        yield Finding(Kind.WRONG_METADATA, project, key, f"SHA-256 {read[0]}, and not {held.metadata}")


def _provenance(reader: Reader, project: str, key: str, held: Held) -> Iterator[Finding]:
    data = reader.content(key)
    if data is not None and not is_of(data, held.file.sha256):
        yield Finding(Kind.WRONG_PROVENANCE, project, key)
