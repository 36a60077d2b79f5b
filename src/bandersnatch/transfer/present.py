"""What storage has of a file already: whole, in part, or in the trash."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import BinaryIO

from bandersnatch import layout, names
from bandersnatch.errors import BadContent
from bandersnatch.model import File, Held
from bandersnatch.simple.provenance import is_of
from bandersnatch.storage.base import Stat, Storage
from bandersnatch.transfer.check import Check
from bandersnatch.transfer.companions import MAX_COMPANION, take_metadata
from bandersnatch.transfer.rules import Rules, admit, token
from bandersnatch.values import replace


def look(wanted: Iterable[File], storage: Storage, rules: Rules) -> frozenset[str]:
    """
    The names of those files of which storage has something already, whole or in part. Blocks.

    One look for all files of a project spares each of them its own. Raises OutOfSpace if the others do not fit.
    """
    files = tuple(wanted)
    here = frozenset(
        file.filename
        for file in files
        if storage.holds(token(file))
        or storage.stat(layout.file_key(file)) is not None
        or storage.buried(layout.file_key(file)) is not None
    )
    missing = [file for file in files if file.filename not in here]
    if missing:
        admit(missing[0], sum(file.size or 0 for file in missing), storage, rules)
    return here


def find(wanted: File, storage: Storage, rules: Rules) -> Held | None:
    """The file with its core metadata, if storage has it as it is wanted, be it in the trash. Blocks."""
    key = layout.file_key(wanted)
    stat = storage.stat(key)
    if stat is None:
        stat = _restore(wanted, storage)
    if stat is None or wanted.size not in (None, stat.size):
        return None
    vouched = rules.vouched is not None and rules.vouched(key, stat.size, stat.mtime_ns) == wanted.sha256
    with storage.open(key) as stream:
        if not vouched and not _is_right(wanted, stream, stat.size):
            return None
        return Held(wanted, stat.size, take_metadata(wanted, stream, storage, rules))


def intact(project: str, held: Held, storage: Storage, rules: Rules) -> Held | None:
    """*held* as far as it is whole in storage, without the companions that are not; None if the file is not. Blocks."""
    found = find(held.file, storage, rules)
    if found is None:
        return None
    metadata = held.metadata if held.metadata in (found.metadata, _stored_metadata(held, storage)) else None
    return replace(held, metadata=metadata, provenance=held.provenance and _has_provenance(project, held, storage))


def _stored_metadata(held: Held, storage: Storage) -> str | None:
    """The SHA-256 of the core metadata that storage has of the file."""
    data = storage.read(layout.metadata_key(held.file), MAX_COMPANION)
    return None if data is None else hashlib.sha256(data).hexdigest()


def _has_provenance(project: str, held: Held, storage: Storage) -> bool:
    """Whether storage has the provenance of the file."""
    version = names.version_of(held.file.filename, project)
    if version is None:
        return False
    data = storage.read(layout.provenance_key(project, version, held.file.filename), MAX_COMPANION)
    return data is not None and is_of(data, held.file.sha256)


def _restore(wanted: File, storage: Storage) -> Stat | None:
    """Take the file back out of the trash, if it is there as it is wanted; one that is damaged there goes."""
    key = layout.file_key(wanted)
    stat = storage.buried(key)
    if stat is None:
        return None
    with storage.open_buried(key) as stream:
        right = wanted.size in (None, stat.size) and _is_right(wanted, stream, stat.size)
    if right and storage.unbury(key):
        return storage.stat(key)
    storage.purge(key)
    return None


def _is_right(wanted: File, stream: BinaryIO, size: int) -> bool:
    check = Check(wanted, size)
    try:
        check.read(stream)
        check.finish()
    except BadContent:
        return False
    return True
