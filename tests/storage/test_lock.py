"""The lock of a run."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bandersnatch.errors import Locked, StorageError
from bandersnatch.storage.lock import Lock
from tests.storage.watched import Failing

STARTED = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)


class Time:
    """A clock that only sleeping moves, and what happens when it gets somewhere."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []
        self.release_at: tuple[float, Lock] | None = None

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        if self.release_at and self.now >= self.release_at[0]:
            self.release_at[1].release()

    def lock(self, path: Path) -> Lock:
        return Lock(path, STARTED, clock=lambda: self.now, sleep=self.sleep)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the lock is."""
    return tmp_path / "state/lock"


def test_taken_and_let_go(path: Path) -> None:
    """The lock is held inside the block and free after it, and its file stays."""
    with Lock(path, STARTED).acquire(), pytest.raises(Locked):
        Lock(path, STARTED).acquire()
    assert path.exists()
    with Lock(path, STARTED).acquire():
        pass


def test_let_go_on_error(path: Path) -> None:
    """An error inside the block lets the lock go."""
    with pytest.raises(RuntimeError), Lock(path, STARTED).acquire():
        raise RuntimeError
    Lock(path, STARTED).acquire().release()


def test_names_the_holder(path: Path) -> None:
    """Who does not get the lock reads which process has it, since when, and where."""
    with Lock(path, STARTED).acquire(), pytest.raises(Locked) as caught:
        Lock(path, STARTED).acquire()
    assert f"process {os.getpid()} since 2026-01-02T03:04:05+00:00" in str(caught.value)
    assert str(path) in str(caught.value)


def test_stale_text(path: Path) -> None:
    """What an earlier run wrote into the file, however long, neither holds the lock nor stays."""
    path.parent.mkdir()
    path.write_text("process 1 since the beginning of time " * 10)
    with Lock(path, STARTED).acquire():
        assert path.read_text() == f"process {os.getpid()} since 2026-01-02T03:04:05+00:00\n"


def test_no_text(path: Path) -> None:
    """A holder that could not write its name, on a full disk, has the lock all the same."""
    lock = Lock(path, STARTED, fs=Failing(1, errno.ENOSPC, sticky=True, only="write"))
    path.parent.mkdir()
    with lock.acquire(), pytest.raises(Locked, match="another run holds this mirror"):
        Lock(path, STARTED).acquire()


def test_waits_and_gets_it(path: Path) -> None:
    """Who waits has the lock soon after it is free."""
    time = Time()
    time.release_at = (1002.5, Lock(path, STARTED).acquire())
    with time.lock(path).acquire(wait=10):
        assert time.slept == [1.0, 1.0, 1.0]


def test_waits_in_vain(path: Path) -> None:
    """Who waits stops when the time is over, not later, and tries once more then."""
    time = Time()
    with Lock(path, STARTED).acquire(), pytest.raises(Locked):
        time.lock(path).acquire(wait=2.5)
    assert time.slept == [1.0, 1.0, 0.5]


def test_waits_for_ever(path: Path) -> None:
    """With no limit, waiting goes on as long as it takes."""
    time = Time()
    time.release_at = (1000.0 + 86400, Lock(path, STARTED).acquire())
    time.lock(path).acquire(wait=None).release()
    assert sum(time.slept) == 86400


def test_killed_holder(path: Path) -> None:
    """A process that ends without a word leaves no lock behind, only its name."""
    program = (
        "import os, sys; from datetime import datetime; from bandersnatch.storage.lock import Lock\n"
        "Lock(sys.argv[1], datetime(2026, 1, 1)).acquire(); os._exit(9)"
    )
    assert subprocess.run([sys.executable, "-c", program, str(path)], check=False).returncode == 9
    assert "since 2026-01-01" in path.read_text()
    Lock(path, STARTED).acquire().release()


def test_cannot_be_opened(path: Path) -> None:
    """A lock file that cannot be had is an error of the disk, with its place."""
    path.mkdir(parents=True)
    with pytest.raises(StorageError, match=f"Is a directory at {path}"):
        Lock(path, STARTED).acquire()


def test_nothing_stays_open(path: Path) -> None:
    """Neither a refused lock nor one that was let go twice keeps or closes a descriptor of somebody else."""
    before = len(os.listdir("/proc/self/fd"))
    lock = Lock(path, STARTED).acquire()
    with pytest.raises(Locked):
        Lock(path, STARTED).acquire()
    lock.release()
    lock.release()
    assert len(os.listdir("/proc/self/fd")) == before
