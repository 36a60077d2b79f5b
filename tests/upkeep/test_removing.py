"""What an operator takes away by hand, and brings back."""

from __future__ import annotations

import errno
import itertools
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bandersnatch.errors import Refused, StorageError, UsageError
from bandersnatch.storage.fsops import FileSystem
from bandersnatch.upkeep.deleting import Doomed, delete, find
from bandersnatch.upkeep.trash import Return, empty, listed, plan_return, restore
from tests.storage.watched import Quick
from tests.sync.conftest import buried, journal
from tests.upkeep.conftest import Kept
from tests.upkeep.test_garbage import lives

AT_ONCE: dict[str, Any] = {"mirror__grace": "0s"}


def gone(tree: Kept, *names: str, fs: FileSystem | None = None, **settings: Any) -> list[Doomed]:
    """Delete *names*."""
    with tree.opened(fs=fs, **settings) as (mirror, ground):
        doomed = find(ground, names, tree.now)
        delete(mirror, doomed, tree.now)
    return doomed


def back(tree: Kept, *names: str, fs: FileSystem | None = None, **settings: Any) -> list[Return]:
    """Restore *names*."""
    with tree.opened(fs=fs, **settings) as (mirror, ground):
        returns = plan_return(ground, list(listed(ground, names)), tree.now)
        restore(mirror, returns, tree.now)
    return returns


def emptied(tree: Kept, *names: str, fs: FileSystem | None = None, **settings: Any) -> int:
    """Empty the trash of *names*, or of all."""
    with tree.opened(fs=fs, **settings) as (mirror, ground):
        return empty(mirror, listed(ground, names), tree.now)


# --- delete --------------------------------------------------------------------------------------------------------


def test_project(tree: Kept) -> None:
    """A project leaves its page, the list and its page altogether at once; its files wait for the grace time."""
    [doomed] = gone(tree, "alpha")
    assert doomed.whole
    assert doomed.lines == ('exclude.projects = ["alpha"]',)
    assert "alpha" not in tree.root()
    assert not (tree.web / "simple/alpha").exists()
    assert len(list(tree.web.glob("packages/*/*/*/alpha-*"))) == 6
    tree.silent_but_behind("alpha")
    exclude: dict[str, Any] = {"exclude__projects": ["alpha"]}
    tree.now += 4000
    tree.run(**exclude)
    assert not list(tree.web.glob("packages/*/*/*/alpha-*"))
    assert len(buried(tree)) == 4
    assert {line[:2] for line in journal(tree)} == {("left", "alpha"), ("buried", "alpha")}
    tree.silent(**exclude)


def test_comes_back(tree: Kept) -> None:
    """What the configuration wants is here again after the next run, out of storage or the trash."""
    expected = tree.tree()
    for names in (["alpha"], ["alpha==1.0", "beta==2.0"], ["gamma-1.0.tar.gz"]):
        gone(tree, *names)
        assert tree.tree() != expected
        finished = tree.run()
        assert (finished.outcome, finished.files) == ("clean", 0)
        assert tree.tree() == expected
        tree.silent()


def test_version_and_file(tree: Kept) -> None:
    """A version and a file leave the page, which keeps the rest and all that it says of it."""
    tree.index.archive("alpha")
    tree.run()
    before = tree.page("alpha")
    alpha, beta = gone(tree, "Alpha==1", "beta-2.0-py3-none-any.whl", "alpha-2.0.tar.gz")
    assert (alpha.whole, beta.whole) == (False, False)
    assert alpha.lines == ('exclude.projects = ["Alpha==1"]', 'files.exclude-names = ["alpha-2.0.tar.gz"]')
    assert tree.filenames("alpha") == ["alpha-2.0-py3-none-any.whl"]
    assert tree.filenames("beta") == ["beta-1.0-py3-none-any.whl"]
    after = tree.page("alpha")
    assert after["project-status"] == before["project-status"]
    assert after["files"] == [one for one in before["files"] if one["filename"] == "alpha-2.0-py3-none-any.whl"]
    tree.check()
    tree.silent_but_behind("alpha", "beta")


def test_all_its_files(tree: Kept) -> None:
    """A project of which every file goes is gone."""
    [doomed] = gone(tree, "beta==1.0", "beta-2.0-py3-none-any.whl")
    assert doomed.whole
    assert "beta" not in tree.root()


