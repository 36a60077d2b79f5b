"""
The golden scenario: twenty projects, a first run and a later one, and what becomes of them undisturbed.

Of the twenty, 5 are new in the later run, 5 changed, 3 lose a file, 2 are deleted, 2 fail in both runs, 3 are the same.
Between them they have core metadata, provenance, yanked releases, sdists, and a file that is too large for one piece.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
import shutil
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bandersnatch import assemble
from bandersnatch.config.load import load
from bandersnatch.config.schema import Config
from bandersnatch.names import normalise
from bandersnatch.storage.fsops import FileSystem
from bandersnatch.sync import events
from bandersnatch.sync.engine import Wish, run
from bandersnatch.testing import Index
from bandersnatch.values import replace
from tests.faults.memory_upstream import URL, MemoryUpstream

DAMAGED = "damaged-1.1-py3-none-any.whl"
FAILING = frozenset({"damaged", "broken"})
"""The two that are behind all the while: one has a file with a wrong byte, the page of the other is an error."""

NOW = 4_000_000_000.0
"""When the first run begins: later than any clock of a machine that runs this says, so that no grace time is left."""
LATER = 600.0

LARGE = 1_200_000
"""Bytes that make a file too large to wait in memory: it arrives in ``state/partial``."""

Tree = dict[str, str]
"""Objects by key, with their digests."""


def _before(index: Index) -> None:
    for number in range(1, 6):
        index.upload(f"Changed.{number}", "1.0", provenance=number < 3)
        index.upload(f"Changed.{number}", "1.1", kind="sdist")
    for number in range(1, 4):
        index.upload(f"shrunk-{number}", "1.0", provenance=True)
        index.upload(f"shrunk-{number}", "2.0", padding=LARGE if number == 1 else 0)
        index.upload(f"same-{number}", "1.0")
    index.yank("same-1", "1.0", "it never worked")
    for number in range(1, 3):
        index.upload(f"deleted-{number}", "1.0", provenance=number == 1)
    index.upload("damaged", "1.0")
    index.upload("damaged", "1.1")
    index.upload("broken", "1.0")


def _change(index: Index) -> None:
    for number in range(1, 6):
        index.upload(f"new-{number}", "0.1", requires_python=">=3.9", provenance=number == 1)
        index.upload(f"new-{number}", "0.1", kind="sdist", padding=LARGE if number == 1 else 0)
        index.upload(f"Changed.{number}", "2.0")
    index.yank("Changed.1", "1.0", "")
    index.remove_file("changed_2-1.1.tar.gz")
    index.upload("changed.2", "1.1", kind="sdist", padding=10)
    for number in range(1, 4):
        index.remove_file(f"shrunk_{number}-1.0-py3-none-any.whl")
    for number in range(1, 3):
        index.remove_project(f"deleted-{number}")


@cache
def upstream(*, later: bool) -> MemoryUpstream:
    """What a first run finds, or a *later* one. Nothing changes it any more."""
    index = Index()
    _before(index)
    if later:
        _change(index)
    return MemoryUpstream(index, frozenset({DAMAGED}), frozenset({"broken"}))


class InMemory(FileSystem):
    """Does not synchronise the whole machine: what is tried is in memory, and others are at work on the disks."""

    def sync(self) -> None:
        pass


class NoClient:
    """In place of the HTTP client, which nobody asks anything: to make one takes as long as half a run."""

    def __init__(self, *_: object) -> None:
        self.hosts = SimpleNamespace(learned=set())

    async def close(self) -> None:
        """Nothing is open."""


@dataclass(frozen=True)
class Mirror:
    """One directory that is mirrored into; every run is as a new process would do it."""

    directory: Path
    without: tuple[str, ...] = ()
    """Projects that are excluded."""
    without_files: tuple[str, ...] = ()
    """Patterns of names of files that are excluded."""

    @property
    def web(self) -> Path:
        return self.directory / "web"

    @property
    def state(self) -> Path:
        return self.directory / "state"

    def run(
        self,
        now: float,
        *,
        later: bool,
        fs: FileSystem | None = None,
        wish: Wish | None = None,
        tell: events.Tell = lambda _: None,
    ) -> events.Finished:
        """One run. Raises what a command would show as an error, or whatever *fs* throws."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(assemble, "Client", NoClient)
            return asyncio.run(self._run(now, upstream(later=later), fs, wish or Wish(), tell))

    async def _run(
        self, now: float, index: MemoryUpstream, fs: FileSystem | None, wish: Wish, tell: events.Tell
    ) -> events.Finished:
        config = configuration(str(self.directory), self.without, self.without_files)
        with assemble.locked(config):
            async with assemble.mirror(config, {}, now, fs=fs or InMemory()) as mirror:
                return await run(replace(mirror, upstream=index), wish, now, tell)

    def copy_to(self, directory: Path) -> Mirror:
        """A mirror that is the same. What is published is never written to again, so it is shared."""
        shutil.copytree(self.web, directory / "web", copy_function=os.link)
        shutil.copytree(self.state, directory / "state")
        return Mirror(directory)


