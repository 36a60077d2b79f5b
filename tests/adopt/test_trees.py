"""The tree of every tool is recognised and taken over, and the run after it fetches no file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bandersnatch.adopt.base import Fate, Wish
from bandersnatch.verify.base import Kind
from bandersnatch.verify.engine import Wish as VerifyWish
from tests.adopt import trees
from tests.adopt.conftest import FILES, Adopter, fates

LEFT = ("json/", "serversig/", "pypi/Gamma", "simple/Gamma", "simple/gamma.dots")
"""What stays of the old trees, beside what is tested by name."""


@pytest.mark.parametrize("make", trees.IN_PLACE.values(), ids=trees.IN_PLACE.keys())
def test_in_place(make: trees.Make, world: Adopter, fresh: dict[str, str]) -> None:
    """In place, all files are kept or linked; the run fetches none, and makes the tree that a fresh mirror has."""
    make(world.directory, world.index)
    before = world.tree()
    found = fates(world.adopt())
    assert found.get(Fate.KEPT, 0) + found.get(Fate.TAKEN, 0) == FILES
    assert Fate.DAMAGED not in found
    assert Fate.STRANGER not in found
    assert before.items() <= world.tree().items(), "what was served is served until the first run"
    finished = world.run()
    assert (finished.outcome, finished.files, finished.adopted, world.fetched()) == ("clean", 0, FILES, 0)
    after = world.tree()
    assert fresh.items() <= after.items()
    world.check()
    _check_leftovers(world, fresh)


def _check_leftovers(world: Adopter, fresh: dict[str, str]) -> None:
    """Everything else is named by verify as what nothing knows, and is gone once that is deleted."""
    named = world.verify(VerifyWish())
    assert {one.kind for one in named} <= {Kind.UNKNOWN_OBJECT}
    for one in named:
        (world.web / one.key).unlink()
    assert world.tree() == fresh
    assert world.verify() == []
    assert sorted(path.name for path in world.directory.iterdir() if path.name != ".lock") == ["state", "web"]


@pytest.mark.parametrize("by", ["link", "copy", "move"])
@pytest.mark.parametrize("make", trees.ELSEWHERE.values(), ids=trees.ELSEWHERE.keys())
def test_elsewhere(make: trees.Make, by: str, world: Adopter, fresh: dict[str, str]) -> None:
    """From elsewhere, files are linked, copied or moved; the run fetches none, and the other tree is as it is to be."""
    make(world.theirs, world.index)
    count = len(_files(world.theirs))
    found = world.adopt(world.theirs, Wish(by=by))
    assert fates(found)[Fate.TAKEN] == FILES
    finished = world.run()
    assert (finished.outcome, finished.files, world.fetched()) == ("clean", 0, 0)
    assert world.tree() == fresh
    assert world.verify() == []
    assert len(_files(world.theirs)) == (count - FILES if by == "move" else count)
    shared = {path.stat().st_ino for path in _files(world.theirs)} & {path.stat().st_ino for path in _files(world.web)}
    assert len(shared) == (FILES if by == "link" else 0)


def _files(place: Path) -> list[Path]:
    return [path for path in place.rglob("*") if path.is_file()]


@pytest.mark.parametrize("make", [trees.pep381client, trees.shadowmire], ids=["pep381client", "shadowmire"])
def test_into_another_mirror(make: trees.Make, world: Adopter, fresh: dict[str, str]) -> None:
    """The folder of a mirror can be taken into another one, and stays as it is."""
    make(world.theirs, world.index)
    before = _files(world.theirs)
    world.adopt(world.theirs)
    assert _files(world.theirs) == before
    assert world.run().files == 0
    assert world.tree() == fresh


def test_shadowmire_in_place(world: Adopter, fresh: dict[str, str]) -> None:
    """Where the web server's root was the mirror's folder, files are linked into ``web/``, and once only."""
    trees.shadowmire(world.directory, world.index)
    assert fates(world.adopt())[Fate.TAKEN] == FILES
    assert world.run().files == 0
    assert world.tree() == fresh
    again = fates(world.adopt())
    assert (again[Fate.TAKEN], world.read) == (FILES, [])


def test_upstream_of_another_shape(world: Adopter) -> None:
    """For an upstream whose addresses are not PyPI's, places are made from the SHA-256, or as its pages say."""
    trees.folder(world.theirs, world.index)
    world.adopt(world.theirs, Wish(places="sha256"))
    keys = {str(path.relative_to(world.web)) for path in _files(world.web) if path.suffix in (".whl", ".gz")}
    digests = [file.sha256 for _, _, files in trees.projects(world.index) for file in files]
    assert {"".join(key.split("/")[1:4]) for key in keys} == set(digests)


def test_state_is_put_aside(world: Adopter) -> None:
    """The other tool's memory is not deleted: it is in state/former, byte for byte, and never loaded."""
    trees.pep381client(world.directory, world.index)
    world.adopt()
    assert (world.state / "former/status").read_bytes() == trees.PICKLE
    assert sorted(os.listdir(world.state / "former")) == ["files", "status"]
    assert sorted(os.listdir(world.directory)) == ["state", "web"]


def test_state_is_put_aside_again(world: Adopter) -> None:
    """Where somebody went back to the other tool and comes again, what was put aside the first time is kept."""
    for status in (b"first", b"second", b"third"):
        trees.PyPA().make(world.directory, world.index)
        (world.directory / "status").write_bytes(status)
        world.adopt()
    former = world.state / "former"
    assert [(former / name).read_bytes() for name in ("status.1", "status.2", "status")] == [
        b"first",
        b"second",
        b"third",
    ]


def test_facts(world: Adopter) -> None:
    """The plan says whose tree it is, and what its memory says."""
    trees.PyPA(todo="9\nalpha 9\nbeta 8\n").make(world.directory, world.index)
    world.adopt()
    assert world.plan is not None
    assert world.plan.layout.tool == "PyPA bandersnatch"
    assert world.plan.layout.facts == ("generation 5", "serial 7", "2 projects unfinished")
    assert world.plan.aside == ("generation", "status", "todo")
