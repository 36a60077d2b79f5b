"""One place to keep objects in, for each adapter."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bandersnatch.storage.base import Journal, Storage
from bandersnatch.storage.filesystem import FileStorage
from bandersnatch.storage.journal import FileJournal
from bandersnatch.storage.memory import MemoryJournal, MemoryStorage
from tests.storage.watched import Quick

Reopen = Callable[[], Storage]


@pytest.fixture(params=["files", "memory"])
def reopen(request: pytest.FixtureRequest, tmp_path: Path) -> Reopen:
    """Opens the same place again, as a later run would."""
    if request.param == "memory":
        memory = MemoryStorage()
        return lambda: memory
    return lambda: FileStorage(tmp_path / "web", tmp_path / "state", fs=Quick())


@pytest.fixture
def storage(reopen: Reopen) -> Storage:
    """An empty storage."""
    return reopen()


@pytest.fixture(params=["file", "memory"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Journal:
    """An empty journal."""
    return MemoryJournal() if request.param == "memory" else FileJournal(tmp_path / "state/removals.jsonl", fs=Quick())
