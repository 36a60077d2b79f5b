"""Hooks around the program: exit codes, cron, a disk that fails before anything begins."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bandersnatch.hooks.base import Form
from bandersnatch.hooks.lists import naming
from bandersnatch.testing import Status
from tests.cli.conftest import Program, program

__all__ = ["program"]


def configure(program: Program, command: str, *on: str) -> None:
    hook = f'[hooks.demo]\ncommand = ["sh", "-c", {json.dumps(command)}]\non = {json.dumps(on)}\n'
    program.configure(f"[select]\neverything = true\n[upstream]\ntries = 1\n{hook}")


def test_failing_hook(program: Program) -> None:
    """A failing hook changes no exit code, and is worth one mail, not one every two minutes."""
    configure(program, "echo what went wrong; exit 1", "run")
    first = program.run("mirror")
    assert (first.returncode, first.stdout) == (0, "")
    assert "Hook demo failed (run): it exited with 1" in first.stderr
    assert "what went wrong" in first.stderr
    second = program.run("mirror")
    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")


STRANGE = ("alpha-1.0' $(id).tar.gz", "alpha-1.0 `id` ;&#.tar.gz", "alpha-1.0'%27.tar.gz", "alpha-1.0'.tar.gz")
"""Names that upstream may give a file."""


@pytest.mark.parametrize("form", list(Form))
def test_purge_script(form: Form, tmp_path: Path) -> None:
    """The documented way to read lists makes each line one argument, whatever name upstream chose."""
    page = Path(__file__).parents[2] / "docs/how-to/hooks.md"
    [line] = [line for line in page.read_text().splitlines() if "would purge" in line and "xargs" in line]
    script = line.removeprefix("> ").replace("echo would purge", "printf '%s\\n'")
    names = naming(form, tmp_path / "a 'web'", "https://pypi.example.org/")
    lines = [name for one in STRANGE for name in names(f"packages/aa/bb/{one}")]
    changed, removed = tmp_path / "changed", tmp_path / "removed"
    changed.write_text("".join(f"{one}\n" for one in lines))
    removed.write_text("")
    environment = {
        "PATH": os.environ["PATH"],
        "BANDERSNATCH_HOOK_CHANGED": str(changed),
        "BANDERSNATCH_HOOK_REMOVED": str(removed),
    }
    done = subprocess.run(["sh", "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == lines


def test_urls_for_plain_xargs(tmp_path: Path) -> None:
    """A list of URLs means the same to xargs without any option: no line has what it would take for a quote."""
    names = naming(Form.URLS, tmp_path, "https://pypi.example.org/")
    lines = [name for one in STRANGE for name in names(f"packages/aa/bb/{one}")]
    done = subprocess.run(
        ["xargs", "-n", "1", "printf", "%s\\n"], input="\n".join(lines), capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == lines


def test_events(program: Program) -> None:
    """--json tells of hooks after the run has finished."""
    configure(program, "echo here", "run", "recovered")
    told = [json.loads(line) for line in program.run("mirror", "--json").stdout.splitlines()]
    assert [one["event"] for one in told[-2:]] == ["finished", "hook-ran"]
    assert (told[-1]["output"], told[-1]["occasions"]) == ("here\n", "run")


def test_behind_and_recovered(program: Program) -> None:
    """An alarm is raised once, and taken back once."""
    log = program.home / "calls"
    said = f"echo $BANDERSNATCH_HOOK_OCCASIONS $BANDERSNATCH_HOOK_BEHIND >>{log}"
    configure(program, said, "behind", "recovered")
    program.upstream.fault("/simple/beta/", Status(500), times=None)
    assert [program.run("mirror").returncode for _ in range(2)] == [1, 1]
    program.upstream.clear_faults()
    assert [program.run("mirror", "--full").returncode for _ in range(2)] == [0, 0]
    assert log.read_text() == "behind 1\nrecovered 0\n"


def test_disk_before_the_run(program: Program) -> None:
    """A directory that cannot be used is an occasion as well, though there was no run and no folder to work in."""
    log = program.home / "calls"
    configure(program, f"echo $BANDERSNATCH_HOOK_OUTCOME $BANDERSNATCH_HOOK_REASON >>{log}", "disk")
    (program.home / "mirror").write_text("a file")
    assert program.run("mirror").returncode == 74
    assert log.read_text().startswith("disk ")
    assert str(program.directory) in log.read_text()


def test_no_secret_goes_to_a_command(program: Program) -> None:
    """Of our own variables those with secrets stay here; the others, which name the configuration, go along."""
    program.environment["BANDERSNATCH_UPSTREAM_TOKEN"] = "T0KEN"
    log = program.home / "calls"
    configure(program, f"env >>{log}", "run")
    assert program.run("mirror").returncode == 0
    assert "T0KEN" not in log.read_text()
    assert "BANDERSNATCH_CONFIG=" in log.read_text()


@pytest.mark.parametrize("command", ["status", "config show"])
def test_commands_within_hooks(program: Program, command: str) -> None:
    """A hook may ask the program itself, which its variables do not confuse."""
    log = program.home / "calls"
    configure(program, f"{sys.executable} -m bandersnatch {command} >{log} 2>&1", "run")
    result = program.run("mirror", "-v")
    assert "Hook demo ran" in result.stdout, log.read_text()


def test_freshness_file_is_no_stranger(program: Program) -> None:
    """verify knows the freshness file, also by another name below a folder, and nothing else that is not ours."""
    program.configure('[select]\neverything = true\n[publish]\nfreshness-file = "status/mirror.json"\n')
    assert program.run("mirror").returncode == 0
    assert "nothing was found" in program.run("verify").stdout
    (program.directory / "web/status/other.json").write_text("{}")
    assert "status/other.json" in program.run("verify").stdout
