"""Core metadata: out of wheels, good and hostile, and into the facts of PyPI's older JSON."""

from __future__ import annotations

import io
import struct
import zipfile
from errno import EIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandersnatch.errors import BadContent
from bandersnatch.simple.metadata import from_wheel, info

NAME = "foo-1.0.dist-info/METADATA"
TEXT = b"Metadata-Version: 2.1\nName: foo\nVersion: 1.0\n"
LIMIT = 1000


def wheel(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip file with *members*."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return stream.getvalue()


GOOD = wheel(("foo/__init__.py", b""), (NAME, TEXT), ("foo/x.dist-info/METADATA", b"not this"))


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_wheel(method: int) -> None:
    """The METADATA of the one dist-info folder at the top is given as it is, whatever else is called so."""
    assert (
        from_wheel(io.BytesIO(wheel(("a/b.dist-info/METADATA", b"x"), (NAME, TEXT), method=method)), limit=50) == TEXT
    )


def test_something_before_the_zip() -> None:
    """A zip file may have anything in front, as self-extracting ones do."""
    assert from_wheel(io.BytesIO(b"#!/bin/sh\n" + GOOD), limit=LIMIT) == TEXT


def crafted(at: int, change: bytes, *, central: bool = True) -> bytes:
    """A wheel with *change* at byte *at* of the METADATA's entry in the directory, or of its own header."""
    data = bytearray(wheel((NAME, TEXT), method=zipfile.ZIP_STORED))
    start = data.index(b"PK\x01\x02") if central else 0
    data[start + at : start + at + len(change)] = change
    return bytes(data)


BOMB = wheel((NAME, b"0" * 10_000_000))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK",
        b"not a zip file at all" * 100,
        GOOD[:-10],
        GOOD[: len(GOOD) // 2],
        wheel(),
        wheel(("foo/METADATA", TEXT)),
        wheel(("x/foo-1.0.dist-info/METADATA", TEXT)),
        wheel((NAME, TEXT), ("bar-1.0.dist-info/METADATA", TEXT)),
        wheel((NAME, b"x" * (LIMIT + 1))),
        wheel((NAME, TEXT), method=zipfile.ZIP_BZIP2),
        wheel((NAME, TEXT), method=zipfile.ZIP_LZMA),
        BOMB,
        BOMB.replace(struct.pack("<L", 10_000_000), struct.pack("<L", 10)),
        crafted(8, b"\x01\x00"),
        crafted(16, b"\0\0\0\0"),
        crafted(24, struct.pack("<L", 10)),
        crafted(24, struct.pack("<L", 100)),
        crafted(42, struct.pack("<L", 2**31)),
        crafted(0, b"XXXX", central=False),
    ],
)
def test_what_is_wrong_with_a_wheel(data: bytes) -> None:
    """Whatever is wrong (no zip, none, several, too large, encrypted, a lie about size or sum) is BadContent."""
    with pytest.raises(BadContent):
        from_wheel(io.BytesIO(data), limit=LIMIT)


def test_a_listed_twice_member() -> None:
    """A wheel with two members of the name is refused: readers differ in which of them they take."""
    with pytest.warns(UserWarning, match="Duplicate"):
        data = wheel((NAME, TEXT), (NAME, b"other"))
    with pytest.raises(BadContent, match="this one has 2"):
        from_wheel(io.BytesIO(data), limit=LIMIT)


def test_a_huge_directory_is_not_read() -> None:
    """A list of members beyond all bounds is refused before it fills the memory."""

    class Huge(io.BytesIO):
        """Pretends to hold 40 MB of directory."""

        def read(self, size: int | None = -1) -> bytes:
            assert size is not None
            assert size <= 1 << 24
            return super().read(size)

    size = 40_000_000
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 60_000, 60_000, size, 0, 0)
    with pytest.raises(BadContent, match="list of members"):
        from_wheel(Huge(bytes(size) + end), limit=LIMIT)


def test_a_broken_disk_is_not_a_broken_wheel() -> None:
    """An error of the stream's own is passed on as it is."""

    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise OSError(EIO, "broken")

    with pytest.raises(OSError, match="broken"):
        from_wheel(Broken(GOOD), limit=LIMIT)


@given(st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 255)), max_size=6), st.integers(0, len(GOOD)))
def test_damaged_wheels(changes: list[tuple[int, int]], end: int) -> None:
    """A damaged wheel gives its METADATA unchanged, or BadContent."""
    data = bytearray(GOOD)
    for at, value in changes:
        data[at] = value
    for damaged in (bytes(data), bytes(data[:end])):
        try:
            found = from_wheel(io.BytesIO(damaged), limit=LIMIT)
        except BadContent:
            continue
        assert found in (TEXT, b"not this")


FULL = b"""\
Metadata-Version: 2.4
Name: foo
Version: 1.0
Summary: A thing
Keywords: a,b
Author-email: A <a@example.org>
License-Expression: MIT
License-File: LICENSE
Classifier: X :: Y
Classifier: Z
Platform: any
Requires-Dist: bar>=1
Requires-Python: >=3.8
Provides-Extra: x
Project-URL: Home, https://example.org/
Description-Content-Type: text/markdown

# Foo
"""


def test_info() -> None:
    """The fields have the names and types that PyPI's older JSON gives them."""
    facts = info(FULL)
    said = {key: value for key, value in facts.items() if value}
    assert said == {
        "summary": "A thing",
        "keywords": "a,b",
        "author_email": "A <a@example.org>",
        "license_expression": "MIT",
        "license_files": ["LICENSE"],
        "classifiers": ["X :: Y", "Z"],
        "platform": "any",
        "requires_dist": ["bar>=1"],
        "requires_python": ">=3.8",
        "provides_extra": ["x"],
        "project_urls": {"Home": "https://example.org/"},
        "description_content_type": "text/markdown",
        "description": "# Foo\n",
    }
    assert info(None).keys() == facts.keys()
    assert (info(None)["author"], info(None)["requires_dist"], info(None)["classifiers"]) == ("", None, [])


headers = st.sampled_from(
    [
        b"Name",
        b"Summary",
        b"Keywords",
        b"Project-URL",
        b"Classifier",
        b"Description",
        b"Platform",
        b"X",
        b"Content-Type",
    ]
)
metadata_lines = st.tuples(headers, st.binary(max_size=12)).map(b": ".join)


@given(st.lists(metadata_lines | st.binary(max_size=12)).map(b"\n".join))
def test_any_metadata(metadata: bytes) -> None:
    """Whatever the metadata is, the same fields come back, and can be written as JSON."""
    facts = info(metadata)
    assert facts.keys() == info(None).keys()
    assert str(facts).isascii() or str(facts).encode()
