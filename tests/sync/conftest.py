"""A whole mirror against a whole upstream, in one process: real HTTP, real files, a real catalogue."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bandersnatch import assemble
from bandersnatch.config.load import load
from bandersnatch.config.schema import Config
from bandersnatch.names import normalise
from bandersnatch.sync import events
from bandersnatch.sync.engine import Wish, run
from bandersnatch.testing import Index, UpstreamServer


@dataclass
class World:
    """One upstream and one mirror of it. ``run`` is one run of the mirror, as a new process would do it, ten minutes
    after the last.
    """

    upstream: UpstreamServer
    directory: Path
    now: float = field(default_factory=time.time)
    settings: dict[str, object] = field(default_factory=dict)
    configuration: Path | None = None
    """A file below the settings, for what only a file can say."""
    told: list[events.Event] = field(default_factory=list)

    @property
    def index(self) -> Index:
        return self.upstream.index

    @property
    def web(self) -> Path:
        return self.directory / "web"

    @property
    def state(self) -> Path:
        return self.directory / "state"

    def run(
        self,
        *projects: str,
        full: bool = False,
        accept_removals: bool = False,
        accept_changed: Iterable[str] = (),
        attended: bool = False,
        **settings: object,
    ) -> events.Finished:
        """One run: of everything, or of *projects*."""
        self.told = []
        self.upstream.reset()
        self.now += 600
        return asyncio.run(
            self._run(projects, Wish(full, accept_removals, frozenset(accept_changed), attended), settings)
        )

    async def _run(self, projects: tuple[str, ...], wish: Wish, settings: Mapping[str, object]) -> events.Finished:
        config = self.config(*projects, **settings)
        with assemble.locked(config):
            async with assemble.mirror(config, {}, self.now, anew=wish.full) as mirror:
                return await run(mirror, wish, self.now, self.told.append)

    def config(self, *projects: str, **settings: object) -> Config:
        """The configuration of such a run."""
        overrides: dict[str, object] = {
            "mirror.directory": str(self.directory),
            "mirror.upstream": self.upstream.url,
            "mirror.reserve": "0",
            "upstream.tries": 1,
            "select.projects": list(projects),
            "select.everything": not projects,
            **self.settings,
            **{name.replace("__", ".").replace("_", "-"): value for name, value in settings.items()},
        }
        return load(self.configuration, {}, overrides).config

    # --- looking at the result -------------------------------------------------------------------------------------

    def page(self, name: str) -> dict[str, Any]:
        """The project's page, the JSON form."""
        result: dict[str, Any] = json.loads((self.web / f"simple/{name}/index.v1_json").read_bytes())
        return result

    def filenames(self, name: str) -> list[str]:
        """What the project's page links."""
        return [file["filename"] for file in self.page(name)["files"]]

    def root(self) -> dict[str, int | None]:
        """The list of projects: names with their serials."""
        body = json.loads((self.web / "simple/index.v1_json").read_bytes())
        return {project["name"]: project.get("_last-serial") for project in body["projects"]}

    def stored(self, name: str, filename: str) -> Path:
        """Where the file is that the project's page links."""
        [entry] = [file for file in self.page(name)["files"] if file["filename"] == filename]
        return Path(self.web, "simple", name, entry["url"]).resolve()

    def tree(self) -> dict[str, str]:
        """Every published object with its digest, the date of the last run left out."""
        return {
            str(path.relative_to(self.web)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(self.web.rglob("*"))
            if path.is_file() and path.name != "last-modified"
        }

    def of(self, kind: type[events.Event]) -> list[Any]:
        """The events of one kind in the last run."""
        return [event for event in self.told if isinstance(event, kind)]

    def check(self, *, staged: bool = True) -> None:
        """
        Invariants 1 and 2 of the design; unless a run was cut off (not *staged*), the agreement of the two forms of
        each page, and an empty stage.
        """
        for name in self.root():
            assert (self.web / f"simple/{normalise(name)}/index.v1_json").is_file(), (
                f"the index lists {name}, it has no page"
            )
        for page in self.web.glob("simple/*/index.v1_json"):
            self._check_page(page, forms=staged)
        if staged:
            assert not list((self.state / "tmp").iterdir()), "something was left on the stage"

    def _check_page(self, page: Path, *, forms: bool) -> None:
        html = (page.parent / "index.html").read_text() if forms else ""
        for file in json.loads(page.read_bytes())["files"]:
            stored = page.parent / file["url"]
            data = stored.read_bytes()
            assert hashlib.sha256(data).hexdigest() == file["hashes"]["sha256"], file
            assert len(data) == file["size"]
            assert not forms or f"{file['url']}#sha256={file['hashes']['sha256']}" in html
            if file["core-metadata"]:
                metadata = stored.with_name(stored.name + ".metadata").read_bytes()
                assert hashlib.sha256(metadata).hexdigest() == file["core-metadata"]["sha256"]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """An empty upstream that behaves as PyPI does, and no mirror of it yet."""
    with UpstreamServer() as upstream:
        yield World(upstream, tmp_path / "mirror")


@pytest.fixture
def make_world(tmp_path: Path) -> Iterator[Callable[[str], World]]:
    """Several mirrors of one upstream, by name."""
    with UpstreamServer() as upstream:
        yield lambda name: World(upstream, tmp_path / name)


@pytest.fixture
def two(world: World) -> World:
    """Upstream has two projects with three releases each; the mirror has all of them."""
    for name in ("alpha", "beta"):
        for version in ("1.0", "2.0", "3.0rc1"):
            world.index.upload(name, version)
    assert world.run().outcome == "clean"
    return world


# --- what the tests of several modules look at -----------------------------------------------------------------------


def iso(moment: float) -> str:
    """A moment in seconds as an upload time (PEP 700)."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def journal(world: World) -> list[tuple[str, str, str]]:
    """What the journal of removals says: action, project, name of the file."""
    path = world.state / "removals.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    return [(one["action"], one["project"], one["key"].rpartition("/")[2]) for one in map(json.loads, lines)]


def objects(world: World) -> set[str]:
    """The distribution files that the web server's root holds, whoever links them."""
    return {path.name for path in (world.web / "packages").rglob("*") if path.suffix in (".whl", ".gz")}


def buried(world: World) -> set[str]:
    """The distribution files in the trash."""
    return {path.name for path in (world.state / "trash").rglob("*") if path.suffix in (".whl", ".gz")}
