"""The parsers under fuzzing, for some seconds each: by atheris where it is installed, else by mutants of the seeds."""

from __future__ import annotations

import importlib.util
import random
import time

import pytest

from tests.faults.counting import Count
from tests.fuzz.__main__ import guided
from tests.fuzz.mutating import mutated
from tests.fuzz.seeds import SEEDS
from tests.fuzz.targets import TARGETS

EACH = 8.0
"""Seconds of processor time for each target."""


@pytest.mark.faults
@pytest.mark.parametrize("target", TARGETS)
def test_for_a_while(target: str, count: Count) -> None:
    """Mutants of the seeds, other ones each day, and where it can be had what atheris finds."""
    chance, tried = random.Random(time.strftime("%Y%m%d", time.gmtime()) + target), 0
    until = time.process_time() + EACH
    while time.process_time() < until:
        data = mutated(SEEDS[target], chance)
        try:
            TARGETS[target](data)
        except Exception as error:
            raise AssertionError(f"{target}: {data!r}") from error
        tried += 1
    if importlib.util.find_spec("atheris"):
        assert guided(target, EACH) == 0, f"see .fuzz/{target}/"
    count(f"fuzz: {target}", cells=tried, hostile_inputs=tried)
