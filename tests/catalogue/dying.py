"""What a process does with a catalogue until it is killed, at a statement that is chosen beforehand.

Run as ``python -m tests.catalogue.dying <what> <path> <number of the statement, or 0>``.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

from bandersnatch.catalogue.base import Commit
from bandersnatch.catalogue.sqlite import SqliteCatalogue
from tests.catalogue.samples import commit, held, listed
from tests.catalogue.watched import Watch

BATCHES, SIZE = 4, 6
PROJECTS = 5000


def batch(number: int) -> list[Commit]:
    """The projects that are committed together."""
    names = [f"p{project}-of-batch-{number}" for project in range(SIZE)]
    return [commit(name, number, held(name), leaving=[f"packages/{name}"]) for name in names]


def say(number: int) -> None:
    """Tell the parent process, at once: there may be no later."""
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


def commit_all(catalogue: SqliteCatalogue) -> None:
    """Commit batch after batch, saying so after each."""
    for number in range(BATCHES):
        catalogue.commit(batch(number))
        say(number)


def adopt(catalogue: SqliteCatalogue) -> None:
    """Adopt a list together with its serial."""
    catalogue.begin_listing()
    catalogue.absorb([listed(f"p{number:05}", 1) for number in range(PROJECTS)])
    catalogue.adopt(1.0, {"list-serial": "1"})


def work(what: str, path: Path, die_at: int) -> None:
    """Do *what*, then say how many statements that took; be killed as the statement *die_at* begins."""
    watch = Watch(lambda number: os.kill(os.getpid(), signal.SIGKILL) if number == die_at else None)
    sqlite3.connect = watch.connect  # type: ignore[assignment]  # this process is here for nothing else
    # The first opening, which makes the tables, is not counted.
    SqliteCatalogue(path).close()
    watch.reset()
    with closing(SqliteCatalogue(path)) as catalogue:
        {"commit": commit_all, "adopt": adopt}[what](catalogue)
        say(len(watch.statements))


if __name__ == "__main__":
    work(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