@cache
def configuration(directory: str, without: tuple[str, ...] = (), without_files: tuple[str, ...] = ()) -> Config:
    """What the runs are told: no grace time, so that a run sweeps what the one before took off its page."""
    settings: dict[str, object] = {
        "mirror.directory": directory,
        "mirror.upstream": URL,
        "mirror.reserve": "0",
        "mirror.grace": "0s",
        "mirror.workers": 4,
        "upstream.changes": "list",
        "select.everything": True,
        "exclude.projects": list(without),
        "files.exclude-names": list(without_files),
    }
    return load(None, {}, settings).config


# --- what a run must leave ---------------------------------------------------------------------------------------


def tree_of(directory: Path) -> Tree:
    """Every object below a directory with its digest, every folder with a stroke at its end; links as they are."""
    found: Tree = {}
    for folder, folders, files in os.walk(directory):
        below = os.path.relpath(folder, directory).removeprefix(".")
        prefix = f"{below}/" if below else ""
        found |= {f"{prefix}{name}/": "" for name in folders}
        found |= {f"{prefix}{name}": _digest(os.path.join(folder, name)) for name in files}
    return found


def _digest(path: str) -> str:
    if os.path.islink(path):
        return f"-> {os.readlink(path)}"
    with open(path, "rb") as stream:
        return hashlib.sha256(stream.read()).hexdigest()


