"""Is it what was promised? Counted and hashed while it passes."""

from __future__ import annotations

import hashlib
from typing import BinaryIO

from bandersnatch import layout
from bandersnatch.errors import BadContent
from bandersnatch.model import File

CHUNK = 1 << 20
"""Bytes that are read, hashed and written at a time, in a worker thread."""


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
