"""Each file that a command or a key names to be written, where something else is already."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Program


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _link(path: Path) -> None:
    path.symlink_to("letter")


def _letter(path: Path) -> None:
    path.write_text("Dear reader\n")


STRANGE = pytest.mark.parametrize("make", [_pipe, _link, _letter])


@STRANGE
@pytest.mark.parametrize("command", [("backup",), ("audit", "--report")])
def test_command(command: tuple[str, ...], make: Callable[[Path], None], program: Program) -> None:
    """A backup and a report replace nothing else: exit code 2, and what is there stays what it was."""
    program.configure("[select]\nprojects = ['alpha']\n")
    assert program.run("mirror").returncode == 0
    (program.home / "letter").write_text("Dear reader\n")
    path = program.home / "out"
    make(path)
    before = os.lstat(path)
    done = program.run(*command, str(path))
    assert (done.returncode, "choose another name" in done.stderr) == (2, True)
    assert (os.lstat(path).st_mode, os.lstat(path).st_ino) == (before.st_mode, before.st_ino)
    assert (program.home / "letter").read_text() == "Dear reader\n"


@pytest.mark.parametrize("command", [("backup",), ("audit", "--report")])
def test_command_again(command: tuple[str, ...], program: Program) -> None:
    """An older copy, or report, is replaced; in a folder that is not there nothing can be made."""
    program.configure("[select]\nprojects = ['alpha']\n")
    assert program.run("mirror").returncode == 0
    path = program.home / "out"
    for _ in range(2):
        assert program.run(*command, str(path)).returncode == 0
    done = program.run(*command, str(program.home / "missing/out"))
    assert (done.returncode, f"there is no folder {program.home}/missing" in done.stderr) == (2, True)
    assert sorted(os.listdir(program.home)) == ["bandersnatch.conf", "mirror", "out"]


@pytest.mark.parametrize("command", [("backup",), ("audit", "--report")])
def test_command_among_what_is_served(command: tuple[str, ...], program: Program) -> None:
    """Neither a backup nor a report is published: exit code 2, the path is named, and nothing is written there."""
    program.configure("[select]\nprojects = ['alpha']\n")
    assert program.run("mirror").returncode == 0
    path = program.directory / "web/new"
    done = program.run(*command, str(path))
    assert (done.returncode, str(path) in done.stderr, path.exists()) == (2, True, False)


@STRANGE
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("mirror.diff-file", "[mirror]\ndiff-file = '{home}/out'\n"),
        ("log.file", "[log]\nfile = '{home}/out'\n"),
        ("publish.freshness-file", "[publish]\nfreshness-file = 'out'\n"),
    ],
)
def test_key(name: str, text: str, make: Callable[[Path], None], program: Program) -> None:
    """A run leaves what a key must not name as it is and says which key that is; the mirror is made, and it exits 2."""
    home = program.home
    config = program.configure("")
    config.write_text(
        config.read_text() + text.format(home=home).replace("[mirror]\n", "") + "[select]\nprojects = ['alpha']\n"
    )
    path = program.directory / "web/out" if "freshness" in name else home / "out"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_name("letter").write_text("Dear reader\n")
    make(path)
    before = os.lstat(path)
    checked = program.run("config", "check")
    assert (checked.returncode, f"{name}: {path} is" in checked.stdout) == (2, True)
    done = program.run("mirror")
    assert (done.returncode, f"{name}: {path} is" in done.stderr) == (2, True)
    assert (os.lstat(path).st_mode, os.lstat(path).st_ino) == (before.st_mode, before.st_ino)
    assert path.with_name("letter").read_text() == "Dear reader\n"
    assert (program.directory / "web/simple/alpha/index.html").exists()
    path.unlink()
    assert program.run("mirror").returncode == 0
    assert program.run("mirror").returncode == 0
    assert path.is_file()


@pytest.mark.parametrize("key", ["diff-file", "log"])
@pytest.mark.parametrize("name", ["mirror/state/catalogue.sqlite", "mirror/web/simple/index.html", "bandersnatch.conf"])
def test_what_the_mirror_lives_from(key: str, name: str, program: Program) -> None:
    """Neither the catalogue nor a page nor the configuration becomes a list or a log, be it there or not yet."""
    path = program.home / name
    program.configure(
        f"diff-file = '{path}'\n[select]\neverything = true\n"
        if key == "diff-file"
        else f"[select]\neverything = true\n[log]\nfile = '{path}'\n"
    )
    configuration = (program.home / "bandersnatch.conf").read_text()
    for _ in range(2):
        assert program.run("mirror").returncode == 2
    assert (program.home / "bandersnatch.conf").read_text() == configuration
    assert program.run("status").returncode == 0
    assert len(list(program.directory.glob("web/simple/*/index.html"))) == 3
    assert program.run("verify", "--pages").returncode == 0
