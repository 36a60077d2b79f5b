"""A run, its helper or both are killed: none is left behind, nothing half is served, the next run makes it whole."""

from __future__ import annotations

import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.cli.conftest import Program, program
from tests.faults.counting import Count
from tests.faults.golden import Mirror, Scenario, broken_links

__all__ = ["program"]  # a fixture

SEED = 20_261_128
RANDOM_KILLS = 40
TOP = Path(__file__).parents[2]
MODULE = ("-m", "tests.faults.helped")
VICTIMS = ("mirror", "helper", "both")
LONG = 20.0
"""Seconds that nothing here takes, not on a busy machine either."""


def start(scenario: Scenario, mirror: Mirror, victim: str, at: int) -> subprocess.Popen[bytes]:
    """A run in a group of its own. The end of its standard error is the end of its helper, too."""
    arguments = [victim, str(at), str(mirror.directory), str(scenario.began), str(int(scenario.later))]
    command = [sys.executable, *MODULE, "run", *arguments]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=TOP, stdout=pipe, stderr=pipe, bufsize=0, start_new_session=True)


def ended(process: subprocess.Popen[bytes]) -> dict[str, str] | None:
    """How the run ended, None if it was killed; its helper has ended by then, and none of them said anything."""
    out, err = process.communicate(timeout=LONG)
    assert err == b""
    if process.returncode == -signal.SIGKILL:
        return None
    assert process.returncode == 0
    told: dict[str, str] = json.loads(out.removeprefix(b"begins\n"))
    return told


def strike(scenario: Scenario, directory: Path, victim: str, at: int) -> bool:
    """Strike before operation number *at* of the helper, and recover; whether there was one."""
    mirror = scenario.fresh(directory / f"{victim}-{at}")
    told = ended(start(scenario, mirror, victim, at))
    assert broken_links(mirror.web) == [], at
    scenario.assert_recovers(mirror)  # at once: nobody holds the lock
    shutil.rmtree(mirror.directory)
    if told is None:
        assert victim in ("mirror", "both")
        return True
    if told["outcome"] == "disk":
        assert ("signal 9" if victim == "helper" else "No space left") in told["reason"]
        return True
    assert told["outcome"] == "behind"  # it lived, as it does in every run
    return False


@pytest.mark.parametrize(("victim", "at"), [("mirror", 30), ("helper", 200), ("both", 120), ("disk", 77)])
def test_struck_here_and_there(scenarios: dict[str, Scenario], victim: str, at: int, tmp: Path) -> None:
    """A sample of what follows."""
    assert strike(scenarios["later"], tmp, victim, at)


@pytest.mark.faults
@pytest.mark.parametrize("victim", [*VICTIMS, "disk"])
@pytest.mark.parametrize("name", ["first", "later"])
def test_struck_before_many(scenarios: dict[str, Scenario], name: str, victim: str, tmp: Path, count: Count) -> None:
    """Before every twelfth operation of the helper, and at its last ones, which make the names durable."""
    tried = sum(itertools.takewhile(bool, (strike(scenarios[name], tmp, victim, at) for at in itertools.count(1, 12))))
    count(f"kills: {victim}, while a helper settles the {name} run", tried, kills=tried)
    assert tried > 20


# --- at any time -----------------------------------------------------------------------------------------------------


def children(pid: int) -> Iterator[int]:
    """The processes that *pid* has started."""
    for task in os.listdir(f"/proc/{pid}/task"):
        with suppress(FileNotFoundError, ProcessLookupError):  # a thread that has ended since
            yield from map(int, Path(f"/proc/{pid}/task/{task}/children").read_text().split())


def kill(process: subprocess.Popen[bytes], victim: str) -> None:
    """Kill *victim*, if it lives."""
    if victim == "both":
        os.killpg(process.pid, signal.SIGKILL)
    elif victim == "mirror":
        process.kill()
    else:
        for pid in children(process.pid):
            os.kill(pid, signal.SIGKILL)


def begun(scenario: Scenario, mirror: Mirror, victim: str) -> subprocess.Popen[bytes]:
    """A run that nobody has struck yet, from the moment at which *victim* is at work."""
    process = start(scenario, mirror, "nobody", 0)
    assert process.stdout is not None
    assert process.stdout.readline() == b"begins\n"
    while victim == "helper" and process.poll() is None and not is_settling(mirror):
        pass
    return process


def is_settling(mirror: Mirror) -> bool:
    """Whether anything was written to where it waits for its name."""
    folder = mirror.state / "tmp"
    return folder.is_dir() and any(folder.iterdir())


@pytest.mark.faults
@pytest.mark.parametrize("victim", VICTIMS)
def test_killed_at_any_time(scenarios: dict[str, Scenario], victim: str, tmp: Path, count: Count) -> None:
    """SIGKILL from outside, also while the helper starts, or is in the middle of being told of a batch."""
    draw, scenario, killed = random.Random(SEED), scenarios["first"], 0
    undisturbed = begun(scenario, scenario.fresh(tmp / "undisturbed"), victim)
    began = time.monotonic()
    assert ended(undisturbed) is not None
    long = (time.monotonic() - began) / 2  # the other half is the interpreter's end
    for number in range(RANDOM_KILLS):
        mirror = scenario.fresh(tmp / str(number))
        process = begun(scenario, mirror, victim)
        time.sleep(draw.uniform(0, long))
        if process.poll() is None:
            kill(process, victim)
        told = ended(process)
        killed += told is None or told["outcome"] == "disk"
        assert broken_links(mirror.web) == [], number
        scenario.assert_recovers(mirror)
        shutil.rmtree(mirror.directory)
    count(f"kills: SIGKILL at any time, {victim}, with a helper", RANDOM_KILLS, kills=killed)
    assert killed > RANDOM_KILLS // 20


# --- the program -----------------------------------------------------------------------------------------------------


def struck(program: Program, what: str, at: int) -> subprocess.CompletedProcess[str]:
    """A run of the program itself in a group of its own, struck; then one that is not, and has to be clean."""
    program.configure("[select]\neverything = true\n")
    done = subprocess.run(
        [sys.executable, *MODULE, "program", what, str(at), "mirror"],
        capture_output=True,
        check=False,
        text=True,
        cwd=TOP,
        timeout=LONG,
        start_new_session=True,
        env={"PATH": os.environ["PATH"], "HOME": str(program.home), "LANG": "C.UTF-8", **program.environment},
    )
    assert broken_links(program.directory / "web") == []
    assert program.run("mirror").returncode == 0
    assert len(list(program.directory.glob("web/packages/*/*/*/*.whl"))) == 6
    assert not list((program.directory / "state/tmp").iterdir())
    return done


@pytest.mark.parametrize(("name", "at", "code"), [("SIGINT", 0, 130), ("SIGINT", 20, 130), ("SIGTERM", 0, 143)])
def test_the_group_is_stopped(program: Program, name: str, at: int, code: int) -> None:
    """^C reaches the helper as well, at worst while it starts: the run ends as without it, and it without a word."""
    done = struck(program, name, at)
    assert done.returncode == code
    assert "Traceback" not in done.stderr
    assert "the process that writes" not in done.stderr


def test_the_helper_is_killed(program: Program) -> None:
    """The run says so, and ends as when the disk has failed; the next one does the rest."""
    done = struck(program, "helper", 20)
    assert done.returncode == 74
    assert "was ended by signal 9; was there too little memory?; run this again" in done.stderr


def test_the_helper_does_not_come_up(program: Program) -> None:
    """Then the run does its work itself."""
    done = struck(program, "helper", 0)
    assert (done.returncode, done.stderr) == (0, "")
