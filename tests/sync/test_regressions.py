"""What holds when several unlucky things come together."""

from __future__ import annotations

import asyncio
import json
import shutil
import threading
from dataclasses import replace

import pytest

from bandersnatch.catalogue.sqlite import SqliteCatalogue
from bandersnatch.errors import CatalogueError
from bandersnatch.storage.filesystem import FileStorage
from bandersnatch.sync import batches, engine, events
from bandersnatch.sync.engine import Wish
from bandersnatch.sync.settle import settle
from bandersnatch.testing import STATIC_COPY, Behaviour, Body, Status, UpstreamServer
from tests.sync.conftest import World

DAY = 86_400
HOUR = 3600


class Death(BaseException):
    """The process ends here."""


def die(*_: object, **__: object) -> None:
    raise Death


def fill(world: World, count: int = 3) -> None:
    for number in range(count):
        world.index.upload(f"project-{number:02}", "1.0")


# --- what leaves ---------------------------------------------------------------------------------------------------


def test_brake_without_list(world: World) -> None:
    """Without a list, an upstream that answers 404 for every page removes nothing, however often and long it does."""
    world.upstream.behaviour = Behaviour(list_format="missing")
    fill(world, 12)
    names = [f"project-{number:02}" for number in range(12)]
    assert world.run(*names).outcome == "clean"
    before = world.tree()
    world.upstream.fault("/simple/*", Status(404), times=None)
    outcomes = []
    for _ in range(4):
        world.now += HOUR
        outcomes.append(world.run(*names).outcome)
    assert outcomes == ["behind", "refused", "refused", "refused"]  # the first 404 of a page may be a stray one
    assert world.tree() == before


def test_brake_with_changelog(world: World) -> None:
    """An upstream whose changed pages all answer 404 removes nothing."""
    world.settings["upstream.changes"] = "changelog"
    fill(world, 12)
    world.run()
    before = world.tree()
    for number in range(12):
        world.index.change_role(f"project-{number:02}")
    world.upstream.fault("/simple/project-*", Status(404), times=None)
    for _ in range(3):
        assert world.run().removed == 0
    assert world.tree() == before


def test_recreated_while_departing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A removal that was cut off does not keep a project away that upstream made again, even if it fails at first."""
    fill(world)
    world.run()
    world.index.remove_project("project-01")
    with monkeypatch.context() as patch:
        patch.setattr(engine, "finish", die)
        with pytest.raises(Death):
            world.run()
    world.index.upload("project-01", "2.0")
    world.upstream.fault("/simple/project-01/", Status(500))
    assert world.run().outcome == "behind"
    world.now += DAY
    assert world.run().outcome == "clean"
    assert world.filenames("project-01") == ["project_01-2.0-py3-none-any.whl"]


def test_cut_off_before_missing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that was cut off before it noted what the list lacks leaves that to the next one."""
    fill(world)
    world.run()
    world.index.remove_project("project-01")
    with monkeypatch.context() as patch:
        patch.setattr(SqliteCatalogue, "missing", die)
        with pytest.raises(Death):
            world.run()
    world.run()
    assert world.run().outcome == "clean"
    assert set(world.root()) == {"project-00", "project-02"}


def test_outage_keeps_the_date(world: World) -> None:
    """A run that lost its upstream keeps the date of the last one that had it."""
    fill(world, 60)
    world.run()
    stamp = (world.web / "last-modified").read_bytes()
    for number in range(60):
        world.index.change_role(f"project-{number:02}")
    world.upstream.fault("/simple/project-*", Status(503), times=None)
    assert world.run().outcome == "unreachable"
    assert (world.web / "last-modified").read_bytes() == stamp


# --- companions ----------------------------------------------------------------------------------------------------


def test_provenance_fails(world: World) -> None:
    """A full run that cannot have the provenance of a published file keeps the file on its page."""
    world.index.upload("alpha", "1.0", provenance=True)
    world.index.upload("alpha", "2.0")
    world.run()
    before = world.filenames("alpha")
    world.upstream.fault("/integrity/*", Status(503), times=None)
    world.upstream.fault("*provenance*", Status(503), times=None)
    world.run(full=True)
    assert world.upstream.count("/integrity/*") > 0
    assert world.filenames("alpha") == before


def test_new_file_without_provenance(world: World) -> None:
    """A new file whose provenance cannot be had is published all the same."""
    file = world.index.upload("alpha", "1.0", provenance=True)
    world.upstream.fault("/integrity/*", Status(500), times=None)
    world.upstream.fault("*provenance*", Status(500), times=None)
    for _ in range(3):
        world.now += DAY
        world.run()
    assert world.filenames("alpha") == [file.filename]


def test_metadata_off_and_on(world: World) -> None:
    """Core metadata that is switched on later is published for files that are already there."""
    world.index.upload("alpha", "1.0")
    world.run(files__metadata=False)
    assert world.page("alpha")["files"][0]["core-metadata"] is False
    world.run()
    assert world.page("alpha")["files"][0]["core-metadata"] is not False
    world.check()


