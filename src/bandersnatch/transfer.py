"""One file in: fetched or found, verified, and staged with its companions.

Nothing here becomes visible: ``Storage.settle`` does that, later, for a whole batch.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from io import BytesIO
from typing import BinaryIO
from urllib.parse import urlsplit

from bandersnatch import layout, names
from bandersnatch.errors import BadContent, NotAllowed, NotFound, OutOfSpace, UpstreamError
from bandersnatch.model import File, Held
from bandersnatch.simple import metadata as wheels
from bandersnatch.storage.base import Incoming, Stat, Storage
from bandersnatch.upstream.base import Body, Upstream

CHUNK = 1 << 20
"""Bytes that are gathered before a worker thread writes and hashes them; smaller files take one trip to a thread."""

SMALL = 64 << 10
"""Bytes up to which hashing a file and staging it in memory takes less time than a trip to a thread."""

TRIES = 5
"""How often a transfer that was cut is taken up again within one run, as long as it makes progress."""

MAX_COMPANION = 16 << 20
"""Bytes of core metadata or provenance that are taken; the largest on PyPI are far below 1 MiB."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What is taken of a file, and how much room must stay."""

    metadata: bool = True
    provenance: bool = True
    reserve: int = 0
    """Bytes that must stay free in storage."""
    largest: int = 64 << 30
    """Bytes of the largest file that is taken where upstream states no size."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """A file that is held or staged now."""

    held: Held
    fetched: int
    """Bytes that came from upstream for it; 0 for a file that was found in storage."""
    warning: str = ""
    """What an operator should know; the same for every file that it is true of."""
    problem: str = ""
    """Why a companion is missing that a later try may get: the file is here all the same."""


Progress = Callable[[File, int], None]
"""Told of each further number of bytes of a file."""


def _silent(file: File, count: int) -> None: ...


def look(wanted: Iterable[File], storage: Storage, rules: Rules) -> frozenset[str]:
    """
    The names of those files of which storage has something already, whole or in part. Blocks.

    One look for all files of a project spares each of them its own. Raises OutOfSpace if the others do not fit.
    """
    files = tuple(wanted)
    here = frozenset(
        file.filename
        for file in files
        if storage.holds(_token(file))
        or storage.stat(layout.file_key(file)) is not None
        or storage.buried(layout.file_key(file)) is not None
    )
    missing = [file for file in files if file.filename not in here]
    if missing:
        _admit(missing[0], sum(file.size or 0 for file in missing), storage, rules)
    return here


async def file(
    project: str,
    wanted: File,
    upstream: Upstream,
    storage: Storage,
    rules: Rules,
    progress: Progress = _silent,
    *,
    new: bool = False,
) -> Arrived:
    """
    Bring *wanted* into storage, whole and verified, or raise and leave everything as it was.

    What storage has under the file's key already is taken over if its size and digests are right, and replaced if
    they are not; *new* says that ``look`` has found nothing. Raises UpstreamError, StorageError.
    """
    found = _Transfer(wanted, storage, rules) if new else await asyncio.to_thread(_examine, wanted, storage, rules)
    arrived = found if isinstance(found, Arrived) else await _fetch(found, upstream, progress)
    return await _with_companions(project, arrived, upstream, storage, rules)


class Check:
    """Counts and hashes the bytes of one file as they pass (hashlib releases the interpreter lock meanwhile)."""

    def __init__(self, wanted: File, largest: int) -> None:
        self._wanted = wanted
        self._limit = largest if wanted.size is None else wanted.size
        self._sha256 = hashlib.sha256()
        self._claimed = layout.claimed_blake2(wanted)
        self._blake2 = hashlib.blake2b(digest_size=32) if self._claimed else None
        self.size = 0

    def update(self, data: bytes | memoryview) -> None:
        """Take the next bytes. Raises BadContent as soon as there are more than promised."""
        self.size += len(data)
        if self.size > self._limit:
            raise BadContent(
                f"{self._wanted.filename}: more than the {self._limit} bytes that were promised", url=self._wanted.url
            )
        self._sha256.update(data)
        if self._blake2 is not None:
            self._blake2.update(data)

    def read(self, stream: BinaryIO) -> None:
        """Take all that *stream* still holds."""
        while data := stream.read(CHUNK):
            self.update(data)

    def finish(self) -> None:
        """Raises BadContent unless size and digests are as promised."""
        wanted = self._wanted
        if wanted.size is not None and self.size != wanted.size:
            raise BadContent(f"{wanted.filename}: {self.size} bytes came, {wanted.size} were promised", url=wanted.url)
        if self._sha256.hexdigest() != wanted.sha256:
            raise BadContent(
                f"{wanted.filename}: its SHA-256 is {self._sha256.hexdigest()}, promised was {wanted.sha256}",
                url=wanted.url,
            )
        if self._blake2 is not None and self._blake2.hexdigest() != self._claimed:
            raise BadContent(
                f"{wanted.filename}: its BLAKE2b-256 is {self._blake2.hexdigest()}, its address claims {self._claimed}",
                url=wanted.url,
            )


# --- what is there already -----------------------------------------------------------------------------------------


def _token(wanted: File) -> str:
    """Under which name storage keeps a part of the file."""
    return hashlib.sha256(layout.file_key(wanted).encode()).hexdigest()


def _examine(wanted: File, storage: Storage, rules: Rules) -> Arrived | _Transfer:
    """The file, if storage has it as it is wanted; else a transfer that goes on with what is there. Blocks."""
    key = layout.file_key(wanted)
    stat = storage.stat(key)
    if stat is None:
        stat = _restore(wanted, storage)
    if stat is not None and wanted.size in (None, stat.size):
        with storage.open(key) as stream:
            if _is_right(wanted, stream, stat.size):
                return Arrived(Held(wanted, stat.size, _take_metadata(wanted, stream, storage, rules)), 0)
    transfer = _Transfer(wanted, storage, rules)
    transfer.resume()
    return transfer


def _restore(wanted: File, storage: Storage) -> Stat | None:
    """Take the file back out of the trash, if it is there as it is wanted."""
    key = layout.file_key(wanted)
    stat = storage.buried(key)
    if stat is None or wanted.size not in (None, stat.size):
        return None
    with storage.open_buried(key) as stream:
        right = _is_right(wanted, stream, stat.size)
    return storage.stat(key) if right and storage.unbury(key) else None


def _is_right(wanted: File, stream: BinaryIO, size: int) -> bool:
    check = Check(wanted, size)
    try:
        check.read(stream)
        check.finish()
    except BadContent:
        return False
    return True


def _admit(wanted: File, count: int, storage: Storage, rules: Rules) -> None:
    """Raises OutOfSpace if *count* more bytes would leave less than the reserve."""
    free = storage.free()
    if free is not None and free - count < rules.reserve:
        raise OutOfSpace(
            f"{wanted.filename}: {count} bytes more would leave less than the reserve of {rules.reserve} bytes "
            f"([mirror] reserve; {free} are free)",
            key=layout.file_key(wanted),
        )


# --- the file itself -----------------------------------------------------------------------------------------------


class _Transfer:
    """
    One file on its way in.

    Its bytes gather in memory until a trip to a worker thread is worth it; a file that is smaller than that never
    touches the disk before it is staged.
    """

    def __init__(self, wanted: File, storage: Storage, rules: Rules) -> None:
        self.wanted = wanted
        self.direct = False
        """Whether to ask upstream itself, and no download mirror."""
        self.mixed = False
        """Whether any bytes here may come from an earlier try or from a download mirror."""
        self._storage = storage
        self._rules = rules
        self._incoming: Incoming | None = None
        self._check = Check(wanted, rules.largest)
        self._pending: list[bytes] = []
        self._gathered = 0

    @property
    def size(self) -> int:
        """Bytes that are here, in memory or in storage."""
        return self._check.size + self._gathered

    @property
    def is_small(self) -> bool:
        """Whether to finish takes less than a trip to a thread does."""
        return self._incoming is None and self._gathered <= SMALL

    def resume(self) -> None:
        """Go on with what an earlier try left, if it left anything. Blocks."""
        if not self._storage.holds(_token(self.wanted)):
            return
        incoming = self._open()
        self.mixed = True
        try:
            with incoming.reader() as stream:
                self._check.read(stream)
        except BadContent:  # longer than the file can be
            self.restart()
        except BaseException:
            incoming.keep()
            raise

    def gather(self, data: bytes) -> bool:
        """Take the next bytes; True when it is time to ``write`` them."""
        self._pending.append(data)
        self._gathered += len(data)
        return self._gathered >= CHUNK

    def write(self) -> None:
        """Write and hash what has gathered. Blocks."""
        pending, self._pending, self._gathered = self._pending, [], 0
        if not pending:
            return
        incoming = self._open()
        for data in pending:
            self._check.update(data)
            incoming.write(data)
        _admit(self.wanted, 0, self._storage, self._rules)

    def restart(self) -> None:
        """Begin again at the first byte. Blocks."""
        if self._incoming is not None:
            self._incoming.restart()
        self._check = Check(self.wanted, self._rules.largest)
        self._pending, self._gathered = [], 0
        self.mixed = False

    def finish(self) -> Held:
        """Verify and stage. Blocks, unless it is small. Raises BadContent, and then nothing is staged."""
        if self._incoming is None:
            return self._finish_in_memory()
        self.write()
        self._check.finish()
        with self._incoming.reader() as stream:
            metadata = _take_metadata(self.wanted, stream, self._storage, self._rules)
        self._incoming.stage(layout.file_key(self.wanted))
        return Held(self.wanted, self._check.size, metadata)

    def keep(self) -> None:
        """Stop here, and keep the bytes for a later try. Blocks."""
        try:
            self.write()
        finally:
            if self._incoming is not None:
                self._incoming.keep()

    def discard(self) -> None:
        """Stop here, and forget the bytes. Blocks."""
        if self._incoming is not None:
            self._incoming.discard()

    def _finish_in_memory(self) -> Held:
        data = b"".join(self._pending)
        self._check.update(data)
        self._check.finish()
        metadata = _take_metadata(self.wanted, BytesIO(data), self._storage, self._rules)
        self._storage.put((layout.file_key(self.wanted),), data)
        return Held(self.wanted, self._check.size, metadata)

    def _open(self) -> Incoming:
        if self._incoming is None:
            self._incoming = self._storage.receive(_token(self.wanted))
        return self._incoming


async def _fetch(transfer: _Transfer, upstream: Upstream, progress: Progress) -> Arrived:
    try:
        count = await _pour(transfer, upstream, progress)
        held = transfer.finish() if transfer.is_small else await asyncio.to_thread(transfer.finish)
        return Arrived(held, count)
    except BadContent:
        if not transfer.mixed:
            await asyncio.to_thread(transfer.discard)
            raise
    except BaseException:
        await asyncio.to_thread(transfer.keep)
        raise
    # What is wrong may have come in an earlier try, or from a download mirror: once more, all from upstream itself.
    await asyncio.to_thread(transfer.restart)
    transfer.direct = True
    return await _fetch(transfer, upstream, progress)


async def _pour(transfer: _Transfer, upstream: Upstream, progress: Progress) -> int:
    """Read the file to its end, taking it up again after each cut that came after some progress."""
    total = 0
    for tries_left in reversed(range(TRIES)):
        if transfer.size == transfer.wanted.size:
            break
        before, shortcut = total, False
        try:
            async with upstream.open(transfer.wanted.url, offset=transfer.size, direct=transfer.direct) as body:
                shortcut = not body.direct
                await _align(transfer, body)
                async for data in body:
                    total += len(data)
                    progress(transfer.wanted, len(data))
                    if transfer.gather(data):
                        await asyncio.to_thread(transfer.write)
            break
        except (BadContent, NotFound, NotAllowed):
            raise
        except UpstreamError:
            if not tries_left or (total == before and not shortcut):
                raise
            transfer.direct = transfer.direct or shortcut
    return total


async def _align(transfer: _Transfer, body: Body) -> None:
    """Begin where *body* begins, if its length can be right at all."""
    transfer.mixed = transfer.mixed or not body.direct
    if body.offset != transfer.size:
        await asyncio.to_thread(transfer.restart)
    wanted = transfer.wanted
    if body.length is not None and wanted.size is not None and body.length != wanted.size:
        raise BadContent(
            f"{wanted.filename}: {body.length} bytes are announced, {wanted.size} were promised", url=wanted.url
        )


# --- its companions ------------------------------------------------------------------------------------------------


def _take_metadata(wanted: File, stream: BinaryIO, storage: Storage, rules: Rules) -> str | None:
    """
    Stage the core metadata out of the wheel itself; returns its SHA-256. Blocks.

    PEP 658 wants exactly the bytes that the wheel holds, so when upstream's digest is that of the wheel's own
    METADATA there is nothing to ask upstream for. None: not a wheel, not readable, or not what upstream advertises.
    """
    if not rules.metadata or not wanted.filename.endswith(".whl") or not _has_room_for_companion(wanted):
        return None
    stream.seek(0)
    try:
        data = wheels.from_wheel(stream, limit=MAX_COMPANION)
    except BadContent:
        return None
    digest = hashlib.sha256(data).hexdigest()
    if isinstance(wanted.core_metadata, str) and wanted.core_metadata != digest:
        return None
    _stage(storage, layout.metadata_key(wanted), data)
    return digest


async def _with_companions(
    project: str, arrived: Arrived, upstream: Upstream, storage: Storage, rules: Rules
) -> Arrived:
    """Bring in what belongs to the file. A companion that fails keeps the file itself from nobody."""
    held, wanted, warning = arrived.held, arrived.held.file, ""
    try:
        if rules.metadata and held.metadata is None and wanted.core_metadata:
            held = replace(held, metadata=await _fetch_metadata(wanted, upstream, storage))
        if rules.provenance and wanted.provenance:
            held = replace(held, provenance=await _fetch_provenance(project, wanted, upstream, storage))
    except NotAllowed:
        host = urlsplit(wanted.provenance or "").netloc.rpartition("@")[2]
        warning = (
            f"provenance on {host} is not fetched: it is not a host of this upstream; "
            f'[upstream] file-hosts = ["{host}"] would allow it'
        )
    except UpstreamError as error:
        return replace(arrived, held=held, problem=f"what belongs to it: {error}")
    return replace(arrived, held=held, warning=warning)


async def _fetch_metadata(wanted: File, upstream: Upstream, storage: Storage) -> str | None:
    """
    Fetch and stage the core metadata that upstream advertises; returns its SHA-256.

    None when upstream does not have it after all, or not with the digest that it advertises: clients treat metadata
    that is advertised and cannot be had as an error, so then it is not advertised.
    """
    if not _has_room_for_companion(wanted):
        return None
    try:
        data = await upstream.read(wanted.url + ".metadata", limit=MAX_COMPANION)
    except (NotFound, NotAllowed, BadContent):
        return None
    digest = hashlib.sha256(data).hexdigest()
    if isinstance(wanted.core_metadata, str) and wanted.core_metadata != digest:
        return None
    await asyncio.to_thread(_stage, storage, layout.metadata_key(wanted), data)
    return digest


async def _fetch_provenance(project: str, wanted: File, upstream: Upstream, storage: Storage) -> bool:
    """
    Fetch and stage the provenance object (PEP 740), byte for byte; False when upstream does not give it.

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
    await asyncio.to_thread(_stage, storage, key, data)
    return True


def _stage(storage: Storage, key: str, data: bytes) -> None:
    """Stage *data* under *key* unless it is there already. Blocks for large data."""
    stat = storage.stat(key)
    if stat is None or stat.size != len(data) or storage.read(key, len(data)) != data:
        storage.put((key,), data)


def _has_room_for_companion(wanted: File) -> bool:
    """Whether the longer name of the companion is one that file systems hold."""
    return names.is_filename(wanted.filename + ".metadata")
