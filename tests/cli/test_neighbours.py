"""What a neighbour on the machine, or a slip of the operator, put where the mirror has its own things."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bandersnatch.storage.lock import Lock
from bandersnatch.storage.tree import DEEPEST
from tests.accesslog.samples import combined
from tests.cli.conftest import Program

HOOK = '[hooks.cache]\non = ["changed"]\ncommand = ["/bin/true"]\nlist = "keys"\n'


@pytest.fixture
def mirrored(program: Program) -> Program:
    """A mirror with a hook, so that it has all that a state can have."""
    program.configure(f"[select]\nprojects = ['alpha']\n{HOOK}")
    assert program.run("mirror").returncode == 0
    return program


@pytest.mark.parametrize(
    "name", ["tmp", "partial", "trash", "hooks", "hooks/cache", "changes", "catalogue.sqlite", "removals.jsonl", "new"]
)
def test_link_in_the_state(name: str, mirrored: Program, tmp_path: Path) -> None:
    """A symbolic link in the state ends every command that would write there, and what is behind it stays as it is."""
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "letter").write_text("Dear reader")
    state = mirrored.directory / "state"
    place = state / name
    place.parent.mkdir(exist_ok=True)
    if place.exists():
        place.rename(tmp_path / "before")
    is_file = name in ("changes", "catalogue.sqlite", "removals.jsonl", "hooks/cache")
    place.symlink_to(victim / "letter" if is_file else victim)
    mirrored.upstream.index.upload("alpha", "3.0")
    (tmp_path / "access.log").write_text("")
    for command in (
        ["mirror"],
        ["gc", "--yes"],
        ["verify", "--repair"],
        ["update-stats", str(tmp_path / "access.log")],
    ):
        done = mirrored.run(*command)
        assert (done.returncode, f"state/{name} is a symbolic link" in done.stderr) == (74, True), command
    assert {path.name: path.read_text() for path in victim.iterdir()} == {"letter": "Dear reader"}
    assert place.is_symlink()


@pytest.mark.parametrize("name", ["local-stats", "local-stats/days"])
def test_link_in_the_statistics(name: str, mirrored: Program, tmp_path: Path) -> None:
    """Nor does what counts downloads write or delete behind a link below web/."""
    log = tmp_path / "access.log"
    log.write_bytes(combined() + b"\n")
    victim = tmp_path / "victim"
    (victim / "days").mkdir(parents=True)
    place = mirrored.directory / "web" / name
    place.parent.mkdir(exist_ok=True)
    place.symlink_to(victim)
    assert mirrored.run("update-stats", str(log)).returncode == 74
    assert [path.name for path in victim.rglob("*")] == ["days"]


@pytest.fixture
def removed(tmp_path: Path) -> Iterator[None]:
    """What is so deep is removed here: what pytest removes old folders with would call itself as often."""
    yield
    subprocess.run(["rm", "-rf", "--", *tmp_path.iterdir()], check=True)


@pytest.mark.usefixtures("removed")
def test_deep_folders(mirrored: Program, tmp_path: Path) -> None:
    """Folders in each other without end are one thing that nothing here knows; each walk goes on beside them."""
    old = tmp_path / "old"
    for top in (mirrored.directory / "web/packages/zz", old / "packages"):
        _nest(top, 1500)
    (old / "simple").mkdir()
    found = [json.loads(line) for line in mirrored.run("verify", "--strict", "--json").stdout.splitlines()]
    [stranger] = [one for one in found if "zz" in str(one.get("key"))]
    assert str(stranger["key"]).count("/d") <= DEEPEST
    assert mirrored.run("gc", "--yes").returncode == 0
    assert mirrored.run("adopt", str(old)).returncode == 0
    assert mirrored.run("mirror", "--full").returncode == 0
    assert (mirrored.directory / "web/packages/zz/d").is_dir()


def _nest(top: Path, count: int) -> None:
    top.mkdir(parents=True)
    fd = os.open(top, os.O_RDONLY)
    for _ in range(count):
        os.mkdir("d", dir_fd=fd)
        inner = os.open("d", os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = inner
    os.close(fd)


def test_lock_held_for_long(program: Program) -> None:
    """A run says nothing of another one that is under way, but hooks and standard error hear of one that never ends."""
    called = program.home / "called"
    hook = f'[hooks.alarm]\non = ["disk"]\ncommand = ["/usr/bin/touch", "{called}"]\n'
    program.configure(f"[select]\nprojects = ['alpha']\n{hook}")
    assert program.run("mirror").returncode == 0
    path = program.directory / "state/lock"
    with Lock(path, datetime.now(UTC)).acquire():
        done = program.run("mirror")
        assert (done.returncode, done.stderr, called.exists()) == (75, "", False)
        then = time.time() - 25 * 3600
        os.utime(path, (then, then))
        done = program.run("mirror")
        assert (done.returncode, called.exists()) == (75, True)
        assert f"somebody holds the lock {path} since a day or more" in done.stderr
