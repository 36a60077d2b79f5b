from __future__ import annotations

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandersnatch.upstream.decoding import PIECE, CutOff, Decoder, TooMuch, Unreadable


def decode(coding: str | None, chunks: list[bytes], limit: int = 10**9) -> bytes:
    decoder = Decoder(coding, limit)
    whole = b"".join(piece for chunk in chunks for piece in decoder.feed(chunk))
    decoder.finish()
    assert decoder.given == len(whole)
    return whole


@given(st.lists(st.binary(max_size=200), max_size=5), st.integers(1, 50), st.sampled_from([None, "identity", "gzip"]))
def test_any_chunking_gives_the_same_body(members: list[bytes], size: int, coding: str | None) -> None:
    """However a body is cut into chunks, and of however many gzip members it is, it decodes to itself."""
    packed = b"".join(members if coding != "gzip" else map(gzip.compress, members))
    chunks = [packed[at : at + size] for at in range(0, len(packed), size)]
    assert decode(coding, chunks) == b"".join(members)


@pytest.mark.parametrize("size", [PIECE - 1, PIECE, PIECE + 1, 3 * PIECE])
def test_pieces_are_small_and_complete(size: int) -> None:
    """A chunk that decodes to much comes in pieces of bounded size, none lost at a piece's end."""
    pieces = list(Decoder("gzip", 10 * PIECE).feed(gzip.compress(bytes(size))))
    assert max(map(len, pieces)) <= PIECE
    assert sum(map(len, pieces)) == size


def test_a_bomb_stops_at_the_limit() -> None:
    """No byte more than the limit is given, and no more than one piece beyond it is ever decoded."""
    decoder, given = Decoder("gzip", PIECE), 0
    with pytest.raises(TooMuch):
        for piece in decoder.feed(gzip.compress(bytes(100 * PIECE))):
            given += len(piece)
    assert given <= PIECE
    assert decoder.given <= 2 * PIECE


def test_a_stream_without_content_stops_too() -> None:
    """Endless gzip members with nothing in them count by their own bytes."""
    decoder = Decoder("gzip", 1000)
    with pytest.raises(TooMuch):
        for _ in range(100):
            assert list(decoder.feed(gzip.compress(b""))) == []


def test_what_follows_must_be_gzip_or_zeros() -> None:
    """Padding with zeros is passed over, anything else is an error."""
    assert decode("gzip", [gzip.compress(b"a") + b"\0\0", b"\0"]) == b"a"
    with pytest.raises(Unreadable):
        decode("gzip", [gzip.compress(b"a") + b"junk"])


def test_a_cut_is_seen() -> None:
    """A stream that ends early is not complete."""
    with pytest.raises(CutOff):
        decode("gzip", [gzip.compress(b"abcdef")[:-5]])


@pytest.mark.parametrize("coding", ["br", "gzip, gzip", "deflate", "x" * 100])
def test_other_codings_are_refused(coding: str) -> None:
    """Only one coding, and only gzip, is undone."""
    with pytest.raises(Unreadable, match="was not asked for"):
        Decoder(coding, 1)


@pytest.mark.parametrize("body", [b"plain text", zlib.compress(b"zlib")])
def test_a_false_label_is_refused(body: bytes) -> None:
    """A body that is not gzip though it says so is an error."""
    with pytest.raises(Unreadable):
        decode("gzip", [body])
