"""What a project of a first sync costs, counted and not timed: nothing may be asked, written or waited for twice."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any, Self

import pytest

from bandersnatch import assemble
from bandersnatch.catalogue import opening
from bandersnatch.config.load import load
from bandersnatch.storage.fsops import FileSystem
from bandersnatch.sync.batches import BATCH
from bandersnatch.sync.engine import Wish, run
from bandersnatch.testing import UpstreamServer
from tests.sync.conftest import World

FILES = 3
"""Wheels of each project, each the only one of its release."""
OBJECTS = 2 * FILES + 2 + 1
"""Written for each project: wheels, core metadata, the page in two forms, its older JSON."""


SOURCE = f"{os.sep}src{os.sep}bandersnatch{os.sep}"


class Counting(FileSystem):
    """Counts what changes the disk, and how many bytes."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.bytes = 0

    def __getattribute__(self, name: str) -> Any:
        if name in ("open", "write", "close", "rename", "link", "mkdir", "unlink", "rmdir", "truncate"):
            self.calls[name] += 1
        if name in ("fsync", "fsync_directory", "syncfs"):
            self.calls["sync"] += 1
        return super().__getattribute__(name)

    def write(self, fd: int, data: bytes | memoryview) -> int:
        written = super().write(fd, data)
        self.bytes += written
        return written


class Work:
    """
    Counts what Python does, in every thread: calls of the product's own functions, each with the objects that it makes.

    Time says little on a machine that others use; the number of calls follows it, and hardly differs between runs.
    """

    def __init__(self) -> None:
        self.calls = 0

    def __enter__(self) -> Self:
        threading.setprofile(self._note)
        sys.setprofile(self._note)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)
        threading.setprofile(None)

    def _note(self, frame: FrameType, event: str, _: object) -> None:
        if event == "call" and SOURCE in frame.f_code.co_filename:
            self.calls += 1


class Costs:
    """One first sync of so many projects, and everything that was counted in it."""

    def __init__(self, count: int, upstream: UpstreamServer, directory: Path, patch: pytest.MonkeyPatch) -> None:
        self.count = count
        for number in range(count):
            for release in range(FILES):
                upstream.index.upload(f"project-{number}", f"{release}.0")
        self.world = World(upstream, directory)
        self.fs = Counting()
        self.statements = self.trips = 0
        with patch.context() as watching:
            watching.setattr(opening, "connect", self._connecting(opening.connect))
            watching.setattr(asyncio, "to_thread", self._travelling(asyncio.to_thread))
            upstream.reset()
            with Work() as work:
                asyncio.run(self._run())
        self.work = work.calls
        self.requests = len(upstream.requests)

    async def _run(self) -> None:
        settings = {
            "mirror.directory": str(self.world.directory),
            "mirror.upstream": self.world.upstream.url,
            "mirror.reserve": "0",
            "select.everything": True,
        }
        config = load(None, {}, settings).config
        with assemble.locked(config):
            async with assemble.mirror(config, {}, self.world.now, fs=self.fs) as mirror:
                assert (await run(mirror, Wish(), self.world.now, lambda _: None)).outcome == "clean"

    def _connecting(self, connect: Any) -> Any:
        def traced(*args: Any, **kwargs: Any) -> Any:
            connection = connect(*args, **kwargs)
            connection.set_trace_callback(self._note_statement)
            return connection

        return traced

    def _note_statement(self, statement: str) -> None:
        self.statements += 1  # so is each time that a trigger runs

    def _travelling(self, to_thread: Any) -> Any:
        async def counted(*args: Any, **kwargs: Any) -> Any:
            self.trips += 1
            return await to_thread(*args, **kwargs)

        return counted

    @property
    def stored(self) -> int:
        """Bytes of all that is published, an object with two names counted once."""
        files = {path.stat().st_ino: path.stat().st_size for path in self.world.web.rglob("*") if path.is_file()}
        return sum(files.values())


@pytest.fixture
def costs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Costs:
    with UpstreamServer() as upstream:
        return Costs(BATCH, upstream, tmp_path / "mirror", monkeypatch)


def test_a_first_sync_costs_no_more_than_it_must(costs: Costs) -> None:
    """
    For each project of three new wheels: four requests, each object written once and nothing else, its folders made.

    The trips to threads, the catalogue's statements and the synchronisations of the disk are shared by many projects;
    how many depends on who is how fast, so there the worst case is the bound.
    """
    count, calls = costs.count, costs.fs.calls
    # The address as written and the list; core metadata comes out of the wheels.
    assert costs.requests == count * (1 + FILES) + 2
    few = 20  # the list of projects, the date, the folders above all, the journal
    assert calls["open"] == calls["close"] <= count * OBJECTS + few
    assert calls["write"] <= count * OBJECTS + few
    assert count * (OBJECTS + 1) <= calls["rename"] <= count * (OBJECTS + 1) + few
    assert calls["link"] <= count + few  # the page's second name
    assert calls["mkdir"] <= count * (3 * FILES + 1 + 1) + few
    assert costs.fs.bytes == costs.stored
    assert calls["sync"] <= 2 * count
    assert costs.trips <= 2 * count + 40
    # 100 of them to say what becomes visible before its commit, and 15 to remember the slices of the list.
    assert costs.statements <= 14 * count + 265
    assert calls["unlink"] == calls["rmdir"] == calls["truncate"] == 0


def test_a_first_sync_works_no_more_than_it_must(costs: Costs) -> None:
    """Calls of our own functions for each project: a tenth more than there were when this was written."""
    assert costs.work <= 2400 * costs.count


def test_objects_are_let_go(tmp_path: Path) -> None:
    """
    Nothing of a project stays in memory once it had its turn, but for what caches keep, each within its bound.

    So 800 projects more leave as many objects behind as before: one for each of them would be seen. What else differs
    between two runs, such as how many threads they took, is some hundred objects.
    """
    few, many = (_kept(count, tmp_path / str(count)) for count in (250, 1050))
    assert many - few < 600


def _kept(count: int, directory: Path) -> int:
    """How many blocks are allocated at the end of a first sync of so many projects, in a program of its own."""
    settings: dict[str, object] = {
        "mirror.directory": str(directory), "mirror.reserve": "0", "select.everything": True
    }  # fmt: skip
    with UpstreamServer() as upstream:
        for number in range(count):
            upstream.index.upload(f"project-{number:04}", "1.0")
        settings["mirror.upstream"] = upstream.url
        command = [sys.executable, "-m", "tests.sync.counted_objects", json.dumps(settings)]
        done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True)
    return int(done.stdout)
