"""The guard over removals alone: what is counted, from when on nothing leaves, and what is then told."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bandersnatch.catalogue.base import Entry, Failure, Published
from bandersnatch.model import File, Held, Validators
from bandersnatch.plan import Brake, Cause, Departure, Policy
from bandersnatch.sync.departures import Departures, Reckoning, depart
from bandersnatch.sync.lane import Lane
from bandersnatch.sync.run import Gone

NOW = 5000.0


def entry(name: str, **facts: Any) -> Entry:
    return Entry(**{"name": name, "display": name, "published": True, **facts})


def held(count: int) -> tuple[Held, ...]:
    names = [f"x-{number}.tar.gz" for number in range(count)]
    return tuple(Held(File(name, f"https://example.org/{name}", "0" * 64), 1) for name in names)


class Catalogue:
    """Knows how much there is; each project has three files."""

    def __init__(self, projects: int = 100, files: int = 300, held_back: tuple[int, int] = (0, 0), each: int = 3):
        self._totals = SimpleNamespace(projects=projects, files=files)
        self._held_back = held_back
        self._each = each

    def totals(self) -> Any:
        return self._totals

    def held_back(self) -> tuple[int, int]:
        return self._held_back

    def published(self, name: str) -> Published:
        return Published(held(self._each))


def run(catalogue: Catalogue | None = None) -> Any:
    rules = SimpleNamespace(brake=Brake(most=8, ratio=0.05, files=10, files_ratio=0.01))
    mirror = SimpleNamespace(catalogue=catalogue or Catalogue(), rules=rules)
    return SimpleNamespace(mirror=mirror, now=NOW, lane=Lane(), trusts=lambda entry: True)


def page(name: str, losing: int, of: int, before: int = 0, *, coming: int = 0, vanishes: bool = False) -> Any:
    """A page that loses so many of its files, and gets some others."""
    leaving = [Departure(one, "deleted", hidden=False) for one in held(losing)]
    shown = SimpleNamespace(files=held(of - losing + coming), rejected=())
    return SimpleNamespace(
        entry=entry(name, losing=before),
        fetched=SimpleNamespace(project=shown),
        leaving=leaving,
        before=Published(held(of)),
        shown=shown,
        vanishes=vanishes or (of > 0 and not shown.files),
        is_quarantined=False,
    )


def gone(count: int, cause: Cause = Cause.DELETED, **facts: Any) -> list[Gone]:
    return [Gone(entry(f"p{number}", **facts), cause) for number in range(count)]


class Guard:
    """What a run does with the guard: each project is shown to it, and what it refuses is settled at once."""

    def __init__(self, world: Any = None, *, accepted: bool = False) -> None:
        world = world or run()
        self.guard = Departures(world, Reckoning(world.mirror.catalogue, world.mirror.rules.brake), accepted=accepted)
        self.at_once = 0
        """Projects that need not wait."""

    def show(self, *projects: Any) -> list[Failure]:
        return asyncio.run(self._show(projects))

    async def _show(self, projects: Sequence[Any]) -> list[Failure]:
        failures: list[Failure] = []
        for one in projects:
            if await self.guard.postpone(one):
                failures += [one for one in await self.guard.refuse(so_far=True) if isinstance(one, Failure)]
            else:
                self.at_once += 1
        return failures + [one for one in await self.guard.refuse() if isinstance(one, Failure)]


def test_where_nothing_leaves() -> None:
    """There is nothing to refuse, whatever earlier runs held back, and nothing to wait for."""
    guard = Guard(run(Catalogue(held_back=(50, 250))))
    assert guard.show(page("a", 0, 5), page("none", 0, 0)) == []
    assert (guard.at_once, guard.guard.waiting, guard.guard.refused) == (2, [], "")


# --- whole projects ------------------------------------------------------------------------------------------------


def test_what_is_gone_waits() -> None:
    """As many as may leave wait until all were asked."""
    guard = Guard()
    projects = gone(5)
    assert guard.show(*projects) == []
    assert (guard.guard.waiting, guard.guard.refused) == (projects, "")


@pytest.mark.parametrize(
    ("cause", "why"), [(Cause.DELETED, "upstream has no page"), (Cause.DESELECTED, "not selected")]
)
def test_one_too_many(cause: Cause, why: str) -> None:
    """One more, and all are behind, with the reason and what they would lose; so is each that comes later."""
    guard = Guard()
    assert guard.show(*gone(5, cause)) == []
    failures = guard.show(*gone(1, cause))
    assert len(failures) == 6
    assert all(why in one.reason and "held back" in one.reason for one in failures)
    assert "nothing would be left of 6 of 100 projects" in guard.guard.refused
    assert all(one.losing == 3 for one in failures)
    assert len(guard.show(*gone(1, cause))) == 1
    assert guard.guard.waiting == []


def test_nothing_to_lose_counts_as_one() -> None:
    """A project without files that is held back still counts in the next run."""
    failures = Guard(run(Catalogue(each=0))).show(*gone(6))
    assert [one.losing for one in failures] == [1] * 6


def test_accepted() -> None:
    """An operator's word lets any number leave, and nothing waits."""
    guard = Guard(accepted=True)
    assert guard.show(*gone(90), page("a", 99, 99)) == []
    assert guard.at_once == 91


