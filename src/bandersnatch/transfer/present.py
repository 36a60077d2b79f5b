"""What storage has of a file already: whole, in part, or in the trash."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from contextlib import suppress
from typing import BinaryIO

from bandersnatch import layout, names
from bandersnatch.errors import BadContent, StorageError
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
        if storage.holds(token(file)) or (layout.has_key(file) and _has_any(layout.file_key(file), storage))
    )
    missing = [file for file in files if file.filename not in here]
    if missing:
        admit(missing[0], sum(file.size or 0 for file in missing), storage, rules)
    return here


def _has_any(key: str, storage: Storage) -> bool:
    return storage.stat(key) is not None or storage.buried(key) is not None


def find(wanted: File, storage: Storage, rules: Rules) -> tuple[Held, bytes] | None:
    """The file as ``take_metadata`` leaves it, if storage has it as it is wanted, be it in the trash. Blocks."""
    if not layout.has_key(wanted):
        return None
    key = layout.file_key(wanted)
    stat = storage.stat(key)
    if stat is None:
        stat = _restore(wanted, storage)
    if stat is None or wanted.size not in (None, stat.size):
        return None
    vouched = rules.vouched is not None and rules.vouched(key, stat.size, stat.mtime_ns) == wanted.sha256
    with storage.open(key) as stream:
        file = wanted if vouched else _checked(wanted, stream, stat.size)
        if file is None:
            return None
        metadata, own = take_metadata(file, stream, storage, rules)
        return Held(file, stat.size, metadata), own


def intact(project: str, held: Held, storage: Storage, rules: Rules) -> Held | None:
    """*held* as far as it is whole in storage, without the companions that are not; None if the file is not. Blocks."""
    found = find(held.file, storage, rules)
    if found is None:
        return None
    metadata = held.metadata if held.metadata in (found[0].metadata, _stored_metadata(held, storage)) else None
    return replace(held, metadata=metadata, provenance=held.provenance and _has_provenance(project, held, storage))


def fits(stated: File, held: Held, storage: Storage) -> bool:
    """Whether the bytes that are held are those of which upstream states other digests now. Blocks."""
    with suppress(StorageError), storage.open(layout.file_key(held.file)) as stream:
        return _checked(replace(held.file, digests=stated.digests), stream, held.size) is not None
    return False


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
        right = wanted.size in (None, stat.size) and _checked(wanted, stream, stat.size)
    if right and storage.unbury(key):
        return storage.stat(key)
    storage.purge(key)
    return None


def _checked(wanted: File, stream: BinaryIO, size: int) -> File | None:
    """The file with its SHA-256, if *stream* has the bytes that are promised."""
    check = Check(wanted, size)
    try:
        check.read(stream)
        return check.finish()
    except BadContent:
        return None
