"""What storage costs in calls to the system, each of which lets go of the interpreter lock and takes it again."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from bandersnatch.storage import staging, tree
from bandersnatch.storage.beneath import find_folder, open_folder
from bandersnatch.storage.filesystem import FileStorage
from tests.storage.watched import Recording

KEY = "packages/aa/bb/demo.whl"
WHEELS = 50


def opened(tmp_path: Path) -> tuple[FileStorage, Recording]:
    fs = Recording(whole=True)
    storage = FileStorage(tmp_path / "web", tmp_path / "state", fs=fs)
    fs.calls.clear()
    return storage, fs


def temporary(tmp_path: Path) -> list[int]:
    return sorted(path.stat().st_size for path in (tmp_path / "state/tmp").iterdir())


def test_small_objects_wait_in_memory(tmp_path: Path) -> None:
    """An object of up to 256 KiB costs no call until it is settled, or none at all if storage is closed before."""
    storage, fs = opened(tmp_path)
    storage.put((KEY, "simple/demo"), b"x" * staging.SMALL)
    assert fs.calls == []
    storage.settle()
    assert storage.read(KEY, staging.SMALL) == storage.read("simple/demo", staging.SMALL) == b"x" * staging.SMALL
    fs.calls.clear()
    storage.put((KEY,), b"small")
    storage.close()
    assert fs.calls == []


def test_large_objects_are_written_at_once(tmp_path: Path) -> None:
    """A larger object, and one of unknown size, does not stay in memory."""
    storage, _ = opened(tmp_path)
    storage.put((KEY,), b"x" * (staging.SMALL + 1))
    storage.put((KEY,), iter([b"small"]))
    assert temporary(tmp_path) == [5, staging.SMALL + 1]


def test_memory_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No more than the limit waits in memory; what comes then is written, until the next settle, in the same order."""
    monkeypatch.setattr(staging, "HELD", 10)
    storage, _ = opened(tmp_path)
    for data in (b"123456", b"1234", b"1", b"12"):
        storage.put((KEY, f"simple/{len(data)}"), data)
    assert temporary(tmp_path) == [1, 2]
    storage.settle()
    assert storage.read(KEY, 10) == b"12"
    assert len(list(storage.keys())) == 5
    storage.put((KEY,), b"1234567890")
    assert temporary(tmp_path) == []


def test_calls_of_a_small_object(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A new wheel and its metadata, in a new folder: 9 changing calls and 4 folders opened, and no more.

    Changing: open, write, close and rename of each, mkdir of the folder. Opened: the folder, in vain, for a stat of
    each of the two and before it is made; and the folder that was made. Those above are opened once a settling.
    """
    opens = count_opens(monkeypatch)
    storage, fs = opened(tmp_path)
    storage.put((KEY,), b"x")
    storage.settle()
    fs.calls.clear()
    opens.clear()
    for number in range(WHEELS):
        for key in (f"packages/aa/bb/{number:060}/wheel", f"packages/aa/bb/{number:060}/wheel.metadata"):
            assert storage.stat(key) is None
            storage.put((key,), b"x")
    storage.settle()
    changing = Counter(call.name for call in fs.calls)
    assert changing.pop("syncfs") == 2
    assert changing == {
        "open": 2 * WHEELS,
        "write": 2 * WHEELS,
        "close": 2 * WHEELS,
        "rename": 2 * WHEELS,
        "mkdir": WHEELS,
    }
    assert opens["folder"] <= 4 * WHEELS + 5


def test_calls_of_a_stat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To find out that there is no such object takes one call."""
    storage, _ = opened(tmp_path)
    opens = count_opens(monkeypatch)
    assert storage.stat(KEY) is None
    assert opens == {"folder": 1}


def count_opens(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Counts the folders that are opened from now on, and the files."""
    opens: Counter[str] = Counter()
    real = os.open

    def watched(path: Any, flags: int, *args: Any, **kwargs: Any) -> int:
        opens["folder" if flags & os.O_DIRECTORY else "file"] += 1
        return real(path, flags, *args, **kwargs)

    def watched_folder(root: int, parts: tree.Parts) -> int:
        opens["folder"] += 1
        return open_folder(root, parts)

    def watched_look(root: int, parts: tree.Parts) -> int | None:
        opens["folder"] += 1
        return find_folder(root, parts)

    monkeypatch.setattr(os, "open", watched)
    monkeypatch.setattr(tree, "find_folder", watched_look)
    monkeypatch.setattr(tree, "open_folder", watched_folder)
    return opens
