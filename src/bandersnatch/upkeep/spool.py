"""Many lines, kept on the disk between the look at a mirror and what is done about it."""

from __future__ import annotations

import errno
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import IO

from bandersnatch.errors import StorageError

AT_ONCE = 1000
"""Lines that are taken back at a time."""


class Spool:
    """Texts in the order in which they came, in the system's folder for temporary files. Raises StorageError."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self.count = 0

    def add(self, text: str) -> None:
        """Keep *text*, which may hold what no UTF-8 can."""
        with _translated():
            self._file.write(json.dumps(text) + "\n")
        self.count += 1

    def parts(self) -> Iterator[list[str]]:
        """All of them, some at a time. Nothing is added any more."""
        with _translated():
            self._file.seek(0)
        while lines := list(islice(self._file, AT_ONCE)):
            yield [json.loads(line) for line in lines]


@contextmanager
def spool() -> Iterator[Spool]:
    """An empty one, which is gone at the end of the block."""
    with _translated():
        file = tempfile.TemporaryFile("w+", encoding="ascii", prefix="bandersnatch-")  # noqa: SIM115  # closed below
    with file:
        yield Spool(file)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        message = f"{tempfile.gettempdir()}: {error.strerror}; $TMPDIR names another folder"
        raise StorageError(message, errno=error.errno or errno.EIO) from error
