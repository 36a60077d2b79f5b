"""What a mirror takes does not grow with time."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.counting import Count
from tests.faults.soak import SLACK, Taken, soak

pytestmark = pytest.mark.usefixtures("quick_catalogue")


def test_some_rounds(tmp_path: Path) -> None:
    """Some runs, with faults and without: the mirror is whole after each, and the last one is clean."""
    taken = soak(tmp_path, lambda done: done >= 4, seed=3, projects=8)
    assert taken.wrong == []
    assert max(taken.handles) <= min(taken.handles) + 4


@pytest.mark.faults
def test_many_rounds(tmp_path: Path, count: Count) -> None:
    """Many runs, one after the other: memory and handles stay what they were."""
    taken = soak(tmp_path, lambda done: done >= 150, seed=7)
    wrong = [*taken.wrong, *taken.growth()]
    count("soak", cells=taken.rounds, violations=len(wrong), faults=taken.faults)
    assert wrong == []


def test_growth_is_noticed() -> None:
    """Memory or handles that grow with the rounds are noticed; what only varies is not."""
    flat = Taken(memory=[SLACK + number % 3 for number in range(90)], handles=[20 + number % 2 for number in range(90)])
    assert flat.growth() == []
    leaking = Taken(memory=[SLACK * (1 + number) for number in range(90)], handles=list(range(90)))
    assert [one.partition(" ")[0] for one in leaking.growth()] == ["memory", "handles"]
