"""The mutating call number n fails, for every n: each object is wholly old or wholly new, and a second try succeeds."""

from __future__ import annotations

import errno
from contextlib import suppress
from pathlib import Path

import pytest

from bandersnatch.errors import OutOfSpace, StorageError
from bandersnatch.storage.filesystem import FileStorage
from bandersnatch.storage.fsops import FileSystem
from tests.storage.watched import Failing, Quick

TOKEN = "0123456789abcdef" * 4
OLD = {
    "simple/demo/index.html": b"old page",
    "simple/demo/index.v1_html": b"old page",
    "packages/aa/bb/gone": b"to be deleted",
    "packages/aa/bb/kept": b"not touched",
}
NEW = {
    "packages/cc/dd/ee/wheel": b"a wheel that came in two runs",
    "packages/cc/dd/ee/wheel.metadata": b"Name: demo",
    "simple/demo/index.html": b"new page",
    "simple/demo/index.v1_html": b"new page",
    "simple/demo/index.v1_json": b"{}",
    "packages/aa/bb/kept": b"not touched",
}
BEGUN = NEW["packages/cc/dd/ee/wheel"][:7]
# With these a batch is large enough to be synchronised as a whole.
FILLING = {f"packages/ff/{number}": b"x" for number in range(7)}


def prepare(directory: Path) -> None:
    """A mirror in its old state, with a partial download."""
    storage = opened(directory, Quick())
    storage.put(("simple/demo/index.html", "simple/demo/index.v1_html"), b"old page")
    for key in ("packages/aa/bb/gone", "packages/aa/bb/kept"):
        storage.put((key,), OLD[key])
    incoming = storage.receive(TOKEN)
    incoming.write(BEGUN)
    incoming.keep()
    storage.settle()
    storage.close()


def opened(directory: Path, fs: FileSystem) -> FileStorage:
    return FileStorage(directory / "web", directory / "state", fs=fs)


def bring_up_to_date(storage: FileStorage, *, large: bool) -> None:
    """From the old state, or any between, to the new one."""
    receive(storage, "packages/cc/dd/ee/wheel")
    storage.put(("packages/cc/dd/ee/wheel.metadata",), NEW["packages/cc/dd/ee/wheel.metadata"])
    for key, data in FILLING.items() if large else ():
        storage.put((key,), data)
    storage.settle()
    storage.put(("simple/demo/index.v1_json",), iter([b"{", b"}"]))
    storage.put(("simple/demo/index.html", "simple/demo/index.v1_html"), b"new page")
    storage.delete("packages/aa/bb/gone")
    storage.settle()
    storage.sweep(keep_partial_ns=0)


def receive(storage: FileStorage, key: str) -> None:
    incoming = storage.receive(TOKEN)
    try:
        if not NEW[key].startswith(BEGUN) or incoming.size < len(BEGUN):
            incoming.restart()
        incoming.write(NEW[key][incoming.size :])
        incoming.stage(key)
    except StorageError:
        with suppress(StorageError):
            incoming.keep()
        raise


def assert_whole(directory: Path) -> None:
    """Every object has its old or its new bytes; only what had none before, or is deleted, may be missing."""
    wanted = NEW | FILLING
    web = directory / "web"
    seen = {str(path.relative_to(web)): path.read_bytes() for path in web.rglob("*") if path.is_file()}
    for key, data in seen.items():
        assert data in (OLD.get(key), wanted.get(key)), key
    assert OLD.keys() - {"packages/aa/bb/gone"} <= seen.keys()
    if seen["simple/demo/index.html"] == b"new page":
        assert "packages/cc/dd/ee/wheel" in seen


def assert_converged(directory: Path, *, large: bool) -> None:
    wanted = NEW | (FILLING if large else {})
    web = directory / "web"
    assert {str(path.relative_to(web)): path.read_bytes() for path in web.rglob("*") if path.is_file()} == wanted
    assert list((directory / "state/tmp").iterdir()) == []
    assert list((directory / "state/partial").iterdir()) == []


@pytest.mark.parametrize("large", [False, True], ids=["fsync", "syncfs"])
@pytest.mark.parametrize(
    ("number", "sticky", "same_run"),
    [(errno.ENOSPC, False, False), (errno.ENOSPC, True, True), (errno.EIO, False, True), (errno.EIO, True, False)],
)
def test_every_call_fails(tmp_path: Path, number: int, sticky: bool, large: bool, same_run: bool) -> None:
    """Whichever call fails: nothing is half, the error is ours, and a second try on a healthy disk converges."""
    at, failed = 0, True
    while failed:
        at += 1
        directory = tmp_path / str(at)
        prepare(directory)
        fs = Failing(at, number, sticky=sticky, whole=large)
        storage = opened(directory, fs)
        try:
            bring_up_to_date(storage, large=large)
        except StorageError as error:
            assert error.errno == number
            assert isinstance(error, OutOfSpace) == (number == errno.ENOSPC)
        else:
            assert_converged(directory, large=large)
        failed = fs.failed
        assert_whole(directory)
        fs.heal()
        if not same_run:
            storage.close()
            storage = opened(directory, fs)
        bring_up_to_date(storage, large=large)
        assert_converged(directory, large=large)
        storage.close()
    assert at > 40


