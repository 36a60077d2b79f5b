"""The trash in a directory: links, permissions, full disks, and every call that fails, or is the last before a cut."""

from __future__ import annotations

import errno
import os
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest

from bandersnatch.errors import OutOfSpace, StorageError
from bandersnatch.storage.filesystem import FileStorage
from bandersnatch.storage.fsops import FileSystem
from tests.storage.watched import Call, Cut, Cutting, Failing, Quick, Recording

KEY = "packages/aa/bb/demo.whl"
OBJECTS = {
    "packages/aa/bb/one": b"of two in a folder",
    "packages/aa/bb/two": b"the other",
    "packages/cc/alone": b"the only one of its folder",
    "packages/dd/stays": b"served throughout",
    "packages/ee/back": b"restored",
    "packages/ee/taken": b"purged",
}


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    """The mirror's directory, empty, and a neighbour that is none of storage's business."""
    for folder in ("web", "state/trash", "outside/aa/bb"):
        (tmp_path / folder).mkdir(parents=True)
    for folder in ("", "aa", "aa/bb"):
        (tmp_path / "outside" / folder / "demo.whl").write_bytes(b"theirs")
    return tmp_path


def opened(mirror: Path, fs: FileSystem | None = None) -> FileStorage:
    return FileStorage(mirror / "web", mirror / "state", fs=fs or Quick())


def stored(storage: FileStorage, *keys: str, data: bytes = b"wheel") -> None:
    storage.put(keys, data)
    storage.settle()


def files_below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def in_trash(storage: FileStorage) -> list[str]:
    return sorted(key for key, _, _ in storage.list_buried())


# --- where it is ---------------------------------------------------------------------------------------------------


def test_places(mirror: Path) -> None:
    """The trash is state/trash with the same folders as web/; those that are left empty go, on either side."""
    storage = opened(mirror)
    stored(storage, KEY, "packages/aa/other")
    inode = (mirror / "web" / KEY).stat().st_ino
    storage.bury(KEY)
    assert (mirror / "state/trash" / KEY).stat().st_ino == inode
    assert not (mirror / "web/packages/aa/bb").exists()
    assert (mirror / "web/packages/aa/other").exists()
    storage.unbury(KEY)
    assert (mirror / "web" / KEY).stat().st_ino == inode
    assert [path.name for path in (mirror / "state/trash").rglob("*")] == ["packages"]
    storage.bury(KEY)
    storage.purge(KEY)
    assert [path.name for path in (mirror / "state/trash").rglob("*")] == ["packages"]


def test_lost_with_state(mirror: Path) -> None:
    """Without state/ the trash is empty, and works again."""
    storage = opened(mirror)
    stored(storage, KEY, "packages/stays")
    storage.bury(KEY)
    storage.close()
    (mirror / "state").rename(mirror / "deleted")
    storage = opened(mirror)
    assert not storage.unbury(KEY)
    assert in_trash(storage) == []
    storage.bury("packages/stays")
    assert in_trash(storage) == ["packages/stays"]


def test_bury_prunes_what_a_cut_left(mirror: Path) -> None:
    """Empty folders that an interrupted bury left go when it is done again."""
    (mirror / "web" / KEY).parent.mkdir(parents=True)
    opened(mirror).bury(KEY)
    assert list((mirror / "web/packages").iterdir()) == []


def test_foreign_name(mirror: Path) -> None:
    """An object whose name is not UTF-8 is buried, listed and restored under the key that was given."""
    with open(os.fsencode(mirror) + b"/web/\xff", "wb"):
        pass
    storage = opened(mirror)
    ((key, _),) = storage.keys()
    storage.bury(key)
    assert in_trash(storage) == [key]
    assert storage.unbury(key)
    assert list(dict(storage.keys())) == [key]


# --- symbolic links ------------------------------------------------------------------------------------------------


def test_linked_trash(mirror: Path) -> None:
    """A symbolic link in place of the trash is refused."""
    (mirror / "state/trash").rmdir()
    (mirror / "state/trash").symlink_to(mirror / "outside")
    with pytest.raises(StorageError, match="/state/trash; .* no symbolic link: put the folder itself there"):
        opened(mirror)


