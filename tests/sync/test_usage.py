"""Projects that nobody uses leave like all others, by policy and brake, and come back when they are named."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from bandersnatch.ledger.base import Row
from bandersnatch.ledger.sqlite import SqliteLedger
from tests.sync.conftest import World

TODAY = datetime.now(UTC).date()


@pytest.fixture
def counted(world: World) -> World:
    """A mirror of two projects, of which one was downloaded; the statistics go back two months."""
    for name in ("demo", "six"):
        world.index.upload(name, "1.0")
    assert world.run().outcome == "clean"
    with closing(SqliteLedger(world.state / "statistics.sqlite")) as ledger:
        ledger.note_offered(["demo", "six"], TODAY - timedelta(days=60))
        with ledger.entry() as entry:
            entry.add([Row(TODAY, "six", "six-1.0.tar.gz", "pip", 1)])
            entry.add_lines({TODAY - timedelta(days=ago): 1 for ago in range(60)})
    world.settings["usage.unused-for"] = "30d"
    return world


def test_what_nobody_uses_leaves(counted: World) -> None:
    """Its page goes, and what is used stays; another run changes nothing more."""
    counted.run(accept_removals=True)
    assert list(counted.root()) == ["six"]
    assert counted.run().outcome == "clean"
    assert list(counted.root()) == ["six"]
    counted.check()


def test_the_brake_holds(counted: World) -> None:
    """Use is no reason to remove more than an operator allows."""
    counted.settings |= {"removal.max-projects": 0, "removal.max-ratio": "0%"}
    counted.settings |= {"removal.max-files": 0, "removal.max-files-ratio": "0%"}
    assert counted.run().outcome == "refused"
    assert list(counted.root()) == ["demo", "six"]


def test_the_policy_holds(counted: World) -> None:
    """What is kept although it is not selected is kept although it is not used."""
    counted.run(removal__deselected="keep", accept_removals=True)
    assert list(counted.root()) == ["demo", "six"]


def test_back_without_statistics(counted: World) -> None:
    """When the statistics are gone nothing is known any more: what had left comes back."""
    counted.run(accept_removals=True)
    (counted.state / "statistics.sqlite").unlink()
    counted.run()
    assert list(counted.root()) == ["demo", "six"]
    counted.check()


def test_back_when_named(counted: World) -> None:
    """Who names the project gets it, used or not."""
    counted.run(accept_removals=True)
    counted.run("demo", "six")
    assert list(counted.root()) == ["demo", "six"]