def remembered(state: Path) -> dict[str, list[tuple[object, ...]]]:
    """What the catalogue knows that does not depend on when and how often somebody tried."""
    questions = {
        "project": """
            SELECT name, display, promised, serial, published, indexed, departing, files, bytes, missing_since IS NULL,
                   iif(tries, '', selection), etag, digest, wanted, tries > 0, content
            FROM project LEFT JOIN page ON page.id = page""",
        "leaving": "SELECT key, project FROM leaving",
        "trash": "SELECT key, project FROM trash",
        "fact": "SELECT name, value FROM fact WHERE name NOT LIKE 'list-%'",
        "page": "SELECT count(*) FROM page",
        "guest": "SELECT key, project FROM guest",
    }
    with closing(sqlite3.connect(state / "catalogue.sqlite")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return {
            what: sorted((tuple(map(_short, row)) for row in connection.execute(question)), key=repr)
            for what, question in questions.items()
        }


def _short(value: object) -> object:
    return hashlib.sha256(value).hexdigest()[:16] if isinstance(value, bytes) else value


@dataclass(frozen=True)
class Result:
    """All that a mirror is, to be compared: what is served, what is in the trash, what is remembered."""

    web: Tree
    trash: Tree
    remembered: dict[str, list[tuple[object, ...]]]
    removed: frozenset[str]
    """Every key that has a line in the journal. A line may be there twice where a run was cut off beside it."""


def result_of(mirror: Mirror) -> Result:
    """
    Nothing is left out: the second of two runs begins at the same moment whatever became of the first.

    Raises AssertionError for a temporary file.
    """
    for folder in ("tmp", "partial"):
        assert not os.listdir(mirror.state / folder), f"something was left in state/{folder}"
    return Result(
        tree_of(mirror.web),
        tree_of(mirror.state / "trash"),
        remembered(mirror.state),
        frozenset(key for _, key in journal_of(mirror.state)),
    )


def journal_of(state: Path) -> frozenset[tuple[str, str]]:
    """Action and key of every line in the journal of removals."""
    path = state / "removals.jsonl"
    found = set()
    for line in path.read_text().splitlines() if path.exists() else ():
        with suppress(ValueError):  # a line that was cut off stays in the journal, and is written again
            one = json.loads(line)
            found.add((one["action"], one["key"]))
    return frozenset(found)


def broken_links(web: Path) -> list[str]:
    """What a reader is promised and does not get, in the order of readers: list, page, file. Empty if all is well."""
    root = web / "simple/index.v1_json"
    wrong = []
    if root.exists():
        listed = [normalise(one["name"]) for one in json.loads(root.read_bytes())["projects"]]
        wrong += [f"the list names {name}" for name in listed if not (web / f"simple/{name}/index.v1_json").is_file()]
    for page in web.glob("simple/*/index.v1_json"):
        for file in json.loads(page.read_bytes())["files"]:
            wrong += _broken(page.parent / file["url"], file)
    for page in web.glob("simple/*/index*html"):
        for address, digest in re.findall(r'href="([^"#]+)#sha256=([0-9a-f]{64})"', page.read_text()):
            wrong += [] if _has(page.parent / address, digest) else [f"{page.parent.name}: {address}"]
    return wrong


def _broken(stored: Path, file: dict[str, Any]) -> Iterator[str]:
    if not _has(stored, file["hashes"]["sha256"]) or stored.stat().st_size != file["size"]:
        yield stored.name
    if file["core-metadata"] and not _has(Path(f"{stored}.metadata"), file["core-metadata"]["sha256"]):
        yield f"{stored.name}.metadata"


def _has(path: Path, digest: str) -> bool:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest() == digest
    except OSError:
        return False


# --- a run that is disturbed, and the one after it ----------------------------------------------------------------


@dataclass(frozen=True)
class Scenario:
    """A run that is to be disturbed, what it begins with, and what two undisturbed runs make of that."""

    later: bool
    start: Mirror | None
    """Copied for each disturbance; None: there is nothing yet."""
    first: Result
    """After one run."""
    expected: Result
    """After two."""
    reasons: dict[str, str]
    """Why the projects are behind that are behind after one run."""

    @property
    def began(self) -> float:
        return NOW + LATER * self.later

    def fresh(self, directory: Path) -> Mirror:
        """A mirror in the state before the run."""
        if self.start is not None:
            return self.start.copy_to(directory)
        directory.mkdir()
        return Mirror(directory)

    def disturb(
        self,
        mirror: Mirror,
        fs: FileSystem | None = None,
        wish: Wish | None = None,
        tell: events.Tell = lambda _: None,
    ) -> events.Finished:
        """The run that is disturbed."""
        return mirror.run(self.began, later=self.later, fs=fs, wish=wish, tell=tell)

    def rerun(self, mirror: Mirror, fs: FileSystem | None = None) -> events.Finished:
        """The run after it."""
        return mirror.run(self.began + LATER, later=self.later, fs=fs)

    def assert_recovers(self, mirror: Mirror) -> None:
        """One run later everything is as if nothing had happened, to the byte."""
        finished = self.rerun(mirror)
        assert finished.outcome == "behind", finished
        assert broken_links(mirror.web) == []
        assert_same(result_of(mirror), self.expected)


def reasons_in(told: Iterable[events.Event]) -> dict[str, str]:
    """Why each project fell behind, of what a run *told*."""
    return {one.project: one.reason for one in told if isinstance(one, events.FellBehind)}


def assert_same(got: Result, expected: Result) -> None:
    """The same, with the difference in the message."""
    for one in fields(Result):
        left, right = getattr(got, one.name), getattr(expected, one.name)
        assert left == right, f"{one.name}: {_difference(left, right)}"


def _difference(left: Any, right: Any) -> list[str]:
    if isinstance(left, dict):
        return [
            f"{key}: {_difference(left.get(key), right.get(key)) if isinstance(left.get(key), list) else 'differs'}"
            for key in sorted(left | right)
            if left.get(key) != right.get(key)
        ][:5]
    return [str(one)[:300] for one in sorted(set(left) ^ set(right), key=repr)][:4]


def make_scenarios(directory: Path) -> dict[str, Scenario]:
    """The two that everything is tried on: a first run, and a later one."""
    whole = Mirror(directory / "first")
    whole.directory.mkdir()
    told: list[events.Event] = []
    whole.run(NOW, later=False, tell=told.append)
    start = whole.copy_to(directory / "start")
    first = result_of(whole)
    whole.run(NOW + LATER, later=False)
    later = start.copy_to(directory / "later")
    told_later: list[events.Event] = []
    later.run(NOW + LATER, later=True, tell=told_later.append)
    once = result_of(later)
    later.run(NOW + 2 * LATER, later=True)
    return {
        "first": Scenario(False, None, first, result_of(whole), reasons_in(told)),
        "later": Scenario(True, start, once, result_of(later), reasons_in(told_later)),
    }
