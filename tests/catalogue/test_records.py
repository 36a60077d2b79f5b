"""Packing what a page is made of."""

from __future__ import annotations

import zlib
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandersnatch.catalogue import records
from bandersnatch.catalogue.base import Published
from bandersnatch.model import File, Held, Refusal, Rejected
from tests.catalogue.samples import held, published

SIZES = st.integers(0, 2**63 - 1)
MAYBE = st.none() | st.text()
FILES = st.builds(
    File,
    filename=st.text(),
    url=st.text(),
    sha256=st.text(),
    size=st.none() | SIZES,
    upload_time=MAYBE,
    requires_python=MAYBE,
    yanked=MAYBE,
    core_metadata=MAYBE | st.booleans(),
    provenance=MAYBE,
    digests=st.lists(st.tuples(st.text(), st.text()), max_size=2).map(tuple),
)
HELD = st.builds(Held, FILES, SIZES, MAYBE, st.booleans(), MAYBE, MAYBE)
PUBLISHED = st.builds(
    Published,
    st.lists(HELD, max_size=5).map(tuple),
    st.lists(st.tuples(st.text(), st.text()), max_size=5).map(tuple),
    rejected=st.lists(st.builds(Rejected, st.text(), st.text(), st.sampled_from(Refusal)), max_size=2).map(tuple),
)


@given(PUBLISHED)
def test_round_trip(value: Published) -> None:
    """What is packed comes out as it went in, and equal values have equal bytes."""
    content = records.pack(value)
    assert records.unpack(content) == value
    assert records.pack(records.unpack(content)) == content


def test_large_is_deflated() -> None:
    """A project with many files is kept in less than half of what its text takes."""
    many = published("demo", *(held("demo", f"1.{number}") for number in range(100)))
    text = sum(len(one.file.url) + 3 * 64 + len(one.file.filename) for one in many.held)
    assert records.unpack(records.pack(many)) == many
    assert len(records.pack(many)) < text / 2


def _older(value: Any) -> Any:
    """Without the last two fields of the file, the last three of what is held, and the last three of the whole."""
    [[[*file, _, _], size, metadata, _, _, _]], _, _, _ = value
    return [[[file, size, metadata]]]


def _newer(value: Any) -> Any:
    """With one field more in each structure."""
    [[file, *rest]], *others = value
    return [[[[*file, "new"], *rest, {"new": 1}]], *others, ["new"]]


def test_older_and_newer_records() -> None:
    """A record from before a field was added is read with its default, one from after it without the field."""
    one = held("demo")
    plain = msgspec.msgpack.decode(_plain(published("demo", one)))
    older = records.unpack(b"\x01\x00" + msgspec.msgpack.encode(_older(plain)))
    assert older.pages == ()
    assert (older.held[0].provenance, older.held[0].file.provenance) == (False, None)
    assert older.held[0].file.sha256 == one.file.sha256
    newer = records.unpack(b"\x01\x00" + msgspec.msgpack.encode(_newer(plain)))
    assert newer == published("demo", one)


def _plain(value: Published) -> bytes:
    """The MessagePack of *value*, whatever it is kept as."""
    content = records.pack(value)
    return zlib.decompress(content[2:]) if content[1] else content[2:]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x01",
        b"\x02\x00\x90",
        b"\x01\x07\x90",
        b"\x01\x00",
        b"\x01\x01\x90",
        b"\x01\x00\x91\x05",
        b"\x01\x00\xc1",
    ],
)
def test_what_was_never_packed(content: bytes) -> None:
    """An unknown format, a cut or damaged record is a ValueError, not half a value."""
    with pytest.raises(ValueError, match="a record that"):
        records.unpack(content)


@given(PUBLISHED, st.data())
def test_damaged_record(value: Published, data: st.DataObject) -> None:
    """A record that lost its end, however much of it, is refused."""
    content = records.pack(value)
    cut = content[: data.draw(st.integers(0, len(content) - 1))]
    with pytest.raises(ValueError, match="a record that"):
        records.unpack(cut)
