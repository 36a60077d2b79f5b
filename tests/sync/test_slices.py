"""Lists of which only some slices are read: nothing that upstream has is left out, or taken for gone."""

from __future__ import annotations

from contextlib import closing
from typing import Any

from bandersnatch.catalogue.sqlite import SqliteCatalogue
from bandersnatch.model import Listed
from bandersnatch.sync import events
from bandersnatch.testing import Status
from tests.sync.conftest import World

MANY = 700
"""Projects on the list: enough for several slices before the last one, which is always read."""


def name(number: int) -> str:
    return f"p-{number:04}"


def fill(world: World, *uploaded: int) -> None:
    for number in range(MANY):
        if number in uploaded:
            world.index.upload(name(number), "1.0")
        else:
            world.index.create(name(number))


def missing(world: World) -> list[int]:
    return [one.missing for one in world.of(events.Compared)]


def test_everything_after_one_name(world: World) -> None:
    """After other rules, a list that cannot be read is not made up for by slices of the list before them."""
    fill(world, 10)
    assert world.run(name(10), upstream__changes="list").outcome == "clean"
    world.upstream.fault("/simple/", Status(503), times=None)
    assert world.run().outcome == "unreachable"
    world.upstream.clear_faults()
    assert world.run().outcome == "clean"
    assert len(world.root()) == MANY


def test_selected_again_while_the_list_fails(world: World) -> None:
    """A project that the list names is not taken for missing, whatever was wanted when its slice was read."""
    fill(world, 10, 300, 450)
    names = [name(number) for number in (10, 300, 450)]
    kept: dict[str, Any] = {"upstream__changes": "list", "removal__deselected": "keep"}
    assert world.run(*names, **kept).outcome == "clean"
    assert world.run(*names[:2], **kept).outcome == "clean"
    world.upstream.fault("/simple/", Status(503), times=None)
    assert world.run(*names, **kept).outcome == "unreachable"
    world.upstream.clear_faults()
    world.index.upload(names[0], "2.0")
    world.upstream.fault(f"/simple/{names[2]}/", Status(404), times=1)
    world.run(*names, **kept)
    assert missing(world) == [0]
    assert world.of(events.Removed) == []
    assert world.run(*names, **kept).outcome == "clean"
    assert list(world.root()) == names


def test_little_is_read_of_a_list_that_changed(world: World) -> None:
    """Of named projects nothing strays from one run to the next: what did not change is not compared again."""
    fill(world, 10, 300)
    names = [name(10), name(300)]
    assert world.run(*names, upstream__changes="list").outcome == "clean"
    world.index.upload(names[0], "2.0")
    world.run(*names, upstream__changes="list")
    assert missing(world) == [0]
    assert [(one.listed, one.changed) for one in world.of(events.Compared)] == [(MANY, 1)]
    with closing(SqliteCatalogue(world.directory / "state/catalogue.sqlite")) as catalogue:
        catalogue.want([Listed(one, one) for one in names], world.now)  # as each run begins
        catalogue.begin_listing()
        known = catalogue.slices()
    assert sum(one.count for one in known.values()) == MANY
