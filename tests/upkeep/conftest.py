"""Whole mirrors to be kept: made by real runs, damaged, and mended as an operator would."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bandersnatch import assemble
from bandersnatch.assemble.keeping import kept
from bandersnatch.assemble.selection import choose
from bandersnatch.catalogue import opening
from bandersnatch.storage.fsops import FileSystem
from bandersnatch.sync.mirror import Mirror
from bandersnatch.testing import Index, UpstreamServer
from bandersnatch.upkeep.garbage import Taken, garbage, look, take_away
from bandersnatch.upkeep.repairing import Marks, Step
from bandersnatch.verify.base import Finding, Ground, Kind
from bandersnatch.verify.engine import Wish, verify
from tests.storage.watched import Quick
from tests.verify.conftest import ALL, Tree


@dataclass
class Kept(Tree):
    """A mirror with its operator."""

    @contextmanager
    def opened(self, *, fs: FileSystem | None = None, **settings: Any) -> Iterator[tuple[Mirror, Ground]]:
        """The mirror, locked and open. *fs* does what changes the disk."""
        config = self.config(**settings)
        with assemble.locked(config), kept(config, {}, self.now, choose(config).selection, fs=fs or Quick()) as both:
            yield both

    def mark(self, wish: Wish = ALL, **settings: Any) -> dict[Step, int]:
        """Find and mark, as ``verify --repair`` does before its run."""
        with self.opened(**settings) as (mirror, ground):
            marks = Marks(mirror.catalogue, self.now, None)
            for finding in verify(ground, wish, self.now + 100, pause=self.pauses.append):
                marks.add(finding)
            marks.finish()
        return dict(marks.steps)

    def repair(self, wish: Wish = ALL, **settings: Any) -> dict[Step, int]:
        """The same with the run."""
        steps = self.mark(wish, **settings)
        self.run(**settings)
        return steps

    def gc(self, *, fs: FileSystem | None = None, accepted: bool = False, **settings: Any) -> Taken:
        """Take away what nothing knows, without the sweep."""
        with self.opened(fs=fs, **settings) as (mirror, ground), garbage() as found:
            for finding in look(ground, self.now + 100):
                found.add(finding)
            return take_away(mirror, found, self.now, accepted=accepted)

    def silent(self, **settings: Any) -> None:
        """A whole verification finds nothing."""
        found: list[Finding] = self.verify(**settings)
        assert found == []

    def silent_but_behind(self, *names: str) -> None:
        """A whole verification finds nothing but that these are behind."""
        assert [(one.kind, one.project) for one in self.verify()] == [(Kind.BEHIND, name) for name in names]


def fill(index: Index) -> None:
    """Three projects, one with everything that can lie beside a file."""
    for version in ("1.0", "2.0"):
        index.upload("alpha", version, provenance=True)
        index.upload("alpha", version, kind="sdist")
        index.upload("beta", version)
    index.upload("gamma", "1.0", kind="sdist")


@pytest.fixture(scope="module", autouse=True)
def _quick() -> Iterator[None]:
    """Leaves the disk alone, but for what a test says of it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(opening, "SETTINGS", opening.SETTINGS.replace("synchronous = FULL", "synchronous = OFF"))
        yield


@pytest.fixture
def upstream() -> Iterator[UpstreamServer]:
    """An upstream with three projects."""
    with UpstreamServer() as upstream:
        fill(upstream.index)
        yield upstream


@pytest.fixture
def tree(upstream: UpstreamServer, tmp_path: Path) -> Kept:
    """A mirror of it, just made."""
    tree = Kept(upstream, tmp_path / "mirror")
    assert tree.run().outcome == "clean"
    return tree
