"""The quick readers of wheels and core metadata answer as the careful ones do, or not at all."""

from __future__ import annotations

import io
import zipfile

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from packaging.metadata import parse_email

from bandersnatch.simple import plain

NAME = "foo-1.0.dist-info/METADATA"
TEXT = b"Metadata-Version: 2.1\nName: foo\nKeywords: a, b\nProject-URL: Home, https://example.org\n\nWhat it is.\n"


def wheel(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return stream.getvalue()


GOOD = wheel(("foo/__init__.py", b""), (NAME, TEXT), ("foo/a.dist-info/METADATA", b"no"), ("foo/METADATA", b"no"))


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_usual_wheels_need_no_care(method: int) -> None:
    """A wheel as tools write them is read, whatever else is in it and however its METADATA is packed."""
    data = wheel(("foo/__init__.py", b""), (NAME, TEXT), ("foo/METADATA", b"no"), method=method)
    assert plain.metadata_of(io.BytesIO(data), limit=len(TEXT)) == TEXT
    assert plain.metadata_of(io.BytesIO(GOOD), limit=len(TEXT)) == TEXT


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"#!" + GOOD,
        GOOD + b"comment",
        GOOD[:-1],
        wheel((NAME, TEXT), ("bar-1.0.dist-info/METADATA", TEXT)),
        wheel((NAME, TEXT), ("b\u00e4r-1.0.dist-info/METADATA", TEXT)),
        wheel((NAME, TEXT), method=zipfile.ZIP_LZMA),
        wheel((NAME, TEXT * 2)),
        wheel(("foo/METADATA", TEXT)),
    ],
)
def test_unusual_wheels_are_left_to_who_takes_care(data: bytes) -> None:
    """What begins or ends otherwise, is cut off, ambiguous, packed otherwise or too long is not answered."""
    assert plain.metadata_of(io.BytesIO(data), limit=len(TEXT)) is None


@given(st.integers(0, len(GOOD) - 1), st.binary(max_size=4), st.integers(0, 4))
def test_damaged_wheels(at: int, change: bytes, length: int) -> None:
    """Whatever is changed in a wheel, the answer is its METADATA, or none."""
    data = GOOD[:at] + change + GOOD[at + length :]
    assert plain.metadata_of(io.BytesIO(data), limit=1000) in (TEXT, None)


NAMES = ("Name", "name", "Keywords", "Classifier", "Project-URL", "Description", "License", "Requires-Dist", "X-Other")
VALUES = st.text(st.sampled_from("ab ,:;=?\t\r\n\x0b\x85\u00e9\u2028"), max_size=8)
LINES = st.builds("{}{}{}\n".format, st.sampled_from((*NAMES, "", " ")), st.sampled_from((": ", ":", "")), VALUES)


@given(
    st.lists(LINES, max_size=6).map("".join), st.sampled_from(("", "\n", "\nbody\n", "\n\nName: x", "\nb\u00e9\r\n"))
)
@example("", "\n\nbody")
@example("Name: a\nName: a\n", "")
@example("Description: a\n", "\nbody")
@example("Project-URL: a, b\nProject-URL: a, b\n", "")
def test_fields(head: str, body: str) -> None:
    """Whatever is written, its fields are those that the standard library finds, or none are answered."""
    data = (head + body).encode()
    found = plain.fields(data)
    assert found is None or found == parse_email(data)[0]


def test_usual_fields_need_no_care() -> None:
    """Metadata as tools write it is read, in all its types."""
    assert plain.fields(TEXT) == parse_email(TEXT)[0]
    assert (
        plain.fields(b"Name: \xc3\xa9\n") is plain.fields(b"Name: a\n b\n") is plain.fields(b"Name: a\n\n\xff") is None
    )
