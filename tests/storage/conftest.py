"""One place to keep objects in, for each adapter."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bandersnatch.storage.base import Storage
from bandersnatch.storage.filesystem import FileStorage
from bandersnatch.storage.memory import MemoryStorage
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
