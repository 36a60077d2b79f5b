from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from bandersnatch.closure.base import Closure, Interpreter, Locked, Newest
from bandersnatch.closure.find import find
from bandersnatch.closure.shelf import Shelf
from bandersnatch.errors import Conflict, UpstreamError, UsageError
from tests.closure.archives import tar
from tests.closure.memory import Memory
from tests.closure.oracle import Oracle
from tests.closure.places import LINUX, WINDOWS


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
    """A conflict names the interpreter and quotes the resolver, for all interpreters that have one."""
    oracle = Oracle({f"a on {LINUX.target.platform}": "a==1"})
    with pytest.raises(Conflict) as error:
        locked(oracle, "a", places=[WINDOWS, LINUX, WINDOWS])
    assert str(error.value) == "\n\n".join([f"{WINDOWS}: no a"] * 2)


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
    assert [one.reason for one in found.unknown] == [f"{LINUX}: no a"]


def test_what_does_not_fit_together_for_want_of_something() -> None:
    """Where upstream withholds what a solution needs, the newest of each range is taken, and it is said why."""
    upstream = Memory()
    upstream.add("a", "2", "b")
    upstream.faults = {"b": UpstreamError("b: upstream forbids it (403)", status=403)}
    with pytest.raises(Conflict):
        locked(Oracle({}), "a", upstream=upstream)  # nothing was withheld: nobody asked for b yet
    found = locked(Oracle({}), "a", "b", upstream=upstream)
    assert [item.requirement for item in found.items] == ["a==2", "b"]
    assert [(one.project, one.reason) for one in found.unknown] == [
        ("", "nothing fits together without what could not be had, so the newest of each range is taken"),
        ("b", "b: upstream forbids it (403)"),
    ]


@pytest.mark.parametrize("policy", [Locked(), Newest(1)])
def test_requirements_that_cannot_be_used(policy: Locked | Newest) -> None:
    """All bad requirements are refused together, by every policy."""
    work = find(["a @ https://example.org/a.zip", "=="], [LINUX], policy, Shelf(Memory()), Oracle({}).question())
    with pytest.raises(UsageError) as error:
        asyncio.run(work)
    assert len(error.value.problems) == 2
