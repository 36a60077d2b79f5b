from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from bandersnatch.closure.base import Closure, Interpreter, Locked, Newest, Ranges
from bandersnatch.closure.find import find
from bandersnatch.closure.shelf import Shelf
from bandersnatch.errors import Conflict, UpstreamError, UsageError
from bandersnatch.resolver.base import Pin
from tests.closure.archives import tar
from tests.closure.memory import Memory
from tests.closure.oracle import Oracle
from tests.closure.places import LINUX, WINDOWS, place


def locked(
    oracle: Oracle,
    *requirements: str,
    upstream: Memory | None = None,
    places: Sequence[Interpreter] = (LINUX,),
    build: bool = False,
) -> Closure:
    shelf = Shelf(upstream or Memory())
    return asyncio.run(find(requirements, places, Locked(), shelf, oracle.question(build=build)))


def test_the_union_of_all_interpreters() -> None:
    """Each interpreter has its own pins, and the closure has all of them, each with a reason."""
    oracle = Oracle({"a": "a==2 b==1<a", f"a on {WINDOWS.target.platform}": "a==1 w==1<a"})
    found = locked(oracle, "a", places=[LINUX, WINDOWS])
    assert [(item.requirement, item.because) for item in found.items] == [
        ("a==1", "it is asked for"),
        ("a==2", "it is asked for"),
        ("b==1", "a needs it"),
        ("w==1", "a needs it"),
    ]


def test_every_conflict_is_told() -> None:
    """A conflict names what is asked for and the interpreter, and quotes the resolver, for all interpreters."""
    oracle = Oracle({f"a on {LINUX.target.platform}": "a==1"})
    mac = place(platform="macosx_14_0_arm64", name="mac")
    found = locked(oracle, "a", places=[WINDOWS, LINUX, mac])
    assert [str(one) for one in found.unresolved] == [f"a: {mac}: no a", f"a: {WINDOWS}: no a"]
    assert [item.requirement for item in found.items] == ["a", "a==1"]  # what has no version is wanted all the same


def test_one_that_is_impossible() -> None:
    """What cannot be resolved is named and followed as far as it leads, and all others are resolved together."""
    upstream = Memory()
    upstream.add("a", "1", "lib", "b")
    upstream.add("b", "2")
    oracle = Oracle({"b": "b==1", "c": "c==1", "d": "d==1"})
    found = locked(oracle, "a", "b", "c", "d", upstream=upstream)
    assert [str(one) for one in found.unresolved] == [f"a: {LINUX}: no a"]
    assert [item.requirement for item in found.items] == ["a==1", "b==1", "b==2", "c==1", "d==1"]
    assert oracle.asked[-1] == ("b", "c", "d")
    [lacking] = [one for one in found.unknown if not one.unresolved]
    assert str(lacking) == f"lib: upstream has no such project, for {LINUX}; a 1 needs it"


class Clash(Oracle):
    """Requirements that do not fit together."""

    async def resolve(self, requirements: Sequence[str], *args: Any, **options: Any) -> tuple[Pin, ...]:
        if {"a", "b"} <= set(requirements):
            raise Conflict("a and\n  b clash")
        return await super().resolve(requirements, *args, **options)


def test_a_clash() -> None:
    """Requirements that do not fit together are each resolved, and it is said that they do not."""
    found = locked(Clash({"a": "a==1 x==1<a", "b": "b==1 x==2<b", "c": "c==1"}), "a", "b", "c")
    assert [str(one) for one in found.unresolved] == [f"all of it together: {LINUX}: a and b clash"]
    assert [item.requirement for item in found.items] == ["a==1", "b==1", "c==1", "x==1", "x==2"]


def test_what_building_needs_is_impossible() -> None:
    """Where what building needs cannot be resolved, the release is named, and all else is there."""
    upstream = Memory()
    upstream.add("a", "1", kind="sdist", content=buildable("a", "tool"))
    found = locked(Oracle({"a": "a==1"}), "a", upstream=upstream, build=True)
    assert [str(one) for one in found.unresolved] == [f"a 1: what a-1.tar.gz needs to be built: {LINUX}: no tool"]
    assert [item.requirement for item in found.items] == ["a==1"]


def ranges(upstream: Memory, *requirements: str) -> list[str]:
    """What cannot be resolved of *requirements*."""
    work = find(requirements, [LINUX], Ranges(), Shelf(upstream), Oracle({}).question())
    return [one.project for one in asyncio.run(work).unresolved]


