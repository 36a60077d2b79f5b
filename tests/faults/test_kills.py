"""A run is killed: before each of its operations, once more while the next run recovers, and at any time at all."""

from __future__ import annotations

import itertools
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.counting import Count
from tests.faults.golden import Mirror, Scenario, broken_links
from tests.faults.operations import Death, Operations, dies, nothing_left_open, patched

SEED = 20_261_128
PAIRS = 250
REAL_KILLS = 40


def killed(scenario: Scenario, mirror: Mirror, at: int, *, whole: bool = False, again: bool = False) -> bool:
    """A run, or with *again* the run after it, that is killed before its operation number *at*; whether it lived."""
    operations = Operations(dies(at), whole=whole)
    with nothing_left_open(), patched(operations):
        try:
            (scenario.rerun if again else scenario.disturb)(mirror, operations)
        except Death:
            return False
        except BaseExceptionGroup as group:
            assert group.subgroup(Death), group
            return False
    return True


def kill_each(scenario: Scenario, directory: Path, step: int, *, whole: bool) -> int:
    """Kill before operation number 1, 1 + *step* … until a run lives to its end; returns how many were killed."""
    for count, at in enumerate(itertools.count(1, step)):
        mirror = scenario.fresh(directory / str(at))
        lived = killed(scenario, mirror, at, whole=whole)
        assert broken_links(mirror.web) == [], at
        scenario.assert_recovers(mirror)
        shutil.rmtree(mirror.directory)
        if lived:
            return count
    raise AssertionError


@pytest.mark.parametrize("name", ["first", "later"])
def test_killed_here_and_there(scenarios: dict[str, Scenario], name: str, tmp: Path) -> None:
    """A sample of what follows: killed anywhere, no link is broken, and one run later all is as it should be."""
    assert kill_each(scenarios[name], tmp, 97, whole=name == "first") > 7


@pytest.mark.faults
@pytest.mark.parametrize("whole", [False, True], ids=["fsync", "syncfs"])
@pytest.mark.parametrize("name", ["first", "later"])
def test_killed_before_each(scenarios: dict[str, Scenario], name: str, whole: bool, tmp: Path, count: Count) -> None:
    """Before every operation of a later run, the catalogue's among them; of the others before every fourth."""
    killed_runs = kill_each(scenarios[name], tmp, 1 if name == "later" and not whole else 4, whole=whole)
    count(f"kills: before each operation, {name} run, {'syncfs' if whole else 'fsync'}", killed_runs, kills=killed_runs)
    assert killed_runs > 150


def kill_twice(scenario: Scenario, directory: Path, first: int, second: int) -> None:
    """Kill a run, and kill the run that recovers."""
    mirror = scenario.fresh(directory / f"{first}-{second}")
    killed(scenario, mirror, first)
    killed(scenario, mirror, second, again=True)
    assert broken_links(mirror.web) == [], (first, second)
    scenario.assert_recovers(mirror)
    shutil.rmtree(mirror.directory)


@pytest.mark.parametrize(("first", "second"), [(300, 40), (700, 300)])
def test_killed_twice_here_and_there(scenarios: dict[str, Scenario], first: int, second: int, tmp: Path) -> None:
    """A sample of what follows."""
    kill_twice(scenarios["later"], tmp, first, second)


@pytest.mark.faults
def test_killed_twice(scenarios: dict[str, Scenario], tmp: Path, count: Count) -> None:
    """Killed at n, and killed at m while it recovers."""
    draw = random.Random(SEED)
    for _ in range(PAIRS):
        first = draw.randrange(1, 950)
        kill_twice(scenarios["later"], tmp, first, draw.randrange(1, 60 + (950 - first) // 2))
    count("kills: and again while recovering", PAIRS, kills=2 * PAIRS)


# --- real processes --------------------------------------------------------------------------------------------------


def start(directory: Path, now: float, *, later: bool) -> subprocess.Popen[bytes]:
    """A process that says a line when it begins its run, and ends by itself unless it is killed."""
    command = [sys.executable, "-m", "tests.faults.running", str(directory), str(now), str(int(later))]
    return subprocess.Popen(command, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE)


def kill_process(scenario: Scenario, mirror: Mirror, seconds: float) -> bool:
    """Kill a real run so many *seconds* after it began; whether it was under way still."""
    with start(mirror.directory, scenario.began, later=scenario.later) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"begins\n"
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
        process.stdout.read()
        return process.wait() == -signal.SIGKILL


@pytest.mark.faults
@pytest.mark.parametrize("name", ["first", "later"])
def test_killed_at_any_time(scenarios: dict[str, Scenario], name: str, tmp: Path, count: Count) -> None:
    """SIGKILL for a process of its own, at a random moment: SQLite's files are as a dead process leaves them."""
    draw, scenario = random.Random(SEED), scenarios[name]
    kills = 0
    for number in range(REAL_KILLS):
        mirror = scenario.fresh(tmp / str(number))
        kills += kill_process(scenario, mirror, draw.uniform(0.001, 0.15))
        assert broken_links(mirror.web) == [], number
        scenario.assert_recovers(mirror)
        shutil.rmtree(mirror.directory)
    count(f"kills: SIGKILL at any time, {name} run", REAL_KILLS, kills=kills)
    assert kills > REAL_KILLS // 3
