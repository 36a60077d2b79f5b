"""Which objects changed: written before it can be seen, kept until it was told, bounded in memory and on disk."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from unittest.mock import Mock

import pytest

from bandersnatch.hooks import changes, lists
from bandersnatch.hooks.base import Form
from bandersnatch.hooks.changes import ChangeLog
from bandersnatch.storage.memory import MemoryStorage
from bandersnatch.storage.recorded import recorded

PAGE = "simple/six/index.v1_json"
FILE = "packages/aa/bb/cc/six-1.0.whl"
TOKEN = "0" * 64


@pytest.fixture
def log(tmp_path: Path) -> ChangeLog:
    return ChangeLog(tmp_path / "changes", ["last-modified"])


def written(folder: Path) -> list[tuple[str, str]]:
    return list(changes.lines(folder / "changes"))


class Watched(MemoryStorage):
    """Looks into the log at the moment at which anything changes."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self.seen: list[list[tuple[str, str]]] = []

    def settle(self) -> None:
        self.seen.append(written(self.folder))
        super().settle()

    def delete(self, key: str) -> None:
        self.seen.append(written(self.folder))
        super().delete(key)

    def bury(self, key: str) -> None:
        self.seen.append(written(self.folder))
        super().bury(key)

    def unbury(self, key: str) -> bool:
        self.seen.append(written(self.folder))
        return super().unbury(key)


def test_written_before_it_is_seen(tmp_path: Path, log: ChangeLog) -> None:
    """Every way to change what is served is in the log, readable by others, before the change is made."""
    inner = Watched(tmp_path)
    storage = recorded(inner, log)
    storage.put((PAGE, "last-modified"), b"page")
    incoming = storage.receive(TOKEN)
    incoming.write(b"file")
    incoming.stage(FILE)
    storage.settle()
    assert inner.seen[-1] == [("+", PAGE), ("+", FILE)]
    storage.delete(PAGE)
    assert inner.seen[-1][-1] == ("-", PAGE)
    storage.bury(FILE)
    assert inner.seen[-1][-1] == ("-", FILE)
    assert storage.unbury(FILE)
    assert inner.seen[-1][-1] == ("+", FILE)
    assert storage.read(FILE, 100) == b"file"
    storage.close()


def test_cut_off(tmp_path: Path, log: ChangeLog) -> None:
    """What a run that was cut off wrote is there for the next one, but for a line that was not finished."""
    log.changed([PAGE])
    log.flush()
    with (tmp_path / "changes").open("a") as file:
        file.write("+simple/half")
    log.close()
    assert written(tmp_path) == [("+", PAGE)]
    again = ChangeLog(tmp_path / "changes")
    again.changed([FILE])
    again.close()
    assert ("+", FILE) in written(tmp_path)


def test_hand_out(tmp_path: Path, log: ChangeLog) -> None:
    """Each queue gets all lines behind those that it has; what was cut off between two queues is done again."""
    log.changed([PAGE])
    log.close()
    queues = [tmp_path / "hooks" / name for name in ("a", "b")]
    queues[0].parent.mkdir()
    queues[0].write_text("+older\n")
    changes.hand_out(tmp_path / "changes", queues)
    assert queues[0].read_text() == f"+older\n+{PAGE}\n"
    assert queues[1].read_text() == f"+{PAGE}\n"
    assert not (tmp_path / "changes").exists()
    changes.hand_out(tmp_path / "changes", queues)
    assert queues[1].read_text() == f"+{PAGE}\n"