@pytest.mark.parametrize("root", ["web", "state/trash"])
@pytest.mark.parametrize(("link", "target"), [("packages", "."), ("packages/aa", "aa"), ("packages/aa/bb", "aa/bb")])
def test_linked_folder(mirror: Path, root: str, link: str, target: str) -> None:
    """A symbolic link in place of a folder, in web/ or in the trash, is followed by no method."""
    storage = opened(mirror)
    other = "state/trash" if root == "web" else "web"
    for folder in (root, other):
        (mirror / folder / link).parent.mkdir(parents=True, exist_ok=True)
    (mirror / root / link).symlink_to(mirror / "outside" / target)
    (mirror / other / KEY).parent.mkdir(parents=True, exist_ok=True)
    (mirror / other / KEY).write_bytes(b"wheel")
    before = files_below(mirror)
    calls: list[Callable[[], object]] = [lambda: storage.bury(KEY), lambda: storage.unbury(KEY)]
    if root == "state/trash":
        calls += [
            lambda: storage.buried(KEY),
            lambda: storage.open_buried(KEY),
            lambda: storage.purge(KEY),
        ]
    for call in calls:
        with pytest.raises(StorageError, match="no symbolic link: put the folder itself there") as caught:
            call()
        assert caught.value.errno == errno.ENOTDIR
        assert caught.value.key == KEY
    assert files_below(mirror) == before
    assert in_trash(storage) == ([] if root == "state/trash" else [KEY])
    storage.settle()  # owes nothing to what was refused


def test_linked_object_in_the_trash(mirror: Path) -> None:
    """A symbolic link in the trash is no object; purge and bury remove or replace the link itself."""
    storage = opened(mirror)
    link = mirror / "state/trash" / KEY
    for end in (storage.purge, storage.bury):
        link.parent.mkdir(parents=True)
        link.symlink_to(mirror / "outside/demo.whl")
        assert in_trash(storage) == []
        assert storage.buried(KEY) is None
        assert not storage.unbury(KEY)
        assert not (mirror / "web" / KEY).exists()
        with pytest.raises(StorageError, match="no such object"):
            storage.open_buried(KEY)
        if end == storage.bury:
            stored(storage, KEY)
        end(KEY)
        assert not link.is_symlink()
    assert link.read_bytes() == b"wheel"
    assert (mirror / "outside/demo.whl").read_bytes() == b"theirs"


def test_linked_object_that_is_served(mirror: Path) -> None:
    """A link or a pipe at a key, which a web server might serve, is removed by bury; the trash keeps what it had."""
    storage = opened(mirror)
    stored(storage, KEY)
    storage.bury(KEY)
    path = mirror / "web" / KEY
    plants: list[Callable[[], None]] = [lambda: path.symlink_to(mirror / "outside/demo.whl"), lambda: os.mkfifo(path)]
    for plant in plants:
        path.parent.mkdir(parents=True)
        plant()
        storage.bury(KEY)
        assert not path.parent.exists()
    assert files_below(mirror / "state/trash") == {KEY: b"wheel"}
    assert (mirror / "outside/demo.whl").read_bytes() == b"theirs"


def test_link_where_it_came_from(mirror: Path) -> None:
    """What is restored takes the place of a link at its key, not of what that points to."""
    storage = opened(mirror)
    stored(storage, KEY)
    storage.bury(KEY)
    (mirror / "web" / KEY).parent.mkdir(parents=True)
    (mirror / "web" / KEY).symlink_to(mirror / "outside/demo.whl")
    assert storage.unbury(KEY)
    assert storage.read(KEY, 10) == b"wheel"
    assert (mirror / "outside/demo.whl").read_bytes() == b"theirs"


# --- other things in the way ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second", "text"),
    [
        ("packages/a", "packages/a/b", "Not a directory at .*/state/trash/packages/a/b"),
        ("packages/a/b", "packages/a", "Is a directory at .*/state/trash/packages/a; a folder is where the object"),
    ],
)
def test_object_and_folder(mirror: Path, first: str, second: str, text: str) -> None:
    """What cannot be beside an older object in the trash stays where it is, and the error says what is in the way."""
    storage = opened(mirror)
    stored(storage, first)
    storage.bury(first)
    stored(storage, second, data=b"newer")
    with pytest.raises(StorageError, match=text) as caught:
        storage.bury(second)
    assert caught.value.key == second
    assert files_below(mirror / "web") == {second: b"newer"}
    assert files_below(mirror / "state/trash") == {first: b"wheel"}


@pytest.mark.parametrize(
    ("call", "number", "kind", "text"),
    [
        ("mkdir", errno.ENOSPC, OutOfSpace, f"{KEY}: No space left on device at .*/state/trash/{KEY}; make room"),
        (
            "mkdir",
            errno.EACCES,
            StorageError,
            f"Permission denied at .*/state/trash/{KEY}; give the mirror's directory",
        ),
        ("rename", errno.EXDEV, StorageError, f"at .*/state/trash/{KEY}; put state/ and web/, .* on one file system"),
        ("rename", errno.EACCES, StorageError, f"Permission denied at .*/state/trash/{KEY}; give the mirror's"),
        ("rename", errno.EROFS, StorageError, f"at .*/state/trash/{KEY}; mount the file system writable"),
        ("rename", errno.ENOENT, StorageError, f"at .*/state/trash/{KEY}; something else removed it"),
        ("rmdir", errno.EACCES, StorageError, f"Permission denied at .*/web/{KEY}; give the mirror's"),
    ],
)
def test_messages(mirror: Path, call: str, number: int, kind: type[StorageError], text: str) -> None:
    """An error of bury names the key and the place, says what to do, and has the system's number."""
    stored(opened(mirror), KEY)
    storage = opened(mirror, Failing(1, number, only=call, sticky=True))
    with pytest.raises(StorageError, match=text) as caught:
        storage.bury(KEY)
    assert type(caught.value) is kind
    assert caught.value.errno == number
    assert caught.value.key == KEY


