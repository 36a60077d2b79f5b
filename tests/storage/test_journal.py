"""The journal of removals: what is written is read, whatever happened to the file in between."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bandersnatch.errors import OutOfSpace, StorageError
from bandersnatch.storage import journal as module
from bandersnatch.storage.base import Journal, Removal
from bandersnatch.storage.journal import FileJournal
from bandersnatch.storage.memory import MemoryJournal
from tests.storage.watched import Cut, Cutting, Failing, Quick, Recording

BURIED = Removal(1760000000.25, "buried", "demo", "packages/aa/bb/demo-1.whl", "quarantined upstream")
LINES = st.lists(
    st.builds(
        Removal,
        time=st.floats(0, 1e11),
        action=st.sampled_from(["left", "buried", "deleted", "purged"]),
        project=st.text(),
        key=st.text(st.characters(codec=None)),
        reason=st.text(),
    ),
    max_size=4,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the journal will be."""
    return tmp_path / "state/removals.jsonl"


def numbered(*numbers: int) -> list[Removal]:
    return [Removal(float(number), "deleted", "demo", f"packages/{number}", "gone upstream") for number in numbers]


def numbers(journal: Journal) -> list[int]:
    return [int(line.time) for line in journal.read()]


# --- the contract --------------------------------------------------------------------------------------------------


def test_empty(journal: Journal) -> None:
    """A journal in which nothing was ever written has no lines."""
    journal.write([])
    assert list(journal.read()) == []
    assert journal.unreadable == 0


def test_oldest_first(journal: Journal) -> None:
    """What is written batch by batch is read in that order, and again, and is not lost by writing more."""
    journal.write(numbered(1, 2))
    assert numbers(journal) == [1, 2]
    journal.write(numbered(3))
    assert numbers(journal) == numbers(journal) == [1, 2, 3]
    assert journal.unreadable == 0


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(batches=st.lists(LINES, max_size=3))
def test_round_trip(tmp_path: Path, batches: list[list[Removal]]) -> None:
    """Every line comes back as it was, line breaks and bytes that are no UTF-8 included."""
    path = tmp_path / "removals.jsonl"
    path.unlink(missing_ok=True)
    for journal in (FileJournal(path, fs=Quick()), MemoryJournal()):
        for lines in batches:
            journal.write(lines)
        assert list(journal.read()) == [line for lines in batches for line in lines]
        assert journal.unreadable == 0


# --- the file ------------------------------------------------------------------------------------------------------


def test_form(path: Path) -> None:
    """Each line is a JSON object with five members, in ASCII; the folder is made."""
    FileJournal(path).write([BURIED, Removal(2.0, "purged", "demo", "packages/\udcff", "a\nb\u2028c")])
    first, second = path.read_text("ascii").splitlines()
    assert json.loads(first) == {
        "time": 1760000000.25,
        "action": "buried",
        "project": "demo",
        "key": "packages/aa/bb/demo-1.whl",
        "reason": "quarantined upstream",
    }
    assert json.loads(second)["reason"] == "a\nb\u2028c"


def test_one_fsync_for_a_batch(path: Path) -> None:
    """A batch is opened and synchronised once, after its last write; a new file's folder is, too."""
    journal = FileJournal(path, fs=(fs := Recording()))
    journal.write(numbered(*range(100)))
    names = [call.name for call in fs.calls if call.name != "write"]
    assert names == ["mkdir", "fsync_directory", "open", "fsync", "fsync_directory", "close"]
    fs.calls.clear()
    journal.write(numbered(*range(100)))
    assert [call.name for call in fs.calls if call.name != "write"] == ["open", "fsync", "close"]


def test_torn_anywhere(path: Path) -> None:
    """Cut off at any byte the last line is skipped and counted, and the next line stands for itself."""
    FileJournal(path, fs=Quick()).write(numbered(1, 2))
    whole = path.read_bytes()
    end_of_first = whole.index(b"\n") + 1
    for cut in range(end_of_first, len(whole) + 1):
        path.write_bytes(whole[:cut])
        journal = FileJournal(path, fs=Quick())
        is_torn = end_of_first < cut < len(whole) - 1
        before = [1, 2] if cut >= len(whole) - 1 else [1]
        assert numbers(journal) == before
        assert journal.unreadable == is_torn
        journal.write(numbered(3))
        assert numbers(journal) == [*before, 3]
        assert journal.unreadable == is_torn


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\0\0\0\0",
        b"\xff\xfe",
        b"{",
        b"[" * 100_000,
        b"null",
        b"[]",
        b"{}",
        b'{"time": 1, "action": "buried", "project": "a", "key": "b"}',
        b'{"time": "1", "action": "buried", "project": "a", "key": "b", "reason": ""}',
        b'{"time": 1, "action": "painted", "project": "a", "key": "b", "reason": ""}',
        b'{"time": 1, "action": ["buried"], "project": "a", "key": "b", "reason": ""}',
        b'{"time": 1, "action": "buried", "project": null, "key": "b", "reason": ""}',
        b'{"time": NaN, "action": "buried", "project": "a", "key": "b", "reason": ""}',
        b'{"time": 1e999, "action": "buried", "project": "a", "key": "b", "reason": ""}',
        b'{"time": -1, "action": "buried", "project": "a", "key": "b", "reason": ""}',
        b'{"time": 1' + b"0" * 400 + b', "action": "buried", "project": "a", "key": "b", "reason": ""}',
        b'{"time": 1' + b"0" * 5000 + b', "action": "buried", "project": "a", "key": "b", "reason": ""}',
    ],
    ids=range(18),
)
def test_unreadable(path: Path, line: bytes) -> None:
    """A line that is no removal is skipped and counted, whatever it is; those around it are read."""
    journal = FileJournal(path, fs=Quick())
    journal.write([BURIED])
    path.write_bytes(path.read_bytes() + line + b"\n" + path.read_bytes())
    for _ in range(2):
        assert list(journal.read()) == [BURIED, BURIED]
        assert journal.unreadable == 1


