"""What holds of rules and removals when several unlucky things come together."""

from __future__ import annotations

import asyncio
import errno
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bandersnatch.catalogue.sqlite import SqliteCatalogue
from bandersnatch.errors import CatalogueError, StorageError
from bandersnatch.storage.filesystem import FileStorage
from bandersnatch.sync import engine
from bandersnatch.testing import Index, Status
from tests.sync.conftest import World, buried, iso, journal, objects
from tests.sync.test_rules import advisory

SOON = -590
"""Added to the clock, the next run comes ten seconds after the last, not ten minutes: no wait is over by then."""

HOUR = 3600
DAY = 86_400

AT_ONCE: dict[str, object] = {"mirror.grace": "0s", "removal.trash": "0s"}
"""What leaves its page is gone from storage after the next run."""


def run_without_record(world: World, monkeypatch: pytest.MonkeyPatch, *projects: str, **settings: Any) -> None:
    """A run that publishes its pages and cannot record it."""

    def fail(*_: object) -> None:
        raise CatalogueError("no room")

    with monkeypatch.context() as patch:
        patch.setattr(SqliteCatalogue, "commit", fail)
        assert world.run(*projects, **settings).outcome == "disk"


# --- runs that are cut off -----------------------------------------------------------------------------------------


def test_files_of_a_page_in_doubt(two: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a page links that a run published and did not record is not swept, however long ago it left the last."""
    two.run(exclude__projects=["beta==1.0"])
    run_without_record(two, monkeypatch)
    assert len(two.filenames("beta")) == 3
    two.now += 2 * HOUR
    two.upstream.fault("/simple/beta/", Status(503), times=None)
    two.run()
    two.check()


def test_page_in_doubt(two: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that a run published and did not record is made anew, also if the next run cannot have upstream's."""
    two.settings |= {"upstream.changes": "pages"}
    names = ("alpha", "beta")
    two.run(*names)
    before = two.tree()
    two.index.archive("beta")
    run_without_record(two, monkeypatch, *names)
    two.upstream.fault("/simple/beta/", Status(503))
    two.run(*names)
    two.index.unarchive("beta")
    two.now += HOUR
    assert two.run(*names).outcome == "clean"
    assert two.tree() == before


def test_stopped_before_a_page_is_down(two: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that a stopped run left goes with the next, though its project has not changed and another one has."""
    two.index.upload("gamma", "1.0rc1")
    two.run()

    def stop(*_: object, **__: object) -> None:
        raise asyncio.CancelledError

    with monkeypatch.context() as patch:
        patch.setattr(engine, "finish", stop)
        with pytest.raises(asyncio.CancelledError):
            two.run(releases__prereleases=False)
    two.index.upload("alpha", "9.0")
    two.run(releases__prereleases=False)
    assert "gamma" not in two.root()
    assert not (two.web / "simple/gamma").exists()


# --- the brake -----------------------------------------------------------------------------------------------------


def test_emptied_projects_count(world: World) -> None:
    """Rules that leave nothing of too many projects are refused, though they select every one of them."""
    for number in range(20):
        world.index.upload(f"project-{number}", "1.0rc1" if number < 10 else "1.0")
    world.run()
    before = world.tree()
    assert world.run(releases__prereleases=False).outcome == "refused"
    assert world.tree() == before


def test_not_bit_by_bit(world: World) -> None:
    """Files whose removal was refused do not leave one project at a time, as upstream changes them."""
    names = ("alpha", "beta", "gamma")
    for name in names:
        for number in range(60):
            world.index.upload(name, f"{number}.0")
    world.run()
    assert world.run(releases__newest=1).outcome == "refused"
    for name in names:
        world.now += SOON
        world.index.upload(name, "99.0")
        assert world.run(releases__newest=1).outcome == "refused"
    assert [len(world.filenames(name)) for name in names] == [60, 60, 60]


def test_refused_until_taken_back(world: World) -> None:
    """Rules that are refused stay an alarm, run after run; taken back, they leave nothing behind that has to wait."""
    for number in range(10):
        world.index.upload(f"project-{number}", "1.0")
    world.run()
    before = world.tree()
    for full in (False, True, False):
        assert world.run("project-1", full=full).outcome == "refused"
    world.now += SOON
    assert world.run().outcome == "clean"
    assert world.tree() == before


def test_window_stays_refused(world: World) -> None:
    """What leaves by time alone, and too much of it, is refused in every run."""
    for number in range(110):
        world.index.upload("demo", f"{number}.0", upload_time=iso(world.now - DAY))
    world.settings |= {"files.uploaded-after": "7d"}
    world.run()
    world.now += 10 * DAY
    for _ in range(3):
        assert world.run().outcome == "refused"
        world.now += DAY
    assert len(world.filenames("demo")) == 110


# --- policies ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "remove",
    [lambda index: index.remove_file("beta-2.0-py3-none-any.whl"), lambda index: index.remove_project("beta")],
    ids=["file", "project"],
)
def test_deleted_and_malicious(two: World, tmp_path: Path, remove: Callable[[Index], None]) -> None:
    """What was kept when upstream deleted it leaves when an advisory calls it malicious."""
    (tmp_path / "advisories").mkdir()
    (tmp_path / "advisories/one.json").write_text(json.dumps(advisory("MAL-2026-1", "nothing-of-ours", ["1"])))
    two.settings |= {"advisories.directory": str(tmp_path / "advisories"), "removal.deleted": "keep"}
    two.run()
    remove(two.index)
    two.run()
    assert len(two.filenames("beta")) == 3
    (tmp_path / "advisories/two.json").write_text(json.dumps(advisory("MAL-2026-2", "beta", ["2.0"])))
    two.run()
    assert two.filenames("beta") == ["beta-1.0-py3-none-any.whl", "beta-3.0rc1-py3-none-any.whl"]
    two.check()


def test_deleted_and_excluded(two: World) -> None:
    """What was kept when upstream deleted it leaves when the operator excludes it, by the policy for that."""
    two.settings |= {"removal.deleted": "keep"}
    two.index.remove_file("alpha-2.0-py3-none-any.whl")
    two.run()
    assert len(two.filenames("alpha")) == 3
    two.run(exclude__projects=["alpha==2.0"])
    assert two.filenames("alpha") == ["alpha-1.0-py3-none-any.whl", "alpha-3.0rc1-py3-none-any.whl"]


def test_deleted_and_kept_no_longer(two: World) -> None:
    """A project that was kept when upstream deleted it leaves when the policy says so."""
    two.index.remove_project("beta")
    two.run(removal__deleted="keep")
    assert "beta" in two.root()
    two.run(accept_removals=True)
    assert "beta" not in two.root()
    assert not (two.web / "simple/beta").exists()


# --- storage -------------------------------------------------------------------------------------------------------


def test_trash_outlives_the_catalogue(two: World) -> None:
    """What is in the trash goes in the end though the catalogue was lost that knew since when."""
    two.settings |= {"removal.trash": "1d", "mirror.grace": "0s"}
    two.index.remove_file("alpha-1.0-py3-none-any.whl")
    two.run()
    two.run()
    assert buried(two)
    for path in two.state.glob("catalogue.sqlite*"):
        path.unlink()
    two.run()
    assert buried(two)
    two.now += 2 * DAY
    two.run()
    assert not buried(two)


@pytest.mark.parametrize("policy", ["follow", "hide"])
def test_trash_cannot_take_it(two: World, monkeypatch: pytest.MonkeyPatch, policy: str) -> None:
    """What is to be hidden waits until the trash can take it; the rest is deleted, and the journal says so."""

    def bury(_: FileStorage, key: str) -> None:
        raise StorageError("no room", key=key, errno=errno.ENOSPC)

    gone = "alpha-1.0-py3-none-any.whl"
    two.index.remove_file(gone)
    two.settings |= {"removal.deleted": policy, "mirror.grace": "0s"}
    with monkeypatch.context() as patch:
        patch.setattr(FileStorage, "bury", bury)
        two.run()
        two.run()
    assert (gone in objects(two)) == (policy == "hide")
    assert (("deleted", "alpha", gone) in journal(two)) == (policy == "follow")
    two.run()
    assert (gone in buried(two)) == (policy == "hide")


@pytest.mark.parametrize("key", ["files.metadata", "files.provenance"])
def test_companions_are_not_wanted_any_more(two: World, key: str) -> None:
    """What lies beside the files leaves when it is switched off, and comes back with it."""
    two.index.upload("beta", "5.0", provenance=True)
    two.settings |= AT_ONCE
    two.run()
    before = two.tree()
    companions = {path for path in before if path.endswith(".metadata" if key == "files.metadata" else "/provenance")}
    assert companions
    two.settings[key] = False
    two.run()
    two.run()
    assert not companions & two.tree().keys()
    two.check()
    two.settings[key] = True
    two.run()
    assert two.tree() == before


def test_index_only_and_back(two: World) -> None:
    """
    A project that is index-only for a while leaves nothing but its page in storage, and all of it comes back; until it
    does, the page links upstream's files rather than none.
    """
    two.index.upload("beta", "5.0", provenance=True)
    two.settings |= AT_ONCE
    two.run()
    before = two.tree()
    for _ in range(2):
        two.run(select__index_only=["beta"])
    assert not [key for key in two.tree() if "beta" in key and not key.startswith("simple/")]
    linked = two.page("beta")
    two.upstream.fault("/packages/*beta*", Status(500), times=None)
    assert two.run().outcome == "behind"
    assert two.page("beta") == linked
    two.upstream.clear_faults()
    two.now += HOUR
    two.run()
    assert two.tree() == before


def test_journal_cannot_be_written(two: World) -> None:
    """A journal that cannot be written keeps no page from being brought up to date."""
    (two.state / "removals.jsonl").mkdir()
    two.index.remove_file("alpha-1.0-py3-none-any.whl")
    two.index.upload("beta", "9.0")
    two.run()
    assert (len(two.filenames("alpha")), len(two.filenames("beta"))) == (2, 4)
    two.check()


def test_metadata_cannot_be_read(two: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Core metadata that a rule needs and storage cannot give holds back no other project."""
    read = FileStorage.read

    def denied(storage: FileStorage, key: str, limit: int) -> bytes | None:
        if "alpha" in key and key.endswith(".metadata"):
            raise StorageError("denied", key=key, errno=errno.EACCES)
        return read(storage, key, limit)

    monkeypatch.setattr(FileStorage, "read", denied)
    two.index.upload("beta", "9.0")
    assert two.run(metadata__wanted={"summary": ["*project*"]}).outcome == "behind"
    assert (len(two.filenames("alpha")), len(two.filenames("beta"))) == (3, 4)


# --- time ----------------------------------------------------------------------------------------------------------


def test_first_seen_is_remembered(world: World) -> None:
    """A file waits from when it was seen first, also if its project had to be taken off the list meanwhile."""
    world.index.upload("demo", "1.0")
    world.run()
    world.settings |= {"cool-down.age": "7d", "cool-down.clock": "first-seen"}
    world.index.upload("demo", "2.0")
    world.run()
    world.now += 6 * DAY
    world.index.remove_file("demo-1.0-py3-none-any.whl")
    world.run(accept_removals=True)
    assert "demo" not in world.root()
    world.now += DAY
    world.run()
    assert world.filenames("demo") == ["demo-2.0-py3-none-any.whl"]


def test_matured_file_cannot_be_had(world: World) -> None:
    """A project whose time has come and that fails waits as any other does, and has its file with a later try."""
    world.index.upload("demo", "1.0", upload_time=iso(world.now - 30 * DAY))
    world.index.upload("demo", "2.0", upload_time=iso(world.now))
    world.settings |= {"cool-down.age": "1d"}
    world.run()
    world.now += 2 * DAY
    world.upstream.fault("/simple/demo/", Status(500))
    assert world.run().outcome == "behind"
    world.now += SOON
    world.run()
    assert world.upstream.count("/simple/demo/") == 0
    world.upstream.fault("/packages/*demo-2.0*", Status(500))
    assert world.run().outcome == "behind"
    world.now += HOUR
    assert world.run().outcome == "clean"
    assert len(world.filenames("demo")) == 2


def test_clock_was_behind(world: World) -> None:
    """Files that looked too young while the clock was wrong are back when it is right."""
    world.index.upload("demo", "1.0", upload_time=iso(world.now - 30 * DAY))
    world.index.upload("demo", "2.0", upload_time=iso(world.now - 3 * DAY))
    world.settings |= {"cool-down.age": "1d"}
    world.run()
    before = world.tree()
    world.now -= 20 * DAY
    world.run(full=True, accept_removals=True)
    assert len(world.filenames("demo")) == 1
    world.now += 20 * DAY
    world.run()
    assert world.tree() == before


# --- what the list says --------------------------------------------------------------------------------------------


def test_rules_change_while_the_list_is_away(two: World) -> None:
    """The list of projects does not lose its serial by a change of the rules, though upstream's cannot be read."""
    two.upstream.fault("/simple/", Status(503), times=None)
    two.run(exclude__projects=["beta==1.0"])
    assert list_serial(two) == two.index.serial


def test_serial_of_what_comes_back(two: World) -> None:
    """The serial promises no change of a project that was kept while it was not selected, and cannot be had now."""
    two.settings |= {"removal.deselected": "keep"}
    two.run(exclude__projects=["beta"])
    two.index.upload("beta", "7.0")
    change = two.index.serial
    two.index.upload("alpha", "7.0")
    two.run(exclude__projects=["beta"])
    assert list_serial(two) == two.index.serial
    two.upstream.fault("/simple/beta/", Status(500), times=None)
    two.run()
    assert list_serial(two) < change


def list_serial(world: World) -> int:
    """What the list of projects gives as the mirror's serial."""
    serial: int = json.loads((world.web / "simple/index.v1_json").read_bytes())["meta"]["_last-serial"]
    return serial


def test_behind_is_forgotten(world: World) -> None:
    """A project that is selected again begins anew: what failed before it was deselected makes it wait no longer."""
    for name in ("alpha", "beta"):
        world.index.upload(name, "1.0")
    world.run("alpha", "beta")
    world.index.upload("beta", "2.0")
    world.upstream.fault("/packages/*beta-2.0*", Status(500))
    assert world.run("alpha", "beta").outcome == "behind"
    world.settings |= {"removal.deselected": "keep"}
    world.now += SOON
    assert world.run("alpha").outcome == "clean"
    world.now += SOON
    assert world.run("alpha", "beta").outcome == "clean"
    assert len(world.filenames("beta")) == 2
