"""What holds of storage in a directory beyond the contract: links, permissions, other people's files, messages."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread

import pytest

from bandersnatch.errors import NotDurable, OutOfSpace, StorageError
from bandersnatch.storage import beneath, fsops
from bandersnatch.storage.filesystem import FileStorage
from bandersnatch.storage.fsops import FileSystem
from bandersnatch.storage.staging import SMALL
from tests.storage.watched import Failing, Quick, Recording

KEY = "packages/aa/bb/demo.whl"
TOKEN = "0123456789abcdef" * 4


@pytest.fixture
def web(tmp_path: Path) -> Path:
    """The root, empty."""
    (tmp_path / "web").mkdir()
    return tmp_path / "web"


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A directory that is none of storage's business, with the same names in it as below the root."""
    (tmp_path / "outside/aa/bb").mkdir(parents=True)
    for folder in ("", "aa", "aa/bb"):
        (tmp_path / "outside" / folder / "demo.whl").write_bytes(b"theirs")
    return tmp_path / "outside"


def opened(web: Path, fs: FileSystem | None = None) -> FileStorage:
    return FileStorage(web, web.parent / "state", fs=fs or Quick())


def stored(storage: FileStorage, *keys: str, data: bytes = b"ours") -> None:
    storage.put(keys, data)
    storage.settle()


def temporary(web: Path) -> list[Path]:
    return list((web.parent / "state/tmp").iterdir())


def files_below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_nothing_stays_open(web: Path) -> None:
    """Whatever is stored, small or large, under one key or two, no descriptor of it is left."""
    storage = opened(web)
    stored(storage, "aa/first", "aa/second")
    before = len(os.listdir("/proc/self/fd"))
    for number in range(20):
        stored(storage, f"aa/{number}", f"bb/{number}")
        stored(storage, f"cc/{number}", data=bytes(SMALL + 1))
    assert len(os.listdir("/proc/self/fd")) == before


# --- symbolic links ------------------------------------------------------------------------------------------------


