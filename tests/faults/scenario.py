"""A mirror that is up to date, an upstream that has changed since, and what an undisturbed run makes of that.

Each cell of a matrix begins with a copy of that mirror, spoils one thing, and looks at what a run made of it.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bandersnatch import assemble
from bandersnatch.assemble import verifying
from bandersnatch.assemble.selection import choose
from bandersnatch.config.load import load
from bandersnatch.config.schema import Config
from bandersnatch.errors import UsageError
from bandersnatch.sync import events
from bandersnatch.sync.engine import Wish, run
from bandersnatch.testing import Index, UpstreamServer
from bandersnatch.values import replace
from bandersnatch.verify.base import Severity
from bandersnatch.verify.engine import Wish as Verification
from bandersnatch.verify.engine import verify
from tests.faults import checker
from tests.faults.clock import Timekeeper
from tests.storage.watched import Quick

TRIES = 3
SOON = 600.0
"""Seconds to the next run: the first wait of what is behind is over by then."""
A_WEEK = 8 * 86_400.0
"""Seconds after which what upstream withheld is asked for again."""

TARGET = "target"
NEW = "target-1.1-py3-none-any.whl"
PLAIN = "target-1.2-py3-none-any.whl"
"""A file whose core metadata only upstream has: it is no archive that could be looked into."""


@dataclass
class Mirror:
    """One mirror of one upstream, run as the program runs it, but for the clock and the synchronising of the disk."""

    upstream: UpstreamServer
    directory: Path
    now: float = field(default_factory=time.time)
    settings: dict[str, object] = field(default_factory=dict)
    silence: float = 60.0
    """Seconds for which upstream may say nothing."""
    told: list[events.Event] = field(default_factory=list)

    @property
    def web(self) -> Path:
        return self.directory / "web"

    @property
    def config(self) -> Config:
        overrides: dict[str, object] = {
            "mirror.directory": str(self.directory),
            "mirror.upstream": self.upstream.url,
            "mirror.reserve": "0",
            "mirror.grace": "0s",
            "upstream.tries": TRIES,
            "select.everything": True,
            "publish.base-url": checker.OWN,
            **self.settings,
        }
        config = load(None, {}, overrides).config
        return replace(config, upstream=dataclasses.replace(config.upstream, timeout=self.silence))

    def run(self, *, later: float = SOON, timekeeper: Timekeeper | None = None, full: bool = False) -> events.Finished:
        """One run, so much *later* than the last. A refusal to begin is an outcome of its own, ``usage``."""
        self.told = []
        self.now += later
        return asyncio.run(self._run(timekeeper or Timekeeper(), Wish(full)))

    async def _run(self, timekeeper: Timekeeper, wish: Wish) -> events.Finished:
        with assemble.locked(self.config):
            async with assemble.mirror(self.config, {}, self.now, fs=Quick(), clock=timekeeper.clock) as mirror:
                return await run(mirror, wish, self.now, self.told.append)

    def warnings(self) -> list[str]:
        return [one.message for one in self.told if isinstance(one, events.Warned)]

    def copy(self, directory: Path) -> Mirror:
        """The same mirror somewhere else."""
        shutil.copytree(self.directory, directory)
        return dataclasses.replace(self, directory=directory, told=[])

    def damage(self) -> list[str]:
        """What both checkers find: ours that is shipped, and the independent one."""
        with verifying.ground(self.config, {}, choose(self.config).selection) as ground:
            wish = Verification(pages=True, contents=True)
            found = [
                f"{one.kind}: {one.project} {one.key} {one.what}"
                for one in verify(ground, wish, self.now + 100, pause=lambda _: None)
                if one.kind.severity in (Severity.DAMAGE, Severity.STALE, Severity.GARBAGE)
            ]
        return found + checker.problems(self.directory)

    def ahead(self) -> list[str]:
        """Pages that claim a serial whose files they have not."""
        found = []
        for page in sorted(self.web.glob("simple/*/index.v1_json")):
            said = json.loads(page.read_bytes())
            serial, have = said["meta"].get("_last-serial"), {one["filename"] for one in said["files"]}
            state = self.upstream.index.project(page.parent.name, serial)
            lacking = {file.filename for file, _ in state.visible} - have if state else set()
            if lacking:
                found.append(f"{page.parent.name}: claims serial {serial} without {lacking}")
        return found


@dataclass
class Scenario:
    """The upstream, the mirror as it was before upstream changed, and the tree that it is to become."""

    upstream: UpstreamServer
    elsewhere: UpstreamServer
    """A host that no run may ever ask."""
    start: Mirror
    before: dict[str, str]
    expected: dict[str, str]
    folder: Path
    old: dict[str, bytes]
    """What upstream answered for a path, before it changed."""
    cells: int = 0

    @contextmanager
    def cell(self, **settings: object) -> Iterator[Mirror]:
        """A copy of the mirror; upstream is well again afterwards, and the copy gone."""
        self.cells += 1
        self.upstream.reset()
        mirror = self.start.copy(self.folder / f"cell-{self.cells}")
        mirror.settings = {**mirror.settings, **settings}
        try:
            yield mirror
        finally:
            self.upstream.clear_faults()
            shutil.rmtree(mirror.directory)


OTHERS = ("changed", "fresh", "same", "shrunk")


def before(index: Index) -> None:
    for name in (TARGET, "changed", "same", "shrunk"):
        index.upload(name, "1.0")
    index.upload("shrunk", "0.9")


def change(index: Index) -> None:
    """What happens upstream between the two runs."""
    index.upload(TARGET, "1.1", provenance=True)
    metadata = b"not an archive " * 20
    index.upload(TARGET, "1.2", content=metadata)
    index.upload("changed", "2.0")
    index.upload("fresh", "1.0")
    index.upload("fresh", "1.0", kind="sdist")
    index.remove_file("shrunk-0.9-py3-none-any.whl")


@contextmanager
def made(folder: Path) -> Iterator[Scenario]:
    """The scenario, in *folder*."""
    with UpstreamServer() as upstream, UpstreamServer() as elsewhere:
        before(upstream.index)
        start = Mirror(upstream, folder / "start")
        assert start.run().outcome == "clean"
        old = {path: ask(upstream, path) for path in ("/simple/", f"/simple/{TARGET}/")}
        change(upstream.index)
        whole = start.copy(folder / "whole")
        assert whole.run().outcome == "clean"
        assert whole.damage() == []
        trees = (checker.tree(start.web), checker.tree(whole.web))
        assert trees[0] != trees[1]
        yield Scenario(upstream, elsewhere, start, *trees, folder, old)


def ask(upstream: UpstreamServer, path: str) -> bytes:
    """What *upstream* answers in JSON now."""
    import http.client
    from urllib.parse import urlsplit

    connection = http.client.HTTPConnection(urlsplit(upstream.url).netloc, timeout=10)
    try:
        connection.request("GET", path, headers={"Accept": "application/vnd.pypi.simple.v1+json"})
        return connection.getresponse().read()
    finally:
        connection.close()


def outcome_of(mirror: Mirror, timekeeper: Timekeeper) -> str:
    """How a run ended; ``usage`` where it did not even begin."""
    try:
        return mirror.run(timekeeper=timekeeper).outcome
    except UsageError:
        return "usage"


def lost(mirror: Mirror, tree: dict[str, str]) -> Sequence[str]:
    """The files of *tree* that the mirror has not got any more."""
    now = checker.tree(mirror.web)
    return [key for key in tree if key.startswith("packages/") and key not in now]
