"""Streams of what is stored, whose errors are ours."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, BinaryIO

from bandersnatch.storage.oserrors import translated

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class _Source(io.FileIO):
    """A file whose failed reads raise StorageError, so that damage under a reader is told from a mistake."""

    def __init__(self, fd: int, key: str | None, place: str) -> None:
        super().__init__(fd, "rb")
        self._about = (key, place)

    def readinto(self, buffer: WriteableBuffer, /) -> int | None:
        with translated(*self._about):
            return super().readinto(buffer)

    def readall(self) -> bytes:
        with translated(*self._about):
            return super().readall()


def stream(fd: int, key: str | None, place: str) -> BinaryIO:
    """A seekable stream of the file *fd*, which it closes in the end."""
    return io.BufferedReader(_Source(fd, key, place))