@pytest.mark.parametrize("large", [False, True], ids=["fsync", "syncfs"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EACCES])
def test_settling_fails(tmp_path: Path, number: int, large: bool) -> None:
    """Whichever call of a settling fails, with objects in memory and on the disk: none is half, and nothing is left."""
    wanted = {key: NEW[key] for key in NEW.keys() - {"packages/aa/bb/kept"}} | (FILLING if large else {})
    at, failed = 0, True
    while failed:
        at += 1
        directory = tmp_path / str(at)
        prepare(directory)
        fs = Failing(-1, number, whole=large)
        storage = opened(directory, fs)
        stage_new(storage, large=large)
        fs.at = fs.seen + at
        with suppress(StorageError):
            storage.settle()
        failed = fs.failed
        assert_each_whole(directory)
        assert list((directory / "state/tmp").iterdir()) == []
        fs.heal()
        storage.settle()  # what failed is not staged any more
        stage_new(storage, large=large)
        storage.settle()
        assert {key: storage.read(key, 100) for key in wanted} == wanted
        storage.close()
    assert at > 25


def stage_new(storage: FileStorage, *, large: bool) -> None:
    """One object of each kind, one of them twice; no call is made by those that stay in memory."""
    receive(storage, "packages/cc/dd/ee/wheel")
    storage.put(("packages/cc/dd/ee/wheel.metadata",), NEW["packages/cc/dd/ee/wheel.metadata"])
    storage.put(("simple/demo/index.v1_json",), b"old page")
    storage.put(("simple/demo/index.v1_json",), iter([b"{", b"}"]))
    storage.put(("simple/demo/index.html", "simple/demo/index.v1_html"), b"new page")
    for key, data in FILLING.items() if large else ():
        storage.put((key,), data)


def assert_each_whole(directory: Path) -> None:
    storage = opened(directory, Quick())
    for key in OLD.keys() | NEW.keys() | FILLING.keys():
        assert storage.read(key, 100) in (OLD.get(key), (NEW | FILLING).get(key), b"old page"), key
    storage.close()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES])
def test_opening_fails(tmp_path: Path, number: int) -> None:
    """Whichever call fails while a new mirror's directories are made, the next try makes them."""
    at, failed = 0, True
    while failed:
        at += 1
        fs = Failing(at, number)
        with suppress(StorageError):
            opened(tmp_path / str(at) / "mirror", fs).close()
        failed = fs.failed
        fs.heal()
        opened(tmp_path / str(at) / "mirror", fs).close()
    assert at > 8


def test_one_of_a_batch_fails(tmp_path: Path) -> None:
    """Where one object cannot get its key, those before it have theirs, those after it none, and the error names it."""
    storage = opened(tmp_path, Quick())
    (tmp_path / "web/b/x").mkdir(parents=True)
    for key in ("a/x", "b/x", "c/x"):
        storage.put((key,), b"new")
    with pytest.raises(StorageError) as caught:
        storage.settle()
    assert caught.value.key == "b/x"
    assert list(dict(storage.keys())) == ["a/x"]
    assert list((tmp_path / "state/tmp").iterdir()) == []


def test_partial_write_is_counted(tmp_path: Path) -> None:
    """After a disk was full in the middle of a write, size says what is there, and a later run goes on after it."""
    storage = opened(tmp_path, Failing(2, errno.ENOSPC, only="write"))
    incoming = storage.receive(TOKEN)
    with pytest.raises(OutOfSpace):
        incoming.write(b"0123456789")
    held = incoming.size
    assert 0 < held < 10
    incoming.write(b"0123456789"[held:])
    with incoming.reader() as stream:
        assert stream.read() == b"0123456789"
    incoming.discard()


@pytest.mark.parametrize("call", ["close", "rename"])
def test_failed_stage_keeps_the_bytes(tmp_path: Path, call: str) -> None:
    """If an object cannot be staged its bytes stay for a later try, and the token is free for it."""
    storage = opened(tmp_path, Failing(1, errno.EDQUOT, only=call))
    incoming = storage.receive(TOKEN)
    incoming.write(b"wheel")
    with pytest.raises(OutOfSpace):
        incoming.stage("packages/x")
    incoming.keep()
    assert storage.holds(TOKEN)
    again = storage.receive(TOKEN)
    assert again.size == 5
    again.stage("packages/x")
    storage.settle()
    assert storage.read("packages/x", 10) == b"wheel"
