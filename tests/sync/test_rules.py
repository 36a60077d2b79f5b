"""Rules that need more than upstream's page: core metadata, advisories, the needs of what is wanted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bandersnatch.testing import Behaviour
from tests.sync.conftest import World


def advisory(id_: str, name: str, versions: list[str]) -> dict[str, object]:
    """An advisory in OSV's format about some versions of a project."""
    affected = [{"package": {"ecosystem": "PyPI", "name": name}, "versions": versions}]
    return {"id": id_, "modified": "2026-01-01T00:00:00Z", "summary": "steals", "affected": affected}


# --- core metadata -------------------------------------------------------------------------------------------------


def test_metadata_of_the_newest(world: World) -> None:
    """The newest release's metadata stands for the whole project, and is asked for once."""
    for version, summary in (("1.0", "A toy"), ("2.0", "A tool")):
        world.index.upload("demo", version, summary=summary)
        world.index.upload("other", version, summary="A toy")
    assert world.run(metadata__wanted={"summary": ["*tool*"]}, metadata__missing="drop").outcome == "clean"
    assert list(world.root()) == ["demo"]
    assert len(world.filenames("demo")) == 2
    world.check()


def test_metadata_of_each(world: World) -> None:
    """Each release can be judged by its own."""
    for version, summary in (("1.0", "A toy"), ("2.0", "A tool")):
        world.index.upload("demo", version, summary=summary)
    world.run(metadata__wanted={"summary": ["*tool*"]}, metadata__of="each")
    [name] = world.filenames("demo")
    assert "2.0" in name


def test_metadata_from_the_older_json(world: World) -> None:
    """What has no core metadata beside its files is judged by PyPI's older JSON."""
    world.index.upload("demo", "1.0", "sdist", summary="A tool")
    world.index.upload("other", "1.0", "sdist", summary="A toy")
    world.run(metadata__wanted={"summary": ["*tool*"]}, metadata__missing="drop")
    assert list(world.root()) == ["demo"]
    assert world.upstream.count("/pypi/demo/1.0/json") == 1


@pytest.mark.parametrize(("missing", "projects"), [("keep", ["demo"]), ("drop", [])])
def test_metadata_that_nobody_knows(world: World, missing: str, projects: list[str]) -> None:
    """Where upstream has no metadata at all, the operator's word for it decides."""
    world.upstream.behaviour = Behaviour(legacy_json="none")
    world.index.upload("demo", "1.0", "sdist")
    world.run(metadata__wanted={"summary": ["*tool*"]}, metadata__missing=missing)
    assert list(world.root()) == projects


# --- advisories ----------------------------------------------------------------------------------------------------


def test_advisory(world: World, tmp_path: Path) -> None:
    """A version that an advisory calls malicious leaves with the next run, and no other page is made anew."""
    folder = tmp_path / "advisories"
    folder.mkdir()
    (folder / "one.json").write_text(json.dumps(advisory("MAL-2026-1", "nothing-of-ours", ["1"])))
    for name in ("demo", "other"):
        for version in ("1.0", "2.0"):
            world.index.upload(name, version)
    world.settings |= {"advisories.directory": str(folder), "removal.deselected": "keep"}
    assert world.run().outcome == "clean"
    assert len(world.filenames("demo")) == 2
    (folder / "two.json").write_text(json.dumps(advisory("MAL-2026-2", "Demo", ["2.0"])))
    assert world.run().outcome == "clean"
    assert [name for name in world.filenames("demo") if "2.0" in name] == [], "no policy keeps what is malicious"
    assert world.upstream.count("/simple/other/") == 0
    (folder / "two.json").unlink()
    world.run()
    assert len(world.filenames("demo")) == 2
    world.check()


def test_advisory_allowed(world: World, tmp_path: Path) -> None:
    """What the operator allows stays."""
    (tmp_path / "one.json").write_text(json.dumps(advisory("MAL-2026-1", "demo", ["1.0"])))
    world.index.upload("demo", "1.0")
    world.run(advisories__directory=str(tmp_path / "one.json"), advisories__allow=["mal-2026-1"])
    assert len(world.filenames("demo")) == 1


def test_frozen_project(world: World, tmp_path: Path) -> None:
    """A project that is kept though nothing selects it loses what is malicious, and nothing else."""
    for version in ("1.0", "2.0"):
        world.index.upload("demo", version)
    world.index.upload("other", "1.0")
    folder = tmp_path / "advisories"
    folder.mkdir()
    (folder / "one.json").write_text(json.dumps(advisory("MAL-2026-1", "nothing-of-ours", ["1"])))
    world.settings |= {
        "advisories.directory": str(folder), "removal.deselected": "keep", "exclude.projects": ["demo"],
    }  # fmt: skip
    world.run(exclude__projects=[])
    world.run()
    assert len(world.filenames("demo")) == 2
    (folder / "two.json").write_text(json.dumps(advisory("MAL-2026-2", "demo", ["2.0"])))
    assert world.run().outcome == "clean"
    assert [name for name in world.filenames("demo") if "2.0" in name] == []
    assert len(world.filenames("demo")) == 1
    world.check()
    (folder / "two.json").write_text(json.dumps(advisory("MAL-2026-2", "demo", ["1.0", "2.0"])))
    assert world.run(accept_removals=True).outcome == "clean"
    assert list(world.root()) == ["other"]
