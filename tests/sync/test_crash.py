"""Cut off at any change of the disk and run again, the tree is the one that an undisturbed run would have made."""

from __future__ import annotations

import asyncio
import functools
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bandersnatch import assemble
from bandersnatch.config.load import load
from bandersnatch.config.schema import Config
from bandersnatch.storage.fsops import FileSystem
from bandersnatch.sync.engine import Wish, run
from bandersnatch.testing import Corrupt, Index, UpstreamServer
from tests.sync.conftest import World

CHANGES = (
    "open",
    "write",
    "truncate",
    "fsync",
    "fsync_directory",
    "syncfs",
    "rename",
    "link",
    "unlink",
    "mkdir",
    "rmdir",
)


class Death(BaseException):
    """The process ends here: no handler of errors may see it as an error."""


class Dying(FileSystem):
    """Does what it is told until call number *last*; from then on nothing reaches the disk any more."""

    def __init__(self, last: int) -> None:
        super().__init__()
        self.left = last

    def __getattribute__(self, name: str) -> Any:
        method = super().__getattribute__(name)
        if name not in CHANGES:
            return method

        @functools.wraps(method)
        def call(*args: Any, **kwargs: Any) -> Any:
            self.left -= 1
            if self.left < 0:
                raise Death
            return method(*args, **kwargs)

        return call


def golden(index: Index) -> None:
    """Projects that are the same, changed, new, with a file removed, removed, quarantined."""
    index.upload("changed", "2.0")
    index.upload("fresh", "1.0")
    index.upload("fresh", "1.0", kind="sdist")
    index.remove_file("shrunk-1.0-py3-none-any.whl")
    index.remove_project("removed")
    index.quarantine("suspect")
    index.yank("same", "1.0", "why not")


def before(index: Index) -> None:
    for name in ("same", "changed", "shrunk", "removed", "suspect", "failing", "quiet", "still"):
        index.upload(name, "1.0")
        index.upload(name, "1.1")


def dying_run(world: World, last: int) -> bool:
    """One run that dies at call number *last*; whether it lived to its end."""
    overrides: dict[str, object] = {
        "mirror.directory": str(world.directory),
        "mirror.upstream": world.upstream.url,
        "mirror.reserve": "0",
        "mirror.grace": "0s",
        "upstream.tries": 1,
        "select.everything": True,
    }
    world.now += 600
    return lived(world, load(None, {}, overrides).config, Dying(last))


def lived(world: World, config: Config, fs: FileSystem, wish: Wish | None = None) -> bool:
    """One run over *fs*, which may die; whether it came to its end."""

    async def attempt() -> None:
        with assemble.locked(config):
            async with assemble.mirror(config, {}, world.now, fs=fs) as mirror:
                await run(mirror, wish or Wish(), world.now, world.told.append)

    try:
        asyncio.run(attempt())
    except BaseExceptionGroup as group:
        assert group.subgroup(Death), group
        return False
    except Death:
        return False
    return True


def undisturbed(make_world: Callable[[str], World]) -> World:
    world = make_world("undisturbed")
    before(world.index)
    world.upstream.fault("/packages/*failing-1.1*", Corrupt(), times=None)
    world.run(mirror__grace="0s")
    golden(world.index)
    world.run(mirror__grace="0s")
    world.run(mirror__grace="0s")
    return world


@pytest.fixture
def make_world(tmp_path: Path) -> Any:
    with UpstreamServer() as upstream:
        yield lambda name: World(upstream, tmp_path / name)


STEP = 7
"""Every so many calls a run is cut off; ``make test-faults`` is to try each."""


def test_first_run_cut_off(make_world: Callable[[str], World]) -> None:
    """A first run that died anywhere leaves nothing visible that is not whole, and is finished by the next."""
    before(make_world("any").index)
    expected = make_world("undisturbed")
    expected.run()
    for number in itertools.count(1, STEP):
        world = make_world(f"cut-off-{number}")
        lived = dying_run(world, number)
        if not lived and (world.web / "simple/index.v1_json").exists():
            world.check(staged=False)
        assert world.run().outcome == "clean"
        world.check()
        assert world.tree() == expected.tree(), number
        if lived:
            break


def test_later_run_cut_off(make_world: Callable[[str], World]) -> None:
    """The same for a run that adds, changes, removes and quarantines, with one project that fails all the while."""
    start = make_world("start")
    before(start.index)
    start.upstream.fault("/packages/*failing-1.1*", Corrupt(), times=None)
    start.run(mirror__grace="0s")
    copies = [make_world(f"copy-{number}") for number in range(1, 400, STEP)]
    for world in copies:
        _copy(start, world)
    golden(start.index)
    for _ in range(3):
        start.run(mirror__grace="0s")
    for number, world in zip(itertools.count(1, STEP), copies, strict=False):
        lived = dying_run(world, number)
        world.check(staged=False)
        for _ in range(3):
            assert world.run(mirror__grace="0s").outcome == "behind"
        world.check()
        assert world.tree() == start.tree(), number
        if lived:
            return
    pytest.fail("no copy lived to its end: make more of them")


def _copy(source: World, target: World) -> None:
    import shutil

    shutil.copytree(source.directory, target.directory)
    target.now = source.now