def test_later_members(path: Path) -> None:
    """A member that a later version might add does not make a line unreadable, nor does a whole number of seconds."""
    path.parent.mkdir()
    path.write_text('{"v": 2, "time": 7, "action": "left", "project": "a", "key": "b", "reason": "c"}\n')
    assert list(FileJournal(path).read()) == [Removal(7.0, "left", "a", "b", "c")]


def test_no_time(path: Path) -> None:
    """A time that is no number is the caller's mistake, and nothing of the batch is written."""
    with pytest.raises(ValueError):
        FileJournal(path).write([BURIED, Removal(float("nan"), "left", "a", "b", "c")])
    assert not path.exists()


def test_moved_away(path: Path) -> None:
    """A journal that is moved away, or goes with its folder, is begun anew."""
    journal = FileJournal(path)
    journal.write(numbered(1))
    path.parent.rename(path.parent.parent / "old")
    assert numbers(journal) == []
    journal.write(numbered(2))
    assert numbers(journal) == [2]


# --- rotation ------------------------------------------------------------------------------------------------------


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every batch fills a journal."""
    monkeypatch.setattr(module, "LARGEST", 1)


def test_limit() -> None:
    """A journal is put aside at 64 MiB, and three are kept."""
    assert (module.LARGEST, module.KEPT) == (64 * 1024 * 1024, 3)


def test_not_yet(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A journal is put aside when it has reached its size, not before, and no batch is divided."""
    journal = FileJournal(path, fs=Quick())
    journal.write(numbered(1))
    monkeypatch.setattr(module, "LARGEST", path.stat().st_size + 1)
    journal.write(numbered(2, 3))
    assert [one.name for one in path.parent.iterdir()] == ["removals.jsonl"]
    journal.write(numbered(4))
    assert sorted(one.name for one in path.parent.iterdir()) == ["removals.jsonl", "removals.jsonl.1"]
    assert numbers(journal) == [1, 2, 3, 4]


@pytest.mark.usefixtures("small")
def test_rotation(path: Path) -> None:
    """Four journals are kept in all; what is read begins with the oldest of them."""
    journal = FileJournal(path, fs=Quick())
    for number in range(1, 7):
        journal.write(numbered(number))
        assert numbers(journal) == list(range(max(1, number - 3), number + 1))
    assert sorted(one.name for one in path.parent.iterdir()) == [
        "removals.jsonl",
        "removals.jsonl.1",
        "removals.jsonl.2",
        "removals.jsonl.3",
    ]


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("at", range(1, 5))
def test_rotation_cut_off(path: Path, at: int) -> None:
    """Wherever a rotation is cut off, no more is lost by it than by a whole one, and the next goes on with it."""
    for number in range(1, 5):
        FileJournal(path, fs=Quick()).write(numbered(number))
    with pytest.raises(Cut):
        FileJournal(path, fs=Cutting(at)).write(numbered(9))
    journal = FileJournal(path, fs=Quick())
    assert numbers(journal) == ([1, 2, 3, 4] if at == 1 else [2, 3, 4])
    journal.write(numbered(5))
    assert numbers(journal) == [2, 3, 4, 5]


class Meanwhile(FileJournal):
    """Between two looks at the folder another process writes so much that the journal is put aside."""

    def _names(self) -> list[str]:
        first, *others = super()._names()
        return [first, "written meanwhile", *others]


