"""One catalogue for each adapter."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bandersnatch.catalogue import opening
from bandersnatch.catalogue.base import Catalogue
from bandersnatch.catalogue.sqlite import SqliteCatalogue
from tests.catalogue.samples import Clock

Open = Callable[[Path, Clock], Catalogue]

ADAPTERS: dict[str, Open] = {"sqlite": lambda place, clock: SqliteCatalogue(place / "catalogue.sqlite", clock=clock)}


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves the disk alone where a test is not about crashes."""
    monkeypatch.setattr(opening, "SETTINGS", opening.SETTINGS.replace("synchronous = FULL", "synchronous = OFF"))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=ADAPTERS)
def reopen(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Callable[[], Catalogue]:
    """Opens the same catalogue again, as a later run would."""
    adapter = ADAPTERS[request.param]
    return lambda: adapter(tmp_path, clock)


@pytest.fixture
def catalogue(reopen: Callable[[], Catalogue]) -> Iterator[Catalogue]:
    """An empty catalogue."""
    opened = reopen()
    yield opened
    opened.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the catalogue of a test that is about SQLite lies: a path that a careless URI would break on."""
    folder = tmp_path / "state of #1? 100%"
    folder.mkdir()
    return folder / "catalogue.sqlite"
