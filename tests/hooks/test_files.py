"""Files for others, and hooks around whole runs: what a failing one may never do, and what nobody may miss."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import Mock

import pytest

from bandersnatch import assemble
from bandersnatch.assemble import notifying
from bandersnatch.catalogue.base import RunRecord
from bandersnatch.errors import OutOfSpace
from bandersnatch.hooks import files
from bandersnatch.storage.filesystem import FileStorage
from bandersnatch.sync import events
from bandersnatch.sync.engine import Wish, run
from bandersnatch.testing import Status, UpstreamServer
from tests.hooks.samples import finished
from tests.sync.conftest import World


@pytest.fixture
def world(upstream: UpstreamServer, tmp_path: Path) -> World:
    upstream.index.upload("alpha", "1.0")
    upstream.index.upload("beta", "1.0")
    world = World(upstream, tmp_path / "mirror", settings={"publish.freshness-file": "status/freshness.json"})
    world.configuration = tmp_path / "mirror.conf"
    world.configuration.write_text("")
    return world


@pytest.fixture
def upstream() -> Iterator[UpstreamServer]:
    with UpstreamServer() as server:
        yield server


def go(world: World, hooks: str = "", **settings: object) -> tuple[events.Finished, list[events.Event]]:
    """A run with all that comes after it; what was told after ``Finished``."""
    assert world.configuration is not None
    world.configuration.write_text(hooks)
    world.told = []
    world.now += 600
    config = world.config(**settings)

    async def whole() -> events.Finished:
        async with assemble.mirror(config, {}, world.now) as mirror:
            previous = notifying.previous_outcome(mirror.catalogue)
            news = notifying.News(world.told.append)
            finished = await run(mirror, Wish(), world.now, news.tell)
            await notifying.notify(mirror, config, {}, news, finished, now=world.now, previous=previous)
            return finished

    with assemble.locked(config):
        finished = asyncio.run(whole())
    return finished, world.told[world.told.index(finished) + 1 :]


def freshness(world: World) -> dict[str, object]:
    found: dict[str, object] = json.loads((world.web / "status/freshness.json").read_bytes())
    return found


def hook(script: Path, on: str = "changed", form: str = "keys") -> str:
    return f'[hooks.demo]\non = ["{on}"]\ncommand = ["/bin/sh", "{script}"]\nlist = "{form}"\n'


# --- freshness -----------------------------------------------------------------------------------------------------


def test_freshness(world: World) -> None:
    """The file says after each run how it ended, when the mirror was last whole, and what is behind; no reasons."""
    go(world)
    first = freshness(world)
    assert first["outcome"] == "clean"
    assert first["clean_at"] == first["reached_upstream_at"] == first["run_started_at"] == round(world.now)
    assert (first["behind"], first["serial"]) == (0, first["upstream_serial"])
    world.upstream.fault("/simple/beta/", Status(500), times=None)
    world.upstream.index.upload("beta", "2.0")
    go(world)
    second = freshness(world)
    assert (second["outcome"], second["behind"], second["clean_at"]) == ("behind", 1, first["clean_at"])
    assert second["reached_upstream_at"] == round(world.now)
    text = (world.web / "status/freshness.json").read_text()
    assert str(world.directory) not in text
    assert world.upstream.url not in text
    world.check()


def test_freshness_after_many_bad_runs() -> None:
    """A mirror whose upstream is away for hundreds of runs still says when it was whole."""
    runs = [RunRecord(1000.0 + number, None, "unreachable", None) for number in range(300)][::-1]
    runs.append(RunRecord(7.0, 8.0, "clean", 1))
    catalogue = Mock(last_runs=lambda count: runs[:count], get=lambda _: None)
    facts = json.loads(files.freshness(finished("unreachable"), 2000.0, catalogue))
    assert (facts["clean_at"], facts["reached_upstream_at"]) == (7, 7)


def test_freshness_on_a_full_disk(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk without room for the file leaves the old one whole, is told, and is not what the run ends as."""
    go(world)
    before = (world.web / "status/freshness.json").read_bytes()
    put = FileStorage.put

    def full(self: FileStorage, keys: tuple[str, ...], data: bytes) -> None:
        if keys == ("status/freshness.json",):
            raise OutOfSpace("no room for status/freshness.json")
        put(self, keys, data)

    monkeypatch.setattr(FileStorage, "put", full)
    finished, after = go(world)
    assert finished.outcome == "clean"
    assert [(event.hook, event.first) for event in after if isinstance(event, events.HookFailed)] == [
        ("freshness-file", True)
    ]
    assert (world.web / "status/freshness.json").read_bytes() == before
    _, again = go(world)
    assert [event.first for event in again if isinstance(event, events.HookFailed)] == [False]
    monkeypatch.undo()
    assert go(world)[1] == []


# --- diff-file -----------------------------------------------------------------------------------------------------