def test_queue_is_bounded(tmp_path: Path, log: ChangeLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """A queue that nobody empties is begun anew, and says so."""
    monkeypatch.setattr(changes, "LARGEST", 5)
    queue = tmp_path / "queue"
    queue.write_text("+very-old\n")
    log.changed([PAGE])
    log.close()
    changes.hand_out(tmp_path / "changes", [queue])
    made = lists.write(queue, lists.naming(Form.KEYS, tmp_path, ""), lambda _: True, tmp_path)
    assert not made.complete
    assert made.changed.read_text() == f"{PAGE}\n"


def test_full_disk() -> None:
    """A log that cannot be written raises nothing: the mirror is worth more."""
    log = ChangeLog(Path("/dev/full"))
    log.changed([PAGE])
    log.removed(FILE)
    log.close()
    assert "No space left" in log.problem


def test_full_for_a_while(tmp_path: Path, log: ChangeLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """What could not be written may be lost; as soon as there is room the log says that something is."""
    file = log._file

    def full(_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(log, "_file", Mock(wraps=file, writelines=full))
        log.changed([PAGE])
    log.changed([FILE])
    log.close()
    assert changes.DROPPED in [sign for sign, _ in written(tmp_path)]
    assert ("+", FILE) in written(tmp_path)


@pytest.mark.parametrize("junk", ["\0" * 30, "", "+", "+../../etc/passwd", "-/etc/passwd", "simple/six/"])
def test_what_is_no_line(junk: str, tmp_path: Path) -> None:
    """A log that a power cut damaged asks storage for nothing strange, and says that it lacks something."""
    queue = tmp_path / "queue"
    queue.write_text(f"{junk}\n+{PAGE}\n")
    assert list(changes.lines(queue)) == [(changes.DROPPED, ""), ("+", PAGE)]
    made = lists.write(
        queue, lists.naming(Form.KEYS, tmp_path, ""), lambda key: MemoryStorage().stat(key) is None, tmp_path
    )
    assert (made.changes, made.removals, made.complete) == (1, 0, False)


# --- lists ---------------------------------------------------------------------------------------------------------


def make(folder: Path, form: Form, *lines: str, there: frozenset[str] = frozenset()) -> tuple[list[str], list[str]]:
    queue = folder / "queue"
    queue.write_text("".join(f"{line}\n" for line in lines))
    names = lists.naming(form, Path("/srv/pypi/web"), "https://pypi.example.org/")
    made = lists.write(queue, names, there.__contains__, folder)
    changed, removed = made.changed.read_text().splitlines(), made.removed.read_text().splitlines()
    assert (len(changed), len(removed)) == (made.changes, made.removals)
    return changed, removed


def test_forms(tmp_path: Path) -> None:
    """Objects are named as the hook wants them; the addresses of a page are its file's and its folder's."""
    index, page = "simple/index.html", "simple/six/index.html"
    there = frozenset({index, page, FILE})
    lines = (f"+{index}", f"+{page}", f"+{FILE}", "-pypi/six/1.0+local/json")
    assert make(tmp_path, Form.KEYS, *lines, there=there) == ([index, page, FILE], ["pypi/six/1.0+local/json"])
    assert make(tmp_path, Form.PATHS, f"+{FILE}", there=there)[0] == [f"/srv/pypi/web/{FILE}"]
    base = "https://pypi.example.org/"
    assert make(tmp_path, Form.URLS, *lines, there=there) == (
        [f"{base}simple/", f"{base}{index}", f"{base}simple/six/", f"{base}{page}", f"{base}{FILE}"],
        [f"{base}pypi/six/1.0+local/json"],
    )


def test_what_is_there_counts(tmp_path: Path) -> None:
    """Whatever was done to an object, it is in the list of what it is now: that of files can be copied."""
    lines = (f"+{FILE}", f"-{FILE}", f"-{PAGE}", f"+{PAGE}")
    assert make(tmp_path, Form.KEYS, *lines, there=frozenset({PAGE})) == ([PAGE], [FILE])


def test_memory_is_flat(tmp_path: Path) -> None:
    """A list of any length costs the same memory."""

    def peak(count: int) -> int:
        queue = tmp_path / "queue"
        with queue.open("w") as file:
            file.writelines(f"+packages/aa/bb/{number:060}/demo-{number}.whl\n" for number in range(count))
        names = lists.naming(Form.PATHS, Path("/srv/pypi/web"), "")
        tracemalloc.start()
        try:
            made = lists.write(queue, names, lambda _: True, tmp_path)
            for _ in lists.batches(made, 100):
                pass
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(100)
    assert peak(40_000) < peak(2_000) + 200_000


def test_batches(tmp_path: Path) -> None:
    """A list is sent in parts, none larger than allowed, nothing lost and nothing twice; nothing is one empty part."""
    queue = tmp_path / "queue"
    queue.write_text("".join(f"+k{number}\n" for number in range(7)))
    names = lists.naming(Form.KEYS, tmp_path, "")
    made = lists.write(queue, names, lambda key: key < "k5", tmp_path)
    parts = list(lists.batches(made, 3))
    assert parts == [(["k0", "k1", "k2"], []), (["k3", "k4"], ["k5"]), ([], ["k6"])]
    queue.write_text("")
    assert list(lists.batches(lists.write(queue, names, bool, tmp_path), 3)) == [([], [])]


def test_interrupted_list(tmp_path: Path) -> None:
    """A list that could not be written whole is not there at all, and the one before it stays."""
    (tmp_path / "changed").write_text("before\n")
    queue = tmp_path / "queue"
    queue.write_text(f"+{PAGE}\n")

    def fails(_: str) -> bool:
        raise OSError("disk")

    with pytest.raises(OSError):
        lists.write(queue, lists.naming(Form.KEYS, tmp_path, ""), fails, tmp_path)
    assert (tmp_path / "changed").read_text() == "before\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["changed", "queue"]
