"""A process that settles: it writes and names objects while this one goes on, on another core of the machine.

A first sync makes thirteen files and a dozen folders a project, some ninety calls of the system that take longer than
all of Python's work for it. From a thread, each of them lets go of the interpreter's lock and has to wait for it again.

The helper does nothing of its own: it takes one batch after the other on its standard input, runs the same
``Settling`` that runs without it, and answers what came of it. It ends when its input does, after the batch that it is
at; the mirror's lock, which it has from who started it, is held as long. Its objects are pickled, as from and to
ourselves alone.
"""

from __future__ import annotations

import errno
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import IO

from bandersnatch.errors import NotDurable, OutOfSpace, StorageError
from bandersnatch.storage.fsops import FileSystem
from bandersnatch.storage.settling import Settling
from bandersnatch.storage.staging import Stage, Staged
from bandersnatch.storage.tree import Tree

PROGRAM = ("-m", "bandersnatch.storage.helper")
"""What the interpreter is to run."""

WORTH_IT = 100
"""Objects in one batch from which on a helper is started; it takes a few hundredths of a second."""

_ERRORS = {kind.__name__: kind for kind in (StorageError, OutOfSpace, NotDurable)}

Answer = tuple[str, str, str | None, int | None] | None
"""What went wrong, if anything: which of these errors, its message, the key, the system's number."""


def is_worth_it() -> bool:
    """Whether this machine has a core for it."""
    return len(os.sched_getaffinity(0)) > 1


class Helper:
    """The one process that a storage has for this, started with its first batch. Safe for one thread at a time."""

    def __init__(self, root: int, root_path: str, stage: int, stage_path: str) -> None:
        """*root* and *stage* are descriptors of the folders of the served tree and of the stage."""
        self._folders = (root, stage)
        self._paths = (root_path, stage_path)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Its process id, once it was started."""
        return None if self._process is None else self._process.pid

    def settle(self, staged: Sequence[Staged]) -> None:
        """As ``Settling.settle``. Raises StorageError, also when the helper is gone."""
        try:
            if self._process is None:
                self._process = self._started()
            answer = _asked(self._process, staged)
        except (OSError, EOFError, pickle.UnpicklingError) as error:
            raise StorageError(
                f"the process that writes to {self._paths[0]} has ended; run this again", errno=errno.EIO
            ) from error
        if answer is not None:
            kind, message, key, number = answer
            raise _ERRORS[kind](message, key=key, errno=number)

    def close(self) -> None:
        """Let it end, and wait until it has."""
        process, self._process = self._process, None
        if process is not None and process.stdin is not None and process.stdout is not None:
            with suppress(BrokenPipeError):  # it has ended already
                process.stdin.close()
            process.stdout.close()
            process.wait()

    def _started(self) -> subprocess.Popen[bytes]:
        """The helper. What is inherited is what was made to be: the two folders, and the mirror's lock."""
        folders = [os.dup(fd) for fd in self._folders]
        try:
            for fd in folders:
                os.set_inheritable(fd, True)
            arguments = [str(value) for pair in zip(folders, self._paths, strict=True) for value in pair]
            return subprocess.Popen(  # noqa: S603  # our own interpreter, with our own module
                [sys.executable, *PROGRAM, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                close_fds=False,
            )
        finally:
            for fd in folders:
                os.close(fd)


def _asked(process: subprocess.Popen[bytes], staged: Sequence[Staged]) -> Answer:
    assert process.stdin is not None
    assert process.stdout is not None
    for one in staged:
        pickle.dump((one.name, one.key, one.data, one.twin), process.stdin, 5)
    pickle.dump(None, process.stdin)
    process.stdin.flush()
    answer: Answer = pickle.load(process.stdout)  # noqa: S301  # from ourselves
    return answer


# --- in the helper -------------------------------------------------------------------------------------------------


def main(arguments: Sequence[str]) -> None:
    """Settle batch after batch, until there are no more. *arguments*: two folders, each as descriptor and path."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # who started us decides when to end, and ends our input
    root, root_path, stage, stage_path = arguments
    fs = FileSystem()
    settling = Settling(Tree(int(root), root_path, fs), Stage(int(stage), stage_path, fs), fs)
    source, target = sys.stdin.buffer, sys.stdout.buffer
    try:
        while True:
            pickle.dump(_settle(settling, source), target)
            target.flush()
    except (EOFError, BrokenPipeError):
        os.close(target.fileno())  # nobody is left to tell: not even that at the interpreter's end


def _settle(settling: Settling, source: IO[bytes]) -> Answer:
    batch = _batch(source)
    try:
        settling.settle(batch)
    except StorageError as error:
        for _ in batch:  # what is still to come of a batch that failed
            pass
        return type(error).__name__, str(error), error.key, error.errno
    return None


def _batch(source: IO[bytes]) -> Iterator[Staged]:
    """One batch, as it arrives. Raises EOFError where it breaks off: then none of it is to get its key."""
    while (one := pickle.load(source)) is not None:  # noqa: S301  # from ourselves
        yield Staged(*one)


if __name__ == "__main__":
    main(sys.argv[1:])
