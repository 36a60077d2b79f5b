"""Cut off at any change of the disk, done again, and run: the tree of an adoption in peace, and nothing lost."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from bandersnatch.adopt import placing
from bandersnatch.adopt.base import Fate, Wish
from tests.adopt import trees
from tests.adopt.conftest import FILES, Adopter, fates
from tests.faults.conftest import count
from tests.faults.counting import Count
from tests.sync import test_crash as crash

__all__ = ["count"]  # a fixture, taken by its name


class Dying(crash.Dying):
    """Dies at the new kinds of calls as well."""

    def __getattribute__(self, name: str) -> object:
        method = super().__getattribute__(name)
        if name not in ("link_across", "clone"):
            return method

        def call(*args: object, **kwargs: object) -> object:
            self.left -= 1
            if self.left < 0:
                raise crash.Death
            return method(*args, **kwargs)

        return call


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placing, "BATCH", 2)


Case = tuple[trees.Make, bool, str]
"""How a tree is made, whether in place, and how files get to their places."""

CASES: dict[str, Case] = {
    "old paths, in place": (trees.IN_PLACE["bandersnatch 1.5"], True, "link"),
    "places, in place": (trees.IN_PLACE["pypa 8"], True, "link"),
    "elsewhere, linked": (trees.ELSEWHERE["morgan"], False, "link"),
    "elsewhere, copied": (trees.ELSEWHERE["a folder"], False, "copy"),
    "elsewhere, moved": (trees.ELSEWHERE["a folder"], False, "move"),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_cut_off(case: Case, world: Adopter, tmp_path: Path, fresh: dict[str, str]) -> None:
    """What is served stays served, no byte is lost, and the second adoption and the run finish it."""
    cut_off(case, world, tmp_path, fresh, step=13)


@pytest.mark.faults
@pytest.mark.timeout(600)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_cut_off_everywhere(case: Case, world: Adopter, tmp_path: Path, fresh: dict[str, str], count: Count) -> None:
    """The same at every single call."""
    tried = cut_off(case, world, tmp_path, fresh, step=1)
    count("adoption: cut off", tried, kills=tried)


def cut_off(case: Case, world: Adopter, place: Path, fresh: dict[str, str], *, step: int) -> int:
    """One world for each *step*-th call; the last one lives. Returns how many there were."""
    make, in_place, by = case
    number = 0
    for number in itertools.count(1, step):
        one = Adopter(world.upstream, place / f"{number}/mirror")
        source = one.directory if in_place else one.theirs
        make(source, one.index)
        before = one.tree()
        lived = not dies(partial(one.adopt, source, Wish(by=by, threads=1), fs=Dying(number)))
        assert before.items() <= one.tree().items()
        found = fates(one.adopt(source, Wish(by=by)))
        # What was moved before it was cut off has no name in the other tree any more.
        assert by == "move" or found.get(Fate.KEPT, 0) + found.get(Fate.TAKEN, 0) >= FILES
        assert one.run().files == 0, number
        after = one.tree()
        assert fresh.items() <= after.items() if in_place else after == fresh
        assert not list((one.state / "tmp").iterdir())
        if lived:
            break
    return number


def dies(adopt: Callable[[], object]) -> bool:
    """Whether the adoption was cut off."""
    try:
        adopt()
    except crash.Death:
        return True
    return False


def test_resumed_where_it_was(world: Adopter, tmp_path: Path) -> None:
    """What was settled before the end is not read again."""
    counting = Dying(1_000_000)
    trees.folder(world.theirs, world.index)
    Adopter(world.upstream, tmp_path / "other").adopt(world.theirs, Wish(threads=1), fs=counting)
    calls = 1_000_000 - counting.left
    assert dies(lambda: world.adopt(world.theirs, Wish(threads=1), fs=Dying(calls * 2 // 3)))
    done = len(list((world.web / "packages").glob("*/*/*/*")))
    assert 2 <= done < FILES
    world.adopt(world.theirs)
    assert len(world.read) <= FILES - done + 2
