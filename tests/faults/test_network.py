"""Whatever is wrong with an answer: what is served is whole, the outcome is true, and a later run heals it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults import network, scenario
from tests.faults.counting import Count
from tests.faults.scenario import Scenario

CELLS = list(network.cells())


@pytest.fixture(scope="module")
def made(quick_catalogue: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scenario]:
    with scenario.made(tmp_path_factory.mktemp("network")) as made:
        yield made


SAMPLE = [
    ("not-found", "list"),
    ("older", "page"),
    ("truncated", "file"),
    ("wrong-bytes", "metadata"),
    ("too-many-seconds", "provenance"),
]


@pytest.mark.parametrize(("fault", "stage"), SAMPLE)
def test_some_answers(made: Scenario, fault: str, stage: str) -> None:
    """A sample of the matrix: with the fault always there, every promise holds, and heals."""
    assert network.cell(made, fault, stage, "always") == []


@pytest.mark.faults
@pytest.mark.parametrize(("fault", "stage"), CELLS)
def test_every_answer(made: Scenario, fault: str, stage: str, count: Count) -> None:
    """The whole matrix: each fault in each stage, once, thrice, and always."""
    for often in network.TIMES:
        wrong = network.cell(made, fault, stage, often)
        count(f"network: {stage}", violations=len(wrong))
        assert wrong == []


def test_the_matrix_is_whole() -> None:
    """What is left out of twenty faults and more in five stages has its reason."""
    left_out = {(name, stage) for name in network.TOXICS for stage in network.STAGES} - set(CELLS)
    assert {name for name, _ in left_out} == set(network.NOT_APPLICABLE)
    assert len(network.TOXICS) >= 20
    assert len(CELLS) * len(network.TIMES) >= 270
