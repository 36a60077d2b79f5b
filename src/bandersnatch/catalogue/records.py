"""What a project's page is made of, packed into the bytes that the catalogue keeps.

One byte of format, one that says whether the rest is compressed, then MessagePack. Structures are arrays without
field names, so a later version may add fields with defaults at their end: either version reads what the other wrote.
Anything else is a new format byte.
"""

from __future__ import annotations

import zlib

import msgspec

from bandersnatch.catalogue.base import Published
from bandersnatch.model import File, Held, Refusal, Rejected

FORMAT = 1
_PLAIN, _DEFLATED = 0, 1

WORTH_DEFLATING = 256
"""Bytes from which compression pays; half of what is packed are digests in hexadecimal, so it nearly halves them."""


class _File(msgspec.Struct, array_like=True, frozen=True, gc=False):
    filename: str
    url: str
    sha256: str
    size: int | None = None
    upload_time: str | None = None
    requires_python: str | None = None
    yanked: str | None = None
    core_metadata: str | bool | None = None
    provenance: str | None = None
    digests: tuple[tuple[str, str], ...] = ()


class _Rejected(msgspec.Struct, array_like=True, frozen=True, gc=False):
    filename: str
    reason: str
    refusal: str = Refusal.UNUSABLE


class _Held(msgspec.Struct, array_like=True, frozen=True, gc=False):
    file: _File
    size: int
    metadata: str | None = None
    provenance: bool = False
    etag: str | None = None
    last_modified: str | None = None


class _Published(msgspec.Struct, array_like=True, frozen=True, gc=False):
    held: tuple[_Held, ...] = ()
    pages: tuple[tuple[str, str], ...] = ()
    seen: tuple[tuple[str, float], ...] = ()
    rejected: tuple[_Rejected, ...] = ()


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Published)


def pack(published: Published) -> bytes:
    """*published* as bytes: equal values give equal bytes. Raises ValueError for text that is not Unicode."""
    rejected = tuple(_Rejected(one.filename, one.reason, one.refusal) for one in published.rejected)
    data = _encoder.encode(_Published(tuple(map(_narrow, published.held)), published.pages, published.seen, rejected))
    if len(data) < WORTH_DEFLATING:
        return bytes((FORMAT, _PLAIN)) + data
    return bytes((FORMAT, _DEFLATED)) + zlib.compress(data, 1)


def unpack(content: bytes) -> Published:
    """The value that ``pack`` made *content* from. Raises ValueError for what it cannot have made."""
    if len(content) < 2 or content[0] != FORMAT or content[1] not in (_PLAIN, _DEFLATED):
        raise ValueError(f"a record that begins with {content[:2]!r}, which this version does not know")
    try:
        data = zlib.decompress(content[2:]) if content[1] == _DEFLATED else content[2:]
        packed = _decoder.decode(data)
    except (zlib.error, msgspec.MsgspecError) as error:
        raise ValueError(f"a record that cannot be unpacked: {error}") from error
    try:
        rejected = tuple(Rejected(one.filename, one.reason, Refusal(one.refusal)) for one in packed.rejected)
    except ValueError as error:
        raise ValueError(f"a record that cannot be unpacked: {error}") from error
    return Published(tuple(map(_widen, packed.held)), packed.pages, packed.seen, rejected)


def _narrow(held: Held) -> _Held:
    file = held.file
    packed = _File(
        file.filename,
        file.url,
        file.sha256,
        file.size,
        file.upload_time,
        file.requires_python,
        file.yanked,
        file.core_metadata,
        file.provenance,
        file.digests,
    )
    return _Held(packed, held.size, held.metadata, held.provenance, held.etag, held.last_modified)


def _widen(held: _Held) -> Held:
    file, *rest = msgspec.structs.astuple(held)
    return Held(File(*msgspec.structs.astuple(file)), *rest)
