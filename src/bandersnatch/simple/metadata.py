"""Core metadata: taken out of a wheel (PEP 427, 658), and read for the facts that PyPI's older JSON shows."""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from collections.abc import Mapping
from functools import lru_cache
from typing import BinaryIO

from bandersnatch.errors import BadContent
from bandersnatch.simple import plain
from bandersnatch.simple.plain import MAX_DIRECTORY

_METADATA = re.compile(r"[^/\\]+\.dist-info/METADATA\Z")
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # only these two stop decompressing where they are told to

# All that zipfile raises for what is not quite a zip file; OSError for an offset before the beginning.
_BROKEN = (
    EOFError, NotImplementedError, OSError, OverflowError, RuntimeError, ValueError,
    struct.error, zipfile.BadZipFile, zlib.error,
)  # fmt: skip

_TEXTS = (
    "author", "author_email", "description", "download_url", "home_page", "license", "maintainer", "maintainer_email",
    "summary",
)  # fmt: skip
_MAYBE_TEXTS = ("description_content_type", "license_expression", "requires_python")
_MAYBE_LISTS = ("dynamic", "license_files", "provides_extra", "requires_dist")


def from_wheel(stream: BinaryIO, *, limit: int) -> bytes:
    """
    The METADATA of the wheel in *stream*, which must be seekable: at most *limit* bytes, checked against their CRC.

    Raises BadContent for everything that is wrong with the wheel, whatever it is made to be; an OSError of the
    stream's own passes through.
    """
    found = plain.metadata_of(stream, limit=limit)
    if found is not None:
        return found
    stream.seek(0)
    cautious = _Cautious(stream)
    try:
        with zipfile.ZipFile(cautious) as wheel:
            return _member(wheel, _metadata_member(wheel, limit), limit)
    except _BROKEN as error:
        if cautious.failure is not None:
            raise cautious.failure from None
        raise BadContent(f"not a wheel that can be read: {error}") from error


def _metadata_member(wheel: zipfile.ZipFile, limit: int) -> zipfile.ZipInfo:
    found = [member for member in wheel.infolist() if _METADATA.match(member.filename)]
    if len(found) != 1:
        raise BadContent(f"a wheel has one .dist-info/METADATA, this one has {len(found)}")
    member = found[0]
    if member.flag_bits & 1:
        raise BadContent("the wheel's METADATA is encrypted")
    if member.compress_type not in _METHODS:
        raise BadContent(f"the wheel's METADATA is compressed by method {member.compress_type}")
    if member.file_size > limit:
        raise BadContent(f"the wheel's METADATA has {member.file_size} bytes, more than {limit}")
    return member


def _member(wheel: zipfile.ZipFile, member: zipfile.ZipInfo, limit: int) -> bytes:
    with wheel.open(member) as content:
        data = content.read(limit + 1)  # one more than allowed also makes zipfile see the end, and check the CRC
    if len(data) != member.file_size:
        raise BadContent(f"the wheel's METADATA has {len(data)} bytes, not the {member.file_size} declared")
    return data


class _Cautious:
    """
    A stream that refuses to read a huge piece at once, which a hostile directory's size makes zipfile do, and that
    remembers when it is the stream that failed, which zipfile takes for a bad zip file.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.failure: OSError | None = None
        self.seek = stream.seek
        self.tell = stream.tell

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if size > MAX_DIRECTORY:
            raise BadContent(f"the wheel's list of members has more than {MAX_DIRECTORY} bytes")
        try:
            return self._stream.read(size if size >= 0 else MAX_DIRECTORY)
        except OSError as error:
            self.failure = error
            raise


@lru_cache(maxsize=1)  # a project's own JSON and that of its latest release are made from the same
def info(metadata: bytes | None) -> Mapping[str, object]:
    """
    What core *metadata* says, in the keys and types of ``info`` in PyPI's older JSON; nothing said gives the empty
    values that PyPI shows. Lenient: a field that cannot be read counts as not said.
    """
    raw = _fields(plain.readable(metadata or b""))
    facts: dict[str, object] = {key: raw.get(key) or "" for key in _TEXTS}
    facts |= {key: raw.get(key) or None for key in (*_MAYBE_TEXTS, *_MAYBE_LISTS)}
    facts["classifiers"] = raw.get("classifiers") or []
    facts["keywords"] = _joined(raw.get("keywords")) or ""
    facts["platform"] = _joined(raw.get("platforms"))
    facts["project_urls"] = raw.get("project_urls") or None
    return facts


def _fields(metadata: bytes) -> dict[str, object]:
    found = plain.fields(metadata)
    if found is None:
        from packaging.metadata import parse_email  # brings all of the email package; most metadata is plain

        return dict(parse_email(metadata)[0])
    return found


def _joined(values: object) -> str | None:
    return ",".join(map(str, values)) if isinstance(values, list) and values else None
