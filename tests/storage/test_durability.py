"""The order of writing that a power cut cannot break: bytes to the disk, then names, then the names to the disk."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import pytest

from bandersnatch.errors import StorageError
from bandersnatch.storage.filesystem import FileStorage
from tests.storage.watched import Call, Failing, Recording

TOKEN = "0123456789abcdef" * 4
NAMING = ("rename", "mkdir", "unlink", "rmdir")


def recorded(tmp_path: Path, work: Callable[[FileStorage], None], *, whole: bool) -> list[Call]:
    """The calls that *work* makes on a storage that has objects already."""
    fs = Recording(whole=whole)
    storage = FileStorage(tmp_path / "web", tmp_path / "state", fs=fs)
    storage.put(("simple/old/index.html", "packages/aa/old"), b"old")
    storage.put(("packages/bb/cc/dd/old",), b"old")
    storage.settle()
    fs.calls.clear()
    work(storage)
    return fs.calls


def few(storage: FileStorage) -> None:
    """A batch of every kind of change."""
    storage.put(("simple/new/index.html", "simple/new/index.v1_html"), b"new")
    storage.put(("simple/old/index.html",), b"new")
    incoming = storage.receive(TOKEN)
    incoming.write(b"wheel")
    incoming.stage("packages/ee/ff/gg/wheel")
    storage.delete("packages/bb/cc/dd/old")
    storage.delete("packages/aa/old")
    storage.settle()


def many(storage: FileStorage) -> None:
    """A large batch."""
    for number in range(12):
        storage.put((f"packages/{number}/a/b/wheel", f"packages/{number}/a/b/wheel.metadata"), b"new")
    few(storage)


def is_public(call: Call, web: Path) -> bool:
    return call.folder == str(web) or call.folder.startswith(f"{web}/")


def lost_bytes(calls: list[Call], web: Path) -> list[Call]:
    """The renames that gave a key to a file whose bytes were not on the disk."""
    unsynced: set[int] = set()
    lost = []
    for call in calls:
        if call.name == "write":
            unsynced.add(call.inode)
        elif call.name == "fsync":
            unsynced.discard(call.inode)
        elif call.name == "syncfs":
            unsynced.clear()
        elif call.name == "rename" and is_public(call, web) and call.inode in unsynced:
            lost.append(call)
    return lost


def lost_names(calls: list[Call], web: Path) -> list[str]:
    """The folders below the root whose changes were not on the disk when the last call had returned."""
    owed: set[str] = set()
    for call in calls:
        if call.name in NAMING and is_public(call, web):
            owed.add(call.folder)
        elif call.name == "fsync_directory":
            owed.discard(call.folder)
        elif call.name == "syncfs":
            owed.clear()
    return sorted(folder for folder in owed if Path(folder).exists())


@pytest.mark.parametrize("whole", [False, True], ids=["fsync", "syncfs"])
@pytest.mark.parametrize("work", [few, many])
def test_order(tmp_path: Path, work: Callable[[FileStorage], None], whole: bool) -> None:
    """Each file is synchronised before it gets its key, and each changed folder after that, before settle returns."""
    calls = recorded(tmp_path, work, whole=whole)
    assert lost_bytes(calls, tmp_path / "web") == []
    assert lost_names(calls, tmp_path / "web") == []
    ways = {call.name for call in calls if "sync" in call.name}
    assert ways == ({"syncfs"} if whole and work is many else {"fsync", "fsync_directory"})


@pytest.mark.parametrize("whole", [False, True], ids=["fsync", "syncfs"])
def test_bytes_then_names(tmp_path: Path, whole: bool) -> None:
    """No key is given before the whole batch is on the disk, and no folder is synchronised before the last key."""
    calls = [call.name for call in recorded(tmp_path, many, whole=whole) if is_settling(call, tmp_path / "web")]
    last_rename = len(calls) - 1 - calls[::-1].index("rename")
    before, after = calls[: calls.index("rename")], calls[last_rename + 1 :]
    assert set(before) == ({"syncfs"} if whole else {"fsync"})
    assert set(after) == ({"syncfs"} if whole else {"fsync_directory"})
    assert set(calls[len(before) : last_rename + 1]) == {"rename"}


def is_settling(call: Call, web: Path) -> bool:
    return "sync" in call.name or (call.name == "rename" and is_public(call, web))


def test_staging_order(tmp_path: Path) -> None:
    """Objects get their keys in the order in which they were staged."""
    keys = [f"packages/{number}/x" for number in (3, 1, 2)]

    def work(storage: FileStorage) -> None:
        for key in keys:
            storage.put((key,), b"x")
        storage.settle()

    calls = recorded(tmp_path, work, whole=False)
    renamed = [call.folder for call in calls if call.name == "rename"]
    assert renamed == [str((tmp_path / "web" / key).parent) for key in keys]


def test_each_once(tmp_path: Path) -> None:
    """A file with several keys is synchronised once, and so is a folder that got several entries."""
    calls = recorded(tmp_path, few, whole=False)
    files = [call.inode for call in calls if call.name == "fsync"]
    folders = [call.folder for call in calls if call.name == "fsync_directory"]
    assert len(files) == len(set(files)) == 3
    assert len(folders) == len(set(folders))


def test_delete_is_durable_after_settle(tmp_path: Path) -> None:
    """A delete owes the folder that stays to the next settle, though nothing is staged."""

    def work(storage: FileStorage) -> None:
        storage.delete("packages/bb/cc/dd/old")
        storage.settle()
        storage.settle()

    calls = recorded(tmp_path, work, whole=False)
    synced = [call.folder for call in calls if call.name == "fsync_directory"]
    assert synced == [str(tmp_path / "web/packages")]


def test_new_directories_are_durable(tmp_path: Path) -> None:
    """The directories that are made for a new mirror are synchronised with those that they were made in."""
    fs = Recording()
    FileStorage(tmp_path / "a/web", tmp_path / "a/state", fs=fs)
    made = [call.folder for call in fs.calls if call.name == "mkdir"]
    synced = [call.folder for call in fs.calls if call.name == "fsync_directory"]
    assert made == synced
    assert len(made) == 6


@pytest.mark.parametrize("whole", [False, True], ids=["fsync", "syncfs"])
def test_failed_sync_is_not_retried(tmp_path: Path, whole: bool) -> None:
    """After a failed synchronisation of bytes nothing gets a key, and the bytes are written anew, not tried again."""
    fs = Failing(1, errno.EIO, only="syncfs" if whole else "fsync", whole=whole)
    storage = FileStorage(tmp_path / "web", tmp_path / "state", fs=fs)
    for number in range(12):
        storage.put((f"packages/{number}",), b"x")
    with pytest.raises(StorageError, match="packages/0: Input/output error"):
        storage.settle()
    assert fs.seen == 1
    assert list((tmp_path / "state/tmp").iterdir()) == []
    storage.settle()
    assert list(storage.keys()) == []


def test_failure_keeps_what_is_owed(tmp_path: Path) -> None:
    """What got its key before another object failed is made durable by the next settle."""
    fs = Failing(2, errno.EACCES, only="rename")
    storage = FileStorage(tmp_path / "web", tmp_path / "state", fs=fs)
    storage.put(("simple/a/index.html",), b"x")
    storage.put(("simple/b/index.html",), b"x")
    with pytest.raises(StorageError, match="simple/b/index.html: Permission denied"):
        storage.settle()
    fs.calls.clear()
    storage.settle()
    assert {str(tmp_path / "web/simple/a"), str(tmp_path / "web/simple")} <= set(synced_folders(fs))


def test_folders_of_a_failure_are_owed(tmp_path: Path) -> None:
    """A folder that was made for an object which then failed is made durable with the next object in it."""
    fs = Failing(1, errno.EACCES, only="rename")
    storage = FileStorage(tmp_path / "web", tmp_path / "state", fs=fs)
    storage.put(("packages/a/x",), b"x")
    with pytest.raises(StorageError):
        storage.settle()
    fs.calls.clear()
    storage.put(("packages/a/x",), b"x")
    storage.settle()
    web = tmp_path / "web"
    assert {str(web), str(web / "packages"), str(web / "packages/a")} <= set(synced_folders(fs))


def test_failed_folder_is_not_retried(tmp_path: Path) -> None:
    """After a folder could not be synchronised, the next settle synchronises the others and not that one again."""
    fs = Failing(-1, errno.EIO, only="fsync_directory")
    storage = FileStorage(tmp_path / "web", tmp_path / "state", fs=fs)
    for number in range(3):
        storage.put((f"packages/{number}/x",), b"x")
    fs.calls.clear()
    fs.at = fs.seen + 2
    with pytest.raises(StorageError, match="Input/output error"):
        storage.settle()
    assert len(synced_folders(fs)) == 2
    storage.settle()
    assert len(synced_folders(fs)) == len(set(synced_folders(fs))) == 5


def synced_folders(fs: Recording) -> list[str]:
    return [call.folder for call in fs.calls if call.name == "fsync_directory"]


class WithoutLinks(Recording):
    """A file system that has no hard links."""

    def link(self, source: str, target: str, *, dir_fd: int) -> None:
        raise OSError(errno.EPERM, "no links here")


def test_copies_are_synchronised(tmp_path: Path) -> None:
    """Where a second name has to be a copy, the copy's bytes are on the disk before it is named, too."""
    fs = WithoutLinks(whole=False)
    storage = FileStorage(tmp_path / "web", tmp_path / "state", fs=fs)
    storage.put(("simple/new/index.html", "simple/new/index.v1_html"), b"new")
    storage.settle()
    assert len([call for call in fs.calls if call.name == "rename" and is_public(call, tmp_path / "web")]) == 2
    assert lost_bytes(fs.calls, tmp_path / "web") == []
