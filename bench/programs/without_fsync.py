"""The product's command line with a disk that is never waited for. For the bench alone: what it mirrors can be lost."""

from __future__ import annotations

import sqlite3
import sys
from pathlib import Path

from bandersnatch.__main__ import main
from bandersnatch.catalogue import opening
from bandersnatch.storage import helper
from bandersnatch.storage.fsops import FileSystem

HELPER = "helper"
"""The first argument of the process that settles for the first one: it must not wait either."""


def _nothing(self: FileSystem, fd: int) -> None:
    """Takes the place of every call that waits for the disk."""


_connect = opening.connect


def _unsynchronised(path: Path, *, read_only: bool, at_rest: bool = False) -> sqlite3.Connection:
    connection = _connect(path, read_only=read_only, at_rest=at_rest)
    connection.execute("PRAGMA synchronous = OFF")
    return connection


for _name in ("fsync", "fsync_directory", "syncfs"):
    setattr(FileSystem, _name, _nothing)
opening.connect = _unsynchronised
helper.PROGRAM = (__file__, HELPER)

if __name__ == "__main__":
    if sys.argv[1:2] == [HELPER]:
        helper.main(sys.argv[2:])
    else:
        main()
