from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import pytest

from bandersnatch.closure.base import Interpreter
from bandersnatch.closure.prove import Missing, Proof, prove
from bandersnatch.errors import UpstreamError
from bandersnatch.values import replace
from tests.closure.memory import Memory
from tests.closure.oracle import Oracle
from tests.closure.places import LINUX, WINDOWS
from tests.closure.test_locked import buildable


def proof(
    mirror: Memory,
    answers: dict[str, str],
    *requirements: str,
    places: Sequence[Interpreter] = (LINUX,),
    build: bool = False,
    digests: bool = False,
) -> Proof:
    question = Oracle(answers).question(build=build)
    return asyncio.run(prove(requirements, places, question, mirror, digests=digests))


def test_each_interpreter_has_its_answer() -> None:
    """What is proved for one interpreter may be a conflict for another: each is told, with its pins."""
    mirror = Memory()
    mirror.add("a", "1")
    found = proof(mirror, {f"a on {LINUX.target.platform}": "a==1"}, "a", places=[LINUX, WINDOWS])
    assert not found.proved
    assert [(one.environment, one.outcome, one.message, one.pins) for one in found.results] == [
        ("linux", "ok", "", ("a==1",)),
        ("windows", "conflict", "no a", ()),
    ]


Spoil = Callable[[Memory, str], None]


def lose(mirror: Memory, url: str) -> None:
    del mirror.contents[url]


def lose_metadata(mirror: Memory, url: str) -> None:
    del mirror.contents[f"{url}.metadata"]


def spoil_metadata(mirror: Memory, url: str) -> None:
    mirror.contents[f"{url}.metadata"] = b"other"


def cut(mirror: Memory, url: str) -> None:
    mirror.contents[url] = mirror.contents[url][:-1]


def flip(mirror: Memory, url: str) -> None:
    mirror.contents[url] = b"X" + mirror.contents[url][1:]


@pytest.mark.parametrize(
    ("spoil", "digests", "why"),
    [
        (lose, False, "the page links it, and it is not there"),
        (lose_metadata, False, "the page offers its metadata, and that is not there"),
        (spoil_metadata, False, "the SHA-256 of its metadata is not the one on the page"),
        (cut, False, "it has 865 bytes, and the page says 866"),
        (flip, True, "its SHA-256 is not the one on the page"),
    ],
)
def test_every_file_is_looked_at(spoil: Spoil, digests: bool, why: str) -> None:
    """A file that an installer would fail on is missing, though the resolver is content; each is looked at once."""
    mirror = Memory()
    url = mirror.add("a", "1")
    assert proof(mirror, {"a": "a==1"}, "a", digests=True).proved
    spoil(mirror, url)
    mirror.asked.clear()
    found = proof(mirror, {"a": "a==1"}, "a", places=[LINUX, WINDOWS], digests=digests)
    for one in found.results:
        assert (one.outcome, one.missing) == ("missing", (Missing("a", "1", "a-1-py3-none-any.whl", why),))
    assert mirror.asked.count(url) == 1


def test_damage_that_only_a_digest_shows() -> None:
    """Bytes are read only when that is asked for."""
    mirror = Memory()
    flip(mirror, mirror.add("a", "1"))
    assert proof(mirror, {"a": "a==1"}, "a").proved


def test_releases_without_a_file_that_suits() -> None:
    """A pin needs a wheel that suits; a source counts only where it may be built."""
    mirror = Memory()
    mirror.add("a", "1", tags=("py3", "none", "win_amd64"))
    mirror.add("b", "1", kind="sdist")
    mirror.add("c", "1")
    answers = {"all": "a==1 b==1 c==2"}
    [wheels] = proof(mirror, answers, "all").results
    assert [(one.project, one.why) for one in wheels.missing] == [
        ("a", "no wheel of it suits"),
        ("b", "no wheel of it suits"),
        ("c", "the mirror has no file of this version"),
    ]
    [sources] = proof(mirror, answers, "all", build=True).results
    assert [(one.project, one.why) for one in sources.missing] == [
        ("a", "no wheel of it suits, and it has no source distribution"),
        ("c", "the mirror has no file of this version"),
    ]


def test_what_building_needs_is_proved_too() -> None:
    """A source counts if what it needs to be built can be installed from the mirror as well."""
    mirror = Memory()
    mirror.add("a", "1", kind="sdist", content=buildable("a", "tool"))
    lost = mirror.add("tool", "1", kind="sdist", content=buildable("tool", "tool"))
    assert proof(mirror, {"a": "a==1", "tool": "tool==1"}, "a", build=True).proved
    [conflict] = proof(mirror, {"a": "a==1"}, "a", build=True).results
    assert conflict.missing == (Missing("a", "1", "a-1.tar.gz", "what it needs to be built: no tool"),)
    lose(mirror, lost)
    [missing] = proof(mirror, {"a": "a==1", "tool": "tool==1"}, "a", build=True).results
    assert [one.file for one in missing.missing] == ["tool-1.tar.gz"]


def test_files_elsewhere_are_not_the_mirror_s(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that may not be asked for, such as one at upstream, is missing with the reason."""
    mirror = Memory()
    mirror.add("a", "1")
    mirror.pages["a"] = [replace(mirror.pages["a"][0], core_metadata=None)]

    async def refuse(url: str, *, limit: int) -> bytes:
        raise UpstreamError("not a host of this upstream")

    monkeypatch.setattr(mirror, "read", refuse)
    [found] = proof(mirror, {"a": "a==1"}, "a").results
    assert [one.why for one in found.missing] == ["not a host of this upstream"]


def test_a_mirror_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mirror whose pages cannot be read has failed; that is no conflict."""
    mirror = Memory()

    async def fail(name: str, known: object, *, at_least: int | None) -> None:
        raise UpstreamError("no answer")

    monkeypatch.setattr(mirror, "project", fail)
    [found] = proof(mirror, {"a": "a==1"}, "a").results
    assert (found.outcome, found.message) == ("failed", "no answer")
