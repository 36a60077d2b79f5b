"""Log files: found by name or glob, read from where reading stopped, compressed or not."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
import os
import stat
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from io import BufferedIOBase
from pathlib import Path
from typing import IO, cast

from bandersnatch.errors import LogError
from bandersnatch.inputs import globs
from bandersnatch.ledger.base import Stamp

HEAD = 4096
"""Bytes at the beginning of a log by which it is known again."""
TAIL = 1024
"""Bytes before the place where reading stopped, which have to be the same as well."""
BLOCK = 1024 * 1024
"""Bytes that are read at a time."""
LONGEST = 256 * 1024
"""Bytes of a line; a longer one is no line of a log."""


def find(patterns: Iterable[str]) -> tuple[list[Path], list[str]]:
    """The logs that *patterns* stand for, the oldest first and none twice; and the patterns that stand for none."""
    found: dict[tuple[int, int] | Path, tuple[int, Path]] = {}
    missing = []
    for pattern in patterns:
        there = False
        for path in globs.files(pattern):
            try:
                system = path.stat()
            except FileNotFoundError:
                continue  # it may have been rotated away just now
            except OSError:
                found.setdefault(path, (0, path))  # who opens it is told why that cannot be
            else:
                found.setdefault((system.st_dev, system.st_ino), (system.st_mtime_ns, path))
            there = True
        if not there:
            missing.append(pattern)
    return [path for _, path in sorted(found.values())], missing


def digest(content: bytes) -> str:
    """Of a part of a log."""
    return hashlib.sha256(content).hexdigest()


class Log:
    """
    The log at *path*, opened. Its content is what it says without compression.

    Raises LogError where it is no file that can be read, and, while it is read, where its compression is damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            # What is no file, a pipe for one, might let us wait for ever.
            self._raw = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb")
        except OSError as error:
            raise LogError(f"{path}: {os.strerror(error.errno or 0)}") from error
        system = os.fstat(self._raw.fileno())
        if not stat.S_ISREG(system.st_mode):
            self._raw.close()
            raise LogError(f"{path}: it is no file")
        self.stamp = Stamp(system.st_dev, system.st_ino, system.st_size, system.st_mtime_ns)
        try:
            self._stream = self._opened()
        except LogError:
            self._raw.close()
            raise

    def close(self) -> None:
        """Let go of the file."""
        self._stream.close()
        self._raw.close()

    def read_at(self, offset: int, length: int) -> bytes:
        """*length* bytes of the content from *offset* on; fewer where it ends, or before damage."""
        try:
            if offset < self._stream.tell() and self._stream is not self._raw:
                self._raw.seek(0)
                self._stream = self._opened()  # what is compressed is read forwards only
            self._stream.seek(offset)
            return self._read(length)
        except _damage() as error:
            raise LogError(f"{self.path}: it is damaged, or still being compressed: {error}") from error
        except OSError as error:
            raise LogError(f"{self.path}: {error.strerror or error}") from error

    def blocks(self, offset: int) -> Iterator[bytes]:
        """The content from *offset* on, in blocks."""
        while block := self.read_at(offset, BLOCK):
            yield block
            offset += len(block)

    def _read(self, length: int) -> bytes:
        """Bit by bit: what a library has said before it found damage is good, and the damage is found again."""
        parts: list[bytes] = []
        damage: tuple[type[Exception], ...] = (*_damage(), OSError)
        try:
            while length and (part := self._stream.read1(length)):
                parts.append(part)
                length -= len(part)
        except damage:
            if not parts:
                raise
        return b"".join(parts)

    def _opened(self) -> BufferedIOBase:
        try:
            beginning = self._raw.read(6)
            self._raw.seek(0)
        except OSError as error:
            raise LogError(f"{self.path}: {error.strerror or error}") from error
        for magic, opened in _COMPRESSIONS:
            if beginning.startswith(magic):
                try:
                    return opened(self._raw)
                except LogError as error:
                    raise LogError(f"{self.path}: {error}") from error
        return self._raw


def _zstd(raw: IO[bytes]) -> BufferedIOBase:
    try:
        import zstandard
    except ImportError as error:
        raise LogError(
            f"zstd is read with zstandard, which is not there: {sys.executable} -m pip install zstandard"
        ) from error
    opened = zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True, closefd=False)
    return cast(BufferedIOBase, opened)


def _damage() -> tuple[type[Exception], ...]:
    """What the libraries raise where a compression is damaged. That of zstd is there only where one was opened."""
    zstd = sys.modules.get("zstandard")
    known = (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile)
    return known if zstd is None else (*known, zstd.ZstdError)


_COMPRESSIONS: tuple[tuple[bytes, Callable[[IO[bytes]], BufferedIOBase]], ...] = (
    (b"\x1f\x8b", lambda raw: cast(BufferedIOBase, gzip.GzipFile(fileobj=raw))),
    (b"BZh", bz2.BZ2File),
    (b"\xfd7zXZ\0", lzma.LZMAFile),
    (b"\x28\xb5\x2f\xfd", _zstd),
)
"""How each compression begins, whatever the file's name ends in."""


def whole_lines(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """
    Each block up to the end of its last line; what is no whole line yet waits for the next block.

    A line that is longer than ``LONGEST`` is given in pieces.
    """
    rest = b""
    for block in blocks:
        content = rest + block
        end = content.rfind(b"\n") + 1
        if not end and len(content) > LONGEST:
            end = len(content)
        rest = content[end:]
        if end:
            yield content[:end]


def standard_input(stream: IO[bytes]) -> Iterator[bytes]:
    """The blocks of a pipe; a last line without an end is given one."""
    last = b"\n"
    with closing(stream):
        while block := stream.read(BLOCK):
            last = block[-1:]
            yield block
    if last != b"\n":
        yield b"\n"
