"""The closure of dependencies is found within the rules, kept for a while, and selected."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from bandersnatch import assemble
from bandersnatch.assemble import closing, dependencies
from bandersnatch.catalogue.sqlite import SqliteCatalogue
from bandersnatch.closure.base import Closure
from bandersnatch.errors import UpstreamError
from bandersnatch.sync.engine import Wish, run
from bandersnatch.testing import Reset, Status
from tests.sync.conftest import World, world

__all__ = ["world"]

HOUR = 3600

needs_uv = pytest.mark.peers


@pytest.fixture(autouse=True)
def uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is a uv to be found, on any machine: behind a real one, for what never asks it."""
    program = tmp_path / "bin/uv"
    program.parent.mkdir()
    program.touch(0o755)
    monkeypatch.setenv("PATH", f"{os.environ['PATH']}{os.pathsep}{program.parent}")


@pytest.fixture
def app(world: World) -> World:
    """Upstream has an application and what it needs; its dependencies are followed."""
    world.index.upload("app", "1.0", requires_dist=["lib"])
    for version in ("1.0", "2.0", "3.0rc1"):
        world.index.upload("lib", version)
    world.settings |= {"select.dependencies": True, "select.dependency-versions": "ranges"}
    return world


def close_and_run(world: World, **settings: Any) -> closing.Closed:
    """One run for the application and its closure, ten minutes after the last."""

    async def closed() -> closing.Closed:
        config = world.config("app", **settings)
        with assemble.locked(config):
            async with assemble.mirror(config, {}, world.now) as mirror:
                closed = await closing.close(mirror, config, os.environ, world.now)
                assert (await run(closed.mirror, Wish(), world.now, world.told.append)).outcome == "clean"
                return closed

    world.now += 600
    return asyncio.run(closed())


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The policies by which a closure was found and not remembered; it needs nothing."""
    policies: list[str] = []

    async def find(_requirements: object, _interpreters: object, policy: object, *_: object) -> Closure:
        policies.append(str(policy))
        return Closure((), ())

    monkeypatch.setattr(dependencies, "find", find)
    return policies


# --- what is remembered --------------------------------------------------------------------------------------------


def test_remembered(app: World, found: list[str]) -> None:
    """A fresh closure is used again, until something changes that it was found from, or its hour is over."""
    close_and_run(app)
    close_and_run(app)
    assert found == ["ranges"]
    close_and_run(app, select__dependency_builds=True)
    assert len(found) == 2
    app.now += HOUR
    close_and_run(app, select__dependency_builds=True)
    assert len(found) == 3


@pytest.mark.parametrize("time", ["nonsense", "nan", "inf", ""])
def test_time_that_is_none(app: World, found: list[str], time: str) -> None:
    """A closure of which nobody knows when it was found is found again, and is not recalled."""
    close_and_run(app)
    catalogue = SqliteCatalogue(app.state / "catalogue.sqlite")
    catalogue.set({dependencies.FOUND_AT: time})
    catalogue.close()
    assert not asyncio.run(is_recalled(app))
    close_and_run(app)
    assert len(found) == 2
    assert asyncio.run(is_recalled(app))


async def is_recalled(world: World) -> bool:
    config = world.config("app")
    async with assemble.mirror(config, {}, world.now) as mirror:
        return closing.recall(mirror, config) is not None


def test_found_anew(app: World) -> None:
    """To find a closure again costs upstream the pages: metadata of what is held is read from the mirror."""
    close_and_run(app)
    app.upstream.reset()
    app.now += 2 * HOUR
    close_and_run(app)
    assert app.upstream.count("/simple/lib/") > 0
    assert app.upstream.count("*.metadata") == 0


# --- within the rules ----------------------------------------------------------------------------------------------


def test_rules_about_metadata(app: World) -> None:
    """A rule that needs metadata, which is not asked for while looking for needs, hides nothing that is needed."""
    closed = close_and_run(app, metadata__wanted={"summary": ["*project*"]}, metadata__missing="drop")
    assert set(app.root()) == {"app", "lib"}
    assert closed.warnings == ()


def test_everything(app: World) -> None:
    """Where everything is selected, a closure adds nothing and takes nothing away."""
    app.index.upload("other", "1.0")
    close_and_run(app, select__everything=True)
    assert set(app.root()) == {"app", "lib", "other"}


@needs_uv
@pytest.mark.parametrize("versions", ["locked", "newest 1"])
def test_excluded_version(app: World, versions: str) -> None:
    """A version that is excluded is needed by nothing: another one that fits is had for it."""
    close_and_run(app, select__dependency_versions=versions, exclude__projects=["lib==2.0"])
    assert "lib-1.0-py3-none-any.whl" in app.filenames("lib")
    assert "lib-2.0-py3-none-any.whl" not in app.filenames("lib")


@needs_uv
def test_index_only(app: World) -> None:
    """What is needed and index-only has a page, and no file."""
    close_and_run(app, select__dependency_versions="locked", select__index_only=["lib"])
    assert set(app.root()) == {"app", "lib"}
    assert not list((app.web / "packages").rglob("lib-*"))


@needs_uv
def test_first_seen(app: World) -> None:
    """By the mirror's own clock, what is held is chosen and not what has to wait."""
    app.settings["select.dependency-versions"] = "locked"
    close_and_run(app)
    app.index.upload("lib", "4.0")
    app.now += 2 * HOUR
    close_and_run(app, cool_down__age="7d", cool_down__clock="first-seen")
    assert app.filenames("lib") == ["lib-2.0-py3-none-any.whl"]


