"""Is it what was promised? Counted and hashed while it passes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import BinaryIO

from bandersnatch import layout, names
from bandersnatch.errors import BadContent
from bandersnatch.model import File
from bandersnatch.values import replace

CHUNK = 1 << 20
"""Bytes that are read, hashed and written at a time, in a worker thread."""

BLAKE2 = "BLAKE2b-256"
"""What PyPI makes addresses of: no algorithm that a page can state."""


class Check:
    """
    Counts and hashes the bytes of one file as they pass (hashlib releases the interpreter lock meanwhile).

    Every digest that is stated is checked, and SHA-256 is computed in any case.
    """

    def __init__(self, wanted: File, largest: int, twins: Sequence[File] = ()) -> None:
        """*twins* are what else upstream says of a file of this name: it may be one of them as well."""
        self._promised = (wanted, *twins)
        self._stated = [one.stated for one in self._promised]
        self._limit = max([largest if one.size is None else one.size for one in self._promised])
        algorithms = {"sha256"}.union(*self._stated)
        self._hashes: dict[str, hashlib._Hash | hashlib.blake2b] = {
            name: hashlib.new(name, usedforsecurity=False) for name in algorithms if names.digits_of(name)
        }
        if any(map(layout.claimed_blake2, self._promised)):
            self._hashes[BLAKE2] = hashlib.blake2b(digest_size=32)
        self.size = 0

    def update(self, data: bytes | memoryview) -> None:
        """Take the next bytes. Raises BadContent as soon as there are more than promised."""
        self.size += len(data)
        if self.size > self._limit:
            wanted = self._promised[0]
            raise BadContent(f"{wanted.filename}: more than the {self._limit} bytes that were promised", url=wanted.url)
        for one in self._hashes.values():
            one.update(data)

    def read(self, stream: BinaryIO) -> None:
        """Take all that *stream* still holds."""
        while data := stream.read(CHUNK):
            self.update(data)

    def finish(self) -> File:
        """What was promised, with its SHA-256. Raises BadContent unless size and digests are as promised."""
        digests = {name: one.hexdigest() for name, one in self._hashes.items()}
        wrong = ""
        for one, stated in zip(self._promised, self._stated, strict=True):
            amiss = self._amiss(one, stated, digests)
            if not amiss:
                return replace(one, sha256=digests["sha256"])
            wrong = wrong or amiss
        raise BadContent(f"{self._promised[0].filename}: {wrong}", url=self._promised[0].url)

    def _amiss(self, promised: File, stated: dict[str, str], digests: dict[str, str]) -> str:
        if promised.size not in (None, self.size):
            return f"{self.size} bytes came, {promised.size} were promised"
        for name, digest in stated.items():
            if digests.get(name, digest) != digest:
                return f"its {names.spelt(name)} is {digests[name]}, promised was {digest}"
        claimed = layout.claimed_blake2(promised)
        # Where no SHA-256 is stated, the address may have been made from it, as ours are.
        if claimed not in (None, digests.get(BLAKE2), "" if promised.sha256 else digests["sha256"]):
            return f"its {BLAKE2} is {digests[BLAKE2]}, its address claims {claimed}"
        return ""
