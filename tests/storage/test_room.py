"""What the operator wants to stay free stays free, whatever is written."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bandersnatch.errors import OutOfSpace
from bandersnatch.storage.filesystem import FileStorage
from bandersnatch.storage.foreign import Foreign
from tests.storage.watched import Quick

MIB = 1 << 20
RESERVE = 2 * MIB


class Disk(Quick):
    """A disk of four mebibytes, on which only what is written takes room."""

    left = 4 * MIB

    def free(self, folder: int) -> int:
        return self.left

    def write(self, fd: int, data: bytes | memoryview) -> int:
        self.left -= len(data)
        return super().write(fd, data)

    def link_across(self, source: str, target: str, *, source_dir: int, target_dir: int) -> None:
        raise PermissionError(1, "no links here")

    def clone(self, source: int, target: int) -> None:
        raise OSError(95, "no clones here")


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture
def storage(disk: Disk, tmp_path: Path) -> Iterator[FileStorage]:
    with closing(FileStorage(tmp_path / "web", tmp_path / "state", fs=disk, reserve=RESERVE)) as storage:
        yield storage


def sizes(storage: FileStorage) -> dict[str, int]:
    """What is published."""
    objects = storage.keys()
    return {key: stat.size for key, stat in objects}


def many_small(storage: FileStorage) -> None:
    """Core metadata and pages, which wait in memory."""
    for number in range(30):
        storage.put((f"simple/{number}/index.html",), bytes(100_000))
    storage.settle()


def one_large(storage: FileStorage) -> None:
    storage.put(("simple/large/index.html",), bytes(3 * MIB))


def streamed(storage: FileStorage) -> None:
    storage.put(("simple/index.html",), iter([bytes(MIB // 2)] * 6))


def copied(storage: FileStorage) -> None:
    """What an adoption takes where it cannot link."""
    place = Path("old")
    place.mkdir()
    (place / "demo-1.tar.gz").write_bytes(bytes(3 * MIB))
    with closing(Foreign(place)) as source:
        seen = source.stat("demo-1.tar.gz")
        assert seen is not None
        storage.borrow(source, "demo-1.tar.gz", "packages/00/00/0/demo-1.tar.gz", seen)


@pytest.mark.parametrize("write", [many_small, one_large, streamed, copied])
def test_nothing_takes_the_reserve(
    write: Callable[[FileStorage], None], disk: Disk, storage: FileStorage, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Whatever would take of the reserve is refused, with the key that names it, and the reserve stays free."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OutOfSpace, match=r"reserve of 2097152 bytes \(\[mirror\] reserve"):
        write(storage)
    assert disk.left >= RESERVE
    assert sizes(storage) == {}
    assert os.listdir(tmp_path / "state/tmp") == []


def test_smaller_and_gone(disk: Disk, storage: FileStorage) -> None:
    """When the reserve is touched, objects can still become smaller and be removed, and none can become larger."""
    storage.put(("simple/a/index.html",), bytes(100_000))
    storage.put(("simple/index.html",), bytes(300_000))
    storage.settle()
    disk.left = RESERVE - 1
    storage.put(("simple/a/index.html",), bytes(90_000))
    storage.put(("simple/index.html",), iter([bytes(100_000)] * 2))
    storage.settle()
    assert sizes(storage) == {"simple/a/index.html": 90_000, "simple/index.html": 200_000}
    with pytest.raises(OutOfSpace):
        storage.put(("simple/index.html",), iter([bytes(100_000)] * 4))
    storage.put(("simple/b/index.html",), b"new")
    with pytest.raises(OutOfSpace):
        storage.settle()
    storage.delete("simple/a/index.html")
    storage.settle()
    assert sizes(storage) == {"simple/index.html": 200_000}