def test_diff_file(world: World, tmp_path: Path) -> None:
    """The list has the absolute path of every object that the run brought, and of no other; each run replaces it."""
    place = tmp_path / "lists" / "new"
    go(world, mirror__diff_file=str(place))
    listed = place.read_text().splitlines()
    there = {str(path) for path in world.web.rglob("*") if path.is_file()}
    others = {str(world.web / "last-modified"), str(world.web / "status/freshness.json")}
    assert set(listed) == there - others
    world.index.upload("beta", "2.0")
    go(world, mirror__diff_file=str(place))
    second = place.read_text().splitlines()
    assert any("beta-2.0" in line for line in second)
    assert not any("alpha" in line for line in second)
    go(world, mirror__diff_file=str(place))
    assert place.read_text() == ""


def test_diff_file_with_epoch(world: World, tmp_path: Path) -> None:
    """With diff-append-epoch each run has its own list; in a folder, it is called mirrored-files."""
    go(world, mirror__diff_file=str(tmp_path), mirror__diff_append_epoch=True)
    go(world, mirror__diff_file=str(tmp_path), mirror__diff_append_epoch=True)
    names = sorted(path.name for path in tmp_path.glob("mirrored-files*"))
    assert names == [f"mirrored-files-{int(world.now - 600)}", f"mirrored-files-{int(world.now)}"]


def test_diff_file_after_failures(world: World, tmp_path: Path) -> None:
    """What a run brought whose list could not be written is in the next one's: a transfer by lists lacks nothing."""
    place = tmp_path / "lists" / "new"
    place.parent.write_text("in the way")
    finished, after = go(world, mirror__diff_file=str(place))
    assert finished.outcome == "clean"
    assert [event.hook for event in after if isinstance(event, events.HookFailed)] == ["diff-file"]
    place.parent.unlink()
    go(world, mirror__diff_file=str(place))
    assert any("alpha-1.0" in line for line in place.read_text().splitlines())


# --- hooks ---------------------------------------------------------------------------------------------------------


def test_told_until_it_succeeds(world: World, tmp_path: Path) -> None:
    """A hook that fails is told the same changes again, with those since, and the run ends as if there were none."""
    script = tmp_path / "hook"
    script.write_text('cat "$BANDERSNATCH_HOOK_CHANGED" >>"$0.out"; exit 3\n')
    finished, after = go(world, hook(script))
    assert finished.outcome == "clean"
    [event] = after
    assert isinstance(event, events.HookFailed)
    assert (event.reason, event.first) == ("it exited with 3", True)
    world.index.upload("beta", "2.0")
    [event] = go(world, hook(script))[1]
    assert isinstance(event, events.HookFailed)
    assert not event.first
    script.write_text('cat "$BANDERSNATCH_HOOK_CHANGED" >"$0.out"\n')
    [event] = go(world, hook(script))[1]
    assert isinstance(event, events.HookRan)
    told = (tmp_path / "hook.out").read_text()
    assert "alpha-1.0" in told
    assert "beta-2.0" in told
    assert go(world, hook(script))[1] == [], "there is nothing more to tell"
    assert not list((world.state / "hooks").iterdir())


def test_stopped_run_is_made_up_for(world: World, tmp_path: Path) -> None:
    """What a run published that was cut off before its end is told after the next one."""
    script = tmp_path / "hook"
    script.write_text('cat "$BANDERSNATCH_HOOK_CHANGED" >"$0.out"\n')
    assert world.configuration is not None
    world.configuration.write_text(hook(script))
    world.run()  # a run, and nothing of what comes after it
    assert not (tmp_path / "hook.out").exists()
    go(world, hook(script))
    assert "alpha-1.0" in (tmp_path / "hook.out").read_text()


def test_removed(world: World, tmp_path: Path) -> None:
    """A project that leaves is among the removed ones, under each of its addresses."""
    script = tmp_path / "hook"
    script.write_text('cat "$BANDERSNATCH_HOOK_REMOVED" >"$0.out"\n')
    world.settings |= {
        "publish.base-url": "https://pypi.example.org/",
        "removal.max-ratio": "100%",
        "removal.max-files-ratio": "100%",
    }
    for name in ("gamma", "delta"):
        world.index.upload(name, "1.0")
    go(world, hook(script, form="urls"))
    world.index.remove_project("beta")
    go(world, hook(script, form="urls"))
    go(world, hook(script, form="urls"))
    told = (tmp_path / "hook.out").read_text().splitlines()
    assert "https://pypi.example.org/simple/beta/" in told
    assert "https://pypi.example.org/simple/beta/index.v1_json" in told
    assert not any("alpha" in line for line in told)


def test_a_hook_that_is_no_more(world: World, tmp_path: Path) -> None:
    """What was kept for a hook goes when the configuration has it no longer."""
    script = tmp_path / "hook"
    script.write_text("exit 1\n")
    go(world, hook(script))
    assert (world.state / "hooks/demo").exists()
    go(world, hook(script, on="run"))
    assert not (world.state / "hooks/demo").exists()


def test_one_failing_hook_keeps_no_other(world: World, tmp_path: Path) -> None:
    """Every hook is called, whatever became of the one before."""
    more = '[hooks.other]\non = ["run"]\ncommand = ["echo", "here"]\n'
    _, after = go(world, hook(tmp_path / "missing") + more)
    assert [type(event) for event in after] == [events.HookFailed, events.HookRan]
