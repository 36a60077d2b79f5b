"""Deleted state, damaged files, changed rules, cut-off runs: running again mends."""

from __future__ import annotations

import shutil

import pytest

from bandersnatch.testing import Cut, Status
from tests.sync.conftest import World


def fill(world: World) -> None:
    for name in ("alpha", "beta", "gamma"):
        world.index.upload(name, "1.0")
        world.index.upload(name, "2.0", kind="sdist")


def test_deleted_state(world: World) -> None:
    """Without state, everything is checked against upstream, good files are adopted, and only missing ones fetched."""
    fill(world)
    world.run()
    before = world.tree()
    world.stored("beta", "beta-1.0-py3-none-any.whl").unlink()
    shutil.rmtree(world.state)
    finished = world.run()
    assert (finished.outcome, finished.files, finished.adopted) == ("clean", 1, 5)
    assert world.upstream.count("/packages/*") == 1
    assert world.tree() == before
    world.check()


@pytest.mark.parametrize("damage", [b"", b"other bytes"], ids=["empty", "other"])
def test_full_finds_damage(world: World, damage: bytes) -> None:
    """A full run replaces damaged files, core metadata and pages, and fetches nothing else."""
    world.settings["publish.legacy-json"] = "releases"
    fill(world)
    world.run()
    before = world.tree()
    wheel = world.stored("beta", "beta-1.0-py3-none-any.whl")
    sdist = world.stored("beta", "beta-2.0.tar.gz")
    for path in (
        sdist,
        wheel.with_name(wheel.name + ".metadata"),
        world.web / "simple/alpha/index.html",
        world.web / "simple/index.v1_json",
        world.web / "pypi/gamma/json",
        world.web / "pypi/gamma/1.0/json",
    ):
        path.unlink()  # one object may have two names: writing in place would change both
        path.write_bytes(damage)
    finished = world.run(full=True)
    assert (finished.outcome, finished.files, finished.adopted) == ("clean", 1, 5)
    assert world.tree() == before


def test_same_size_damage(world: World) -> None:
    """A full run reads the files: one of the right size and the wrong bytes is found."""
    fill(world)
    world.run()
    before = world.tree()
    path = world.stored("beta", "beta-2.0.tar.gz")
    path.write_bytes(bytes(reversed(path.read_bytes())))
    assert world.run(full=True).files == 1
    assert world.tree() == before


def test_unreadable_catalogue(world: World) -> None:
    """A catalogue that is no catalogue is set aside, not deleted, and made anew from upstream and the tree."""
    fill(world)
    world.run()
    before = world.tree()
    for path in world.state.glob("catalogue.sqlite*"):
        path.unlink()
    (world.state / "catalogue.sqlite").write_bytes(b"not a database" * 100)
    finished = world.run()
    assert (finished.outcome, finished.files) == ("clean", 0)
    assert world.tree() == before
    assert len(list(world.state.glob("catalogue.sqlite*"))) >= 2


def test_wider_requirement(world: World) -> None:
    """What a changed requirement newly wants is fetched although upstream has not changed."""
    fill(world)
    world.run("alpha<2")
    assert world.filenames("alpha") == ["alpha-1.0-py3-none-any.whl"]
    finished = world.run("alpha")
    assert (finished.outcome, finished.files) == ("clean", 1)
    assert len(world.filenames("alpha")) == 2


def test_narrower_requirement(world: World) -> None:
    """What a changed requirement no longer wants leaves the page."""
    fill(world)
    world.run("alpha")
    finished = world.run("alpha>=2", accept_removals=True)
    assert (finished.outcome, finished.files) == ("clean", 0)
    assert world.filenames("alpha") == ["alpha-2.0.tar.gz"]


def test_further_project(world: World) -> None:
    """A newly selected project is fetched although the list of projects has not changed."""
    fill(world)
    world.run("alpha")
    assert world.run("alpha", "beta").files == 2
    assert set(world.root()) == {"alpha", "beta"}


def test_other_pages(world: World) -> None:
    """A changed way of publishing makes all pages anew, and fetches no file."""
    fill(world)
    world.run()
    finished = world.run(publish__base_url="https://mirror.example.org/", publish__html=False)
    assert (finished.outcome, finished.files) == ("clean", 0)
    assert b'"https://mirror.example.org/packages/' in (world.web / "pypi/alpha/json").read_bytes()
    assert not (world.web / "simple/alpha/index.html").exists()