def test_messages_of_the_other_ways(mirror: Path) -> None:
    """An error of unbury is about the served place, one of purge about the trash."""
    storage = opened(mirror)
    stored(storage, KEY)
    storage.bury(KEY)
    with pytest.raises(StorageError, match=f"Read-only file system at .*/web/{KEY}"):
        opened(mirror, Failing(1, errno.EROFS, only="rename")).unbury(KEY)
    with pytest.raises(StorageError, match=f"Permission denied at .*/state/trash/{KEY}"):
        opened(mirror, Failing(1, errno.EACCES, only="unlink")).purge(KEY)
    assert in_trash(storage) == [KEY]


def test_descriptors_are_let_go(mirror: Path) -> None:
    """Nothing that the trash opens stays open, after success or failure; closed, it refuses."""
    storage = opened(mirror, Failing(2, errno.ENOSPC, only="rename"))
    before = len(os.listdir("/proc/self/fd"))
    stored(storage, KEY)
    with pytest.raises(OutOfSpace):
        storage.bury(KEY)
    storage.bury(KEY)
    storage.open_buried(KEY).close()
    in_trash(storage)
    storage.unbury(KEY)
    storage.settle()
    assert len(os.listdir("/proc/self/fd")) == before
    storage.close()
    for call in (storage.bury, storage.unbury, storage.buried, storage.open_buried, storage.purge):
        with pytest.raises(StorageError, match="Bad file descriptor"):
            call(KEY)
    with pytest.raises(StorageError, match="Bad file descriptor"):
        list(storage.list_buried())


class Deleting(Quick):
    """Somebody deletes what is being moved, just before."""

    def rename(self, source: str, target: str, *, source_dir: int, target_dir: int) -> None:
        if source == "demo.whl":
            os.unlink(source, dir_fd=source_dir)
        super().rename(source, target, source_dir=source_dir, target_dir=target_dir)


def test_deleted_under_bury(mirror: Path) -> None:
    """An object that is deleted just before it is moved was not there."""
    stored(opened(mirror), KEY)
    storage = opened(mirror, Deleting())
    storage.bury(KEY)
    assert files_below(mirror / "web") == files_below(mirror / "state/trash") == {}


# --- faults and cuts -----------------------------------------------------------------------------------------------


def prepare(mirror: Path) -> None:
    """A mirror that has objects, and two of them in the trash."""
    storage = opened(mirror)
    for key, data in OBJECTS.items():
        storage.put((key,), data)
    storage.settle()
    storage.bury("packages/ee/back")
    storage.bury("packages/ee/taken")
    storage.close()


def change(storage: FileStorage) -> None:
    """One of each kind."""
    for key in ("packages/aa/bb/one", "packages/aa/bb/two", "packages/cc/alone"):
        storage.bury(key)
    storage.unbury("packages/ee/back")
    storage.purge("packages/ee/taken")
    storage.settle()


def assert_nothing_lost(mirror: Path) -> None:
    """Every object but the purged one is whole in exactly one of the two places."""
    seen = [*files_below(mirror / "web").items(), *files_below(mirror / "state/trash").items()]
    assert len(seen) == len(dict(seen))
    assert OBJECTS.items() - {("packages/ee/taken", b"purged")} <= set(seen) <= OBJECTS.items()


def assert_changed(mirror: Path) -> None:
    served = {"packages/dd/stays", "packages/ee/back"}
    assert files_below(mirror / "web") == {key: OBJECTS[key] for key in served}
    held = OBJECTS.keys() - served - {"packages/ee/taken"}
    assert files_below(mirror / "state/trash") == {key: OBJECTS[key] for key in held}
    for root in ("web", "state/trash"):
        assert all(any(path.iterdir()) for path in (mirror / root / "packages").glob("**/") if path.name != "packages")


