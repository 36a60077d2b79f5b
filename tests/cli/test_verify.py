"""``bandersnatch verify``, as its users run it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bandersnatch.assemble.verifying import BOOKMARK
from tests.cli.conftest import Program


@pytest.fixture
def mirrored(program: Program) -> Program:
    """A mirror of everything, three projects with two files each."""
    program.configure("[select]\neverything = true\n")
    assert program.run("mirror", "-q").returncode == 0
    program.upstream.reset()
    return program


def file(program: Program, name: str) -> Path:
    """A distribution file of the mirror."""
    [found] = [path for path in (program.directory / "web/packages").rglob(name) if path.is_file()]
    return found


def test_nothing_found(mirrored: Program) -> None:
    """A mirror that is as it should be is said to be so in one line, in every mode; upstream is not asked."""
    for options in ((), ("--pages",), ("--hash",), ("--pages", "--hash", "--strict", "--threads", "1")):
        done = mirrored.run("verify", *options)
        assert (done.returncode, done.stdout, done.stderr) == (0, "nothing was found\n", "")
    done = mirrored.run("verify", "--json")
    assert json.loads(done.stdout) == {"findings": 0, "severities": {}, "kinds": {}}
    assert mirrored.upstream.requests == []


def test_damage(mirrored: Program) -> None:
    """Damage is told by kind, with what to do, and makes the exit code 1."""
    lost = file(mirrored, "beta-1.0-py3-none-any.whl")
    lost.unlink()
    done = mirrored.run("verify")
    key = lost.relative_to(mirrored.directory / "web")
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        (
            "damage: missing-file: 1: a file that a page links is not there; "
            "bandersnatch verify --repair fetches or writes it again"
        ),
        f"  beta: {key}",
        "1 finding: 1 damage",
    ]
    lines = [json.loads(line) for line in mirrored.run("verify", "--json").stdout.splitlines()]
    assert (lines[0]["kind"], lines[0]["project"], lines[0]["key"]) == ("missing-file", "beta", str(key))
    assert lines[1] == {"findings": 1, "severities": {"damage": 1}, "kinds": {"missing-file": 1}}
    assert mirrored.run("mirror", "--full", "-q").returncode == 0
    assert mirrored.run("verify", "--hash", "--pages").returncode == 0


def test_strangers_and_unwanted(mirrored: Program) -> None:
    """What nobody knows and what nobody wants is told, and is an error only for who is strict."""
    (mirrored.directory / "web/robots.txt").write_text("")
    mirrored.configure('[select]\neverything = true\n[exclude]\nprojects = ["gamma==1.0"]\n')
    done = mirrored.run("verify")
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == "2 findings: 1 unwanted, 1 garbage"
    assert "deselected: version 1.0 is in ==1.0, which is excluded" in done.stdout
    assert "nothing knows it; bandersnatch gc --dry-run says whether it is to be taken away" in done.stdout
    assert "that nothing knows, and not ours: left alone" in mirrored.run("gc", "--dry-run").stdout
    assert "repair: nothing: 1 finding: nothing: garbage goes" in mirrored.run("verify", "--repair", "--dry-run").stdout
    assert mirrored.run("verify", "--strict").returncode == 1


def test_no_more_than_fifty(mirrored: Program) -> None:
    """Of each kind no more than 50 findings are printed, unless all are asked for."""
    for number in range(60):
        (mirrored.directory / f"web/{number}.txt").write_text("")
    assert "  and 10 more; --all prints them" in mirrored.run("verify").stdout
    assert mirrored.run("verify", "--all").stdout.count(".txt: 0 bytes") == 60


def test_one_project(mirrored: Program) -> None:
    """Only the projects that are named are looked at."""
    file(mirrored, "beta-1.0-py3-none-any.whl").unlink()
    assert mirrored.run("verify", "--project", "Alpha", "--project", "gamma").returncode == 0
    assert mirrored.run("verify", "--project", "beta").returncode == 1


def test_resume(mirrored: Program) -> None:
    """A verification that was cut off is gone on with by the same modes, and one that ended is not."""
    bookmark = mirrored.directory / "state" / BOOKMARK
    file(mirrored, "alpha-1.0-py3-none-any.whl").unlink()
    bookmark.write_text('{"mode": "hash", "after": "beta"}')
    assert mirrored.run("verify", "--resume").returncode == 1, "other modes begin anew"
    bookmark.write_text('{"mode": "hash", "after": "beta"}')
    assert mirrored.run("verify", "--hash", "--resume").returncode == 0
    assert not bookmark.exists()
    bookmark.write_text("{broken")
    assert mirrored.run("verify", "--hash", "--resume").returncode == 1
    assert not bookmark.exists()


def test_without_a_selection(program: Program) -> None:
    """Where the configuration selects nothing, nothing is called unwanted, and that is said."""
    options = ("--directory", str(program.directory))
    assert program.run("mirror", *options, "--upstream", program.upstream.url, "alpha").returncode == 0
    done = program.run("verify", *options)
    assert (done.returncode, done.stdout) == (0, "nothing was found\n")
    assert "selects nothing, so nothing is called unwanted" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--project", "delta"], "--project: delta: nothing of it is published here"),
        (["--project", "no such name"], "--project: not a project name"),
        (["--bandwidth", "fast"], '--bandwidth: a rate ends in "/s"'),
        (["--project", "alpha", "--resume"], "--resume: it goes through all projects"),
        (["--threads", "0"], "from 1 to 64"),
    ],
)
def test_wrong_usage(mirrored: Program, arguments: list[str], said: str) -> None:
    """What cannot be done is said, with what to do."""
    done = mirrored.run("verify", *arguments)
    assert done.returncode == 2
    assert said in done.stderr


def test_nothing_mirrored(program: Program) -> None:
    """Where nothing was mirrored there is nothing to verify."""
    program.configure("[select]\neverything = true\n")
    done = program.run("verify")
    assert done.returncode == 2
    assert "nothing was mirrored here yet; bandersnatch mirror does that" in done.stderr


def test_catalogue_that_cannot_be_read(mirrored: Program) -> None:
    """A damaged catalogue is an error of the disk."""
    path = mirrored.directory / "state/catalogue.sqlite"
    path.write_bytes(b"x" * 4096)
    assert mirrored.run("verify").returncode == 74
