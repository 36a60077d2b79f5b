"""The catalogue is copied while it is in use, put back, and made from the tree alone; wherever that is cut off."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bandersnatch import assemble
from bandersnatch.assemble import backing
from bandersnatch.catalogue.sqlite import SqliteCatalogue
from bandersnatch.errors import CatalogueError, UsageError
from tests.sync.test_crash import Death
from tests.upkeep.conftest import Kept


def backup(tree: Kept, to: Path) -> int:
    return backing.backup(tree.config(), to).projects


def restore(tree: Kept, source: Path) -> int:
    """Put *source* back; returns how many differences are left to the next run."""
    config = tree.config()
    with assemble.locked(config):
        return sum(backing.restore(config, source, tree.now)[1].values())


def change(tree: Kept) -> None:
    """What can happen between a backup and the day it is needed, in two runs and with the sweep."""
    tree.index.upload("alpha", "3.0", provenance=True)
    tree.index.upload("delta", "1.0")
    tree.index.remove_project("gamma")
    tree.index.remove_file("beta-1.0-py3-none-any.whl")
    tree.run(mirror__grace="0s")
    tree.index.yank("alpha", "3.0", "broken")
    tree.run(mirror__grace="0s")


@pytest.fixture
def copy(tree: Kept, tmp_path: Path) -> Path:
    """A backup from before the change; the mirror is as after it."""
    path = tmp_path / "backup.sqlite"
    assert backup(tree, path) == 3
    change(tree)
    return path


def test_backup_in_use(tree: Kept, tmp_path: Path) -> None:
    """A copy that is made while a run writes is whole; an older copy is replaced, and nothing lies beside it."""
    path = tmp_path / "backups" / "copy"
    path.parent.mkdir()
    for expected in (3, 4):
        with tree.opened() as (mirror, _):
            mirror.catalogue.set({"in-use": "1"})
            assert backup(tree, path) == expected
        tree.index.upload("delta", str(expected))
        tree.run()
    assert os.listdir(path.parent) == ["copy"]
    with closing(SqliteCatalogue(path, read_only=True)) as catalogue:
        assert catalogue.get("in-use") == "1"


def test_backup_over_something_else(tree: Kept, tmp_path: Path) -> None:
    """What is no copy of a catalogue is not replaced."""
    path = tmp_path / "letter"
    path.write_text("Dear reader")
    with pytest.raises(UsageError, match="choose another name"):
        backup(tree, path)
    assert path.read_text() == "Dear reader"


def test_restore(tree: Kept, copy: Path) -> None:
    """After a restoration and a run, the mirror is what it was, and nothing is fetched twice."""
    expected = tree.tree()
    assert restore(tree, copy) > 0
    tree.check()
    finished = tree.run(mirror__grace="0s")
    assert (finished.outcome, finished.files) == ("clean", 0)
    tree.run(mirror__grace="0s")
    assert tree.tree() == expected
    tree.silent()
    assert list(tree.state.glob("catalogue.sqlite.*[0-9]"))


def test_restore_where_nothing_changed(tree: Kept, tmp_path: Path) -> None:
    """A copy that is as new as the mirror leaves nothing to be done."""
    path = tmp_path / "backup.sqlite"
    backup(tree, path)
    assert restore(tree, path) == 0
    finished = tree.run()
    assert (finished.refreshed, finished.files) == (0, 0)
    tree.silent()


def test_linked_again(tree: Kept, tmp_path: Path) -> None:
    """What was to be swept when the copy was made, and is linked again since, is not swept."""
    path = tmp_path / "backup.sqlite"
    narrow: dict[str, Any] = {"files__types": ["wheel"]}
    tree.run(**narrow)
    backup(tree, path)
    tree.run()
    expected = tree.tree()
    restore(tree, path)
    tree.now += 10_000
    tree.run()
    assert tree.tree() == expected
    tree.silent()


@pytest.mark.parametrize("damage", ["text", "inside", "newer", "empty"])
def test_bad_copy(tree: Kept, copy: Path, damage: str) -> None:
    """A copy that is damaged, foreign or newer is refused, and the present catalogue stays."""
    match damage:
        case "text":
            copy.write_text("Dear reader")
        case "inside":
            data = bytearray(copy.read_bytes())
            data[3 * 4096 : 6 * 4096] = b"\xff" * (3 * 4096)
            copy.write_bytes(data)
        case "newer":
            with closing(sqlite3.connect(copy)) as file:
                file.execute("PRAGMA user_version = 999")
        case _:
            copy.write_bytes(b"")
    with pytest.raises(CatalogueError):
        restore(tree, copy)
    tree.silent()


def test_older_format(tree: Kept, copy: Path) -> None:
    """A copy of an older format is brought up to date."""
    with closing(sqlite3.connect(copy, isolation_level=None)) as file:
        for later in ("TABLE arriving", "TABLE slice", "TABLE slice_names", "TABLE strayed", "TRIGGER strays_lost"):
            file.execute(f"DROP {later}")
        file.execute("ALTER TABLE project DROP COLUMN suspect")
        file.execute("PRAGMA user_version = 2")
    assert backing.last_run(copy) is not None
    restore(tree, copy)
    for _ in range(2):
        tree.run(mirror__grace="0s")
    tree.silent()


# --- cut off -------------------------------------------------------------------------------------------------------


@contextmanager
def dying(last: int) -> Iterator[list[int]]:
    """Whatever renames, removes or synchronises dies at call number *last*, and everything after it."""
    left = [last]

    def deadly(method: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object, **kwargs: object) -> object:
            left[0] -= 1
            if left[0] < 0:
                raise Death
            return method(*args, **kwargs)

        return call

    with pytest.MonkeyPatch.context() as patch:
        for name in ("rename", "unlink", "fsync"):
            patch.setattr(os, name, deadly(getattr(os, name)))
        yield left


def test_restore_cut_off(tree: Kept, copy: Path, tmp_path: Path) -> None:
    """Wherever it is cut off, a run, or the restoration begun again and a run, makes the mirror what it was."""
    expected = tree.tree()
    for number in range(100):
        other = replace(tree, directory=tmp_path / f"copy-{number}")
        shutil.copytree(tree.directory, other.directory)
        with dying(number) as left, suppress(Death):
            restore(other, copy)
        other.check(staged=False)
        if number % 2:
            other.now += 1
            restore(other, copy)
        for _ in range(2):
            other.run(mirror__grace="0s")
        assert other.tree() == expected, number
        other.silent()
        if left[0] >= 0:
            assert number > 4
            return


def test_backup_cut_off(tree: Kept, tmp_path: Path) -> None:
    """A backup that is cut off leaves the older copy whole."""
    path = tmp_path / "backup.sqlite"
    backup(tree, path)
    tree.index.upload("delta", "1.0")
    tree.run()
    for number in range(20):
        with dying(number) as left, suppress(Death):
            backup(tree, path)
        with closing(SqliteCatalogue(path, read_only=True)) as catalogue:
            assert catalogue.totals().projects in (3, 4)
        if left[0] >= 0:
            assert number > 1
            return


def test_from_the_tree_alone(tree: Kept, tmp_path: Path) -> None:
    """Without any state, a run makes a catalogue from the tree: nothing is fetched, and nothing is found afterwards."""
    change(tree)
    expected = tree.tree()
    shutil.rmtree(tree.state)
    finished = tree.run()
    assert (finished.outcome, finished.files) == ("clean", 0)
    assert tree.tree() == expected
    tree.silent()
    assert backup(tree, tmp_path / "copy") == 3
