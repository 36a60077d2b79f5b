"""A list of which only the slices that differ are read leaves the catalogue as one that is read whole."""

from __future__ import annotations

import tempfile
import tracemalloc
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from bandersnatch.catalogue.base import Catalogue, Diff, Sliced
from bandersnatch.catalogue.sqlite import SqliteCatalogue
from bandersnatch.model import Listed
from tests.catalogue.samples import FOREVER, Clock, commit, failure, held, listed

NAMES = ("a", "b", "c", "d")
SLICES: tuple[tuple[Listed, ...], ...] = (
    (listed("a", 1), listed("b", 1)),
    (listed("a", 2), listed("b", 1)),
    (listed("b", 1),),
    (listed("c", 1), listed("d", 3)),
    (listed("c", 1), listed("a", 1)),
    (listed("d", 3),),
    (listed("d", 3, "D"),),
)
"""What lists are made of. Some name a project that another one names, too: so can real ones."""

Step = Callable[[Catalogue, float], object]


def publish(name: str) -> Step:
    def step(catalogue: Catalogue, now: float) -> None:
        entry = catalogue.entry(name)
        serial = None if entry is None else entry.promised  # what nobody promised was found on the disk
        display = name if entry is None else entry.display
        catalogue.commit([commit(name, serial, held(name, "1.0"), promised=serial, display=display)])

    return step


def depart(name: str) -> Step:
    def step(catalogue: Catalogue, now: float) -> None:
        entry = catalogue.entry(name)
        display = name if entry is None else entry.display
        catalogue.commit([commit(name, 1, promised=1, departing=True, display=display)])

    return step


def agrees(parts: Sequence[tuple[Listed, ...]]) -> bool:
    """Whether no two lines say different things of one project: of a list that does, either may be believed."""
    lines = {line for part in parts for line in part}
    return len(lines) == len({line.name for line in lines})


one_name = st.sampled_from(NAMES)
steps = st.one_of(
    one_name.map(publish),
    one_name.map(depart),
    one_name.map(lambda name: lambda catalogue, now: catalogue.retire([name])),
    one_name.map(lambda name: lambda catalogue, now: catalogue.forget([name])),
    one_name.map(lambda name: lambda catalogue, now: catalogue.missing([name], now)),
    one_name.map(lambda name: lambda catalogue, now: catalogue.keep([name])),
    one_name.map(lambda name: lambda catalogue, now: catalogue.unchanged([name], now)),
    one_name.map(lambda name: lambda catalogue, now: catalogue.fail([failure(name, now, "404", now)], now)),
    one_name.map(lambda name: lambda catalogue, now: catalogue.promise([listed(name, 7)], now, {})),
    one_name.map(lambda name: lambda catalogue, now: catalogue.want([listed(name)], now)),
    one_name.map(lambda name: lambda catalogue, now: catalogue.reselect([], [name], now, leave=True)),
)
lists = st.lists(st.sampled_from(SLICES), min_size=1, max_size=4).filter(agrees)


def take_whole(catalogue: Catalogue, parts: Sequence[tuple[Listed, ...]], now: float, *, whole: bool) -> Diff:
    catalogue.begin_listing()
    for part in parts:
        catalogue.absorb(part)
    diff = catalogue.compare()
    catalogue.missing(diff.missing, now)
    catalogue.adopt(now, {}, whole=whole)
    return diff


def take_slices(catalogue: Catalogue, parts: Sequence[tuple[Listed, ...]], now: float, *, whole: bool) -> Diff:
    catalogue.begin_listing()
    known = catalogue.slices()
    for part in parts:
        digest = repr(part).encode()
        if digest in known:
            catalogue.note([], [digest])
        else:
            catalogue.absorb(part)
            catalogue.note([Sliced(digest, len(part), 1, tuple(line.name for line in part))], [])
    diff = catalogue.compare()
    catalogue.missing(diff.missing, now)
    catalogue.adopt(now, {}, whole=whole, cut=True)
    return diff


@settings(max_examples=60)
@given(st.lists(st.tuples(lists, st.lists(steps, max_size=3)), max_size=5), st.booleans())
def test_the_same_as_whole(history: list[tuple[list[tuple[Listed, ...]], list[Step]]], whole: bool) -> None:
    """Whatever happens between two lists, what is missing and all that is known is the same both ways."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        clock = Clock(1.0)
        one, other = (
            stack.enter_context(closing(SqliteCatalogue(Path(folder, name), clock=clock))) for name in ("one", "other")
        )
        for parts, between in history:
            clock.now += 1
            ours = take_slices(one, parts, clock.now, whole=whole)
            theirs = take_whole(other, parts, clock.now, whole=whole)
            assert (ours.new, ours.missing, ours.known) == (theirs.new, theirs.missing, theirs.known)
            assert [one.entry(name) for name in NAMES] == [other.entry(name) for name in NAMES]
            assert one.due(FOREVER, "", 9) == other.due(FOREVER, "", 9)
            for step in between:
                step(one, clock.now)
                step(other, clock.now)


def test_what_is_known_again() -> None:
    """Of a list that comes again nothing is to be read, but for what strayed; of one that was not cut, everything."""
    with tempfile.TemporaryDirectory() as folder, closing(SqliteCatalogue(Path(folder, "one"))) as catalogue:
        parts = (SLICES[0], SLICES[3])
        take_slices(catalogue, parts, 1.0, whole=True)
        catalogue.begin_listing()
        assert {one.count for one in catalogue.slices().values()} == {2}
        assert len(catalogue.slices()) == 2
        catalogue.forget(["c"])
        assert list(catalogue.slices()) == [repr(SLICES[0]).encode()]
        take_whole(catalogue, parts, 2.0, whole=True)
        catalogue.begin_listing()
        assert not catalogue.slices()


def test_a_list_cut_elsewhere_is_not_held_in_memory(tmp_path: Path) -> None:
    """Where nearly all slices are other ones, though all their lines are known, the names of none are gathered."""
    parts = [tuple(listed(f"project-{part:03}-{at:03}", 1) for at in range(300)) for part in range(200)]

    def take(catalogue: Catalogue, cut: str) -> Diff:
        catalogue.begin_listing()
        for number, part in enumerate(parts):
            digest = f"{cut if number else 'the same'} {number}".encode()
            if digest in catalogue.slices():
                catalogue.note([], [digest])
            else:
                catalogue.absorb(part)
                catalogue.note([Sliced(digest, len(part), 1, tuple(line.name for line in part))], [])
        return catalogue.compare()

    with closing(SqliteCatalogue(tmp_path / "catalogue")) as catalogue:
        assert take(catalogue, "once").new == 60_000
        catalogue.adopt(1.0, {}, whole=True, cut=True)
        tracemalloc.start()
        try:
            assert take(catalogue, "again") == Diff(0, 0, (), 0)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert peak < 2_500_000, f"{peak} bytes for 60,000 lines"
