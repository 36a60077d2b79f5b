"""The guard over removals alone: what is counted, from when on nothing leaves, and what is then told."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from bandersnatch.catalogue.base import Entry, Failure, Published
from bandersnatch.model import File, Held, Validators
from bandersnatch.plan import Brake, Cause, Departure, Policy
from bandersnatch.sync.departures import Departures, Losses, Reckoning
from bandersnatch.sync.run import Gone, Unchanged

NOW = 5000.0


def entry(name: str, **facts: Any) -> Entry:
    return Entry(**{"name": name, "display": name, "published": True, **facts})


def held(count: int) -> tuple[Held, ...]:
    names = [f"x-{number}.tar.gz" for number in range(count)]
    return tuple(Held(File(name, f"https://example.org/{name}", "0" * 64), 1) for name in names)


class Catalogue:
    """Knows how much there is; each project has three files."""

    def __init__(self, projects: int = 100, files: int = 300, held_back: tuple[int, int] = (0, 0)) -> None:
        self._totals = SimpleNamespace(projects=projects, files=files)
        self._held_back = held_back

    def totals(self) -> Any:
        return self._totals

    def held_back(self) -> tuple[int, int]:
        return self._held_back

    def published(self, name: str) -> Published:
        return Published(held(3))


def run(catalogue: Catalogue | None = None) -> Any:
    rules = SimpleNamespace(brake=Brake(most=8, ratio=0.05, files=10, files_ratio=0.01))
    mirror = SimpleNamespace(catalogue=catalogue or Catalogue(), rules=rules)
    return SimpleNamespace(mirror=mirror, now=NOW, trusts=lambda entry: True)


def departures(world: Any = None, *, accepted: bool = False) -> Departures:
    world = world or run()
    return Departures(world, reckoning(world), accepted=accepted)


def losses_of(world: Any = None, *, accepted: bool = False) -> Losses:
    world = world or run()
    return Losses(world, reckoning(world), accepted=accepted)


def reckoning(world: Any) -> Reckoning:
    return Reckoning(world.mirror.catalogue, world.mirror.rules.brake)


def gone(count: int, cause: Cause = Cause.DELETED, **facts: Any) -> list[Gone]:
    return [Gone(entry(f"p{number}", **facts), cause) for number in range(count)]


def test_where_nothing_leaves() -> None:
    """There is nothing to refuse, whatever earlier runs held back."""
    found = reckoning(run(Catalogue(held_back=(50, 250))))
    assert found.are_too_many_gone() is False
    assert found.too_many_lost() == ""
    found.loses(entry("a"), 0, 5)
    assert found.too_many_lost() == ""


# --- whole projects ------------------------------------------------------------------------------------------------


def test_what_is_gone_waits() -> None:
    """As many as may leave wait until all were asked; the others of their batch do not."""
    guard = departures()
    assert guard.hold([*gone(5), Unchanged("other")]) == [Unchanged("other")]
    assert guard.refused == ""


@pytest.mark.parametrize(
    ("cause", "why"), [(Cause.DELETED, "upstream has no page"), (Cause.DESELECTED, "not selected")]
)
def test_one_too_many(cause: Cause, why: str) -> None:
    """One more, in the same batch or a later one, and all are behind, with the reason and what they would lose."""
    guard = departures()
    assert guard.hold(gone(5, cause)) == []
    refused = guard.hold([*gone(1, cause), Unchanged("other")])
    failures = [one for one in refused if isinstance(one, Failure)]
    assert len(failures) == 6
    assert len(refused) == 7
    assert all(why in one.reason and "6 or more of 100 projects would leave" in one.reason for one in failures)
    assert all(one.losing == 3 for one in failures)
    assert len(guard.hold(gone(1, cause))) == 1, "the brake has spoken"


def test_nothing_to_lose_counts_as_one() -> None:
    """A project without files that is held back still counts in the next run."""
    catalogue = Catalogue()
    catalogue.published = lambda name: Published()  # type: ignore[method-assign]  # a fake
    failures = departures(run(catalogue)).hold(gone(6))
    assert [one.losing for one in failures if isinstance(one, Failure)] == [1] * 6


def test_accepted() -> None:
    """An operator's word lets any number leave."""
    assert departures(accepted=True).hold(gone(90)) == []


def test_what_was_held_back_counts() -> None:
    """What earlier runs held back, and this one has not come to, is counted: too much cannot go bit by bit."""
    assert len(departures(run(Catalogue(held_back=(5, 0)))).hold(gone(1))) == 1
    assert departures(run(Catalogue(held_back=(4, 0)))).hold(gone(1)) == []


def test_what_was_held_back_is_not_counted_twice() -> None:
    """A project that was held back before is counted once when its turn comes; more than were known are no debt."""
    assert departures(run(Catalogue(held_back=(5, 0)))).hold(gone(5, losing=3)) == []
    assert len(departures(run(Catalogue(held_back=(5, 0)))).hold(gone(1, losing=0))) == 1
    assert len(departures(run(Catalogue(held_back=(1, 0)))).hold(gone(6, losing=3))) == 6
    guard = departures(run(Catalogue(held_back=(2, 0))))
    assert guard.hold(gone(3, losing=3)) == []
    assert guard.hold(gone(2)) == []
    assert len(guard.hold(gone(1))) == 6


def test_what_was_held_back_in_part_is_counted() -> None:
    """A project of which something was to be left was none of those that were to leave: now it is."""
    assert len(departures(run(Catalogue(held_back=(5, 1)))).hold(gone(1, losing=1))) == 1


