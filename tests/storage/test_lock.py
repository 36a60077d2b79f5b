"""The lock of a run."""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
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
    clock = Time()
    clock.release_at = (1002.5, Lock(path, STARTED).acquire())
    with clock.lock(path).acquire(wait=10):
        assert clock.slept == [1.0, 1.0, 1.0]


def test_waits_in_vain(path: Path) -> None:
    """Who waits stops when the time is over, not later, and tries once more then."""
    clock = Time()
    with Lock(path, STARTED).acquire(), pytest.raises(Locked):
        clock.lock(path).acquire(wait=2.5)
    assert clock.slept == [1.0, 1.0, 0.5]


def test_waits_for_ever(path: Path) -> None:
    """With no limit, waiting goes on as long as it takes."""
    clock = Time()
    clock.release_at = (1000.0 + 86400, Lock(path, STARTED).acquire())
    clock.lock(path).acquire(wait=None).release()
    assert sum(clock.slept) == 86400


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


def test_its_owners_alone(path: Path) -> None:
    """Nobody else can open the file, and so lock it, be it new or one that an earlier version made for all to read."""
    for _ in range(2):
        Lock(path, STARTED).acquire().release()
        assert path.stat().st_mode & 0o777 == 0o600
        path.chmod(0o644)


@pytest.fixture
def neighbour(tmp_path: Path) -> Iterator[Callable[[], None]]:
    """Locks the mirror's folder, as whoever may read it can; a shared lock is enough to keep others out."""
    fd = os.open(tmp_path, os.O_RDONLY)
    yield lambda: fcntl.flock(fd, fcntl.LOCK_SH)
    os.close(fd)


def test_neighbour(path: Path, tmp_path: Path, neighbour: Callable[[], None]) -> None:
    """Who locks the folder stops no run of a mirror that had one before, and two runs still exclude each other."""
    Lock(path, STARTED, anchor=tmp_path).acquire().release()
    neighbour()
    with Lock(path, STARTED, anchor=tmp_path).acquire(), pytest.raises(Locked):
        Lock(path, STARTED, anchor=tmp_path).acquire()


def test_deleted_while_held(path: Path, tmp_path: Path) -> None:
    """A file that was deleted under its holder lets nobody else in, however often he tries, and that is said."""
    with Lock(path, STARTED, anchor=tmp_path).acquire():
        path.unlink()
        for _ in range(2):
            with pytest.raises(Locked, match=f"fuser -v {tmp_path} names the process") as caught:
                Lock(path, STARTED, anchor=tmp_path).acquire()
            assert caught.value.odd
    Lock(path, STARTED, anchor=tmp_path).acquire().release()


def test_held_for_long(path: Path) -> None:
    """That a lock is held for more than a day is worth a word, once a day; a run of some hours is not."""
    with Lock(path, STARTED).acquire():
        for hours, odd in ((1, False), (25, True), (0, False), (25, True)):
            if hours:
                then = time.time() - hours * 3600
                os.utime(path, (then, then))
            with pytest.raises(Locked, match=f"process {os.getpid()} since 2026") as caught:
                Lock(path, STARTED).acquire()
            assert caught.value.odd == odd, hours


def test_nothing_stays_open(path: Path) -> None:
    """Neither a refused lock nor one that was let go twice keeps or closes a descriptor of somebody else."""
    before = len(os.listdir("/proc/self/fd"))
    lock = Lock(path, STARTED).acquire()
    with pytest.raises(Locked):
        Lock(path, STARTED).acquire()
    lock.release()
    lock.release()
    assert len(os.listdir("/proc/self/fd")) == before