def test_ranges_of_which_nothing_is_left() -> None:
    """Of ranges, what is lacking counts if it leaves no version of what is asked for, however far from it."""
    upstream = Memory()
    for version, needs in (("1", "b"), ("2", "lib")):
        upstream.add("a", version, needs)
    upstream.add("b", "1", "a")  # a circle is nothing that is lacking
    assert ranges(upstream, "a") == []
    assert ranges(upstream, "a", "b", "nosuch") == ["nosuch"]
    assert ranges(upstream, "a>=2", "b") == ["lib"]
    upstream.add("far", "1", "a>=2")
    assert ranges(upstream, "far") == ["lib"]


def test_build_requirements_to_a_fixed_point() -> None:
    """What building needs is resolved for itself, and what building that needs; a circle ends."""
    upstream = Memory()
    upstream.add("a", "1", kind="sdist", content=buildable("a", "tool"))
    upstream.add("tool", "1", kind="sdist", content=buildable("tool", "tool", "helper"))
    upstream.add("helper", "1")
    oracle = Oracle({"a": "a==1", "tool": "tool==1", "helper": "helper==1"})
    found = locked(oracle, "a", upstream=upstream, build=True)
    assert [(item.requirement, item.because) for item in found.items] == [
        ("a==1", "it is asked for"),
        ("helper==1", "tool==1 needs it to be built"),
        ("tool==1", "a==1 needs it to be built"),
    ]
    assert oracle.asked == [("a",), ("tool",), ("tool", "helper")]


def buildable(name: str, *requires: str) -> bytes:
    quoted = ", ".join(f'"{one}"' for one in requires)
    return tar({f"{name}-1/pyproject.toml": f"[build-system]\nrequires = [{quoted}]\n".encode()})


def test_what_cannot_be_built_is_named() -> None:
    """A source that cannot be read, and a pin without a file that would do, are doubts."""
    upstream = Memory()
    upstream.add("a", "1", kind="sdist", content=b"nonsense")
    upstream.add("b", "1", tags=("py3", "none", "win32"))
    found = locked(Oracle({"a": "a==1 b==1<a c==1"}), "a", upstream=upstream, build=True)
    assert [(one.project, one.reason[:34]) for one in found.unknown] == [
        ("a", "what a-1.tar.gz needs to be built:"),
        ("b", "it has no file that can be install"),
        ("c", "it has no file that can be install"),
    ]


def newest(oracle: Oracle, upstream: Memory) -> Closure:
    return asyncio.run(find(["a", "b"], [LINUX], Newest(1), Shelf(upstream), oracle.question()))


def test_the_newest_and_what_fits_together() -> None:
    """The newest of each range may not fit together: what the resolver chooses is there as well."""
    upstream = Memory()
    upstream.add("a", "2")
    upstream.add("b", "1")
    found = newest(Oracle({"a": "a==1", "b": "b==1"}), upstream)
    assert [item.requirement for item in found.items] == ["a==1", "a==2", "b==1"]
    assert found.unknown == ()


def test_the_newest_of_what_does_not_fit_together() -> None:
    """Without a solution the newest are all there is, and the resolver's words are kept."""
    upstream = Memory()
    upstream.add("a", "2")
    upstream.add("b", "1")
    found = newest(Oracle({}), upstream)
    assert [item.requirement for item in found.items] == ["a==2", "b==1"]
    assert [one.reason for one in found.unknown] == [f"{LINUX}: no a", f"{LINUX}: no b"]
    assert found.unresolved == found.unknown


def test_what_does_not_fit_together_for_want_of_something() -> None:
    """Where upstream withholds what a solution needs, the newest of each range is taken, and it is said why."""
    upstream = Memory()
    upstream.add("a", "2", "b")
    upstream.faults = {"b": UpstreamError("b: upstream forbids it (403)", status=403)}
    found = locked(Oracle({}), "a", upstream=upstream)
    assert [item.requirement for item in found.items] == ["a==2", "b"]
    assert [(one.project, one.reason, one.unresolved) for one in found.unknown] == [
        ("a", f"{LINUX}: no a", True),
        ("b", "b: upstream forbids it (403)", False),
    ]


@pytest.mark.parametrize("policy", [Locked(), Newest(1)])
def test_requirements_that_cannot_be_used(policy: Locked | Newest) -> None:
    """All bad requirements are refused together, by every policy."""
    work = find(["a @ https://example.org/a.zip", "=="], [LINUX], policy, Shelf(Memory()), Oracle({}).question())
    with pytest.raises(UsageError) as error:
        asyncio.run(work)
    assert len(error.value.problems) == 2
