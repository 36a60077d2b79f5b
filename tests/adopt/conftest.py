"""A tree of another tool, an upstream that has the same files, and the mirror that takes them over."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bandersnatch.adopt import engine
from bandersnatch.adopt.base import Fate, Found, Plan, Wish
from bandersnatch.adopt.recognise import recognise
from bandersnatch.assemble import adopting
from bandersnatch.catalogue import opening
from bandersnatch.storage.foreign import Foreign
from bandersnatch.storage.fsops import FileSystem
from bandersnatch.testing import Index, UpstreamServer
from tests.storage.watched import Quick
from tests.verify.conftest import Tree


@dataclass
class Adopter(Tree):
    """A world whose mirror begins with what another tool left."""

    read: list[str] = field(default_factory=list)
    """The paths that the last adoption opened."""

    @property
    def theirs(self) -> Path:
        """Where a tree is that is not the mirror's own folder."""
        return self.directory.with_name("theirs")

    def adopt(
        self, source: Path | None = None, wish: Wish | None = None, *, ask: bool = False, fs: FileSystem | None = None
    ) -> list[Found]:
        """Take over *source*, or the mirror's own folder; what became of everything in it."""
        self.now += 60
        self.read = []
        self.upstream.reset()
        config = self.config()
        fs = fs or Quick()
        with closing(_Noting(source or self.directory, self.read, fs)) as tree:
            kind = recognise(tree)
            self.plan = engine.plan(tree, kind, os.path.realpath(self.directory))
            self.read.clear()
            with adopting.ground(config, {}, tree, kind, ask=ask, fs=fs) as ground:
                return list(engine.adopt(ground, self.plan, wish or Wish(), self.now))

    plan: Plan | None = None

    def fetched(self) -> int:
        """How many files the last run asked upstream for."""
        return self.upstream.count("/packages/*")


class _Noting(Foreign):
    """Notes what is opened."""

    def __init__(self, place: Path, read: list[str], fs: FileSystem) -> None:
        super().__init__(place, fs=fs)
        self._read = read

    def open(self, path: str):  # type: ignore[no-untyped-def]  # as in the class above
        self._read.append(path)
        return super().open(path)


def fates(found: list[Found]) -> dict[Fate, int]:
    """How many things met each fate."""
    return dict(Counter(one.fate for one in found))


def fill(index: Index) -> None:
    """Three projects; one of them is spelled in its own way."""
    for version in ("1.0", "2.0"):
        index.upload("alpha", version, padding=2000)
        index.upload("alpha", version, "sdist")
    index.upload("beta", "1.0", "sdist")
    index.upload("Gamma.Dots", "1.0")
    index.upload("Gamma.Dots", "1.0", "sdist")


FILES = 7
"""So many files ``fill`` uploads."""


@pytest.fixture(scope="module", autouse=True)
def _quick() -> Iterator[None]:
    """Leaves the disk alone; not for the session, which other folders share."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(opening, "SETTINGS", opening.SETTINGS.replace("synchronous = FULL", "synchronous = OFF"))
        yield


@pytest.fixture(scope="module")
def upstream() -> Iterator[UpstreamServer]:
    """An upstream that nobody changes."""
    with UpstreamServer() as upstream:
        fill(upstream.index)
        yield upstream


@pytest.fixture
def changing(tmp_path: Path) -> Iterator[Adopter]:
    """The same with an upstream of its own, for a test that changes it."""
    with UpstreamServer() as upstream:
        fill(upstream.index)
        yield Adopter(upstream, tmp_path / "changing")


@pytest.fixture
def world(upstream: UpstreamServer, tmp_path: Path) -> Adopter:
    return Adopter(upstream, tmp_path / "mirror")


@pytest.fixture(scope="module")
def fresh(upstream: UpstreamServer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What a mirror publishes that began with nothing."""
    world = Adopter(upstream, tmp_path_factory.mktemp("fresh"))
    assert world.run().outcome == "clean"
    return world.tree()