def test_cut_file_is_resumed(world: World) -> None:
    """A file that was cut off is taken up where it was, in the same run, without its first bytes being sent again."""
    file = world.index.upload("alpha", "1.0", padding=300_000)
    world.upstream.fault("/packages/*", Cut(200_000), times=1)
    finished = world.run()
    assert finished.outcome == "clean"
    assert finished.bytes < len(file.content) + 100_000
    assert [request.headers.get("range") for request in world.upstream.requests if request.path == file.path] == [
        None,
        "bytes=200000-",
    ]
    world.check()


def test_cut_file_is_resumed_later(world: World) -> None:
    """What came of a file in a run that failed is used by the next run."""
    file = world.index.upload("alpha", "1.0", padding=300_000)
    world.upstream.fault("/packages/*", Cut(200_000), times=1)
    world.upstream.fault("/packages/*", Status(503), times=None)
    assert world.run().outcome == "behind"
    assert world.run().outcome == "behind"
    world.upstream.clear_faults()
    finished = world.run()
    assert finished.outcome == "clean"
    assert finished.bytes == len(file.content) - 200_000
    world.check()


def test_reserve(world: World) -> None:
    """A run that would not leave the reserve free fetches nothing and says so; what is there stays as it was."""
    fill(world)
    world.run()
    before = world.tree()
    world.index.upload("delta", "1.0")
    finished = world.run(mirror__reserve="100000 TB")
    assert finished.outcome == "disk"
    assert "reserve" in finished.reason
    assert world.upstream.count("/packages/*") == 0
    assert world.tree() == before
    assert world.run().outcome == "clean"


def test_reserve_holds_for_pages(world: World) -> None:
    """A run that would not leave the reserve free writes no page either, also where no file is to be fetched."""
    world.index.upload("alpha", "1.0")
    world.settings |= {"select.index-only": ["alpha"], "select.everything": False}
    finished = world.run(mirror__reserve="100000 TB")
    assert (finished.outcome, "[mirror] reserve" in finished.reason) == ("disk", True)
    assert not (world.web / "simple/alpha").exists()
    assert world.run().outcome == "clean"


def test_deselected_projects_stay(world: World) -> None:
    """By the policy "keep", deselected projects stay as they are, neither counted as missing nor waited for."""
    for number in range(12):
        world.index.upload(f"project-{number}", "1.0")
    world.run()
    finished = world.run("project-1", "project-2", removal__deselected="keep")
    assert (finished.outcome, finished.waiting, finished.removed) == ("clean", 0, 0)
    world.index.upload("project-5", "2.0")
    finished = world.run("project-1", "project-2", removal__deselected="keep")
    assert (finished.outcome, finished.waiting) == ("clean", 0)
    assert len(world.root()) == 12
    assert world.run().outcome == "clean"
    assert len(world.filenames("project-5")) == 2


def test_deleted_state_and_removed_projects(two: World) -> None:
    """What upstream removed, or the rules exclude, leaves also where nobody remembers that it was mirrored."""
    two.index.upload("gamma", "1.0")
    two.run()
    two.index.remove_project("beta")
    shutil.rmtree(two.state)
    assert two.run(accept_removals=True, exclude__projects=["gamma"], mirror__grace="0s").outcome == "clean"
    assert set(two.root()) == {"alpha"}
    assert {path.name for path in (two.web / "simple").iterdir() if path.is_dir()} <= {"alpha"}
    assert {path.name for path in (two.web / "pypi").iterdir()} <= {"alpha"}
    assert all(path.name.startswith("alpha-") for path in (two.web / "packages").rglob("*") if path.is_file())
    two.check()


def test_deleted_state_and_too_much_removed(world: World) -> None:
    """The brake holds for what is only found: a mirror of which upstream lacks most keeps it, and says so."""
    for number in range(20):
        world.index.upload(f"p{number}", "1.0")
    world.run()
    for number in range(15):
        world.index.remove_project(f"p{number}")
    shutil.rmtree(world.state)
    assert world.run().outcome == "refused"
    assert len(world.filenames("p3")) == 1
    world.check()
    assert world.run(accept_removals=True).outcome == "clean"
    assert len(world.root()) == 5


def test_deleted_state_and_damaged_pages(two: World) -> None:
    """A page that is there and cannot be read, and a folder of another tool, disturb nothing."""
    before = two.tree()
    (two.web / "simple/alpha/index.v1_json").write_bytes(b"{")
    (two.web / "simple/Foreign_Name").mkdir()
    (two.web / "simple/Foreign_Name/index.html").write_text("<html>")
    shutil.rmtree(two.state)
    assert two.run().outcome == "clean"
    (two.web / "simple/Foreign_Name/index.html").unlink()
    assert two.tree() == before
