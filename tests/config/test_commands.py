"""``bandersnatch config``, as its parser and functions."""

from __future__ import annotations

import argparse
import io
import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from bandersnatch.cli import config
from bandersnatch.config import defaults, template
from bandersnatch.config.options import BY_NAME, OPTIONS, SECTIONS
from tests.config.helpers import SECRET


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither the environment nor the default file of this machine counts."""
    for variable in ("BANDERSNATCH_CONFIG", *(option.variable for option in OPTIONS)):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(defaults, "FILE", tmp_path / "default.conf")


def run(*arguments: str) -> tuple[int, str]:
    """The exit code, and what was printed to *out*."""
    parser = argparse.ArgumentParser()
    parser.add_argument("-c", "--config")
    config.add_parser(parser.add_subparsers())
    args = parser.parse_args(arguments)
    out = io.StringIO()
    return args.run(args, out), out.getvalue()


def test_init_writes_a_file_and_says_what_comes_next(tmp_path: Path) -> None:
    """The commented file is written once; a second time nothing is touched, and the exit code says so."""
    path = tmp_path / "b.conf"
    code, printed = run("config", "init", str(path))
    assert (code, path.read_text("utf-8")) == (0, template.render())
    assert f"bandersnatch -c {path} mirror" in printed
    path.write_text("mine")
    assert run("config", "init", str(path)) == (2, "")
    assert path.read_text() == "mine"


def test_init_works_where_c_names_the_same_new_file(tmp_path: Path) -> None:
    """The command that the refusal of an INI names does what it says."""
    path = str(tmp_path / "b.conf")
    assert run("-c", path, "config", "init", path)[0] == 0


def test_check_says_that_there_is_no_problem(tmp_path: Path) -> None:
    """A file that can be used has exit code 0."""
    path = tmp_path / "b.conf"
    path.write_text('[select]\nprojects = ["six"]\n')
    assert run("-c", str(path), "config", "check") == (0, f"{path}: no problem found\n")


def test_check_prints_every_problem(tmp_path: Path) -> None:
    """Each problem is one line, and the exit code is 2."""
    path = tmp_path / "b.conf"
    path.write_text("[log]\nlevel = 1\nx = 2\n")
    code, printed = run("-c", str(path), "config", "check")
    assert code == 2
    assert [line.split(": ")[:2] for line in printed.splitlines()] == [
        [f"{path}:2", "log.level"], [f"{path}:3", "log.x"],
    ]  # fmt: skip


def test_check_calls_an_empty_selection_a_problem(tmp_path: Path) -> None:
    """A file that selects nothing cannot be run, so its check fails, also where there is no file."""
    path = tmp_path / "b.conf"
    path.write_text("[select]\n")
    code, printed = run("-c", str(path), "config", "check")
    assert (code, printed.startswith(f"{path}:1: select.projects: nothing is selected")) == (2, True)
    code, printed = run("config", "check")
    assert (code, printed.startswith("select.projects: nothing is selected")) == (2, True)


def test_check_takes_a_configuration_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No file is needed where variables say what to mirror."""
    monkeypatch.setenv("BANDERSNATCH_SELECT_EVERYTHING", "true")
    assert run("config", "check") == (0, "the environment: no problem found\n")


def test_show_prints_values_with_their_origins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every key is shown as the file would have it, with its origin, and secrets masked; as JSON the same."""
    path = tmp_path / "b.conf"
    path.write_text("\n[mirror]\ngrace = '3600s'\n")
    monkeypatch.setenv("BANDERSNATCH_UPSTREAM_TOKEN", SECRET)
    code, printed = run("-c", str(path), "config", "show")
    lines = {line.split(" = ")[0]: line for line in printed.splitlines() if " = " in line}
    assert code == 0
    assert lines["grace"].split() == ["grace", "=", '"1h"', "#", f"{path}:3"]
    assert lines["token"].split(maxsplit=4)[2:] == ['"***"', "#", "environment BANDERSNATCH_UPSTREAM_TOKEN"]
    assert lines["workers"].endswith("# default")
    assert SECRET not in printed
    document = tomllib.loads(printed)
    assert {f"{section}.{key}" for section, table in document.items() for key in table} == BY_NAME.keys()

    code, printed = run("-c", str(path), "config", "show", "--json")
    data = json.loads(printed)
    assert (code, data["file"], list(data["values"])) == (0, str(path), list(SECTIONS))
    assert data["values"]["mirror"]["grace"] == {"value": "1h", "origin": f"{path}:3"}
    assert data["values"]["upstream"]["token"]["value"] == "***"
    assert {
        section: {key: entry["value"] for key, entry in table.items()} for section, table in data["values"].items()
    } == document


def test_show_prints_named_tables_with_their_lines(tmp_path: Path) -> None:
    """Environments and rules are shown whole, as TOML and as JSON, with the line where each begins."""
    path = tmp_path / "b.conf"
    path.write_text(
        "[environments.linux]\npython = ['3.11']\nplatforms = ['win_amd64']\n"
        '[rules."a b"]\nsince = 2025-01-01\nx.y = []\n'
    )
    printed = run("-c", str(path), "config", "show")[1]
    assert f'[environments.linux]  # {path}:1\nimplementation = "cpython"\npython = ["3.11"]\n' in printed
    assert f'[rules."a b"]  # {path}:4\nsince = 2025-01-01\nx = {{ y = [] }}\n' in printed
    shown = json.loads(run("-c", str(path), "config", "show", "--json")[1])["values"]
    assert shown["rules"] == {"a b": {"value": {"since": "2025-01-01", "x": {"y": []}}, "origin": f"{path}:4"}}


def test_show_without_a_file_shows_the_defaults() -> None:
    """What would be in force can be seen before there is a file."""
    code, printed = run("config", "show", "--json")
    assert (code, json.loads(printed)["file"]) == (0, None)


def test_show_fails_on_a_bad_configuration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is shown that is not in force; the problems go where they cannot be taken for values."""
    path = tmp_path / "b.conf"
    path.write_text("x = 1")
    assert run("-c", str(path), "config", "show", "--json") == (2, "")
    assert capsys.readouterr().err == f"{path}:1: x: unknown key, outside every section\n"


def test_path_prints_the_file_that_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The default is printed even before it is there; a named file that is missing is a problem."""
    path = tmp_path / "b.conf"
    assert run("config", "path") == (0, f"{tmp_path / 'default.conf'}\n")
    assert run("-c", str(path), "config", "path") == (2, "")
    assert "named by -c, but not there" in capsys.readouterr().err
    path.touch()
    assert run("-c", str(path), "config", "path") == (0, f"{path}\n")


def test_the_parser_needs_no_configuration() -> None:
    """--help answers at once: building the parser imports neither the configuration nor what it needs."""
    code = (
        "import sys, argparse; from bandersnatch.cli import config\n"
        "config.add_parser(argparse.ArgumentParser().add_subparsers())\n"
        "assert not {'bandersnatch.config', 'packaging', 'tomllib', 'json'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