def test_what_was_held_back_counts() -> None:
    """What earlier runs held back, and this one has not come to, is counted: too much cannot go bit by bit."""
    assert len(Guard(run(Catalogue(held_back=(5, 0)))).show(*gone(1))) == 1
    assert Guard(run(Catalogue(held_back=(4, 0)))).show(*gone(1)) == []


def test_the_order_of_projects_says_nothing() -> None:
    """What was held back of a project that is still to come is not counted before all were asked."""
    loses_less = page("held back", 5, 500, before=10)
    for projects in ([page("new", 3, 500), loses_less], [loses_less, page("new", 3, 500)]):
        assert Guard(run(Catalogue(files=100_000, held_back=(0, 10)))).show(*projects) == []


def test_what_was_held_back_is_not_counted_twice() -> None:
    """A project that was held back before is counted once when its turn comes; more than were known are no debt."""
    assert Guard(run(Catalogue(held_back=(5, 0)))).show(*gone(5, losing=3)) == []
    assert len(Guard(run(Catalogue(held_back=(5, 0)))).show(*gone(1, losing=0))) == 1
    assert len(Guard(run(Catalogue(held_back=(1, 0)))).show(*gone(6, losing=3))) == 6
    guard = Guard(run(Catalogue(held_back=(2, 0))))
    assert guard.show(*gone(3, losing=3)) == []
    assert guard.show(*gone(2)) == []
    assert len(guard.show(*gone(1))) == 6


def test_what_was_held_back_in_part_is_counted() -> None:
    """A project of which something was to be left was none of those that were to leave: now it is."""
    assert len(Guard(run(Catalogue(held_back=(5, 1)))).show(*gone(1, losing=1))) == 1


def test_files_of_what_is_gone_are_no_losses() -> None:
    """The files of a project that leaves altogether are not counted among those that leave the pages of others."""
    guard = Guard(run(Catalogue(files=100_000, held_back=(1, 10), each=10)))
    assert guard.show(*gone(1, losing=10), page("b", 10, 500)) == []
    assert guard.show(page("c", 1, 500))
    assert "11 of 100000 files would leave their pages" in guard.guard.refused


def test_what_comes_back_is_no_loss() -> None:
    """A page that lost files in an earlier run, and has them again, is counted no more; nor is its project."""
    guard = Guard(run(Catalogue(held_back=(5, 5), each=1)))
    assert guard.show(*(page(f"p{number}", 0, 1, before=1) for number in range(5))) == []
    assert guard.show(*gone(1), page("r", 1, 1)) == []


