"""Beside PyPA bandersnatch 8.2, in the same trouble."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults import checker, rivals
from tests.faults.counting import Count
from tests.faults.rivals import Counts, Race

pytestmark = pytest.mark.faults


@pytest.fixture(scope="module")
def race(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Race]:
    with rivals.race(tmp_path_factory.mktemp("rivals")) as race:
        yield race


@pytest.mark.parametrize("trouble", rivals.TROUBLES)
@pytest.mark.parametrize("place", rivals.PLACES)
def test_side_by_side(race: Race, trouble: str, place: str, count: Count) -> None:
    """In two runs with one fault, ours breaks no link, leaves no temporary file, tells no lie, and starves nobody."""
    for program in race.programs:
        counts = race.scenario(program, trouble, place)
        count(f"side by side: {program.name}", **counts.all)
        if program.name == rivals.OURS:
            assert counts == Counts()


def test_without_trouble(race: Race) -> None:
    """Where nothing is wrong, nothing is counted for either: the counts are of the trouble."""
    for program in race.programs:
        home = race.starts[program.name]
        assert program.run(home, race.upstream.url) == 0
        assert rivals.temporary(home / "mirror") == set()
        assert checker.broken(home / "mirror/web") == set()
