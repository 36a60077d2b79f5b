"""What belongs to a file: its core metadata (PEP 658) and its provenance (PEP 740)."""

from __future__ import annotations

import asyncio
import hashlib
from typing import BinaryIO
from urllib.parse import urlsplit

from bandersnatch import layout, names
from bandersnatch.errors import BadContent, NotAllowed, NotFound, UpstreamError
from bandersnatch.model import File, Held
from bandersnatch.simple.fields import is_like
from bandersnatch.simple.provenance import is_of
from bandersnatch.storage.base import Storage
from bandersnatch.transfer.rules import Rules
from bandersnatch.upstream.base import Upstream
from bandersnatch.values import Struct, replace

MAX_COMPANION = 16 << 20
"""Bytes of core metadata or provenance that are taken; the largest on PyPI are far below 1 MiB."""


def take_metadata(
    wanted: File, stream: BinaryIO, storage: Storage, rules: Rules, *, new: bool = False
) -> tuple[str | None, bytes]:
    """
    Stage the core metadata out of the wheel itself; returns its SHA-256. Blocks, unless all is in memory and *new*.

    PEP 658 wants exactly the bytes that the wheel holds, so when upstream's digest is that of the wheel's own
    METADATA there is nothing to ask upstream for. Where it is another nothing is staged, and the bytes are returned.
    None: not a wheel, not readable, or not what upstream advertises.
    """
    if not rules.metadata or not wanted.filename.endswith(".whl") or not _has_room_for_companion(wanted):
        return None, b""
    from bandersnatch.simple.metadata import from_wheel

    stream.seek(0)
    try:
        data = from_wheel(stream, limit=MAX_COMPANION)
    except BadContent:
        return None, b""
    digest = hashlib.sha256(data).hexdigest()
    if isinstance(wanted.core_metadata, str) and wanted.core_metadata != digest:
        return None, data
    if new:
        storage.put((layout.metadata_key(wanted),), data)
    else:
        _stage(storage, layout.metadata_key(wanted), data)
    return digest, b""


class Completed(Struct, frozen=True):
    """A file with what belongs to it, as far as that could be had."""

    held: Held
    warning: str = ""
    """What an operator should know; the same for every file that it is true of."""
    problem: str = ""
    """Why something is missing that a later try may get."""
    withheld: bool = False
    """Whether upstream does not give what it says that it has."""


WITHHELD = (
    "core metadata or provenance that upstream's pages promise is not there, or is not what they promise: ours promise "
    "none of it, and it is asked for again in a week"
)


async def complete(
    project: str, held: Held, own: bytes, upstream: Upstream, storage: Storage, rules: Rules
) -> Completed:
    """
    Bring in what belongs to the file. A companion that fails keeps the file itself from nobody.

    *own*: the wheel's own core metadata, where upstream advertises other.
    """
    wanted, withheld = held.file, False
    try:
        if rules.metadata and held.metadata is None and wanted.core_metadata and _has_room_for_companion(wanted):
            held = replace(held, metadata=await _other_metadata(wanted, own, upstream, storage))
            withheld = held.metadata is None
        if rules.provenance and wanted.provenance:
            held = replace(held, provenance=await _fetch_provenance(project, wanted, upstream, storage))
            withheld = withheld or not held.provenance
    except NotAllowed as error:
        host = _host(error.url or wanted.provenance)
        warning = (
            f"provenance on {host} is not fetched: it is not a host of this upstream; "
            f'[upstream] file-hosts = ["{host}"] would allow it'
        )
        # Where a page names that host, only the operator can change it; where one is redirected to, upstream will.
        return Completed(held, warning, withheld=withheld or host != _host(wanted.provenance))
    except UpstreamError as error:
        return Completed(held, problem=f"what belongs to it: {error}")
    return Completed(held, WITHHELD if withheld else "", withheld=withheld)


def _host(url: str | None) -> str:
    return urlsplit(url or "").netloc.rpartition("@")[2]


async def _other_metadata(wanted: File, own: bytes, upstream: Upstream, storage: Storage) -> str | None:
    """
    Stage the core metadata that upstream advertises, or the wheel's *own* if the two disagree; returns its SHA-256.

    None when there is neither: clients treat metadata that is advertised and cannot be had as an error, so then it is
    not advertised.
    """
    data = await asyncio.to_thread(storage.read, layout.metadata_key(wanted), MAX_COMPANION)
    if data is None or not _is_advertised(data, wanted):
        try:
            data = await upstream.read(wanted.metadata_url, limit=MAX_COMPANION)
        except (NotFound, NotAllowed, BadContent):
            data = None
    if data is None or not _is_advertised(data, wanted) or not (own == b"" or is_like(data, own)):
        data = own or None
    if data is None:
        return None
    await asyncio.to_thread(_stage, storage, layout.metadata_key(wanted), data)
    return hashlib.sha256(data).hexdigest()


def _is_advertised(data: bytes, wanted: File) -> bool:
    return wanted.core_metadata in (True, hashlib.sha256(data).hexdigest())


async def _fetch_provenance(project: str, wanted: File, upstream: Upstream, storage: Storage) -> bool:
    """
    Fetch and stage the provenance object (PEP 740), byte for byte; False when upstream does not give one of this file.

    Raises NotAllowed when it is on a host that we must not ask.
    """
    version = names.version_of(wanted.filename, project)
    if wanted.provenance is None or version is None:
        return False
    try:
        data = await upstream.read(wanted.provenance, limit=MAX_COMPANION)
        key = layout.provenance_key(project, version, wanted.filename)
    except (NotFound, BadContent, ValueError):
        return False
    if not await asyncio.to_thread(is_of, data, wanted.sha256):
        return False
    await asyncio.to_thread(_stage, storage, key, data)
    return True


def _stage(storage: Storage, key: str, data: bytes) -> None:
    """Stage *data* under *key* unless it is there already; an older copy in the trash goes. Blocks for large data."""
    stat = storage.stat(key)
    if stat is None or stat.size != len(data) or storage.read(key, len(data)) != data:
        storage.put((key,), data)
    if storage.buried(key) is not None:
        storage.purge(key)


def _has_room_for_companion(wanted: File) -> bool:
    """Whether the longer name of the companion is one that file systems hold."""
    return names.is_filename(wanted.filename + ".metadata")