@pytest.fixture(params=["at once", "one by one"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of the two ways in which a folder is opened."""
    if request.param == "one by one":
        monkeypatch.setattr(beneath, "_syscall", None)


LINKED_FOLDERS = [("packages", "."), ("packages/aa", "aa"), ("packages/aa/bb", "aa/bb")]


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize(("link", "target"), LINKED_FOLDERS)
def test_linked_folder(web: Path, outside: Path, link: str, target: str) -> None:
    """A symbolic link in place of a folder, at any depth, is followed by no method, and the error says what to do."""
    (web / link).parent.mkdir(parents=True, exist_ok=True)
    (web / link).symlink_to(outside / target)
    before = files_below(outside)
    storage = opened(web)
    calls: list[Callable[[], object]] = [
        lambda: storage.stat(KEY),
        lambda: storage.open(KEY),
        lambda: storage.read(KEY, 100),
        lambda: storage.delete(KEY),
        lambda: stored(storage, KEY),
        lambda: list(storage.keys(link)),
    ]
    for call in calls:
        with pytest.raises(StorageError, match="no symbolic link: put the folder itself there") as caught:
            call()
        assert caught.value.errno == errno.ENOTDIR
    assert list(storage.keys()) == []
    assert files_below(outside) == before
    assert temporary(web) == []


@pytest.mark.usefixtures("way")
def test_linked_object(web: Path, outside: Path) -> None:
    """A symbolic link in place of an object is no object; it is replaced or removed itself, never what it points to."""
    link = web / KEY
    link.parent.mkdir(parents=True)
    link.symlink_to(outside / "demo.whl")
    storage = opened(web)
    assert storage.stat(KEY) is None
    assert storage.read(KEY, 100) is None
    assert list(storage.keys()) == []
    stored(storage, KEY)
    assert not link.is_symlink()
    assert link.read_bytes() == b"ours"
    link.unlink()
    link.symlink_to(outside / "demo.whl")
    storage.delete(KEY)
    assert not link.is_symlink()
    assert files_below(outside)["demo.whl"] == b"theirs"


def test_linked_partial(web: Path, outside: Path) -> None:
    """A symbolic link in place of a partial object is refused."""
    storage = opened(web)
    (web.parent / "state/partial" / TOKEN).symlink_to(outside / "demo.whl")
    with pytest.raises(StorageError, match="no symbolic link"):
        storage.receive(TOKEN)
    storage.sweep(keep_partial_ns=2**63)
    assert storage.receive(TOKEN).size == 0
    assert files_below(outside)["demo.whl"] == b"theirs"


def test_linked_root(tmp_path: Path) -> None:
    """The root may be a symbolic link; it is followed once, so that changing it does not move a run half-way."""
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    (tmp_path / "web").symlink_to("one")
    storage = opened(tmp_path / "web")
    (tmp_path / "web").unlink()
    (tmp_path / "web").symlink_to("two")
    stored(storage, KEY)
    assert files_below(tmp_path / "one") == {KEY: b"ours"}
    assert files_below(tmp_path / "two") == {}


# --- other things in the tree --------------------------------------------------------------------------------------


@pytest.mark.usefixtures("way")
def test_not_regular(web: Path) -> None:
    """A pipe, a socket and a folder are no objects, and none of them keeps a reader waiting."""
    os.mkfifo(web / "pipe")
    (web / "folder").mkdir()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(web / "socket"))
    storage = opened(web)
    for key in ("pipe", "folder", "socket"):
        assert storage.stat(key) is None
        assert storage.read(key, 100) is None
        with pytest.raises(StorageError, match="no such object"):
            storage.open(key)
    assert list(storage.keys()) == []


@pytest.mark.usefixtures("way")
def test_folder_in_the_way(web: Path) -> None:
    """A folder in place of an object is not removed, nor replaced: the error says where it is."""
    (web / KEY).mkdir(parents=True)
    storage = opened(web)
    storage.delete(KEY)
    with pytest.raises(StorageError, match=f"{KEY}: Is a directory at {web}/{KEY}; a folder is where the object"):
        stored(storage, KEY)
    assert (web / KEY).is_dir()


@pytest.mark.usefixtures("way")
def test_object_in_the_way(web: Path) -> None:
    """An object in place of a folder is an error, and the object stays."""
    storage = opened(web)
    stored(storage, "packages/aa")
    with pytest.raises(StorageError, match="Not a directory"):
        stored(storage, KEY)
    assert storage.read("packages/aa", 10) == b"ours"


@pytest.mark.usefixtures("way")
def test_foreign_name(web: Path) -> None:
    """A file whose name is not UTF-8 is listed, and can be deleted under the key that was given."""
    with open(os.fsencode(web) + b"/\xff", "wb"):
        pass
    storage = opened(web)
    ((key, _),) = storage.keys()
    storage.delete(key)
    assert list(web.iterdir()) == []


def test_removed_while_listed(web: Path) -> None:
    """A folder that goes away while keys are listed is left out."""
    storage = opened(web)
    for name in "abc":
        stored(storage, f"packages/{name}/x")
    listing = storage.keys()
    first, _ = next(listing)
    for name in "abc":
        storage.delete(f"packages/{name}/x")
    assert list(listing) == []
    assert first.startswith("packages/")


# --- deleting ------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("way")
def test_delete_prunes(web: Path) -> None:
    """The folders that a delete empties go with it, those of the first level and those still in use stay."""
    storage = opened(web)
    stored(storage, "packages/aa/bb/one", "packages/aa/cc/two", "simple/index.html")
    storage.delete("packages/aa/bb/one")
    assert not (web / "packages/aa/bb").exists()
    assert (web / "packages/aa/cc/two").exists()
    storage.delete("packages/aa/cc/two")
    storage.delete("simple/index.html")
    assert sorted(path.name for path in web.rglob("*")) == ["packages", "simple"]


def test_delete_prunes_what_a_cut_left(web: Path) -> None:
    """Empty folders that an interrupted delete left go when it is done again."""
    (web / KEY).parent.mkdir(parents=True)
    opened(web).delete(KEY)
    assert list((web / "packages").iterdir()) == []


class Pruning(Quick):
    """Between the making of a folder and its use, something else removes it, so many times."""

    def __init__(self, times: int) -> None:
        self.times = times

    def rename(self, source: str, target: str, *, source_dir: int, target_dir: int) -> None:
        if self.times:
            self.times -= 1
            os.rmdir(os.readlink(f"/proc/self/fd/{target_dir}"))
        super().rename(source, target, source_dir=source_dir, target_dir=target_dir)


def test_pruned_under_settle(web: Path) -> None:
    """A folder that another thread finds empty and removes just before it is used is made again."""
    storage = opened(web, Pruning(times=5))
    stored(storage, KEY)
    assert storage.read(KEY, 10) == b"ours"


class Moving(Quick):
    """Before the second object of a settling gets its key, somebody moves its folder away, and puts *back* there."""

    def __init__(self, folder: Path, back: Callable[[Path], None]) -> None:
        self.folder = folder
        self.back = back
        self.renamed = 0

    def rename(self, source: str, target: str, *, source_dir: int, target_dir: int) -> None:
        self.renamed += 1
        if self.renamed == 2:
            self.folder.rename(self.folder.parent / "moved")
            self.back(self.folder)
        super().rename(source, target, source_dir=source_dir, target_dir=target_dir)


def test_moved_under_settle(web: Path, outside: Path) -> None:
    """A folder that becomes a link while objects are placed in it takes them along; the link is never followed."""
    before = files_below(outside)
    storage = opened(web, Moving(web / "packages/aa/bb", lambda path: path.symlink_to(outside)))
    for name in "abc":
        storage.put((f"packages/aa/bb/{name}",), b"ours")
    with pytest.raises(StorageError, match="no symbolic link"):
        storage.settle()
    assert files_below(outside) == before
    assert files_below(web / "packages/aa/moved") == {"a": b"ours", "b": b"ours", "c": b"ours"}
    with pytest.raises(StorageError, match="no symbolic link"):
        stored(storage, "packages/aa/bb/d")


def test_folders_are_looked_for_in_each_settle(web: Path) -> None:
    """A folder that was removed or replaced between two settlings is not taken for the one that was there."""
    storage = opened(web)
    stored(storage, "packages/aa/bb/a")
    (web / "packages").rename(web.parent / "taken away")
    stored(storage, "packages/aa/bb/b")
    assert files_below(web) == {"packages/aa/bb/b": b"ours"}


class Widest(Quick):
    """Remembers how many descriptors this process had open at most."""

    widest = 0

    def rename(self, source: str, target: str, *, source_dir: int, target_dir: int) -> None:
        self.widest = max(self.widest, len(os.listdir("/proc/self/fd")))
        super().rename(source, target, source_dir=source_dir, target_dir=target_dir)


def test_more_folders_than_are_kept_open(web: Path) -> None:
    """A batch with many folders holds few of them open."""
    storage = opened(web, fs := Widest())
    keys = {f"packages/{number % 7}/{number}/x": b"ours" for number in range(300)}
    for key in keys:
        storage.put((key,), b"ours")
    before = len(os.listdir("/proc/self/fd"))
    storage.settle()
    assert files_below(web) == keys
    assert fs.widest - before < 80


class Overtaken(Quick):
    """While the first settle gives out keys, a second thread stages a newer object and settles that."""

    def __init__(self) -> None:
        self.storage: FileStorage | None = None
        self.second: Thread | None = None

    def rename(self, source: str, target: str, *, source_dir: int, target_dir: int) -> None:
        if self.second is None and self.storage is not None:
            self.second = Thread(target=stored, args=(self.storage, KEY), kwargs={"data": b"newer"})
            self.second.start()
            self.second.join(0.05)  # time enough for it to come first, if it could
        super().rename(source, target, source_dir=source_dir, target_dir=target_dir)


def test_settles_do_not_overtake(web: Path) -> None:
    """Of two objects with one key, settled by two threads at once, the one that was staged last stays."""
    fs = Overtaken()
    fs.storage = opened(web, fs)
    stored(fs.storage, KEY, data=b"older")
    assert fs.second is not None
    fs.second.join()
    assert fs.storage.read(KEY, 10) == b"newer"


def test_temporary_file_removed(web: Path) -> None:
    """If a staged file is removed by somebody else, settle gives up and says so."""
    storage = opened(web)
    storage.put((KEY,), iter([b"ours"]))
    for path in temporary(web):
        path.rename(web.parent / "taken away")
    with pytest.raises(StorageError, match="something else removed it"):
        storage.settle()


# --- permissions ---------------------------------------------------------------------------------------------------


@pytest.fixture
def usual_umask() -> Iterator[None]:
    """022, whatever the tests are run with."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.usefixtures("usual_umask")
def test_readable_by_others(web: Path) -> None:
    """Files and folders can be read by a web server that runs as somebody else."""
    storage = opened(web)
    stored(storage, KEY, "simple/demo/index.html")
    incoming = storage.receive(TOKEN)
    incoming.write(b"ours")
    incoming.stage("packages/cc/received")
    storage.settle()
    modes = {path.is_dir(): path.stat().st_mode & 0o777 for path in web.rglob("*")}
    assert modes == {True: 0o755, False: 0o644}


def test_directories_made(tmp_path: Path) -> None:
    """Root and work are made with all that is above them, and may be there already."""
    for _ in range(2):
        FileStorage(tmp_path / "a/b/web", tmp_path / "a/b/state").close()
    assert sorted(path.name for path in (tmp_path / "a/b").rglob("*")) == ["partial", "state", "tmp", "trash", "web"]


# --- several keys --------------------------------------------------------------------------------------------------


def test_one_file_for_many_keys(web: Path) -> None:
    """Keys of one put share one file on the disk."""
    stored(opened(web), KEY, "simple/a", "simple/b")
    assert len({(web / key).stat().st_ino for key in (KEY, "simple/a", "simple/b")}) == 1


@pytest.mark.parametrize("number", [errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP])
def test_copies_without_links(web: Path, number: int) -> None:
    """Where the file system has no hard links, or no more of them, the other keys get copies."""
    storage = opened(web, Failing(1, number, sticky=True, only="link"))
    stored(storage, KEY, "simple/a", data=bytes(range(256)) * 10)
    assert (web / "simple/a").read_bytes() == (web / KEY).read_bytes() == bytes(range(256)) * 10
    assert (web / "simple/a").stat().st_ino != (web / KEY).stat().st_ino


def test_a_link_that_fails(web: Path) -> None:
    """What is no want of links is an error, not a reason to copy."""
    with pytest.raises(StorageError):
        stored(opened(web, Failing(1, errno.EIO, sticky=True, only="link")), KEY, "simple/a")
    assert not (web / "simple/a").exists()


class Counting(FileSystem):
    """How many files are open."""

    def __init__(self) -> None:
        self.open_now = 0

    def open(self, name: str, flags: int, *, dir_fd: int | None = None) -> int:
        found = super().open(name, flags, dir_fd=dir_fd)
        self.open_now += 1
        return found

    def close(self, fd: int) -> None:
        super().close(fd)
        self.open_now -= 1

    def link(self, source: str, target: str, *, dir_fd: int) -> None:
        raise OSError(errno.EMLINK, "no more links")


def test_files_are_closed(web: Path) -> None:
    """Whatever way an object is written, whole, in pieces or as a copy, nothing stays open; nor where it fails."""
    fs = Counting()
    storage = opened(web, fs)
    stored(storage, KEY, "simple/a", data=b"small")
    storage.put((KEY,), iter([b"in", b"pieces"]))
    storage.put(("simple/b", "simple/c"), bytes(1 << 20))
    storage.settle()
    assert (web / "simple/c").read_bytes() == bytes(1 << 20)

    def broken() -> Iterator[bytes]:
        yield b"some"
        raise OSError(errno.EIO, "and no more")

    with pytest.raises(OSError, match="and no more"):
        storage.put((KEY,), broken())
    assert fs.open_now == 0


# --- sweeping and closing ------------------------------------------------------------------------------------------


def test_sweep_temporary(web: Path) -> None:
    """sweep removes what a killed run left in tmp/, and nothing that this one staged."""
    opened(web).put((KEY,), iter([b"of a run that was killed"]))
    storage = opened(web)
    storage.put((KEY, "simple/a"), iter([b"ours"]))
    assert len(temporary(web)) == 2
    storage.sweep(keep_partial_ns=0)
    assert len(temporary(web)) == 1
    storage.settle()
    assert files_below(web) == {KEY: b"ours", "simple/a": b"ours"}


def test_sweep_leaves_folders(web: Path) -> None:
    """A folder that somebody made where storage works is not ours to remove, and does not stop the sweep."""
    storage = opened(web)
    for name in ("tmp/a", "partial/a"):
        (web.parent / "state" / name).mkdir()
        (web.parent / "state" / (name + "b")).touch()
    storage.sweep(keep_partial_ns=2**63)
    assert sorted(path.name for path in (web.parent / "state").glob("*/*")) == ["a", "a"]


def test_closed(web: Path) -> None:
    """close removes what is staged, may be called twice, and leaves nothing that could be used by mistake."""
    storage = opened(web)
    storage.put((KEY,), b"ours")
    storage.put((KEY,), iter([b"ours"]))
    storage.close()
    storage.close()
    assert temporary(web) == []
    calls: list[Callable[[], object]] = [
        lambda: storage.stat(KEY),
        lambda: storage.put((KEY,), b""),
        lambda: storage.receive(TOKEN),
        lambda: storage.holds(TOKEN),
        storage.free,
    ]
    for call in calls:
        with pytest.raises(StorageError, match="Bad file descriptor"):
            call()


@pytest.mark.usefixtures("way")
def test_descriptors_are_let_go(web: Path) -> None:
    """Nothing that storage opens stays open, after success or failure."""
    storage = opened(web, Failing(2, errno.ENOSPC, only="rename"))
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        try:
            stored(storage, KEY, "simple/a")
        except StorageError:
            continue
        storage.read(KEY, 10)
        storage.stat(KEY)
        list(storage.keys())
        storage.delete(KEY)
        storage.receive(TOKEN).stage("simple/b")
    assert len(os.listdir("/proc/self/fd")) == before


# --- messages ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "number", "kind", "text"),
    [
        ("write", errno.ENOSPC, OutOfSpace, f"^{KEY}: No space left on device at .*/state/tmp; make room"),
        ("fsync", errno.EDQUOT, OutOfSpace, f"^{KEY}: Disk quota exceeded at .*/state/tmp; raise the quota"),
        ("rename", errno.EXDEV, StorageError, f"at .*/web/{KEY}; put state/ and web/, .* on one file system"),
        ("open", errno.EROFS, StorageError, "Read-only file system at .*/state/tmp; mount the file system writable"),
        ("mkdir", errno.EACCES, StorageError, f"Permission denied at .*/web/{KEY}; give the mirror's directory to"),
        (
            "fsync",
            errno.EIO,
            NotDurable,
            "look for disk errors in the kernel's log, then run: bandersnatch mirror --full",
        ),
        ("fsync_directory", errno.EBUSY, NotDurable, "^packages/aa/bb: Device or resource busy at .*/aa/bb$"),
    ],
)
def test_messages(web: Path, call: str, number: int, kind: type[StorageError], text: str) -> None:
    """An error names the key and the place, says what to do, and has the system's number."""
    opened(web).close()
    fs = Failing(1, number, only=call)
    storage = opened(web, fs)
    (web / "packages/aa").mkdir(parents=True, exist_ok=True)
    if call == "fsync_directory":
        (web / "packages/aa/bb").mkdir()
    with pytest.raises(StorageError, match=text) as caught:
        stored(storage, KEY)
    assert type(caught.value) is kind
    assert caught.value.errno == number
    assert isinstance(caught.value.__cause__, OSError)


def test_name_too_long(web: Path) -> None:
    """A key that the file system cannot hold is an error of that key, which leaves nothing behind."""
    storage = opened(web)
    key = "packages/" + "x" * 256
    with pytest.raises(
        StorageError, match="packages/xxx.*File name too long.*leave this project or file out"
    ) as caught:
        stored(storage, key)
    assert caught.value.key == key
    assert caught.value.errno == errno.ENAMETOOLONG
    assert temporary(web) == []
    stored(storage, KEY)


def test_failed_read(web: Path) -> None:
    """A disk that fails under a reader raises StorageError with the key, from read and from a stream."""
    storage = opened(web)
    stored(storage, KEY)
    with storage.open(KEY) as stream:
        os.close(stream.fileno())
        with pytest.raises(StorageError, match=f"{KEY}: Bad file descriptor"):
            stream.read(1)
        with pytest.raises(StorageError, match=f"{KEY}: Bad file descriptor"):
            stream.read()
        with open("/dev/null", "rb") as null:  # takes the number again, so that the stream has something to close
            os.dup2(null.fileno(), stream.fileno())


# --- syncfs --------------------------------------------------------------------------------------------------------


def test_syncfs_reports_failure() -> None:
    """The return value of syncfs is looked at."""
    with pytest.raises(OSError, match="Bad file descriptor"):
        FileSystem().syncfs(-1)


def test_syncfs_only_where_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """syncfs is for file systems that are known to keep its promise, Linux from 5.8 on, and a libc that has it."""
    fd = os.open("/proc", os.O_RDONLY)
    assert not FileSystem().can_syncfs(fd)
    monkeypatch.setattr(fsops, "_TRUSTED", {fsops._type_of(fd)})
    monkeypatch.setattr(fsops, "_kernel", lambda: (5, 8))
    assert FileSystem().can_syncfs(fd)
    monkeypatch.setattr(fsops, "_kernel", lambda: (5, 7))
    assert not FileSystem().can_syncfs(fd)
    monkeypatch.setattr(fsops, "_kernel", lambda: (6, 1))
    monkeypatch.setattr(fsops, "_syncfs", None)
    assert not FileSystem().can_syncfs(fd)
    with pytest.raises(OSError):
        FileSystem().syncfs(fd)
    os.close(fd)


def test_libc_without_a_function() -> None:
    """A function that libc has not got is None."""
    assert fsops.libc_function("no_such_function") is None


def test_the_real_thing(web: Path) -> None:
    """Few and many objects are settled on this machine's own file system by whatever way it prefers."""
    storage = FileStorage(web, web.parent / "state")
    for count in (1, 20):
        for number in range(count):
            storage.put((f"packages/{count}/{number}/x",), b"ours")
        storage.settle()
    assert len(list(storage.keys())) == 21
    free = storage.free()
    assert free is not None
    assert free > 0


def test_one_way_for_every_change(web: Path) -> None:
    """Every change passes through FileSystem: one that only records sees each kind of call."""
    fs = Recording(whole=True)
    storage = opened(web, fs)
    for number in range(10):
        storage.put((f"packages/{number}/x", f"simple/{number}"), b"x")
    incoming = storage.receive(TOKEN)
    incoming.restart()
    incoming.stage(KEY)
    storage.settle()
    storage.delete(KEY)
    storage.settle()
    assert {call.name for call in fs.calls} == {
        "open", "write", "truncate", "close", "fsync_directory", "syncfs", "rename", "link", "unlink", "mkdir", "rmdir",
    }  # fmt: skip
