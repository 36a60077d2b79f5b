"""What one step costs does not depend on how much is held. Counted, not timed: statements, steps, bytes written."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from bandersnatch.catalogue.base import Published
from bandersnatch.catalogue.sqlite import SqliteCatalogue
from bandersnatch.values import replace
from tests.catalogue.samples import Clock, commit, failure, held, listed
from tests.catalogue.watched import Watch

PAGE = 4096
BUDGET = 16 << 10
"""Bytes that the catalogue may write for a project that is finished."""


def name_of(number: int) -> str:
    """Names that lie far apart when their numbers do."""
    return f"p{number:05}"


@dataclass
class Watched:
    """A catalogue that holds so many published projects, and what watches it."""

    catalogue: SqliteCatalogue
    path: Path
    watch: Watch
    names: list[str]

    def cost(self, call: Callable[[SqliteCatalogue], object]) -> tuple[int, int, int]:
        """The statements, the steps and the bytes of log that *call* costs."""
        with closing(sqlite3.connect(self.path)) as other:
            other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self.watch.reset()
        call(self.catalogue)
        log = self.path.with_name(self.path.name + "-wal").stat().st_size
        return len(self.watch.statements), self.watch.steps, log


@pytest.fixture(scope="module")
def sizes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Watched, Watched]]:
    """A small catalogue and a large one."""
    small, large = (_build(tmp_path_factory.mktemp("flat") / "c.sqlite", count) for count in (100, 20_000))
    yield small, large
    small.catalogue.close()
    large.catalogue.close()


def _build(path: Path, count: int) -> Watched:
    watch = Watch()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sqlite3, "connect", watch.connect)
        catalogue = SqliteCatalogue(path, clock=Clock())
    names = [name_of(number) for number in range(count)]
    for start in range(0, count, 2000):
        catalogue.commit([commit(name, 1) for name in names[start : start + 2000]])
    return Watched(catalogue, path, watch, names)


def refresh(names: list[str], serial: int) -> Callable[[SqliteCatalogue], None]:
    """Promise, look up and commit *names*, each with ten files that are new."""

    def call(catalogue: SqliteCatalogue) -> None:
        commits = [
            commit(
                name, serial, *(held(name, f"{serial}.{number}") for number in range(10)), leaving=[f"packages/{name}"]
            )
            for name in names
        ]
        catalogue.promise([listed(name, serial) for name in names], 1.0, {})
        assert len(catalogue.due(1.0, "", 100)) == len(names)
        catalogue.commit(commits)

    return call


@pytest.mark.parametrize("batch", [1, 64])
def test_refresh(sizes: tuple[Watched, Watched], batch: int) -> None:
    """Projects far apart from each other: the same statements, about the same steps, within the budget of bytes."""
    costs = []
    for one in sizes:
        far_apart = one.names[:: len(one.names) // batch][:batch]
        refresh(far_apart, 10 * batch)(one.catalogue)
        costs.append(one.cost(refresh(far_apart, 10 * batch + 1)))
    (few, little, _), (many, much, written) = costs
    assert many == few
    assert much < 2 * little
    assert written <= batch * BUDGET + 4 * PAGE


STEPS: list[Callable[[SqliteCatalogue], object]] = [
    lambda c: c.entry(name_of(50)),
    lambda c: c.published(name_of(50)),
    lambda c: c.unchanged([name_of(50)], 1.0),
    lambda c: c.due(9.0, name_of(20), 64),
    lambda c: c.reselect([name_of(50)], [], 1.0, leave=True),
    lambda c: c.unchanged([name_of(50)], 1.0),
    lambda c: c.wake(1.0, 9.0),
    lambda c: c.cut_waits(1.0),
    lambda c: list(c.buried(9.0)),
    lambda c: c.missing([name_of(50)], 1.0),
    lambda c: c.fail([failure(name_of(50), 5.0)], 1.0),
    lambda c: list(c.behind()),
    lambda c: c.count_due(9.0),
    lambda c: c.serial(),
    lambda c: c.departing(),
    lambda c: c.unchanged([name_of(50)], 1.0),
    lambda c: c.leaving(9.0),
]


def test_other_steps(sizes: tuple[Watched, Watched]) -> None:
    """Everything else that a run does for a project, or for the few that are due or behind, costs the same."""
    for number, step in enumerate(STEPS):
        (few, little, _), (many, much, written) = (one.cost(step) for one in sizes)
        assert (number, many) == (number, few)
        assert much <= 1.5 * little + 100, f"step {number}"
        assert written <= 6 * PAGE, f"step {number}"


def test_due_while_all_wait(sizes: tuple[Watched, Watched]) -> None:
    """A page of work is as cheap to find when all projects are due as when few are."""
    for one in sizes:
        one.catalogue.make_due(1.0)
    pages: list[Callable[[SqliteCatalogue], object]] = [
        lambda c: c.due(2.0, "", 64),
        lambda c: c.due(2.0, name_of(30), 64),
    ]
    for page in pages:
        (_, little, _), (_, much, _) = (one.cost(page) for one in sizes)
        assert much <= 1.5 * little + 100
    for one in sizes:
        one.catalogue.unchanged(one.names, 1.0)


def test_nothing_piles_up(tmp_path: Path) -> None:
    """What a page was made of before, or of a project that is forgotten, is not kept."""
    path = tmp_path / "c.sqlite"
    with closing(SqliteCatalogue(path)) as catalogue, closing(sqlite3.connect(path)) as other:
        for version in ("1.0", "2.0", "2.0"):
            catalogue.commit([commit(name, 1, held(name, version)) for name in "abc"])
        assert other.execute("SELECT count(*) FROM page").fetchone() == (3,)
        catalogue.forget("a")
        catalogue.commit([replace(commit("b", 1), published=Published())])
        assert other.execute("SELECT count(*) FROM page").fetchone() == (1,)


def test_same_list_again(sizes: tuple[Watched, Watched]) -> None:
    """Adopting a list that changes nothing writes nothing for its projects."""
    for one in sizes:
        lines = [listed(name, one.catalogue.entry(name).promised) for name in one.names]  # type: ignore[union-attr]  # all known
        one.catalogue.begin_listing()
        one.catalogue.absorb(lines)
        _, _, written = one.cost(lambda c: c.adopt(5.0, {"list-etag": "x"}))
        assert one.catalogue.count_due(9.0) == 0
        assert written <= 3 * PAGE
