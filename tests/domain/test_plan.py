"""Plans: the difference between what is wanted and what is held; the brake; the waits."""

from __future__ import annotations

import pytest

from bandersnatch import plan
from bandersnatch.model import File, Held, Project, Rejected
from bandersnatch.plan import Brake
from bandersnatch.selection import Motive, Verdict
from bandersnatch.simple import facts
from bandersnatch.values import replace


def file(number: int, **facts: object) -> File:
    digest = f"{number:064x}"
    return replace(File(f"demo-{number}-py3-none-any.whl", f"https://example.org/{number}", digest, 10), **facts)


def test_difference() -> None:
    """What is wanted and not held is fetched, what is held and not wanted is dropped, the rest is kept."""
    held = [Held(file(1), 10), Held(file(2), 10)]
    result = plan.files([file(2), file(3)], held)
    assert (result.fetch, result.keep, result.drop) == ((file(3),), (held[1],), (held[0],))
    assert result.bytes == 10


def test_new_facts_are_taken_over() -> None:
    """A kept file has upstream's newest facts: it may have been yanked since."""
    yanked = file(1, yanked="bad")
    assert plan.files([yanked], [Held(file(1), 10, "0" * 64)]).keep == (Held(yanked, 10, "0" * 64),)


def test_without_trust() -> None:
    """Without trust everything wanted is looked at, and what is not wanted leaves all the same."""
    result = plan.files([file(1)], [Held(file(1), 10), Held(file(2), 10)], trust=False)
    assert (result.fetch, result.keep, result.drop) == ((file(1),), (), (Held(file(2), 10),))


@pytest.mark.parametrize(
    ("new", "held"),
    [
        (file(1, core_metadata=True), Held(file(1), 10)),
        (file(1, core_metadata="0" * 64), Held(file(1, core_metadata=False), 10)),
        (file(1, provenance="https://example.org/p"), Held(file(1), 10)),
    ],
)
def test_companions_that_came_later(new: File, held: Held) -> None:
    """A file beside which upstream has something new is looked at again, once."""
    assert plan.files([new], [held]).fetch == (new,)
    assert plan.files([new], [replace(held, file=new)]).keep == (replace(held, file=new),)


@pytest.mark.parametrize(
    ("leaving", "published", "refused"),
    [
        (0, 0, False),
        (5, 5, False),
        (6, 6, True),
        (6, 10_000, False),
        (11, 10_000, True),
        (500, 1_000_000, False),
        (501, 1_000_000, True),
    ],
)
def test_brake(leaving: int, published: int, *, refused: bool) -> None:
    """A few may always leave; beyond that it is a share of the mirror, and never more than a fixed number."""
    assert Brake(most=500, ratio=0.001).refuses(leaving, published) is refused


@pytest.mark.parametrize(
    ("leaving", "held", "refused"),
    [
        (0, 0, False),
        (100, 100, False),
        (101, 101, True),
        (101, 10_000, True),
        (1_005, 100_500, False),
        (1_006, 100_550, True),
        (10_000, 10_000_000, False),
        (10_001, 10_000_000, True),
    ],
)
def test_brake_for_files(leaving: int, held: int, *, refused: bool) -> None:
    """The same for the files of projects that stay, of which a hundred may always leave."""
    assert Brake(files=10_000, files_ratio=0.01).refuses_files(leaving, held) is refused


def test_a_brake_of_nothing() -> None:
    """An operator can forbid every removal."""
    assert Brake(most=0, ratio=1.0).refuses(1, 100)
    assert Brake(files=0, files_ratio=1.0).refuses_files(1, 100)


def test_a_brake_that_nobody_set() -> None:
    """Five hundred projects and ten thousand files, or a thousandth and a hundredth of all."""
    assert Brake() == Brake(most=500, ratio=0.001, files=10_000, files_ratio=0.01)


def test_waits() -> None:
    """Waits begin with a minute, double, and end at six hours, however often it fails."""
    assert [plan.wait(tries) for tries in (1, 2, 3)] == [60, 120, 240]
    assert plan.wait(9) == 15_360
    assert plan.wait(10) == plan.wait(10_000) == 6 * 3600


@pytest.mark.parametrize(
    ("lost", "held", "refused"),
    [
        (0, 0, False),
        (1, 1, True),
        (1, 2, True),
        (1, 3, False),
        (100, 300, False),
        (101, 300, True),
        (300, 301, False),
        (301, 301, True),
        (1_000_000, 1_000_000, True),
    ],
)
def test_too_much_of_a_mirror(lost: int, held: int, *, refused: bool) -> None:
    """A mirror is never emptied unasked, and a small one loses no more than a third, whatever the brake is set to."""
    assert plan.is_too_much(lost, held) is refused


# --- what leaves ---------------------------------------------------------------------------------------------------


def refused(number: int, rule: str, motive: Motive) -> dict[str, Verdict]:
    return {file(number).filename: Verdict(rule, False, "so", motive=motive)}


KEEPS = plan.Policies(deselected=plan.Policy.KEEP)


@pytest.mark.parametrize("rule", ["rules.not.yanked", "advisories-of-ours", "cool-down.mine", "files.types"])
@pytest.mark.parametrize(
    ("motive", "cause", "stays"),
    [(Motive.CHOICE, "deselected", True), (Motive.YANK, "yanked", False), (Motive.HARM, "deselected", False)],
)
def test_cause(rule: str, motive: Motive, cause: str, *, stays: bool) -> None:
    """Why a file leaves is what its rule says of itself, whatever the rule is called."""
    held, page = Held(file(1), 10), Project("demo", (file(1),))
    _, [leaving] = plan.depart([held], page, refused(1, rule, motive), plan.Policies())
    assert leaving.reason == f"{cause}: so"
    kept, _ = plan.depart([held], page, refused(1, rule, motive), KEEPS)
    assert bool(kept) is stays


def test_listed_and_not_taken() -> None:
    """What is listed and cannot be taken is offered as it is held; what nothing is held of is not."""
    held = [Held(file(1), 10), Held(file(2), 10)]
    rejected = tuple(Rejected(file(number).filename, "odd") for number in (1, 3))
    page = Project("demo", (file(4),), rejected=rejected)
    assert plan.offered(page, held).files == (file(4), file(1))
    twice = Project("demo", (file(1, size=3),), rejected=rejected)
    assert plan.offered(twice, held).files == (file(1, size=3),)


@pytest.mark.parametrize("name", ["?", "a/demo-1-py3-none-any.whl", "demo-1-py3-none-any.whl ", "", "..."])
def test_listed_without_a_name(name: str) -> None:
    """Where an entry has no name that a file can have, it may be any that is held: none of them is gone."""
    held = [Held(file(1), 10), Held(file(2), 10)]
    page = Project("demo", (file(1, size=3),), rejected=(facts.rejected(name, "odd"),))
    assert plan.offered(page, held).files == (file(1, size=3), file(2))


def test_quarantine_offers_nothing() -> None:
    """A page in quarantine offers nothing, whatever it lists."""
    page = Project("demo", (file(1),), status="quarantined", rejected=(Rejected(file(2).filename, "odd"),))
    assert plan.offered(page, [Held(file(2), 10)]) == Project("demo", status="quarantined")