def test_file_named_like_metadata(world: World) -> None:
    """A file that has the name of another's core metadata leaves what is published consistent."""
    file = world.index.upload("alpha", "1.0")
    url, metadata = world.upstream.url_of(file), {"sha256": file.metadata_sha256}
    files: list[dict[str, object]] = [
        {"filename": f"{file.filename}.metadata", "url": f"{url}.metadata", "hashes": metadata},
        {"filename": file.filename, "url": url, "hashes": {"sha256": file.sha256}, "core-metadata": metadata},
    ]
    world.upstream.fault("/simple/alpha/", Body(_page("alpha", files)), times=None)
    world.run()
    assert file.filename in world.filenames("alpha")
    world.check()


# --- neighbours ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [403, 500])
def test_bad_neighbours(world: World, status: int) -> None:
    """Many projects that fail run after run do not keep those from being mirrored that come after them."""
    for number in range(25):
        world.index.upload(f"bad-{number:02}", "1.0")
    world.index.upload("alpha", "1.0")
    world.index.upload("zeta", "1.0")
    world.upstream.fault("/simple/bad-*", Status(status), times=None)
    for _ in range(4):
        world.now += DAY
        world.run(mirror__workers=4)
    assert set(world.root()) == {"alpha", "zeta"}


def test_deselected_and_behind(world: World) -> None:
    """A project that is behind and no longer selected is not waited for."""
    fill(world)
    world.run("project-00", "project-01")
    world.index.upload("project-01", "2.0")
    world.upstream.fault("/simple/project-01/", Status(500), times=None)
    assert world.run("project-00", "project-01").outcome == "behind"
    world.run("project-00", accept_removals=True)
    finished = world.run("project-00")
    assert (finished.outcome, finished.waiting) == ("clean", 0)


def test_clock_was_ahead(world: World) -> None:
    """A wait that was set while the clock was years ahead ends soon after the clock is right again."""
    fill(world, 2)
    now = world.now
    world.now += 10 * 365 * DAY
    world.upstream.fault("/simple/project-01/", Status(500))
    assert world.run().outcome == "behind"
    world.now = now
    for _ in range(2):
        world.now += DAY
        world.run()
    assert world.run().outcome == "clean"
    assert set(world.root()) == {"project-00", "project-01"}


def test_version_named_json(world: World) -> None:
    """A version whose older JSON would stand where another's stands keeps nothing behind."""
    world.index.upload("alpha", "1.0")
    world.index.upload("alpha", "json", filename="alpha-json.tar.gz", content=b"x")
    world.run()
    assert world.run().outcome == "clean"


# --- the disk ------------------------------------------------------------------------------------------------------


