"""Whole mirrors to verify: made by real runs, and then left alone, or damaged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from bandersnatch import assemble
from bandersnatch.assemble import verifying
from bandersnatch.assemble.selection import choose
from bandersnatch.catalogue import opening
from bandersnatch.sync import events
from bandersnatch.sync.engine import Wish as RunWish
from bandersnatch.sync.engine import run
from bandersnatch.testing import UpstreamServer
from bandersnatch.verify.base import Finding, Ground, Kind
from bandersnatch.verify.engine import Wish, verify
from tests.storage.watched import Quick
from tests.sync.conftest import World

hypothesis_settings.register_profile(
    "mirrors", deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)

ALL = Wish(pages=True, contents=True)


@dataclass
class Tree(World):
    """A world whose runs do not wait for the disk, and that can be verified."""

    pauses: list[float] = field(default_factory=list)
    """How long verifications have waited for a run that goes on."""

    async def _run(self, projects: tuple[str, ...], wish: RunWish, settings: Mapping[str, object]) -> events.Finished:
        config = self.config(*projects, **settings)
        with assemble.locked(config):
            async with assemble.mirror(config, {}, self.now, fs=Quick()) as mirror:
                return await run(mirror, wish, self.now, self.told.append)

    @contextmanager
    def ground(self, **settings: object) -> Iterator[Ground]:
        config = self.config(**settings)
        with verifying.ground(config, {}, choose(config).selection) as ground:
            yield ground

    def verify(self, *wishes: Wish, **settings: object) -> list[Finding]:
        """What verifications find that begin well after the last run ended."""
        with self.ground(**settings) as ground:
            return [
                finding
                for wish in wishes or (ALL,)
                for finding in verify(ground, wish, self.now + 100, pause=self.pauses.append)
            ]

    def unwanted(self, **settings: object) -> set[str]:
        """The file names that are found to be unwanted."""
        found = self.verify(Wish(), **settings)
        return {one.key.rpartition("/")[2] for one in found if one.kind is Kind.UNWANTED}

    def held(self) -> set[str]:
        """The file names that the pages link."""
        return {filename for name in self.root() for filename in self.filenames(name)}


@pytest.fixture(scope="module", autouse=True)
def _quick() -> Iterator[None]:
    """Leaves the disk alone: no test here is about crashes. Not for the session, which other folders share."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(opening, "SETTINGS", opening.SETTINGS.replace("synchronous = FULL", "synchronous = OFF"))
        yield


@pytest.fixture
def upstream() -> Iterator[UpstreamServer]:
    """An empty upstream that behaves as PyPI does."""
    with UpstreamServer() as upstream:
        yield upstream


@pytest.fixture
def tree(upstream: UpstreamServer, tmp_path: Path) -> Tree:
    """No mirror of it yet."""
    return Tree(upstream, tmp_path / "mirror")
