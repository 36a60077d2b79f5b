"""A file is what its page says, or it is refused."""

from __future__ import annotations

import hashlib
from io import BytesIO

import pytest

from bandersnatch.errors import BadContent
from bandersnatch.model import File
from bandersnatch.transfer.check import Check
from bandersnatch.values import replace

DATA = b"the bytes of a file"
SHA256 = hashlib.sha256(DATA).hexdigest()
BLAKE2 = hashlib.blake2b(DATA, digest_size=32).hexdigest()
FILE = File("a-1.0.tar.gz", "https://example.org/a-1.0.tar.gz", SHA256, len(DATA))
LARGEST = 100


def check(file: File, data: bytes) -> Check:
    result = Check(file, LARGEST)
    result.read(BytesIO(data))
    result.finish()
    return result


def test_as_promised() -> None:
    """Size and digests agree, or nothing but the SHA-256 was promised."""
    assert check(FILE, DATA).size == len(DATA)
    assert check(replace(FILE, size=None), DATA).size == len(DATA)
    path = f"https://example.org/packages/{BLAKE2[:2]}/{BLAKE2[2:4]}/{BLAKE2[4:]}/a-1.0.tar.gz"
    assert check(replace(FILE, url=path), DATA).size == len(DATA)


@pytest.mark.parametrize(
    ("file", "data", "why"),
    [
        (FILE, DATA[:-1], "18 bytes came, 19 were promised"),
        (FILE, DATA + b"x", "more than the 19 bytes that were promised"),
        (FILE, DATA[::-1], "its SHA-256 is"),
        (replace(FILE, size=None), DATA[::-1], "its SHA-256 is"),
        (replace(FILE, size=None), b"x" * (LARGEST + 1), "more than the 100 bytes"),
        (replace(FILE, url=f"https://example.org/packages/00/00/{'0' * 60}/a.tar.gz"), DATA, "its BLAKE2b-256 is"),
    ],
)
def test_refused(file: File, data: bytes, why: str) -> None:
    """Too few bytes, too many, others: each is refused, and the message says what came and what was promised."""
    with pytest.raises(BadContent, match=why):
        check(file, data)


def test_stops_at_once() -> None:
    """What is longer than promised is refused at the first byte too many."""
    one = Check(FILE, LARGEST)
    one.update(DATA)
    with pytest.raises(BadContent):
        one.update(b"x")
