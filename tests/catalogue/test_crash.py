"""A process that is killed anywhere in its commits leaves each batch whole or absent."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from bandersnatch.catalogue.sqlite import SqliteCatalogue
from tests.catalogue.samples import FOREVER, commit, held, listed, published
from tests.catalogue.watched import Watch

BATCHES, SIZE = 4, 6
COMPLETE = "complete"


def names(batch: int) -> list[str]:
    return [f"p{project}-of-batch-{batch}" for project in range(SIZE)]


def work(path: Path, die_at: int) -> None:
    """Commit batch after batch, saying so after each; be killed when the statement numbered *die_at* begins."""
    watch = Watch(lambda number: os.kill(os.getpid(), signal.SIGKILL) if number == die_at else None)
    sqlite3.connect = watch.connect  # type: ignore[assignment]  # this process is here for nothing else
    with closing(SqliteCatalogue(path)) as catalogue:
        watch.reset()
        for batch in range(BATCHES):
            commits = [commit(name, batch, held(name), leaving=[f"packages/{name}"]) for name in names(batch)]
            catalogue.commit(commits)
            print(batch, flush=True)
    print(COMPLETE, len(watch.statements), flush=True)


def run(path: Path, die_at: int = 0) -> list[str]:
    """The lines that ``work`` said, in a process of its own."""
    command = [
        sys.executable,
        "-c",
        "import sys; from pathlib import Path; from tests.catalogue.test_crash import work;",
    ]
    command[-1] += "work(Path(sys.argv[1]), int(sys.argv[2]))"
    root = Path(__file__).parents[2]
    done = subprocess.run([*command, str(path), str(die_at)], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == (-signal.SIGKILL if die_at else 0), done.stderr
    return done.stdout.splitlines()


def whole_batches(path: Path) -> int:
    """How many batches are there. Fails unless each is whole or absent, and none is there after one that is not."""
    with closing(SqliteCatalogue(path)) as catalogue:
        present = 0
        while present < BATCHES and catalogue.entry(names(present)[0]) is not None:
            present += 1
        for batch in range(BATCHES):
            for name in names(batch):
                there = batch < present
                assert catalogue.entry(name) == (commit(name, batch).entry if there else None)
                assert catalogue.published(name) == (
                    published(name, held(name)) if there else published(name).__class__()
                )
        assert len(list(catalogue.leaving(FOREVER))) == len(list(catalogue.index())) == present * SIZE
        assert catalogue.totals().projects == present * SIZE
    with closing(sqlite3.connect(path)) as file:
        assert file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    return present


STATEMENTS = BATCHES * (SIZE * 5 + 3)
"""So many run in all: five for each project; the beginning, the look at what leaves, and the end of each batch."""


def test_uninterrupted(tmp_path: Path) -> None:
    """Without a crash, all batches are there; the number of statements is the one that the kill points spread over."""
    path = tmp_path / "catalogue.sqlite"
    assert run(path) == [*map(str, range(BATCHES)), f"{COMPLETE} {STATEMENTS}"]
    assert whole_batches(path) == BATCHES


@pytest.mark.parametrize("die_at", [*range(1, STATEMENTS, 17), STATEMENTS])
def test_killed(tmp_path: Path, die_at: int) -> None:
    """Every batch that was said to be committed is there, no other is there in part, and the work can go on."""
    path = tmp_path / "catalogue.sqlite"
    said = run(path, die_at)
    present = whole_batches(path)
    assert present == len(said)
    assert run(path)[-1].startswith(COMPLETE)
    assert whole_batches(path) == BATCHES


def test_killed_in_adopt(tmp_path: Path) -> None:
    """A list is adopted with its facts or not at all."""
    path = tmp_path / "catalogue.sqlite"
    code = (
        "import sys; from pathlib import Path; from tests.catalogue.test_crash import adopt; adopt(Path(sys.argv[1]))"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code, str(path)], cwd=root, check=False)
    assert done.returncode == -signal.SIGKILL
    with closing(SqliteCatalogue(path)) as catalogue:
        assert catalogue.count_due(FOREVER) == 0
        assert catalogue.get("list-serial") is None


def adopt(path: Path) -> None:
    """Be killed between the list and the facts of one ``adopt``."""

    def die(number: int) -> None:
        if watch.statements[-1].startswith("INSERT INTO fact"):
            os.kill(os.getpid(), signal.SIGKILL)

    watch = Watch(die)
    sqlite3.connect = watch.connect  # type: ignore[assignment]  # this process is here for nothing else
    catalogue = SqliteCatalogue(path)
    catalogue.begin_listing()
    catalogue.absorb([listed(f"p{number:05}", 1) for number in range(5000)])
    catalogue.adopt(1.0, {"list-serial": "1"})
