"""The process that settles: what it is given it does as its owner would, and no more than that."""

from __future__ import annotations

import errno
import io
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bandersnatch.errors import NotDurable, StorageError
from bandersnatch.storage import filesystem
from bandersnatch.storage.filesystem import FileStorage
from bandersnatch.storage.helper import PROGRAM, Helper
from bandersnatch.storage.lock import Lock
from bandersnatch.storage.staging import SMALL, Staged

TOKEN = "0123456789abcdef" * 4


@pytest.fixture
def storage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FileStorage]:
    """One whose every batch goes to its helper."""
    monkeypatch.setattr(filesystem, "WORTH_IT", 0)
    one = FileStorage(tmp_path / "web", tmp_path / "state", helped=True)
    yield one
    one.close()


@pytest.fixture
def folders(tmp_path: Path) -> Iterator[tuple[int, str, int, str]]:
    """A served folder and a stage, open."""
    paths = [tmp_path / name for name in ("web", "tmp")]
    for path in paths:
        path.mkdir()
    root, stage = (os.open(path, os.O_RDONLY | os.O_DIRECTORY) for path in paths)
    yield root, str(paths[0]), stage, str(paths[1])
    os.close(root)
    os.close(stage)


@pytest.fixture
def helper(folders: tuple[int, str, int, str]) -> Iterator[Helper]:
    one = Helper(*folders)
    yield one
    one.close()


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_everything_that_can_be_staged(storage: FileStorage, tmp_path: Path) -> None:
    """Small and large, one object with two names, what arrived bit by bit; the last of one key stays."""
    storage.put(("a/one", "a/two"), b"first")
    storage.put(("b/large",), b"x" * (SMALL + 1))
    incoming = storage.receive(TOKEN)
    incoming.write(b"bit by bit")
    incoming.stage("c/received")
    storage.put(("a/one",), b"second")
    storage.delete("never/there")
    storage.settle()
    assert files(tmp_path / "web") == {
        "a/one": b"second",
        "a/two": b"first",
        "b/large": b"x" * (SMALL + 1),
        "c/received": b"bit by bit",
    }
    assert storage.read("a/one", 6) == b"second"
    assert files(tmp_path / "state") == {}


def test_a_failure_is_told_and_the_next_batch_goes_on(storage: FileStorage, tmp_path: Path) -> None:
    """With the key and the number of the one that failed; nothing of its batch stays behind."""
    (tmp_path / "web/in/the/way").mkdir(parents=True)
    storage.put(("in/the/way",), b"an object")
    storage.put(("after",), b"x" * (SMALL + 1))
    with pytest.raises(StorageError, match="a folder is where the object belongs") as caught:
        storage.settle()
    assert (caught.value.key, caught.value.errno) == ("in/the/way", errno.EISDIR)
    assert files(tmp_path) == {}
    storage.put(("in/another",), b"object")
    storage.settle()
    assert files(tmp_path / "web") == {"in/another": b"object"}


def test_few_objects_need_no_helper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that finds a page or two to change starts no second process."""
    storage = FileStorage(tmp_path / "web", tmp_path / "state", helped=True)
    monkeypatch.setattr(Helper, "settle", None)
    storage.put(("one",), b"object")
    storage.settle()
    storage.close()
    assert files(tmp_path / "web") == {"one": b"object"}


def test_what_is_not_durable(helper: Helper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A synchronisation that failed is told as that: to try again would prove nothing."""
    failing = """
import sys
from bandersnatch.storage import helper

def fail(*_):
    raise OSError(5, "it failed")

helper.FileSystem.fsync = helper.FileSystem.syncfs = fail
helper.main(sys.argv[1:])
"""
    monkeypatch.setattr("bandersnatch.storage.helper.PROGRAM", ("-c", failing))
    assert helper.start()
    with pytest.raises(NotDurable) as caught:
        helper.settle([Staged("1", "one", b"object")])
    assert (caught.value.key, caught.value.errno) == ("one", errno.EIO)
    assert files(tmp_path) == {}