def test_files_of_what_is_gone_are_no_losses() -> None:
    """The files of a project that leaves altogether are not counted among those that leave the pages of others."""
    world = run(Catalogue(files=100_000, held_back=(1, 10)))
    found = reckoning(world)
    found.leaves(entry("a", losing=10), 10)
    found.loses(entry("b"), 10, 500)
    assert found.too_many_lost() == ""
    found.loses(entry("c"), 1, 500)
    assert found.too_many_lost() == "11 of 100000 files would leave their pages"


def test_what_comes_back_is_no_loss() -> None:
    """A page that lost files in an earlier run, and has them again, is counted no more; nor is its project."""
    world = run(Catalogue(held_back=(5, 5)))
    found = reckoning(world)
    for number in range(5):
        found.loses(entry(f"p{number}", losing=1), 0, 1)
    found.leaves(entry("q"), 1)
    assert found.gone == 1
    found.loses(entry("r"), 1, 1)
    assert found.too_many_lost() == ""


@pytest.mark.parametrize(
    ("cause", "since", "then"),
    [
        (Cause.DELETED, None, NOW),
        (Cause.DELETED, 17.0, 17.0),
        (Cause.DESELECTED, None, None),
        (Cause.DESELECTED, 17.0, 17.0),
    ],
)
def test_how_a_project_leaves(
    monkeypatch: pytest.MonkeyPatch, cause: Cause, since: float | None, then: float | None
) -> None:
    """Without files, off the list, to be asked for as if unknown; with upstream's serial, and since when it is gone."""
    world, settled = run(), list[Any]()
    world.mirror.rules.policies = SimpleNamespace(of=lambda cause: Policy.HIDE if cause is Cause.DELETED else None)
    monkeypatch.setattr("bandersnatch.sync.departures.settle", lambda batch, run: settled.extend(batch))
    guard = departures(world)
    facts = {
        "missing_since": since,
        "validators": Validators("x"),
        "digest": "d",
        "indexed": True,
        "serial": 3,
        "suspect": True,
    }
    guard.hold(gone(1, cause, promised=9, **facts) + gone(1, cause, **facts))
    guard.settle()
    first, second = [one.commit for one in settled]
    assert (first.entry.serial, second.entry.serial) == (9, 3)
    assert (first.entry.indexed, first.entry.departing, first.entry.missing_since) == (False, True, then)
    assert (first.entry.validators, first.entry.digest) == (Validators(), "")
    assert not first.entry.suspect
    assert first.published.held == ()
    assert [one.hidden for one in first.leaving] == 3 * [cause is Cause.DELETED]
    guard.settle()
    assert len(settled) == 2, "they leave once"


# --- files of projects that stay -----------------------------------------------------------------------------------


def prepared(name: str, losing: int, of: int, before: int = 0) -> Any:
    leaving = [Departure(one, "deleted", hidden=False) for one in held(losing)]
    return SimpleNamespace(entry=entry(name, losing=before), leaving=leaving, before=Published(held(of)))


def test_no_loss_no_wait() -> None:
    """A project that loses nothing has its turn at once."""
    losses = losses_of()
    assert losses.postpone(prepared("a", 0, 5)) is None
    assert losses.waiting == []


def test_losses_add_up() -> None:
    """Files of all projects are counted together; one too many, and all that wait are refused."""
    world = run(Catalogue(files=100_000))
    losses = losses_of(world)
    assert losses.postpone(prepared("a", 4, 500)) == ()
    assert losses.postpone(prepared("b", 6, 500)) == ()
    assert [one.name for one in losses.waiting] == ["a", "b"]
    refused = losses.postpone(prepared("c", 1, 500))
    assert refused is not None
    assert [(one.name, one.losing) for one in refused] == [("a", 4), ("b", 6), ("c", 1)]
    assert "11 of 100000 files would leave their pages" in losses.refused
    assert losses.waiting == []


@pytest.mark.parametrize(
    ("held_back", "before", "refused"), [((0, 10), 0, True), ((0, 10), 10, False), ((0, 11), 1, True)]
)
def test_earlier_losses_count_once(held_back: tuple[int, int], before: int, refused: bool) -> None:
    """What was held back before is counted until its project is looked at again, and then as what it loses now."""
    losses = losses_of(run(Catalogue(files=100_000, held_back=held_back)))
    assert bool(losses.postpone(prepared("a", 1, 500, before))) is refused


def test_emptied_projects_are_projects() -> None:
    """A project that loses its last file is counted as one that leaves."""
    losses = losses_of()
    for number in range(5):
        assert losses.postpone(prepared(f"p{number}", 1, 1)) == ()
    assert losses.postpone(prepared("half", 1, 2)) == ()
    assert losses.postpone(prepared("none", 0, 0)) is None
    refused = losses.postpone(prepared("last", 1, 1))
    assert refused is not None
    assert len(refused) == 7
    assert "nothing would be left of 6 of 100 projects" in losses.refused


def test_emptied_before() -> None:
    """One that was to be emptied in an earlier run, and still is, is counted once."""
    losses = losses_of(run(Catalogue(held_back=(5, 5))))
    assert losses.postpone(prepared("a", 1, 1, before=1)) == ()
    assert losses.postpone(prepared("b", 1, 1, before=1)) == ()
    assert losses.postpone(prepared("c", 1, 2, before=2)) == ()
    assert losses.postpone(prepared("d", 1, 1)) == ()
    assert losses.postpone(prepared("e", 1, 1))


def test_accepted_losses() -> None:
    """An operator's word lets any number of files leave."""
    assert losses_of(accepted=True).postpone(prepared("a", 99, 99)) is None
