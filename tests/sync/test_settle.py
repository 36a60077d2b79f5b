"""The order in which things become true, and what is noted of projects that did not change or could not be stored."""

from __future__ import annotations

import errno
from types import SimpleNamespace
from typing import Any

import pytest

from bandersnatch import layout, publish
from bandersnatch.catalogue.base import Commit, Entry, Failure, Leaving, Published
from bandersnatch.errors import StorageError
from bandersnatch.model import File, Held, Project
from bandersnatch.storage.base import Stat
from bandersnatch.sync.run import Kept, Ready, Unchanged
from bandersnatch.sync.settle import settle
from bandersnatch.values import replace

NOW = 5000.0
HELD = Held(File("a-1.0.tar.gz", "https://example.org/a-1.0.tar.gz", "ab" * 32), 9)


class World:
    """Storage, catalogue, journal and listener in one: writes down in which order they are called."""

    def __init__(self, *errors: int | None) -> None:
        self.calls: list[str] = []
        self.noted: dict[str, Any] = {}
        self.events: list[Any] = []
        self.journal: list[Any] = []
        self._errors = list(errors)
        self.there: dict[str, int] = {layout.file_key(HELD.file): HELD.size}
        self.doubtful = False

    def settle(self) -> None:
        self.calls.append("settle")
        error = self._errors.pop(0) if self._errors else 0
        if error != 0:
            raise StorageError("it failed", errno=error)

    def stat(self, key: str) -> Stat | None:
        return Stat(self.there[key], 0) if key in self.there else None

    def commit(self, commits: Any) -> None:
        self.calls.append("commit")
        self.noted["commit"] = [one.entry.name for one in commits]

    def unchanged(self, names: Any, now: float) -> None:
        self.noted["unchanged"] = (list(names), now)

    def keep(self, names: Any) -> None:
        self.noted["keep"] = list(names)

    def fail(self, failures: Any, now: float) -> None:
        self.noted["fail"] = ([one.name for one in failures], now)

    def suspect(self, names: Any, now: float, *, files: bool) -> None:
        self.noted["suspect"] = (list(names), now, files)

    def write(self, removals: Any) -> None:
        self.journal += removals

    def doubt_disk(self) -> None:
        self.doubtful = True

    @property
    def is_disk_doubtful(self) -> bool:
        return self.doubtful

    def run(self) -> Any:
        rules = SimpleNamespace(publish=publish.Settings())
        mirror = SimpleNamespace(storage=self, catalogue=self, journal=self, output=None, rules=rules)
        return SimpleNamespace(mirror=mirror, now=NOW, health=self, tell=self.events.append)


def ready(name: str, *, held: tuple[Held, ...] = (), leaving: tuple[Leaving, ...] = (), shown: bool = True) -> Ready:
    entry = Entry(name=name, display=name, published=True)
    return Ready(Commit(entry, Published(held), leaving), Project(name) if shown else None, True, False)


@pytest.fixture(autouse=True)
def _pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Making a page is another module's work; here it is one call more."""

    def page(shown: Project, display: str, held: object, before: object, output: World, **_: object) -> object:
        PAGES.append(shown.name)
        LINKED.append(held)
        return (("key", "digest"),)

    PAGES.clear()
    LINKED.clear()
    monkeypatch.setattr("bandersnatch.publish.project", page)


PAGES: list[str] = []
LINKED: list[object] = []
"""What each of them links."""


def test_order() -> None:
    """Files are visible before pages are made, pages before the catalogue is told."""
    world = World()
    settle([ready("a"), ready("b"), ready("gone", shown=False)], world.run())
    assert world.calls == ["settle", "settle", "commit"]
    assert PAGES == ["a", "b"]
    assert world.noted == {"commit": ["a", "b", "gone"]}


def test_what_is_linked() -> None:
    """A page links what is held; of an index-only project, upstream's own files."""
    world = World()
    upstream = File("a-2.0.tar.gz", "https://example.org/a-2.0.tar.gz", "cd" * 32, 7)
    stored = ready("a", held=(HELD,))
    linked = replace(stored, shown=Project("a", (upstream,)), index_only=True)
    settle([replace(stored, shown=Project("a", (upstream,)))], world.run())
    settle([linked], world.run())
    found = list(LINKED)
    assert found == [(HELD,), (Held(upstream, 7, None),)]


def test_nothing_to_publish() -> None:
    """What did not change, is kept or failed is noted as such, and storage is left alone."""
    world = World()
    failed = Failure("c", "why", 1, NOW)
    settle([Unchanged("a"), Kept("b"), failed], world.run())
    assert world.calls == []
    assert world.noted == {"unchanged": (["a"], NOW), "keep": ["b"], "fail": (["c"], NOW)}
    assert len(world.events) == 3


def test_nothing_at_all() -> None:
    """Nobody is bothered with nothing."""
    world = World()
    settle([], world.run())
    assert (world.calls, world.noted, world.journal) == ([], {}, [])


def test_journal() -> None:
    """Every key that leaves has its line."""
    world = World()
    settle([ready("a", leaving=(Leaving("k", "a", "deleted"),))], world.run())
    assert [(one.time, one.action, one.project, one.key, one.reason) for one in world.journal] == [
        (NOW, "left", "a", "k", "deleted")
    ]


@pytest.mark.parametrize("number", [None, errno.ENOSPC, errno.EIO, errno.EROFS])
@pytest.mark.parametrize("before", [0, 1])
def test_a_full_disk_ends_the_run(number: int | None, before: int) -> None:
    """What no other project would survive passes through, and nothing is committed."""
    world = World(*[0] * before, number)
    with pytest.raises(StorageError):
        settle([ready("a")], world.run())
    assert "commit" not in world.calls
    assert not world.doubtful


@pytest.mark.parametrize("after", [0, 1])
@pytest.mark.parametrize("number", [None, errno.EIO])
def test_a_full_disk_later_ends_the_run(number: int | None, after: int) -> None:
    """The same once projects are done one by one."""
    world = World(errno.EACCES, *[0] * after, number)
    with pytest.raises(StorageError):
        settle([ready("a", held=(HELD,))], world.run())
    assert "commit" not in world.calls


def test_one_by_one() -> None:
    """Once the disk refused something each project is looked at alone; one that fails keeps the others from nothing."""
    world = World(errno.EACCES, 0, errno.EACCES)
    settle([ready("a", held=(HELD,)), ready("b", held=(HELD,))], world.run())
    assert world.doubtful
    assert world.noted["commit"] == ["b"]
    assert world.noted["fail"] == (["a"], NOW)
    assert world.noted["suspect"] == (["a"], NOW, False)
    assert PAGES == ["a", "b"]
    later = World()
    later.doubtful = True
    settle([ready("a", held=(HELD,))], later.run())
    assert later.calls == ["settle", "settle", "commit"]


def test_what_could_not_be_made_visible_is_looked_for() -> None:
    """An object of another project may fail; one of its own that is not there, or has another size, holds it back."""
    world = World(errno.EACCES, errno.EACCES, 0)
    settle([ready("a", held=(HELD,))], world.run())
    assert world.noted == {"commit": ["a"]}
    for there in ({}, {layout.file_key(HELD.file): 8}):
        world = World(errno.EACCES)
        world.there = there
        settle([ready("a", held=(HELD,))], world.run())
        assert world.noted["fail"] == (["a"], NOW)
        assert "commit" not in world.calls
        assert PAGES == ["a"]
