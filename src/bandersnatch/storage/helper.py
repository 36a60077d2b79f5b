"""A process that settles: it writes and names objects while this one goes on, on another core of the machine.

A first sync makes thirteen files and a dozen folders a project, some ninety calls of the system that take longer than
all of Python's work for it. From a thread, each of them lets go of the interpreter's lock and has to wait for it again.

The helper does nothing of its own: it takes one batch after the other on its standard input, runs the same
``Settling`` that runs without it, and answers what came of it. It ends when its input does, after the batch that it is
at; the mirror's lock, which it has from who started it, is held as long. A batch of which the end never came it drops.
Its objects are pickled, as from and to ourselves alone.
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

PROGRAM: tuple[str, ...] = ("-P", "-m", "bandersnatch.storage.helper")
"""What the interpreter is to run; modules in the folder that it is run from are none of ours."""

_ERRORS = {kind.__name__: kind for kind in (StorageError, OutOfSpace, NotDurable)}
_SILENT = (OSError, EOFError, pickle.UnpicklingError)
"""What is raised where the other side has ended, in the middle of a word or not."""
_OF_THE_OWNER = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals that reach a whole group of processes: who started us decides when to end, and ends our input."""

Answer = tuple[str, str, str | None, int | None] | None
"""What went wrong, if anything: which of these errors, its message, the key, the system's number."""


class Helper:
    """The one process that a storage has for this, started with its first batch. Safe for one thread at a time."""

    def __init__(self, root: int, root_path: str, stage: int, stage_path: str) -> None:
        """*root* and *stage* are descriptors of the folders of the served tree and of the stage."""
        self._folders = (root, stage)
        self._paths = (root_path, stage_path)
        self._process: subprocess.Popen[bytes] | None = None
        self._lost: StorageError | None = None
        """Why it is asked nothing more."""

    @property
    def pid(self) -> int | None:
        """Its process id, once it was started."""
        return None if self._process is None else self._process.pid

    def start(self) -> bool:
        """Start it. Returns whether it is there and listens; if not, nothing was asked of it."""
        try:
            self._process = self._started()
            assert self._process.stdout is not None
            pickle.load(self._process.stdout)  # noqa: S301  # from ourselves
        except _SILENT:
            self.close()
            return False
        return True

    def settle(self, staged: Sequence[Staged]) -> None:
        """As ``Settling.settle``, once it was started. Raises StorageError, also when the helper is gone."""
        assert self._process is not None
        if self._lost is not None:
            raise self._lost
        try:
            answer = _asked(self._process, staged)
        except BaseException as error:
            # It is asked nothing more: what it said of this batch would be taken for its word about the next one.
            self._lost = _lost(_ended(self._process), self._paths[0])
            if isinstance(error, _SILENT):
                raise self._lost from error
            raise
        if answer is not None:
            kind, message, key, number = answer
            raise _ERRORS[kind](message, key=key, errno=number)

    def close(self) -> None:
        """Let it end, and wait until it has."""
        process, self._process = self._process, None
        if process is not None:
            _ended(process)

    def _started(self) -> subprocess.Popen[bytes]:
        """The helper. What is inherited is what was made to be: the two folders, the mirror's lock, blocked signals."""
        folders: list[int] = []
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _OF_THE_OWNER)
        try:
            folders += map(os.dup, self._folders)
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
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            for fd in folders:
                os.close(fd)


def _ended(process: subprocess.Popen[bytes]) -> int:
    """Let it end; returns how it did: its exit code, or less than 0 for a signal."""
    assert process.stdin is not None
    assert process.stdout is not None
    with suppress(BrokenPipeError):  # it has ended already
        process.stdin.close()
    process.stdout.close()
    return process.wait()


def _lost(code: int, place: str) -> StorageError:
    how = f"was ended by signal {-code}" if code < 0 else "has ended"
    advice = "; was there too little memory?" if code == -signal.SIGKILL else ""
    return StorageError(f"the process that writes to {place} {how}{advice}; run this again", errno=errno.EIO)


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
    root, root_path, stage, stage_path = arguments
    fs = FileSystem()
    settling = Settling(Tree(int(root), root_path, fs), Stage(int(stage), stage_path, fs), fs)
    source, target = sys.stdin.buffer, sys.stdout.buffer
    try:
        _say(None, target)
        while True:
            _say(_settle(settling, source), target)
    except (EOFError, pickle.UnpicklingError, BrokenPipeError):
        # Nobody is left to tell: not even what the interpreter flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), target.fileno())


def _say(answer: Answer, target: IO[bytes]) -> None:
    """The first says that we listen, each other one what became of a batch."""
    pickle.dump(answer, target)
    target.flush()


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
    """One batch, as it arrives. Raises EOFError or UnpicklingError where it breaks off: none of it gets its key."""
    while (one := pickle.load(source)) is not None:  # noqa: S301  # from ourselves
        yield Staged(*one)


if __name__ == "__main__":
    main(sys.argv[1:])
