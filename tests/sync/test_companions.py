"""Core metadata and provenance that upstream promises and does not give: asked for again, and told once."""

from __future__ import annotations

import pytest

from bandersnatch.sync import events
from bandersnatch.testing import Corrupt, Fault, Status
from tests.sync.conftest import World

WEEK = 7 * 86400
OPAQUE = b"not an archive: only upstream has its core metadata"
"""What is no wheel cannot be looked into."""

METADATA, PROVENANCE = "*.metadata", "/integrity/*"


def fill(world: World) -> None:
    world.index.upload("alpha", "1.0", content=OPAQUE, provenance=True)
    world.index.upload("beta", "1.0")


def has_all(world: World) -> bool:
    metadata = world.page("alpha")["files"][0]["core-metadata"]
    return bool(metadata) and any((world.web / "integrity").rglob("provenance"))


@pytest.mark.parametrize("path", [METADATA, PROVENANCE])
def test_failed(world: World, path: str) -> None:
    """What could not be had for a moment leaves the project behind, and is there after the next run that gets it."""
    fill(world)
    world.upstream.fault(path, Status(503), times=None)
    assert world.run().outcome == "behind"
    world.upstream.clear_faults()
    assert world.run().outcome == "clean"
    assert has_all(world)
    world.check()


@pytest.mark.parametrize("path", [METADATA, PROVENANCE])
@pytest.mark.parametrize("fault", [Status(404), Status(410)], ids=str)
def test_withheld(world: World, path: str, fault: Fault) -> None:
    """What upstream says that it has and does not give is told once, and asked for again after a week."""
    fill(world)
    world.upstream.fault(path, fault, times=None)
    assert world.run().outcome == "clean"
    [warned] = world.of(events.Warned)
    assert "asked for again in a week" in warned.message
    world.upstream.clear_faults()
    assert world.run().outcome == "clean"
    assert world.upstream.count(path) == 0
    world.now += WEEK
    assert world.run().outcome == "clean"
    assert has_all(world)
    world.now += 2 * WEEK
    world.run()
    assert world.upstream.count("/simple/alpha/") == 0


def test_other_metadata(world: World) -> None:
    """Core metadata that is not what the page promises is not published, and asked for again as well."""
    fill(world)
    world.upstream.fault(METADATA, Corrupt(), times=None)
    assert world.run().outcome == "clean"
    assert not world.page("alpha")["files"][0]["core-metadata"]
    world.upstream.clear_faults()
    world.now += WEEK
    world.run()
    assert has_all(world)


def test_withheld_and_changed(world: World) -> None:
    """A new release meanwhile does not make the mirror forget what was withheld of an older one."""
    fill(world)
    world.upstream.fault(METADATA, Status(404))
    world.run()
    world.index.upload("alpha", "2.0")
    world.run()
    assert not world.page("alpha")["files"][0]["core-metadata"]
    world.now += WEEK
    world.run()
    assert has_all(world)
    assert world.upstream.count("/packages/*.whl") == 0
