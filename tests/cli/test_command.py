"""The command line as a whole: help, what was probably meant, and what has its place before a command or after it."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from bandersnatch.cli.main import build_parser
from tests.cli.conftest import Program
from tests.docs.test_reference import LEAVES


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("miror six", "did you mean mirror?"),
        ("update-stat", "did you mean update-stats?"),
        ("config chek", "did you mean check?"),
        ("stauts", "did you mean status?"),
        ("mirror --jsno", "did you mean --json?"),
        ("mirror --ACCEPT_REMOVALS", "did you mean --accept-removals?"),
        ("mirror --acept-removals", "did you mean --accept-removals?"),
        ("trash list --jsn", "did you mean --json?"),
        ("-c x.conf verify --projcet=six", "did you mean --project?"),
        ("sync six", "bandersnatch mirror NAME"),
        ("mirror --force-check", "--full"),
        ("verify --delete", "gc, or verify --repair --garbage"),
        ("verify --delet", "gc, or verify --repair --garbage"),
        ("--debug mirror", "mirror -v"),
        ("mirror ./requirements.txt", "-r ./requirements.txt"),
        ("mirror six requirements.txt", "-r requirements.txt"),
        ("plan pylock.toml", "-r pylock.toml"),
        ("prove ../reqs/base", "-r ../reqs/base"),
        ("status six", "six: more than this command takes"),
    ],
)
def test_meant(program: Program, line: str, meant: str) -> None:
    """What is unknown is answered with what was probably meant, and with where all is told that there is."""
    result = program.run(*line.split())
    assert result.returncode == 2
    first, second = result.stderr.splitlines()
    assert meant in first
    assert second.endswith("--help says what there is")


@pytest.mark.parametrize("line", ["xyzzy", "mirror --xyzzy"])
def test_nothing_like_it(program: Program, line: str) -> None:
    """Where nothing is alike, nothing is suggested."""
    assert "did you mean" not in program.run(*line.split()).stderr


@pytest.mark.parametrize("project", ["zope.interface", "/a.*b/", "demo @ https://host/x.txt", "apache-*"])
def test_no_file(project: str) -> None:
    """What names projects is not taken for the name of a file."""
    assert build_parser().parse_args(["mirror", project]).requirements == [project]


def test_help(program: Program) -> None:
    """help says what --help says; without any command the help is an answer, and no success."""
    assert program.run("help", "config", "check").stdout == program.run("config", "check", "--help").stdout != ""
    assert program.run("help").stdout == program.run("--help").stdout != ""
    assert program.run("help", "chek").returncode == 2
    nothing = program.run()
    assert (nothing.returncode, nothing.stdout) == (2, "")
    assert nothing.stderr == program.run("help").stdout


@pytest.mark.parametrize("prog", LEAVES)
def test_examples(prog: str) -> None:
    """Every command has examples in its help, each of which is one, and says where the documentation is."""
    epilog = LEAVES[prog].epilog or ""
    head, *lines = epilog.split("\n\n")[0].splitlines()
    assert head == "examples:"
    for line in lines:
        assert shlex.split(line)[0] == "bandersnatch"
        assert build_parser().parse_args(shlex.split(line)[1:]).parser.prog == prog
    assert "documentation:\n" in epilog


def test_configuration_on_either_side(program: Program, tmp_path: Path) -> None:
    """-c stands before the command or after it; the one after it is the last word."""
    for name in ("a.conf", "b.conf"):
        (tmp_path / name).touch()
    assert program.run("-c", "a.conf", "config", "path").stdout == "a.conf\n"
    assert program.run("config", "path", "-c", "a.conf").stdout == "a.conf\n"
    assert program.run("config", "-c", "a.conf", "path").stdout == "a.conf\n"
    assert program.run("-c", "a.conf", "config", "path", "--config", "b.conf").stdout == "b.conf\n"
