"""What every fault suite tells the report."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bandersnatch.catalogue import opening
from tests.faults.counting import Count, note
from tests.faults.golden import Scenario, make_scenarios

HOUR = 3600


@pytest.fixture
def count(request: pytest.FixtureRequest) -> Count:
    """Notes what was tried, and the time since the last note."""
    begun = time.monotonic()

    def counted(table: str, cells: int = 1, violations: int = 0, **figures: int) -> None:
        nonlocal begun
        now = time.monotonic()
        note(table, request.node.nodeid, cells, violations, now - begun, figures)
        begun = now

    return counted


@pytest.fixture(scope="session")
def in_memory() -> Iterator[Path]:
    """A folder on a file system in memory, where there is one: what is tried thousands of times waits for no disk."""
    memory = Path("/dev/shm")
    place = memory if memory.is_dir() and os.access(memory, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="bandersnatch-", dir=place) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def scenarios(in_memory: Path) -> dict[str, Scenario]:
    """The golden scenario: a first run, and a later one."""
    place = in_memory / "scenarios"
    place.mkdir()
    return make_scenarios(place)


@pytest.fixture
def tmp(in_memory: Path) -> Iterator[Path]:
    """A new folder there, which does not outlive the test."""
    with tempfile.TemporaryDirectory(dir=in_memory) as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def quick_catalogue() -> Iterator[None]:
    """Leaves the disk alone: for suites that are not about crashes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(opening, "SETTINGS", opening.SETTINGS.replace("synchronous = FULL", "synchronous = OFF"))
        yield


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A whole suite may take its time, where the sampled form of it may not."""
    for item in items:
        if item.get_closest_marker("faults") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(HOUR))