def test_sweep_makes_room(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a full disk, what has served its grace time is swept, and what then fits is fetched."""
    old = world.index.upload("alpha", "1.0", padding=100_000)
    world.index.upload("beta", "1.0")
    world.run()
    world.index.remove_file(old.filename)
    world.run(accept_removals=True)

    def used() -> int:
        return sum(path.stat().st_size for path in (world.web / "packages").rglob("*") if path.is_file())

    total = used() + 50_000
    monkeypatch.setattr(FileStorage, "free", lambda _: total - used())
    world.index.upload("beta", "2.0", padding=80_000)
    world.now += HOUR
    for _ in range(2):
        world.run()
    assert world.run().outcome == "clean"
    assert len(world.filenames("beta")) == 2


def test_deleted_state_on_a_half_full_disk(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that are there need no room: without state, they are adopted although they would not fit a second time."""
    world.index.upload("alpha", "1.0", padding=100_000)
    world.run()
    shutil.rmtree(world.state)
    monkeypatch.setattr(FileStorage, "free", lambda _: 50_000)
    finished = world.run()
    assert (finished.outcome, finished.files, finished.adopted) == ("clean", 0, 1)


def test_catalogue_fails(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who listens hears how a run ended that could not write its catalogue."""

    def fail(*_: object, **__: object) -> None:
        raise CatalogueError("disk full")

    fill(world)
    monkeypatch.setattr(SqliteCatalogue, "commit", fail)
    world.run()
    [finished] = world.of(events.Finished)
    assert (finished.outcome, finished.reason) == ("disk", "disk full")


def test_cancelled_twice(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that is stopped a second time, while a slow disk holds everything up, ends; the next one goes on."""
    for number in range(300):
        world.index.create(f"project-{number:03}")
    disk = threading.Event()

    def slow(*arguments: object) -> None:
        assert disk.wait(20)
        settle(*arguments)  # type: ignore[arg-type]  # passed on as they are

    async def stop() -> None:
        task = asyncio.create_task(world._run((), Wish(), {}))
        while world.upstream.count("/simple/project-*") < 130:  # all that fits between the pages and the disk
            await asyncio.sleep(0.01)
        for _ in range(2):
            task.cancel()
            for _ in range(10):
                await asyncio.sleep(0)
        disk.set()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 20)

    with monkeypatch.context() as patch:
        patch.setattr(batches, "settle", slow)
        asyncio.run(stop())
    assert world.run().outcome == "clean"
    assert len(world.root()) == 300


# --- upstreams that change -----------------------------------------------------------------------------------------


def test_serials_disappear(world: World) -> None:
    """An upstream that stops telling serials still has its changes noticed."""
    fill(world)
    world.run()
    world.upstream.behaviour = replace(world.upstream.behaviour, serials="none", serial_header=False)
    world.run()
    world.run()
    world.index.upload("project-01", "2.0")
    assert world.run().outcome == "clean"
    assert len(world.filenames("project-01")) == 2


def test_switched_to_a_copy_without_serials(world: World) -> None:
    """After a switch to a copy that has no serials, changes arrive from there."""
    fill(world)
    world.run()
    with UpstreamServer(world.index, behaviour=replace(STATIC_COPY, etags=True)) as other:
        there = World(other, world.directory, now=world.now)
        there.run()
        there.run()
        world.index.upload("project-01", "2.0")
        assert there.run().outcome == "clean"
        assert len(there.filenames("project-01")) == 2


def test_switched_upstream_with_older_dates(world: World) -> None:
    """A page is not taken for unchanged because another upstream's page has not changed since."""
    dates = Behaviour(etags=False, last_modified=True, serials="none", serial_header=False)
    world.upstream.behaviour = dates
    world.index.upload("alpha", "1.0")
    world.run("alpha")
    with UpstreamServer(behaviour=dates) as other:
        other.index.upload("alpha", "9.0")
        there = World(other, world.directory, now=world.now)
        for _ in range(3):
            there.run("alpha")
        assert there.filenames("alpha") == ["alpha-9.0-py3-none-any.whl"]


def test_full_after_upstream_went_back(world: World) -> None:
    """A full run believes an upstream whose serials went back, and is done with it."""
    fill(world)
    world.index.upload("project-01", "2.0")
    world.run()
    with UpstreamServer() as other:
        other.index.upload("project-01", "3.0")
        there = World(other, world.directory, now=world.now)
        there.run("project-01", full=True, accept_removals=True)
        assert there.run("project-01", full=True).outcome == "clean"
        assert there.filenames("project-01") == ["project_01-3.0-py3-none-any.whl"]


def test_one_page_from_the_future(world: World) -> None:
    """One page with an absurd serial is replaced by a full run."""
    fill(world, 2)
    world.run()
    world.index.upload("project-01", "2.0")
    world.upstream.fault("/simple/project-01/", Body(_page("project-01", [], serial=2**61)))
    world.run()
    for _ in range(3):
        world.now += DAY
        world.run(full=True)
    assert len(world.filenames("project-01")) == 2


def test_older_list_long_ago(world: World) -> None:
    """An older list is not held against upstream once newer ones came in between."""
    fill(world, 2)
    lag = world.index.serial
    world.index.upload("project-01", "2.0")
    world.run()
    now = world.upstream.behaviour
    past = replace(now, list_lag=world.index.serial - lag)
    for behaviour in (past, now, now, past):
        world.upstream.behaviour = behaviour
        world.now += DAY
        assert world.run().outcome == ("behind" if behaviour is past else "clean")


def test_changelog_goes_away(world: World) -> None:
    """Where there is no changelog any more, changes are found without it."""
    world.settings["upstream.changes"] = "changelog"
    world.index.upload("alpha", "1.0")
    world.run()
    world.upstream.fault("/pypi", Status(404), times=None)
    world.index.upload("alpha", "2.0")
    for _ in range(3):
        world.run()
    assert len(world.filenames("alpha")) == 2


def test_widened_while_the_list_is_away(world: World) -> None:
    """A wider selection takes effect by changelog too, although the list could not be read when it came."""
    world.settings["upstream.changes"] = "changelog"
    fill(world)
    world.run("project-00")
    world.upstream.fault("/simple/", Status(500))
    world.run()
    assert world.run().outcome == "clean"
    assert len(world.root()) == 3


# --- rules that change ---------------------------------------------------------------------------------------------


def test_html_off_on_off(world: World) -> None:
    """The HTML pages, the list of projects among them, come and go with the setting."""
    fill(world, 2)
    pages = [world.web / "simple/index.html", world.web / "simple/project-00/index.html"]
    for html in (False, True, False):
        world.run(publish__html=html)
        assert [page.exists() for page in pages] == [html, html]


def _page(name: str, files: list[dict[str, object]], serial: int | None = None) -> bytes:
    meta = {"api-version": "1.3"} | ({} if serial is None else {"_last-serial": serial})
    return json.dumps({"meta": meta, "name": name, "files": files}).encode()


def test_what_nobody_foresaw(two: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unexpected error has an outcome of its own, with its place; the next run takes nothing for granted."""
    two.index.upload("alpha", "4.0")

    def fail(*_: object) -> None:
        raise KeyError("nowhere")

    with monkeypatch.context() as patch:
        patch.setattr(SqliteCatalogue, "commit", fail)
        finished = two.run()
    assert (finished.outcome, finished.reason) == ("failed", "unexpected KeyError: 'nowhere'")
    [crashed] = two.of(events.Crashed)
    assert "Traceback" in crashed.trace
    assert "KeyError" in crashed.trace
    assert two.run().outcome == "clean"
    assert len(two.filenames("alpha")) == 4
    two.check()