@pytest.mark.parametrize("whole", [False, True], ids=["fsync", "syncfs"])
@pytest.mark.parametrize(
    ("number", "sticky"), [(errno.ENOSPC, False), (errno.EIO, True), (errno.EACCES, False), (errno.EROFS, True)]
)
def test_every_call_fails(tmp_path: Path, number: int, sticky: bool, whole: bool) -> None:
    """Whichever call fails: no object is lost, half or twice there, the error is ours, and a second try converges."""
    at, failed = 0, True
    while failed:
        at += 1
        mirror = tmp_path / str(at)
        prepare(mirror)
        storage = opened(mirror, fs := Failing(-1, number, sticky=sticky, whole=whole))
        fs.at = fs.seen + at
        try:
            change(storage)
        except StorageError as error:
            assert error.errno == number
            assert isinstance(error, OutOfSpace) == (number == errno.ENOSPC)
        else:
            assert_changed(mirror)
        failed = fs.failed
        assert_nothing_lost(mirror)
        fs.heal()
        change(storage)
        assert_changed(mirror)
        storage.close()
    assert at > 12


def test_killed_at_every_call(tmp_path: Path) -> None:
    """Wherever the process is killed, no object is lost, half or twice there, and a later run converges."""
    at, killed = 0, True
    while killed:
        at += 1
        mirror = tmp_path / str(at)
        prepare(mirror)
        storage = opened(mirror, fs := Cutting(10**6))
        fs.at = fs.seen + at
        try:
            change(storage)
            killed = False
        except Cut:
            pass
        storage.close()
        assert_nothing_lost(mirror)
        later = opened(mirror)
        change(later)
        assert_changed(mirror)
        later.close()
    assert at > 20


class Disk:
    """
    What a power cut leaves, if nothing is on the disk that was not synchronised: the files that each folder names.

    So pessimistic that a rename may be half there, and a folder without the one that it was made in.
    """

    def __init__(self, mirror: Path) -> None:
        self._mirror = mirror
        self._now: defaultdict[str, set[int]] = defaultdict(set)
        for path in mirror.rglob("*"):
            if path.is_file():
                self._now[str(path.parent)].add(path.stat().st_ino)
        self._durable: dict[str, set[int]] = {}
        self._named: set[str] = set()
        self._synchronise_all()

    def apply(self, call: Call) -> None:
        """The effect of *call*, which may have been made a while ago."""
        if call.name == "rename":
            self._now[call.source].discard(call.inode)
            self._now[call.folder].add(call.inode)
        elif call.name == "fsync_directory":
            self._synchronise(call.folder)
        elif call.name == "syncfs":
            self._synchronise_all()

    def files(self, root: str = "") -> set[int]:
        """The inodes that can be reached below *root*."""
        folders = [folder for folder in self._durable if Path(folder).is_relative_to(self._mirror / root)]
        return set().union(*(self._durable[folder] for folder in folders if self._is_reached(folder)))

    def _is_reached(self, folder: str) -> bool:
        return folder == str(self._mirror) or (folder in self._named and self._is_reached(os.path.dirname(folder)))

    def _synchronise(self, folder: str) -> None:
        self._durable[folder] = set(self._now[folder])
        self._named -= {named for named in self._named if os.path.dirname(named) == folder}
        self._named |= {str(path) for path in Path(folder).iterdir() if path.is_dir()}

    def _synchronise_all(self) -> None:
        for folder in self._mirror.glob("**/"):
            self._synchronise(str(folder))


@pytest.mark.parametrize("whole", [False, True], ids=["fsync", "syncfs"])
def test_power_cut_after_every_call(mirror: Path, whole: bool) -> None:
    """At no moment between burying and the end of settle is there a disk that names an object in neither place."""
    prepare(mirror)
    storage = opened(mirror, fs := Recording(whole=whole))
    disk = Disk(mirror)
    everything, buried = disk.files(), {(mirror / "web" / key).stat().st_ino for key in dict(storage.keys())}
    fs.calls.clear()
    for key in dict(storage.keys()):
        storage.bury(key)
    storage.settle()
    for call in fs.calls:
        disk.apply(call)
        assert disk.files() == everything, call
    assert disk.files("web") == set()
    assert buried <= disk.files("state/trash")


@pytest.mark.parametrize("whole", [False, True], ids=["fsync", "syncfs"])
def test_durable_after_settle(mirror: Path, whole: bool) -> None:
    """When settle has returned, every folder that gained or lost a name on either side is on the disk."""
    prepare(mirror)
    storage = opened(mirror, fs := Recording(whole=whole))
    fs.calls.clear()
    change(storage)
    owed: set[str] = set()
    for call in fs.calls:
        if call.name in ("rename", "mkdir", "unlink", "rmdir"):
            owed |= {call.folder, call.source} - {""}
        elif call.name == "fsync_directory":
            owed.discard(call.folder)
        elif call.name == "syncfs":
            owed.clear()
    assert [folder for folder in owed if Path(folder).exists()] == []
    fs.calls.clear()
    storage.settle()
    assert fs.calls == []
