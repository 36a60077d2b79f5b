"""A list of projects cut by its content: nothing is lost, and what came before is known again."""

from __future__ import annotations

import random
from collections.abc import Container, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bandersnatch import simple
from bandersnatch.errors import BadContent
from bandersnatch.model import Listed, Slice
from bandersnatch.simple.lines import ListingHead
from bandersnatch.simple.listing import render_json
from bandersnatch.simple.slices import LEAST, MOST, TOO_MUCH

URL = "https://example.org/simple/"
MANY = 30_000


def names(count: int = MANY, seed: int = 1) -> list[Listed]:
    chance = random.Random(seed)
    return [Listed(f"project-{number:06}", f"Project.{number:06}", chance.randrange(10**8)) for number in range(count)]


def body(projects: Sequence[Listed], serial: int = 9) -> bytes:
    return b"".join(render_json(projects, serial))


def read(data: bytes, known: Container[bytes] = frozenset(), size: int = 1 << 16) -> tuple[list[Slice], ListingHead]:
    """The slices of a list that comes in pieces of *size* bytes."""
    parser = simple.listing_parser(simple.JSON, URL, known)
    found = [one for at in range(0, len(data), size) for one in parser.feed(data[at : at + size])]
    last, head = parser.finish()
    return [*found, *last], head


def lines(slices: Sequence[Slice]) -> list[Listed]:
    return [line for one in slices for line in one.lines]


def digests(slices: Sequence[Slice]) -> set[bytes]:
    return {one.digest for one in slices if one.digest is not None}


def is_cut(slices: Sequence[Slice]) -> bool:
    return all(one.digest is not None for one in slices)


@given(st.integers(1, 3000), st.sampled_from([7, 1000, 1 << 14, 1 << 20]))
def test_nothing_is_lost(count: int, size: int) -> None:
    """All lines are there, in order, and where the network cuts changes no slice."""
    data = body(names(count))
    slices, head = read(data, size=size)
    assert lines(slices) == names(count)
    assert head == ListingHead(9, 0)
    assert is_cut(slices)
    assert slices == read(data)[0]


def test_sizes() -> None:
    """A slice has so many bytes at least, and not many more."""
    slices, _ = read(body(names(80_000)))
    assert all(len(body(one.lines)) > LEAST - 200 for one in slices[:-1])
    assert max(len(body(one.lines)) for one in slices) < MOST
    assert 100 < len(slices) < 300


def test_again() -> None:
    """Nothing but the end of the same list is read, and its head."""
    data = body(names())
    known = digests(read(data)[0])
    slices, head = read(data, known)
    assert [one.again for one in slices] == [True] * (len(slices) - 1) + [False]
    assert all(not one.lines for one in slices[:-1])
    assert digests(slices) == known
    assert head.serial == 9


@settings(max_examples=20)
@given(st.sets(st.integers(0, MANY - 1), max_size=2), st.sets(st.integers(0, MANY - 1), max_size=1), st.integers())
def test_little_is_read(changed: set[int], removed: set[int], seed: int) -> None:
    """Of a list in which some lines differ, their slices are read, and some others, but never most of them."""
    before = names()
    after = [Listed(one.name, one.display, 1) if at in changed else one for at, one in enumerate(before)]
    after = [one for at, one in enumerate(after) if at not in removed]
    after.insert(seed % len(after), Listed("brand-new", "brand-new", 3))
    old, _ = read(body(before))
    by_digest = {one.digest or b"": list(one.lines) for one in old}
    new, _ = read(body(after, serial=10), by_digest)
    assert [line for one in new for line in (by_digest[one.digest or b""] if one.again else one.lines)] == after
    assert sum(not one.again for one in new) < len(new) / 2


@pytest.mark.parametrize("at", range(3))
def test_cut_off(at: int) -> None:
    """A list that ends too early is refused, known or not: in its head, between two slices, and in its tail."""
    data = body(names())
    slices, _ = read(data)
    cut = (10, data.index(b"Project.%06d" % len(slices[0].lines)) - 40, len(data) - 4)[at]
    for known in (set[bytes](), digests(slices)):
        with pytest.raises(BadContent):
            read(data[:cut], known)


def test_the_end_of_a_line_in_a_name() -> None:
    """What looks like the end of a line and is none ends the cutting: the list is read whole, as it always was."""
    strange = '","x":"' + "".join(f"{number}}}," for number in range(5_000))
    data = body(names(400)).replace(b'"Project.000200"', f'"Project.000200{strange}"'.encode())
    slices, _ = read(data)
    assert lines(slices) == names(400)
    assert not is_cut(slices)


def test_without_ends() -> None:
    """A list without the end of a line is refused before it takes much memory."""
    parser = simple.listing_parser(simple.JSON, URL)
    parser.feed(b'{"projects": [')
    with pytest.raises(BadContent):
        for _ in range(2 * TOO_MUCH // 1000):
            parser.feed(b'{"name": [' * 100)


def test_no_list_in_a_slice() -> None:
    """The end of the list is never part of what is known: what follows it is always read."""
    data = body(names(400)).replace(b"\n]}\n", b'\n],"more":[{},' + b'{"a":"b"},' * 2000 + b"{}]}")
    slices, _ = read(data)
    assert lines(slices) == names(400)
    known = digests(slices)
    assert lines(read(data, known)[0]) != names(400)
    assert read(data, known)[1].serial == 9