def test_excluded_already(tree: Kept) -> None:
    """What the configuration does not want stays away, and no line is needed."""
    exclude: dict[str, Any] = {"exclude__projects": ["alpha"], "removal__deselected": "keep"}
    tree.run(**exclude)
    [doomed] = gone(tree, "alpha", **exclude)
    assert doomed.lines == ()
    tree.run(**exclude)
    assert "alpha" not in tree.root()
    tree.silent(**exclude)


def test_unknown_names(tree: Kept) -> None:
    """What is not here is named, all at once, and nothing is deleted."""
    before = tree.tree()
    with pytest.raises(UsageError) as raised:
        gone(tree, "alpha", "nobody", "beta==9", "stranger-1.0.zip", "../../etc")
    assert len(raised.value.problems) == 4
    assert tree.tree() == before


class Full(Quick):
    """No file can be made."""

    def open(self, *args: Any, **kwargs: Any) -> int:
        raise OSError(errno.EDQUOT, "Disk quota exceeded")


def test_full_disk(tree: Kept) -> None:
    """A page that cannot be written is told, and nothing has left but what was told; the next run settles it."""
    expected = tree.tree()
    with pytest.raises(StorageError):
        gone(tree, "beta==1.0", fs=Full())
    tree.check(staged=False)
    tree.run()
    assert tree.tree() == expected
    tree.silent()


# --- the trash -----------------------------------------------------------------------------------------------------


@pytest.fixture
def removed(tree: Kept) -> Kept:
    """Upstream has removed gamma, and a file of alpha; both are in the trash."""
    tree.index.remove_project("gamma")
    tree.index.remove_file("alpha-1.0-py3-none-any.whl")
    for _ in range(2):
        tree.run(**AT_ONCE)
    assert buried(tree) == {"gamma-1.0.tar.gz", "alpha-1.0-py3-none-any.whl"}
    return tree


def test_restore(removed: Kept) -> None:
    """A file is back on its page with its companions; the next run takes it away, unless a policy keeps it."""
    for name in ("gamma", "alpha-1.0-py3-none-any.whl"):
        [one] = back(removed, name)
        assert 'removal.deleted = "keep"' in one.warning
    assert removed.filenames("gamma") == ["gamma-1.0.tar.gz"]
    assert "alpha-1.0-py3-none-any.whl" in removed.filenames("alpha")
    assert sorted(removed.root()) == ["alpha", "beta", "gamma"]
    assert buried(removed) == set()
    removed.check()
    removed.silent()
    kept = replace(removed, directory=removed.directory.with_name("kept"))
    shutil.copytree(removed.directory, kept.directory)
    kept.run(removal__deleted="keep", **AT_ONCE)
    assert "alpha-1.0-py3-none-any.whl" in kept.filenames("alpha")
    kept.silent(removal__deleted="keep")
    removed.run(**AT_ONCE)
    removed.run(**AT_ONCE)
    assert "gamma" not in removed.root()
    assert "alpha-1.0-py3-none-any.whl" not in removed.filenames("alpha")
    assert buried(removed) == {"gamma-1.0.tar.gz", "alpha-1.0-py3-none-any.whl"}
    removed.silent()


def test_restore_what_was_deleted(tree: Kept) -> None:
    """What was deleted by hand comes back as it was, once the next run has looked at it."""
    expected = tree.tree()
    exclude: dict[str, Any] = {"exclude__projects": ["alpha"], **AT_ONCE}
    gone(tree, "alpha", **exclude)
    tree.now += 10
    tree.run(**exclude)
    [first, *_] = back(tree, "alpha", **exclude)
    assert first.warning == "the rules do not want it: see bandersnatch why"
    assert back(tree, "alpha") == []  # it is here already
    assert len(tree.filenames("alpha")) == 4
    tree.check()
    tree.run()
    assert tree.tree() == expected
    tree.silent()


def test_damaged(removed: Kept) -> None:
    """A file whose bytes are not what its name promises does not come back, nor does anything with it."""
    [path] = removed.state.glob("trash/packages/*/*/*/gamma-1.0.tar.gz")
    path.write_bytes(b"x" * path.stat().st_size)
    before = removed.tree()
    with pytest.raises(Refused, match=r"gamma-1.0.tar.gz: its bytes are not those that its name promises"):
        back(removed, "gamma")
    assert removed.tree() == before


