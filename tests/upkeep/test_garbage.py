"""What nothing knows leaves, and nothing else does."""

from __future__ import annotations

import dataclasses
import itertools
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bandersnatch.catalogue.base import Commit
from bandersnatch.errors import Refused, StorageError
from bandersnatch.storage.fsops import FileSystem
from bandersnatch.storage.glance import Glance
from bandersnatch.testing import Status
from bandersnatch.upkeep.garbage import Taken
from bandersnatch.values import replace
from bandersnatch.verify.base import Kind
from tests.sync.conftest import journal
from tests.sync.test_crash import Death, Dying, dying_run
from tests.upkeep.conftest import Kept

AT_ONCE: dict[str, Any] = {"mirror__grace": "0s"}

STRANGER = f"packages/ab/cd/{'e' * 60}/stranger-1.0-py3-none-any.whl"


def put(path: Path, data: bytes = b"nobody knows") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def litter(tree: Kept) -> None:
    """A page, a file, its metadata and older JSON of a project that nobody knows, and a stray thing of the trash."""
    for key in ("simple/stranger/index.html", "pypi/stranger/json", STRANGER, STRANGER + ".metadata"):
        put(tree.web / key)
    put(tree.state / f"trash/packages/ab/cd/{'f' * 60}/stray-1.0.zip")


def test_garbage(tree: Kept) -> None:
    """Pages go at once, files after the grace time and by way of the trash; what is known stays to the byte."""
    expected = tree.tree()
    litter(tree)
    assert tree.gc() == Taken(pages=2, files=2, buried=1)
    assert set(tree.tree()) - set(expected) == {STRANGER, STRANGER + ".metadata"}
    assert {line[0] for line in journal(tree) if line[1] == "stranger"} == {"deleted", "left"}
    tree.silent()
    tree.now += 4000
    tree.run()
    assert tree.tree() == expected
    assert (tree.state / "trash" / STRANGER).is_file()
    tree.silent()


def test_other_things_stay(tree: Kept) -> None:
    """What lies beside our folders is not ours; links and odd names are named, and left."""
    put(tree.web / "robots.txt")
    (tree.web / "simple/link").symlink_to("/nowhere")
    put(Path(os.fsdecode(os.fsencode(tree.web) + b"/packages/ab/\xff")))
    assert tree.gc() == Taken()
    assert (tree.web / "robots.txt").exists()
    assert (tree.web / "simple/link").is_symlink()
    assert {one.kind for one in tree.verify()} == {Kind.UNKNOWN_OBJECT, Kind.FOREIGN_OBJECT}


def test_a_page_that_links_it(tree: Kept) -> None:
    """What a served page links stays, whatever the catalogue says of it."""
    wheel = tree.stored("alpha", "alpha-1.0-py3-none-any.whl")
    with tree.opened() as (mirror, _):
        before, entry = mirror.catalogue.published("alpha"), mirror.catalogue.entry("alpha")
        assert entry is not None
        held = tuple(one for one in before.held if one.file.filename != wheel.name)
        mirror.catalogue.commit([Commit(entry, replace(before, held=held))])
    taken = tree.gc(**AT_ONCE)
    assert (taken.files, taken.kept) == (1, 2)  # what goes is its provenance, which nothing that is held leads to
    assert wheel.is_file()


def test_unsettled(tree: Kept) -> None:
    """What may belong to a project that is not here yet stays."""
    (tree.state / "catalogue.sqlite").rename(tree.directory / "away")
    tree.upstream.fault("/simple/alpha/*", Status(503), times=None)
    assert tree.run().outcome == "behind"
    before = tree.tree()
    taken = tree.gc(**AT_ONCE)
    assert (taken.pages, taken.files) == (0, 0)
    assert taken.kept
    assert tree.tree() == before


