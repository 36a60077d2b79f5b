"""Cut off at any step and run again, the totals are those of an uninterrupted run."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from bandersnatch.errors import StorageError
from bandersnatch.ledger.base import Entry
from bandersnatch.ledger.sqlite import SqliteEntry, SqliteLedger
from bandersnatch.stats import update
from tests.stats.conftest import Statistics, lines, once
from tests.storage.watched import Call, Watched


class Killed(BaseException):
    """The end of the process: nothing catches it."""


class Dying(Watched):
    """Ends at the call with the number *at*, or fails there with an error."""

    def __init__(self, at: int, *, error: OSError | None = None) -> None:
        super().__init__()
        self.left = at
        self.error = error

    def before(self, call: Call) -> None:
        self.step()

    def step(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise self.error or Killed


def _stepping(fs: Dying, method: Callable[..., object]) -> Callable[..., object]:
    def step(*args: object, **named: object) -> object:
        fs.step()
        return method(*args, **named)

    return step


def filled(home: Path) -> Statistics:
    """Statistics with two logs, of which some files are in both."""
    home.mkdir()
    statistics = Statistics(home)
    statistics.log("access.log.1").write_bytes(lines(*range(8)))
    statistics.log("access.log").write_bytes(lines(*range(5, 14), second=1))
    return statistics


EXPECTED = once(*range(8)) + once(*range(5, 14))


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """The ledger takes over block by block, and blocks are small."""
    monkeypatch.setattr(update, "AT_ONCE", 1)
    monkeypatch.setattr("bandersnatch.inputs.logs.BLOCK", 2500)


def test_killed_at_every_step(tmp_path: Path) -> None:
    """Each mutating step is the last one once; the next run counts what is missing, and nothing twice."""
    for at in range(1, 1000):
        statistics = filled(tmp_path / str(at))
        fs = Dying(at)
        with pytest.MonkeyPatch.context() as patch:
            _install(patch, fs)
            try:
                statistics.update(fs=fs)
            except Killed:
                pass
            else:
                break
        statistics.update()
        assert statistics.counted() == EXPECTED, f"killed at step {at}"
        assert statistics.update().bytes == 0
    assert 20 < at < 900


def _install(patch: pytest.MonkeyPatch, fs: Dying) -> None:
    for name in ("add", "add_lines", "move"):
        patch.setattr(SqliteEntry, name, _stepping(fs, getattr(SqliteEntry, name)))
    patch.setattr(SqliteLedger, "set_written", _stepping(fs, SqliteLedger.set_written))
    entry = SqliteLedger.entry

    @contextmanager
    def ending(self: SqliteLedger) -> Iterator[Entry]:
        with entry(self) as inner:
            yield inner
            fs.step()  # all was written, and nothing is committed
        fs.step()  # all is committed, and nobody was told

    patch.setattr(SqliteLedger, "entry", ending)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_the_disk_fails(number: int, tmp_path: Path) -> None:
    """Whatever call fails, it is a StorageError that names the place; the next run makes it good."""
    for at in range(1, 1000):
        statistics = filled(tmp_path / f"{number}-{at}")
        try:
            statistics.update(fs=Dying(at, error=OSError(number, "as the test wants")))
        except StorageError as error:
            assert "local-stats" in str(error)
        else:
            break
        statistics.update()
        assert statistics.counted() == EXPECTED
    assert at > 10


def test_a_pipe_is_counted_wholly_or_not_at_all(tmp_path: Path) -> None:
    """A pipe has no place to go on at: cut off while it is read, nothing of it was counted."""
    statistics = filled(tmp_path / "home")

    def blocks() -> Iterator[bytes]:
        yield lines(1, 2)
        raise Killed

    with closing(statistics.ledger()) as ledger:
        run = update.Update(ledger, statistics.shelf, statistics.wish())
        with pytest.raises(Killed):
            run.read_pipe(blocks(), "standard input")
    with closing(statistics.ledger()) as ledger:
        run = update.Update(ledger, statistics.shelf, statistics.wish())
        run.read_pipe([lines(1, 2), lines(3)], "standard input")
        run.finish()
    assert statistics.counted() == once(1, 2, 3)