@pytest.mark.parametrize(
    ("cause", "since", "then"),
    [
        (Cause.DELETED, None, NOW),
        (Cause.DELETED, 17.0, 17.0),
        (Cause.DESELECTED, None, None),
        (Cause.DESELECTED, 17.0, 17.0),
    ],
)
def test_how_a_project_leaves(cause: Cause, since: float | None, then: float | None) -> None:
    """Without files, off the list, to be asked for as if unknown; with upstream's serial, and since when it is gone."""
    world = run()
    world.mirror.rules.policies = SimpleNamespace(of=lambda cause: Policy.HIDE if cause is Cause.DELETED else None)
    facts = {
        "missing_since": since,
        "validators": Validators("x"),
        "digest": "d",
        "indexed": True,
        "serial": 3,
        "suspect": True,
    }
    first, second = [depart(one, world).commit for one in gone(1, cause, promised=9, **facts) + gone(1, cause, **facts)]
    assert (first.entry.serial, second.entry.serial) == (9, 3)
    assert (first.entry.indexed, first.entry.departing, first.entry.missing_since) == (False, True, then)
    assert (first.entry.validators, first.entry.digest) == (Validators(), "")
    assert not first.entry.suspect
    assert first.published.held == ()
    assert [one.hidden for one in first.leaving] == 3 * [cause is Cause.DELETED]


# --- files of projects that stay -----------------------------------------------------------------------------------


def test_losses_add_up() -> None:
    """Files of all projects are counted together; one too many, and all that wait are refused."""
    guard = Guard(run(Catalogue(files=100_000)))
    assert guard.show(page("a", 4, 500), page("b", 6, 500)) == []
    assert [cast("Any", one).entry.name for one in guard.guard.waiting] == ["a", "b"]
    refused = guard.show(page("c", 1, 500))
    assert [(one.name, one.losing) for one in refused] == [("a", 4), ("b", 6), ("c", 1)]
    assert "11 of 100000 files would leave their pages" in guard.guard.refused
    assert guard.guard.waiting == []


@pytest.mark.parametrize(
    ("held_back", "before", "refused"), [((0, 10), 0, True), ((0, 10), 10, False), ((0, 11), 1, True)]
)
def test_earlier_losses_count_once(held_back: tuple[int, int], before: int, refused: bool) -> None:
    """What was held back before is counted until its project is looked at again, and then as what it loses now."""
    guard = Guard(run(Catalogue(files=100_000, held_back=held_back)))
    assert bool(guard.show(page("a", 1, 500, before))) is refused


def test_emptied_projects_are_projects() -> None:
    """A project that loses its last file, or is taken off the list, is counted with those that leave."""
    guard = Guard()
    assert guard.show(*(page(f"p{number}", 1, 1) for number in range(3)), *gone(1)) == []
    assert guard.show(page("off the list", 0, 0, vanishes=True), page("half", 1, 2)) == []
    assert guard.show(page("none", 0, 0), page("another", 1, 1, coming=1)) == []
    refused = guard.show(page("last", 1, 1))
    assert len(refused) == 8
    assert {one.name: one.losing for one in refused}["off the list"] == 1
    assert "nothing would be left of 6 of 100 projects" in guard.guard.refused


def test_emptied_before() -> None:
    """One that was to be emptied in an earlier run, and still is, is counted once."""
    guard = Guard(run(Catalogue(held_back=(5, 5))))
    assert guard.show(page("a", 1, 1, before=1), page("b", 1, 1, before=1), page("c", 1, 2, before=2)) == []
    assert guard.show(page("d", 1, 1)) == []
    assert guard.show(page("e", 1, 1))


# --- small mirrors -------------------------------------------------------------------------------------------------


def test_most_of_a_small_mirror() -> None:
    """Over a third of a small mirror asks, be it files of pages or whole projects; what is replaced is no loss."""
    assert Guard(run(Catalogue(files=9))).show(page("a", 3, 9)) == []
    assert Guard(run(Catalogue(files=9))).show(page("a", 4, 9))
    assert Guard(run(Catalogue(files=9))).show(*gone(1), page("a", 1, 6))
    assert Guard(run(Catalogue(files=9))).show(page("a", 9, 9, coming=9)) == []
    assert Guard(run(Catalogue(files=9))).show(page("a", 9, 9, coming=5))
