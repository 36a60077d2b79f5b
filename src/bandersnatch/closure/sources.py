"""What a source distribution says without being run: its metadata (PEP 643), and what building it needs (PEP 518)."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from email.parser import BytesParser
from typing import IO, Any

from bandersnatch.errors import BadContent
from bandersnatch.inputs import documents
from bandersnatch.values import Struct

DEFAULT_BUILD = ("setuptools>=40.8.0",)
"""What installers build with where pyproject.toml does not say (PEP 518; this minimum is pip's and uv's own)."""

MAX_MEMBER = 4 << 20
MAX_UNPACKED = 1 << 30
"""Bytes of an archive that are decompressed in search of its two descriptions."""

_WANTED = re.compile(r"(?:\./)?[^/\\]+/(PKG-INFO|pyproject\.toml)\Z")
_BROKEN = (
    tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError, RuntimeError,
    NotImplementedError, OverflowError,
)  # fmt: skip
_OPENERS: Mapping[str, Callable[[IO[bytes]], gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile]] = {
    ".gz": lambda packed: gzip.GzipFile(fileobj=packed),
    ".tgz": lambda packed: gzip.GzipFile(fileobj=packed),
    ".bz2": bz2.BZ2File,
    ".xz": lzma.LZMAFile,
}
_ARCHIVES = (".tar.gz", ".tgz", ".zip", ".tar.bz2", ".tar.xz")


class Source(Struct, frozen=True):
    """A source distribution's two descriptions of itself; empty where it has none."""

    metadata: bytes
    """PKG-INFO."""
    pyproject: bytes

    @property
    def build_requires(self) -> tuple[str, ...]:
        """``[build-system] requires``, or what stands for it. Raises BadContent."""
        table = self._table("build-system")
        requires = table.get("requires") if table else DEFAULT_BUILD
        if not isinstance(requires, list | tuple) or not all(isinstance(one, str) for one in requires):
            raise BadContent("its pyproject.toml has no list of build requirements")
        return tuple(requires)

    @property
    def requires(self) -> tuple[str, ...] | None:
        """Requires-Dist where it is certain without a build (PEP 643), else None."""
        message = BytesParser().parsebytes(self.metadata, headersonly=True)
        version = re.match(r"(\d{1,4})\.(\d{1,4})\s*\Z", str(message.get("Metadata-Version", "")))
        dynamic = {str(value).strip().lower() for value in message.get_all("Dynamic", [])}
        if version is None or (int(version[1]), int(version[2])) < (2, 2) or "requires-dist" in dynamic:
            return None
        return requires_of(self.metadata)

    def _table(self, name: str) -> dict[str, Any]:
        try:
            table = documents.tables(self.pyproject.decode("utf-8")).get(name, {})
        except (ValueError, RecursionError) as error:
            raise BadContent(f"its pyproject.toml cannot be read: {error}") from error
        if not isinstance(table, dict):
            raise BadContent(f"its pyproject.toml has no table {name}")
        return table


def requires_of(metadata: bytes) -> tuple[str, ...]:
    """The Requires-Dist lines of core metadata, as they stand."""
    message = BytesParser().parsebytes(metadata, headersonly=True)
    return tuple(str(value) for value in message.get_all("Requires-Dist", []))


def is_source(filename: str) -> bool:
    """Whether installers build a file of this name (PEP 625, and the older endings)."""
    return filename.endswith(_ARCHIVES)


def read(filename: str, content: bytes) -> Source:
    """
    The descriptions at the root of the source distribution *content*. Nothing is unpacked to disk, links are not
    followed, and what is read is bounded. Raises BadContent.
    """
    members = _zip if filename.endswith(".zip") else _tar
    found: dict[str, bytes] = {}
    try:
        for name, data in members(filename, content):
            found.setdefault(name, data)
            if len(found) == 2:
                break
    except _BROKEN as error:
        raise BadContent(f"not a source distribution that can be read: {error}") from error
    if not found:
        raise BadContent("it has neither PKG-INFO nor pyproject.toml")
    return Source(found.get("PKG-INFO", b""), found.get("pyproject.toml", b""))


def _tar(filename: str, content: bytes) -> Iterator[tuple[str, bytes]]:
    opener = _OPENERS[filename[filename.rfind(".") :]]
    with opener(io.BytesIO(content)) as unpacked, tarfile.open(fileobj=_Cautious(unpacked), mode="r:") as archive:
        for member in archive:
            if archive.offset > MAX_UNPACKED:  # where the next member begins: seeking there would unpack it all
                raise ValueError(f"unpacked it has more than {MAX_UNPACKED} bytes")
            found = _WANTED.match(member.name)
            stream = archive.extractfile(member) if found and member.isreg() else None
            if found and stream:
                yield found[1], _bounded(stream, member.name)


def _zip(_: str, content: bytes) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for member in archive.infolist():
            found = _WANTED.match(member.filename)
            if found:
                with archive.open(member) as stream:
                    yield found[1], _bounded(stream, member.filename)


class _Cautious(io.RawIOBase):
    """A stream that refuses to read a huge piece at once, which a hostile header's size makes tarfile do."""

    def __init__(self, stream: gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile) -> None:
        super().__init__()
        self.seek, self.tell = stream.seek, stream.tell  # type: ignore[method-assign]  # they are passed on as they are
        self._stream = stream

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= MAX_MEMBER + 1:
            raise ValueError(f"it wants {size} bytes read at once")
        return self._stream.read(size)


def _bounded(stream: IO[bytes], name: str) -> bytes:
    data = stream.read(MAX_MEMBER + 1)
    if len(data) > MAX_MEMBER:
        raise ValueError(f"{name[:80]} has more than {MAX_MEMBER} bytes")
    return data