@pytest.mark.usefixtures("small")
def test_rotated_under_a_reader(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A journal that is put aside between two openings is neither missed nor read twice."""
    writer = FileJournal(path, fs=Quick())
    writer.write(numbered(1))
    writer.write(numbered(2))
    real = os.open

    def watched(name: str, *args: int, dir_fd: int | None = None) -> int:
        if name == "written meanwhile":
            writer.write(numbered(3))
        return real(name, *args, dir_fd=dir_fd)

    reader = Meanwhile(path)
    monkeypatch.setattr(os, "open", watched)
    assert numbers(reader) == [1, 2]
    monkeypatch.undo()
    assert numbers(reader) == [1, 2, 3]


# --- faults --------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("before", [[], [1]], ids=["new", "rotated"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EACCES])
def test_every_call_fails(tmp_path: Path, number: int, before: list[int]) -> None:
    """Whichever call fails: a batch is there wholly or, with an error, not at all; the next try writes it once."""
    at, failed = 0, True
    while failed:
        at += 1
        path = tmp_path / str(at) / "removals.jsonl"
        FileJournal(path, fs=Quick()).write(numbered(*before))
        journal = FileJournal(path, fs=(fs := Failing(at, number)))
        try:
            journal.write(numbered(2, 3))
        except StorageError as error:
            assert error.errno == number
            assert isinstance(error, OutOfSpace) == (number == errno.ENOSPC)
            assert numbers(journal) == before
            journal.write(numbered(2, 3))
        failed = fs.failed
        assert numbers(journal) == [*before, 2, 3]
        assert journal.unreadable == 0
    assert at > 5


@pytest.mark.parametrize("sticky", [False, True])
def test_disk_full_for_good(path: Path, sticky: bool) -> None:
    """If a half-written batch cannot even be taken back, its whole lines are read, and the next one is not spoilt."""
    FileJournal(path, fs=Quick()).write(numbered(1))
    fs = Failing(2, errno.ENOSPC, sticky=True, only=None if sticky else "write")
    journal = FileJournal(path, fs=fs)
    with pytest.raises(OutOfSpace, match="No space left on device at .*/state/removals.jsonl; make room"):
        journal.write(numbered(2))
    assert numbers(journal) == [1]
    assert journal.unreadable == sticky
    fs.heal()
    journal.write(numbered(3))
    assert numbers(journal) == [1, 3]


def test_killed_at_every_call(tmp_path: Path) -> None:
    """Wherever the process is killed, the lines before stay, and the next batch is written after them."""
    at, killed = 0, True
    while killed:
        at += 1
        path = tmp_path / str(at)
        FileJournal(path, fs=Quick()).write(numbered(1))
        try:
            FileJournal(path, fs=Cutting(at)).write(numbered(2, 3))
            killed = False
        except Cut:
            pass
        journal = FileJournal(path, fs=Quick())
        found = numbers(journal)
        assert found in ([1], [1, 2], [1, 2, 3])
        journal.write(numbered(4))
        assert numbers(journal) == [*found, 4]
    assert at > 4


# --- links and other things in the way -----------------------------------------------------------------------------


def test_linked(path: Path, tmp_path: Path) -> None:
    """A symbolic link in place of the journal is not followed, by writing or by reading."""
    path.parent.mkdir()
    (tmp_path / "theirs").write_bytes(b"theirs")
    path.symlink_to(tmp_path / "theirs")
    journal = FileJournal(path)
    calls: list[Callable[[], object]] = [lambda: journal.write([BURIED]), lambda: list(journal.read())]
    for call in calls:
        with pytest.raises(StorageError, match="/state/removals.jsonl; .* no symbolic link"):
            call()
    assert (tmp_path / "theirs").read_bytes() == b"theirs"


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_not_a_file(path: Path, make: Callable[[Path], None]) -> None:
    """A folder or a pipe in place of the journal keeps nobody waiting: nothing is read, and writing says what it is."""
    path.parent.mkdir()
    make(path)
    journal = FileJournal(path)
    assert list(journal.read()) == []
    with pytest.raises(StorageError, match="at .*/state/removals.jsonl"):
        journal.write([BURIED])


def test_descriptors_are_let_go(path: Path) -> None:
    """Nothing stays open, after success, failure, or a reading that is given up."""
    before = len(os.listdir("/proc/self/fd"))
    journal = FileJournal(path, fs=Failing(1, errno.EIO, only="fsync"))
    with pytest.raises(StorageError):
        journal.write(numbered(1, 2))
    journal.write(numbered(1, 2))
    lines = iter(journal.read())
    next(lines)
    del lines
    assert len(os.listdir("/proc/self/fd")) == before


def test_threads(path: Path) -> None:
    """Batches of several threads are written one after the other, each whole."""
    journal = FileJournal(path, fs=Quick())
    with ThreadPoolExecutor(6) as pool:
        for done in [pool.submit(journal.write, numbered(*range(n * 10, n * 10 + 10))) for n in range(60)]:
            done.result()
    found = numbers(journal)
    assert [found[at : at + 10] for at in range(0, 600, 10)] == [
        list(range(first, first + 10)) for first in found[::10]
    ]
    assert sorted(found) == list(range(600))
