"""A process that is killed anywhere in its commits leaves each of them whole or absent."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from bandersnatch.catalogue.base import Published
from bandersnatch.catalogue.sqlite import SqliteCatalogue
from tests.catalogue.dying import BATCHES, PROJECTS, SIZE, batch
from tests.catalogue.samples import FOREVER, leaving_keys

POINTS = 9
"""Moments at which a series of commits is killed, from its first statement to its last."""


def run(what: str, path: Path, die_at: int = 0) -> list[str]:
    """The lines that a process of its own said, until it was killed."""
    command = [sys.executable, "-m", "tests.catalogue.dying", what, str(path), str(die_at)]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    assert done.returncode == (-signal.SIGKILL if die_at else 0), done.stderr
    return done.stdout.splitlines()


def whole_batches(path: Path) -> int:
    """How many batches are there. Fails unless each is whole or absent, and none is there after one that is not."""
    with closing(SqliteCatalogue(path)) as catalogue:
        present = 0
        while present < BATCHES and catalogue.entry(batch(present)[0].entry.name) is not None:
            present += 1
        for number in range(BATCHES):
            for one in batch(number):
                there = number < present
                assert catalogue.entry(one.entry.name) == (one.entry if there else None)
                assert catalogue.published(one.entry.name) == (one.published if there else Published())
        assert len(leaving_keys(catalogue)) == len(list(catalogue.index())) == present * SIZE
    with closing(sqlite3.connect(path)) as file:
        assert file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    return present


@pytest.fixture(scope="module")
def statements(tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """How many statements each kind of work takes when nobody interrupts it."""
    folder = tmp_path_factory.mktemp("whole")
    said = {what: run(what, folder / what) for what in ("commit", "adopt")}
    assert said["commit"][:-1] == [str(number) for number in range(BATCHES)]
    assert whole_batches(folder / "commit") == BATCHES
    return {what: int(lines[-1]) for what, lines in said.items()}


@pytest.mark.parametrize("point", range(POINTS))
def test_killed_in_commits(tmp_path: Path, statements: dict[str, int], point: int) -> None:
    """What was said to be committed is there, whole; of what was not, nothing is; and the work can go on."""
    path = tmp_path / "catalogue.sqlite"
    said = run("commit", path, 1 + (statements["commit"] - 1) * point // (POINTS - 1))
    assert whole_batches(path) == len(said)
    with closing(SqliteCatalogue(path)) as catalogue:
        for number in range(BATCHES):
            catalogue.commit(batch(number))
    assert whole_batches(path) == BATCHES


@pytest.mark.parametrize("before_the_end", range(5))
def test_killed_in_adopt(tmp_path: Path, statements: dict[str, int], before_the_end: int) -> None:
    """A list is adopted together with its facts, or not at all."""
    path = tmp_path / "catalogue.sqlite"
    run("adopt", path, statements["adopt"] - before_the_end)
    with closing(SqliteCatalogue(path)) as catalogue:
        state = catalogue.count_due(FOREVER), catalogue.get("list-serial")
    assert state == ((PROJECTS, "1") if before_the_end == 0 else (0, None))