def test_awaited(tree: Kept) -> None:
    """A page and a file of a project that is known and not here yet stay: they may be what it needs."""
    tree.index.upload("delta", "1.0")
    tree.upstream.fault("/simple/delta/*", Status(503), times=None)
    put(tree.web / "simple/delta/index.html")
    put(tree.web / f"packages/ab/cd/{'e' * 60}/delta-1.0.tar.gz")
    assert tree.run().outcome == "behind"
    before = tree.tree()
    assert tree.gc(**AT_ONCE) == Taken(kept=2)
    assert tree.tree() == before


@pytest.mark.parametrize("outcome", ["unreachable", "refused", "disk", "stopped", ""])
def test_refused_after_a_bad_run(tree: Kept, outcome: str) -> None:
    """Unless the last run ended well, nothing is garbage."""
    litter(tree)
    before = tree.tree()
    with tree.opened() as (mirror, _):
        [last] = mirror.catalogue.last_runs(1)
        mirror.catalogue.record_run(replace(last, outcome=outcome))
    with pytest.raises(Refused, match="run bandersnatch mirror first"):
        tree.gc()
    assert tree.tree() == before


def test_brake(tree: Kept) -> None:
    """So much garbage that the catalogue must be wrong is left alone, until an operator says so."""
    for number in range(101):
        put(tree.web / f"packages/ab/{number:02x}/{'e' * 60}/stranger-{number}.zip")
    with pytest.raises(Refused, match="101 files that nothing knows would leave, and 7 are known"):
        tree.gc()
    assert tree.gc(accepted=True).files == 101


def test_error_while_looking(tree: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    """If anything cannot be looked at, nothing is taken away."""
    litter(tree)
    before = tree.tree()

    def fail(_: Glance) -> None:
        raise StorageError("the disk does not answer")

    monkeypatch.setattr(Glance, "list_buried", fail)
    with pytest.raises(StorageError, match="does not answer"):
        tree.gc()
    assert tree.tree() == before


def test_unreadable_page(tree: Kept) -> None:
    """Beside a page that cannot be read nobody knows what is linked."""
    for page in (tree.web / "simple/alpha").iterdir():
        page.write_text("{")
    put(tree.web / f"packages/ab/cd/{'e' * 60}/alpha-9.0.zip")
    with pytest.raises(Refused, match="verify --repair mends it"):
        tree.gc()
    tree.repair()
    assert tree.gc().files == 1


def test_excluded_before_the_next_run(tree: Kept, tmp_path: Path) -> None:
    """
    Files made visible by a run that was cut off before its commit, and excluded before the next, go with that next run;
    nothing is left for gc to find, and it takes away nothing else.
    """
    tree.index.upload("delta", "1.0")
    exclude: dict[str, Any] = {"exclude__projects": ["delta"]}
    reference = dataclasses.replace(tree, directory=tmp_path / "reference")
    shutil.copytree(tree.directory, reference.directory)
    reference.run(**exclude)
    expected = reference.tree()
    for number in itertools.count(1, 3):
        copy = dataclasses.replace(tree, directory=tmp_path / f"copy-{number}")
        shutil.copytree(tree.directory, copy.directory)
        if dying_run(copy, number):
            return
        copy.run(**exclude)
        copy.gc(**exclude)
        copy.now += 4000
        copy.run(**exclude)
        assert copy.tree() == expected, number
        copy.silent(**exclude)


def test_cut_off(tree: Kept, tmp_path: Path) -> None:
    """Cut off at any change of the disk and begun again, the tree is what it was without the garbage."""
    expected = tree.tree()
    litter(tree)
    for number in itertools.count():
        copy = dataclasses.replace(tree, directory=tmp_path / f"copy-{number}")
        shutil.copytree(tree.directory, copy.directory)
        lived = lives(copy, number)
        copy.check(staged=False)
        copy.gc()
        copy.now += 4000
        copy.run()
        assert copy.tree() == expected, number
        copy.silent()
        if lived:
            assert number > 3
            return


def lives(tree: Kept, last: int, act: Callable[[Kept, FileSystem], object] = lambda tree, fs: tree.gc(fs=fs)) -> bool:
    """Whether *act* comes to its end before the disk dies at call number *last*."""
    try:
        act(tree, Dying(last))
    except Death:
        return False
    return True