def test_a_helper_that_was_killed(helper: Helper, tmp_path: Path) -> None:
    """It is an error of storage that ends the run, now and with every batch after it, and no object is half."""
    assert helper.start()
    helper.settle([Staged("1", "one", b"object")])
    assert helper.pid is not None
    os.kill(helper.pid, signal.SIGKILL)
    for name in ("2", "3"):
        with pytest.raises(StorageError, match="ended by signal 9") as caught:
            helper.settle([Staged(name, name, b"x" * (1 << 20))])
        assert caught.value.errno == errno.EIO
    assert files(tmp_path) == {"web/one": b"object"}


def test_signals_are_for_its_owner(helper: Helper, tmp_path: Path) -> None:
    """Ctrl-C and a service's end reach it too, and what it is at has to be finished."""
    assert helper.start()
    assert helper.pid is not None
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(helper.pid, number)
    helper.settle([Staged("1", "one", b"object")])
    assert files(tmp_path) == {"web/one": b"object"}


@pytest.mark.parametrize("lacking", [0, 1, 9, 200])
def test_a_batch_that_breaks_off(folders: tuple[int, str, int, str], tmp_path: Path, lacking: int) -> None:
    """When its owner is killed while it tells of a batch, between two objects or within one, nothing gets its key."""
    told = io.BytesIO()
    for name, key in (("1", "one"), ("2", "two")):
        pickle.dump((name, key, b"object" * 50, None), told)
    root, root_path, stage, stage_path = folders
    arguments = [str(root), root_path, str(stage), stage_path]
    done = subprocess.run(
        [sys.executable, *PROGRAM, *arguments],
        input=told.getvalue()[: len(told.getvalue()) - lacking],
        capture_output=True,
        check=False,
        pass_fds=(root, stage),
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, pickle.dumps(None), b"")
    assert files(tmp_path) == {}


def test_nobody_is_left_to_tell(folders: tuple[int, str, int, str], tmp_path: Path) -> None:
    """When its owner is killed while it settles, it comes to the end of its batch and leaves without a word."""
    root, root_path, stage, stage_path = folders
    with subprocess.Popen(
        [sys.executable, *PROGRAM, str(root), root_path, str(stage), stage_path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        pass_fds=(root, stage),
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        assert pickle.load(process.stdout) is None
        process.stdout.close()
        process.stdin.write(pickle.dumps(("1", "one", b"object", None)) + pickle.dumps(None))
        process.stdin.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0
    assert files(tmp_path) == {"web/one": b"object"}


def test_one_that_was_not_heard_out(helper: Helper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What broke off in our own middle is not finished by what comes next, nor taken for its answer."""
    assert helper.start()
    monkeypatch.setattr(pickle, "load", Interrupted())
    with pytest.raises(KeyboardInterrupt):
        helper.settle([Staged("1", "one", b"object")])
    monkeypatch.undo()
    with pytest.raises(StorageError, match="has ended"):
        helper.settle([Staged("2", "two", b"object")])
    assert files(tmp_path) == {"web/one": b"object"}


class Interrupted:
    """In place of a function: a ^C."""

    def __call__(self, *_: object) -> None:
        raise KeyboardInterrupt


@pytest.mark.parametrize("error", [BlockingIOError(errno.EAGAIN, "no more processes"), OSError(errno.ENOMEM, "full")])
def test_one_that_cannot_be_started(
    storage: FileStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError
) -> None:
    """Then its work is done here, and nobody asks for another process."""
    asked = []

    def refuse(*_: object, **__: object) -> None:
        asked.append(error)
        raise error

    monkeypatch.setattr(subprocess, "Popen", refuse)
    for name in ("one", "two"):
        storage.put((name,), b"object")
        storage.settle()
    assert files(tmp_path / "web") == {"one": b"object", "two": b"object"}
    assert len(asked) == 1


def test_modules_of_others(helper: Helper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the folder that a run is begun in there may be anything."""
    (tmp_path / "pickle.py").write_text("raise SystemExit('this is not ours')")
    monkeypatch.chdir(tmp_path)
    assert helper.start()


def test_it_holds_the_lock(helper: Helper, tmp_path: Path) -> None:
    """If its owner is killed, no other run begins before it has ended."""
    with Lock(tmp_path / "lock", datetime.now(UTC)).acquire():
        assert helper.start()
    held = {os.path.realpath(path) for path in Path(f"/proc/{helper.pid}/fd").iterdir()}
    assert str(tmp_path / "lock") in held
