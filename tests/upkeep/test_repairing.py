"""What is damaged is mended: by marks, and by the run that heeds them."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bandersnatch.testing import Index, Status, UpstreamServer
from bandersnatch.upkeep.repairing import Step, step_for
from bandersnatch.verify.base import Finding, Kind, Severity
from bandersnatch.verify.engine import Wish
from tests.sync.test_crash import dying_run
from tests.upkeep.conftest import Kept, fill


def flip(path: Path) -> None:
    """Other bytes of the same size."""
    data = bytearray(path.read_bytes() or b"emptied before")
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def swap_for_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("/nowhere")


DAMAGES: list[Callable[[Path], object]] = [Path.unlink, flip, cut, lambda path: path.write_bytes(b""), swap_for_link]


def objects_of(tree: Kept) -> list[Path]:
    return sorted(path for path in tree.web.rglob("*") if path.is_file())


@pytest.mark.parametrize("damage", DAMAGES, ids=["gone", "flipped", "cut", "empty", "link"])
def test_every_object(tree: Kept, damage: Callable[[Path], object]) -> None:
    """Whatever object is damaged, and however: after the repair the tree is what it was, and a second finds nothing."""
    expected = tree.tree()
    for path in objects_of(tree):
        damage(path)
    steps = tree.repair()
    assert steps[Step.FILES]
    assert tree.tree() == expected
    tree.silent()
    assert tree.mark() == {}


def test_only_what_is_damaged_is_fetched(tree: Kept) -> None:
    """A file that is whole is read, and not asked for; of other projects no page is."""
    damaged = tree.stored("alpha", "alpha-1.0-py3-none-any.whl")
    damaged.unlink()
    finished = tree.mark() and tree.run()
    assert finished
    assert (finished.files, finished.adopted) == (1, 3)
    assert tree.upstream.count("/simple/beta/") == tree.upstream.count("/simple/gamma/") == 0


def test_pages_alone(tree: Kept) -> None:
    """A page is written anew without a look at any file."""
    expected = tree.tree()
    (tree.web / "simple/alpha/index.html").write_text("<p>Hello")
    assert tree.mark() == {Step.PAGES: 2}  # two names of one file
    finished = tree.run()
    assert (finished.files, finished.adopted) == (0, 0)
    assert tree.tree() == expected


def test_quick_repair(tree: Kept) -> None:
    """What a quick look finds is mended, and what lies beside it in the same project as well."""
    expected = tree.tree()
    tree.stored("alpha", "alpha-1.0-py3-none-any.whl").unlink()
    flip(tree.stored("alpha", "alpha-2.0.tar.gz"))
    tree.repair(Wish())
    assert tree.tree() == expected


def test_marks_outlive_a_failure(tree: Kept) -> None:
    """A run that cannot reach the file leaves the project suspect: the next one that can mends it."""
    expected = tree.tree()
    flip(tree.stored("alpha", "alpha-1.0-py3-none-any.whl"))
    tree.mark()
    tree.upstream.fault("/simple/alpha/*", Status(503), times=None)
    assert tree.run().outcome == "behind"
    tree.upstream.clear_faults()
    assert tree.repair()
    assert tree.tree() == expected


def test_kept_without_upstream(tree: Kept) -> None:
    """A damaged file that upstream has no longer leaves its page, though a policy keeps it; whole ones stay."""
    keep: dict[str, Any] = {"removal__deleted": "keep"}
    tree.index.remove_project("alpha")
    tree.index.remove_file("beta-1.0-py3-none-any.whl")
    tree.run(**keep)
    flip(tree.stored("alpha", "alpha-1.0-py3-none-any.whl"))
    flip(tree.stored("beta", "beta-1.0-py3-none-any.whl"))
    tree.repair(**keep)
    assert sorted(tree.filenames("alpha")) == ["alpha-1.0.tar.gz", "alpha-2.0-py3-none-any.whl", "alpha-2.0.tar.gz"]
    assert tree.filenames("beta") == ["beta-2.0-py3-none-any.whl"]
    tree.check()
    tree.silent(**keep)


def test_kept_page_without_upstream(tree: Kept) -> None:
    """The page of a project that upstream has no longer and that is kept is written anew."""
    keep: dict[str, Any] = {"removal__deleted": "keep"}
    tree.index.remove_project("alpha")
    tree.run(**keep)
    expected = tree.tree()
    (tree.web / "simple/alpha/index.v1_json").write_text("{}")
    tree.repair(**keep)
    assert tree.tree() == expected
    tree.silent(**keep)


def test_lost_from_trash(tree: Kept) -> None:
    """What the trash has lost is forgotten."""
    tree.index.remove_project("gamma")
    for _ in range(2):
        tree.run(mirror__grace="0s")
    shutil.rmtree(tree.state / "trash")
    assert tree.repair(mirror__grace="0s") == {Step.FORGET: 1}
    tree.silent()


def test_every_kind_has_its_step() -> None:
    """No damage and nothing stale is left to chance; garbage goes only when asked. What is not taken is no damage."""
    for kind in Kind:
        step = step_for(Finding(kind, "alpha", "packages/x"), garbage=False)
        if kind.severity is not Severity.GARBAGE and kind is not Kind.NOT_TAKEN:
            assert step is not Step.NOTHING, kind
        else:
            assert step is Step.NOTHING
    assert step_for(Finding(Kind.UNKNOWN_OBJECT, "", "packages/x"), garbage=True) is Step.GARBAGE
    assert step_for(Finding(Kind.UNREADABLE, "", "simple/index.html"), garbage=False) is Step.INDEX


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """A mirror that stays as it is, its upstream beside it."""
    upstream = UpstreamServer()
    upstream.index = Index()
    fill(upstream.index)
    tree = Kept(upstream.__enter__(), tmp_path_factory.mktemp("sound") / "mirror")
    tree.run()
    return tree


@given(damages=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, len(DAMAGES) - 1)), min_size=1, max_size=6))
@settings(max_examples=8, deadline=None)
def test_any_damage(sound: Kept, damages: list[tuple[int, int]]) -> None:
    """After any damage, a repair makes the tree equal to an undamaged one."""
    with tempfile.TemporaryDirectory() as folder:
        tree = replace(sound, directory=Path(folder, "mirror"))
        shutil.copytree(sound.directory, tree.directory)
        for which, how in damages:
            found = objects_of(tree)
            DAMAGES[how](found[which % len(found)])
        tree.repair()
        assert tree.tree() == sound.tree()
        tree.silent()


# --- cut off -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [13, pytest.param(1, marks=(pytest.mark.faults, pytest.mark.timeout(900)))])
def test_cut_off(tree: Kept, tmp_path: Path, step: int) -> None:
    """Wherever the run that repairs is cut off, the next one finishes it, and nothing is left to find."""
    expected = tree.tree()
    flip(tree.stored("alpha", "alpha-1.0-py3-none-any.whl"))
    tree.stored("beta", "beta-2.0-py3-none-any.whl").unlink()
    (tree.web / "simple/gamma/index.html").unlink()
    (tree.web / "simple/index.v1_json").write_text("{}")
    assert set(tree.mark()) == {Step.FILES, Step.PAGES, Step.INDEX}
    for number in itertools.count(1, step):
        copy = replace(tree, directory=tmp_path / f"copy-{number}")
        shutil.copytree(tree.directory, copy.directory)
        lived = dying_run(copy, number)
        copy.run()
        assert copy.tree() == expected, number
        copy.silent()
        if lived:
            assert number > 10
            return