def test_quarantined(tree: Kept) -> None:
    """Nothing of a project in quarantine comes back."""
    tree.index.quarantine("alpha")
    for _ in range(2):
        tree.run(accept_removals=True, **AT_ONCE)
    with pytest.raises(Refused, match="quarantined"):
        back(tree, "alpha")


def test_empty(removed: Kept) -> None:
    """What is named goes for good, then everything; the journal says so."""
    assert emptied(removed, "gamma") == 1
    assert buried(removed) == {"alpha-1.0-py3-none-any.whl"}
    assert emptied(removed) == 3
    assert not [path for path in (removed.state / "trash").rglob("*") if path.is_file()]
    assert ("purged", "gamma", "gamma-1.0.tar.gz") in journal(removed)
    removed.silent()


def test_names_in_the_trash(removed: Kept) -> None:
    """A project, a version, a file or a key stands for what it names, and for what lies beside it."""
    with removed.opened() as (_, ground):
        everything = [item.buried.key for item in listed(ground)]

        def found(name: str) -> int:
            return len(list(listed(ground, [name])))

        wheel = next(key for key in everything if key.endswith(".whl"))
        assert [found(name) for name in ("alpha", "Alpha==1.0", "alpha==2.0", wheel, "gamma-1.0.tar.gz", "no")] == [
            3, 3, 0, 1, 1, 0
        ]  # fmt: skip
        assert found("alpha-1.0-py3-none-any.whl") == 3
        assert [found(name) for name in ("alpha==1", "alpha == v1.0.0", "alpha==1.1")] == [3, 3, 0]
        # What a key is made of besides names nothing: a project can be called as the digits of another's place are.
        assert [found(name) for name in (*wheel.split("/")[:-1], "integrity", "provenance", "1.0")] == [0] * 7


# --- cut off -------------------------------------------------------------------------------------------------------

Act = Callable[[Kept, FileSystem], object]


STEPS = pytest.mark.parametrize("step", [11, pytest.param(1, marks=(pytest.mark.faults, pytest.mark.timeout(900)))])
"""Every so many changes of the disk it is cut off; ``make test-faults`` tries each."""


def converges(start: Kept, folder: Path, act: Act, settings: dict[str, Any], step: int) -> None:
    """Wherever *act* is cut off: after two runs the tree is what it is when *act* is not, and nothing is found."""

    def settled(number: int | None) -> tuple[Kept, bool]:
        copy = replace(start, directory=folder / f"copy-{number}")
        shutil.copytree(start.directory, copy.directory)
        lived = lives(copy, 10**6 if number is None else number, act)
        copy.check(staged=False)
        for _ in range(2):
            copy.now += 4000
            copy.run(accept_removals=True, **settings)
        copy.silent(**settings)
        return copy, lived

    expected = settled(None)[0]
    for number in itertools.count(step // 2, step):
        copy, lived = settled(number)
        assert copy.tree() == expected.tree(), number
        if lived:
            assert number > 3
            return


@STEPS
def test_delete_cut_off(tree: Kept, tmp_path: Path, step: int) -> None:
    """A deletion that is cut off anywhere leaves nothing half, and the next run settles it."""

    def act(copy: Kept, fs: FileSystem) -> None:
        gone(copy, "alpha", "beta==1.0", fs=fs)

    converges(tree, tmp_path, act, {"exclude__projects": ["alpha", "beta==1.0"]}, step)
    converges(tree, tmp_path / "wanted", act, {}, step)


@STEPS
def test_restore_cut_off(removed: Kept, tmp_path: Path, step: int) -> None:
    """The same for a restoration."""
    act: Act = lambda copy, fs: back(copy, "alpha", "gamma", fs=fs)  # noqa: E731  # the shortest way to say it
    converges(removed, tmp_path, act, AT_ONCE, step)


@STEPS
def test_empty_cut_off(removed: Kept, tmp_path: Path, step: int) -> None:
    """The same for a trash that is emptied: what was to go is gone."""
    act: Act = lambda copy, fs: emptied(copy, fs=fs)  # noqa: E731  # the shortest way to say it
    converges(removed, tmp_path, act, AT_ONCE, step)