# --- for whom --------------------------------------------------------------------------------------------------------

ENVIRONMENT = """
[environments.servers]
python = ["3.12"]
platforms = ["linux"]
"""


def platforms(world: World) -> list[str]:
    """Of which platforms the mirror has wheels of the library."""
    return sorted(name.rpartition("-")[2].removesuffix(".whl") for name in world.filenames("lib"))


@pytest.fixture
def built(app: World) -> World:
    """The library has wheels for several platforms, and one environment is configured."""
    for platform in ("win_amd64", "manylinux_2_17_x86_64", "macosx_11_0_arm64"):
        app.index.upload("lib", "4.0", platform=platform)
    app.index.upload("lib", "4.0", "sdist")
    app.index.upload("django-x", "1.0", platform="win_amd64")
    app.configuration = Path(app.directory).with_name("b.conf")
    app.configuration.write_text(ENVIRONMENT)
    return app


SERVERS = ["4.0.tar.gz", "any", "any", "any", "manylinux_2_17_x86_64"]
ALL = sorted([*SERVERS, "macosx_11_0_arm64", "win_amd64"])


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, SERVERS),
        ({"files.environments": ["servers"]}, SERVERS),
        ({"files.environments": ["*"]}, ALL),
        ({"select.projects": ["app", "django-*"]}, ALL),
    ],
)
def test_whose_files(built: World, settings: dict[str, Any], expected: list[str]) -> None:
    """A new closure has the files of its environments, unless a key says otherwise or a pattern selects as well."""
    built.settings |= settings
    close_and_run(built)
    assert platforms(built) == sorted(expected)
    close_and_run(built)  # and so it stays
    assert platforms(built) == sorted(expected)
    assert not closing.notes(built.config("app"))


def test_a_mirror_that_was_there(built: World) -> None:
    """A mirror that was begun otherwise keeps what it has, and ``config check`` says so, until a key is set."""
    settings, built.settings = built.settings, {}
    built.run("app", "lib")
    built.settings = settings
    close_and_run(built)
    assert platforms(built) == ALL
    [note] = closing.notes(built.config("app"))
    assert str(note).startswith("files.environments: not set, so ")
    assert '["servers"]' in str(note)
    assert '["*"]' in str(note)
    close_and_run(built, files__environments=["servers"], removal__max_files_ratio="100%")
    assert platforms(built) == SERVERS
    assert not closing.notes(built.config("app", files__environments=["servers"]))


# --- where upstream withholds something ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "versions", ["ranges", pytest.param("newest 1", marks=needs_uv), pytest.param("locked", marks=needs_uv)]
)
@pytest.mark.parametrize("status", [403, 500])
def test_withheld(app: World, versions: str, status: int) -> None:
    """A project whose page cannot be had is named, and takes nothing away: neither what is held nor anything else."""
    app.index.upload("app", "1.1", requires_dist=["lib", "deep"])
    app.index.upload("lib", "2.1", requires_dist=["deeper"])
    for name in ("deep", "deeper"):
        app.index.upload(name, "1.0")
    app.settings |= {"select.dependency-versions": versions, "upstream.tries": 1}
    close_and_run(app)
    assert set(app.root()) == {"app", "lib", "deep", "deeper"}
    app.upstream.fault("/simple/lib/", Status(status), times=None)
    app.now += 2 * HOUR

    async def closed() -> closing.Closed:
        config = app.config("app")
        with assemble.locked(config):
            async with assemble.mirror(config, {}, app.now) as mirror:
                closed = await closing.close(mirror, config, os.environ, app.now)
                await run(closed.mirror, Wish(), app.now, app.told.append)
                return closed

    warnings = asyncio.run(closed()).warnings
    assert any(str(one).startswith("select.dependencies: lib: ") and str(status) in str(one) for one in warnings)
    assert set(app.root()) == {"app", "lib", "deep", "deeper"}


def test_nobody_answers(app: World) -> None:
    """Where upstream does not answer at all there is no closure, and the message says what it was for."""
    app.upstream.fault("/simple/*", Reset(), times=None)
    app.settings["upstream.tries"] = 1
    with pytest.raises(UpstreamError, match=r"what is needed \(select.dependencies\) cannot be found: .*/simple/app/"):
        close_and_run(app)
