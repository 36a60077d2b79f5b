"""
The golden scenario, or the program itself, whose every batch is settled by a helper, in processes of their own.

    python -m tests.faults.helped run STRIKE AT DIRECTORY NOW LATER
    python -m tests.faults.helped program STRIKE AT ARGUMENT ...

Before operation number AT of the helper, or before it listens if that is 0, somebody is struck: one of ``STRIKES``.
"""

from __future__ import annotations

import errno
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bandersnatch import assemble
from bandersnatch.cli.main import run as program
from bandersnatch.storage import filesystem, helper
from bandersnatch.storage.filesystem import FileStorage
from tests.faults.golden import Mirror, upstream
from tests.faults.operations import Operations

STRIKES: dict[str, Callable[[], BaseException | None]] = {
    "nobody": lambda: None,
    "mirror": lambda: os.kill(os.getppid(), signal.SIGKILL),
    "helper": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "both": lambda: os.killpg(0, signal.SIGKILL),
    "SIGINT": lambda: os.killpg(0, signal.SIGINT),
    "SIGTERM": lambda: os.killpg(0, signal.SIGTERM),
    "disk": lambda: OSError(errno.ENOSPC, "it is full"),
}


def run(directory: str, now: str, later: str) -> None:
    """Says a line when it begins, and how it ended."""
    vars(assemble)["FileStorage"] = _helped
    upstream(later=bool(int(later)))
    sys.stdout.write("begins\n")
    sys.stdout.flush()
    finished = Mirror(Path(directory)).run(float(now), later=bool(int(later)))
    json.dump({"outcome": finished.outcome, "reason": finished.reason}, sys.stdout)


def _helped(*folders: Any, fs: Any, helped: bool, reserve: int) -> FileStorage:
    assert not helped, "a file system of our own and a helper"
    return FileStorage(*folders, fs=fs, helped=True, reserve=reserve)


def help_(strike: str, at: str, *arguments: str) -> None:
    """The helper that this run has."""
    if at == "0":
        STRIKES[strike]()
    operations = Operations(lambda number, _: STRIKES[strike]() if number == int(at) else None)
    vars(helper)["FileSystem"] = lambda: operations
    helper.main(arguments)


if __name__ == "__main__":
    kind, strike, at, *rest = sys.argv[1:]
    vars(filesystem)["WORTH_IT"] = 0
    if strike != "nobody":
        helper.PROGRAM = ("-m", "tests.faults.helped", "help", strike, at)
    vars(filesystem)["can_be_helped"] = lambda: True
    if kind == "program":
        sys.exit(program(rest))
    elif kind == "run":
        run(*rest)
    else:
        help_(strike, at, *rest)
