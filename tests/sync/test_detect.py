"""How far what upstream says of itself is believed, and what is told where it is not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bandersnatch.sync import events
from bandersnatch.testing import Body, Cut, Index, Reset, Status, UpstreamServer
from tests.sync.conftest import World

ABSURD = 2**30


def fill(world: World, count: int = 3) -> None:
    for number in range(count):
        world.index.upload(f"project-{number}", "1.0")


def a_list(serial: int | None, lines: dict[str, int | None]) -> Body:
    """A list of projects with its own serial and those of its lines."""
    found = [{"name": name, **({} if one is None else {"_last-serial": one})} for name, one in lines.items()]
    meta = {"api-version": "1.4", **({} if serial is None else {"_last-serial": serial})}
    return Body(json.dumps({"meta": meta, "projects": found}).encode())


def names(world: World) -> list[str]:
    return [project.name for project in world.index.projects()]


def lists_asked_for(world: World) -> int:
    return world.upstream.count("/simple/")


# --- serials out of all proportion -----------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["list", "changelog"])
@pytest.mark.parametrize("line", ["project-0", "of-nobody"])
def test_absurd_serial_once(world: World, way: str, line: str) -> None:
    """A list that claims an absurd serial once costs no news: the next honest one is believed, and says so."""
    world.settings["upstream.changes"] = way
    fill(world)
    world.run("project-0", "project-1")
    lines: dict[str, int | None] = {**dict.fromkeys(names(world), 3), line: ABSURD}
    world.upstream.fault("/simple/", a_list(ABSURD, lines), times=1)
    world.upstream.fault("/pypi", Status(500), times=1)
    world.run("project-0", "project-1")
    world.index.upload("project-0", "2.0")
    finished = world.run("project-0", "project-1")
    assert len(world.filenames("project-0")) == 2
    assert finished.outcome == "clean"
    assert any(str(ABSURD) in one.message for one in world.of(events.Warned))
    assert finished.serial == world.index.serial


def test_absurd_page_once(world: World) -> None:
    """A page whose absurd serial came with an absurd list is named, with what helps: no older page is taken unasked."""
    fill(world)
    world.run()
    lines: dict[str, int | None] = {**dict.fromkeys(names(world), 3), "project-0": ABSURD}
    page = json.dumps({"meta": {"api-version": "1.4", "_last-serial": ABSURD}, "name": "project-0", "files": []})
    world.upstream.fault("/simple/", a_list(ABSURD, lines), times=1)
    world.upstream.fault("/simple/project-0/", Body(page.encode()), times=1)
    world.run()
    world.index.upload("project-0", "2.0")
    world.now += 3600
    assert world.run().outcome == "behind"
    [behind] = world.of(events.FellBehind)
    assert behind.project == "project-0"
    assert "--full" in behind.reason
    assert world.run(full=True).outcome == "clean"
    assert len(world.filenames("project-0")) == 2


def test_rollback(tmp_path: Path) -> None:
    """A list of a distant past is believed as far as it goes, and takes no page back, nor a project off."""
    with UpstreamServer(Index(serial=35_000_000)) as upstream:
        world = World(upstream, tmp_path / "mirror")
        fill(world)
        world.run()
        before = world.tree()
        lines: dict[str, int | None] = {"project-0": 3, "project-1": 5}
        upstream.fault("/simple/", a_list(5, lines), times=None)
        page = {"meta": {"api-version": "1.4", "_last-serial": 3}, "name": "project-0", "files": []}
        upstream.fault("/simple/project-0/", Body(json.dumps(page).encode()), times=None)
        assert world.run().outcome == "behind"
        assert world.tree().keys() == before.keys()
        assert len(world.filenames("project-0")) == 1
        upstream.clear_faults()
        world.now += 3600
        assert world.run().outcome == "clean"
        assert world.tree() == before


def test_changelog_that_says_nothing(world: World) -> None:
    """A changelog without rows is believed for a day: an upstream whose serials do not reach ours has none either."""
    world.settings["upstream.changes"] = "changelog"
    fill(world)
    world.upstream.fault("/simple/", a_list(ABSURD, dict.fromkeys(names(world), ABSURD)), times=1)
    world.run(full=True)
    world.index.upload("project-0", "2.0")
    world.run()
    world.now += 2 * 86400
    world.run()
    assert lists_asked_for(world) == 1
    assert len(world.filenames("project-0")) == 2
    world.run()
    assert lists_asked_for(world) == 0


# --- serials that say nothing ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("serial", [0, 5, None])
def test_list_without_serials_of_projects(tmp_path: Path, serial: int | None) -> None:
    """A list that names no project's serial bounds no page's, whatever it claims for itself, and is no word of news."""
    with UpstreamServer(Index(serial=35_000_000)) as upstream:
        world = World(upstream, tmp_path / "mirror")
        fill(world)
        listed = replace(a_list(serial, dict.fromkeys(names(world))), headers={"ETag": '"always"'})
        upstream.fault("/simple/", listed, times=None)
        assert world.run().outcome == "clean"
        assert len(world.root()) == 3
        for version in ("2.0", "3.0"):
            upstream.index.upload("project-0", version)
            assert world.run().outcome == "clean"
        assert len(world.filenames("project-0")) == 3


# --- a list that cannot be read --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault", [Status(500), Status(403), Reset(), Cut(20), Body(b"{}", "application/octet-stream"), Body(b"no JSON")]
)
def test_named_projects_do_without(world: World, fault: Any) -> None:
    """Where a list cannot be read, named projects do without it, and it is asked for once a day; this is said once."""
    fill(world)
    world.upstream.fault("/simple/", fault, times=None)
    assert world.run("project-0", "project-1").outcome == "clean"
    assert sorted(world.root()) == ["project-0", "project-1"]
    [warning] = world.of(events.Warned)
    assert '[upstream] changes = "pages"' in warning.message
    world.index.upload("project-0", "2.0")
    assert world.run("project-0", "project-1").outcome == "clean"
    assert (lists_asked_for(world), world.of(events.Warned)) == (0, [])
    assert len(world.filenames("project-0")) == 2
    world.upstream.clear_faults()
    world.now += 86400
    world.run("project-0", "project-1")
    assert lists_asked_for(world) == 1
    assert world.run("project-0", "project-1").confirmed == 0


def test_upstream_is_away(world: World) -> None:
    """Where nothing answers, upstream is away, and no project falls behind for that."""
    fill(world)
    world.run("project-0")
    for fault in (Reset(None), Status(503)):
        world.upstream.clear_faults()
        world.upstream.fault("/simple/*", fault, times=None)
        finished = world.run("project-0")
        assert (finished.outcome, finished.behind) == ("unreachable", 0)
        assert not world.of(events.Planned)[0].is_quiet


def test_who_insists_on_the_list(world: World) -> None:
    """Where the configuration says "list", one that cannot be read ends the attempt."""
    fill(world)
    world.upstream.fault("/simple/", Status(500), times=None)
    assert world.run("project-0", upstream__changes="list").outcome == "unreachable"


# --- waits -----------------------------------------------------------------------------------------------------------

SOON = -590
"""Added to the clock, the next run comes ten seconds after the last, not ten minutes: no wait is over by then."""


def fall_behind(world: World) -> None:
    """One project that is behind for a reason that is over by now."""
    fill(world)
    world.upstream.fault("/simple/project-1/", Status(403), times=None)
    assert world.run().outcome == "behind"
    world.upstream.clear_faults()
    world.now += SOON


def test_waiting(world: World) -> None:
    """A run in which what is behind is not tried says which, why, and when it is, and does not call that quiet."""
    fall_behind(world)
    assert world.run().outcome == "behind"
    [waiting] = world.of(events.Waiting)
    assert (waiting.projects, waiting.project) == (1, "project-1")
    assert "forbids" in waiting.reason
    assert waiting.next_try > world.now
    assert not world.of(events.Planned)[0].is_quiet


@pytest.mark.parametrize("key", ["upstream.timeout", "upstream.user-agent-contact", "upstream.password"])
def test_upstream_is_reached_otherwise(world: World, key: str) -> None:
    """Changed keys of upstream cut the waits, once; another run does not."""
    fall_behind(world)
    world.settings[key] = {"upstream.timeout": "5s"}.get(key, "other")
    if key == "upstream.password":
        world.settings["upstream.username"] = "me"
    assert world.run().outcome == "clean"
    assert world.of(events.Waiting) == []
    assert len(world.root()) == 3


def test_somebody_waits(world: World) -> None:
    """A run that somebody watches tries at once what is behind."""
    fall_behind(world)
    assert world.run(attended=True).outcome == "clean"


def test_which_waits(world: World) -> None:
    """Of those that wait the first is told; what is absent waits for nobody who did not name it."""
    fill(world)
    for name in ("project-0", "project-1"):
        world.upstream.fault(f"/simple/{name}/", Status(404), times=None)
    world.upstream.fault("/simple/project-2/", Status(403), times=None)
    world.run()
    world.now += SOON
    world.run()
    assert [(one.projects, one.project) for one in world.of(events.Waiting)] == [(1, "project-2")]
    world.now += SOON
    world.run("project-0", "project-1", "project-2")
    assert [one.projects for one in world.of(events.Waiting)] == [3]


# --- what is said ----------------------------------------------------------------------------------------------------


def test_quiet(world: World) -> None:
    """Only where nothing changed, nothing leaves and nothing is behind does a run say that nothing has changed."""
    fill(world, 9)
    world.run()
    world.run()
    assert [one.is_quiet for one in world.of(events.Planned)] == [True]
    world.index.remove_project("project-8")
    world.run()
    [planned] = world.of(events.Planned)
    assert (planned.projects, planned.leaving, planned.is_quiet) == (0, 1, False)
    world.index.upload("project-1", "2.0")
    world.upstream.fault("/simple/project-1/", Status(500), times=None)
    world.run()
    [planned] = world.of(events.Planned)
    assert (planned.projects, planned.leaving, planned.is_quiet) == (0, 0, False)
