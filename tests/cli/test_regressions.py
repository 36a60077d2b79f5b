"""What the program prints and leaves behind when its surroundings are hostile."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys

import pytest
from rich.console import Console

from bandersnatch.cli.progress import TerminalReport
from bandersnatch.sync import events
from bandersnatch.testing import Behaviour, Body, Status
from tests.cli.conftest import Program

EVERYTHING = "[select]\neverything = true\n"
HOSTILE = "A\x1b]0;owned\x07B\x9b2JC\u202e\nbandersnatch: forged"


@pytest.mark.parametrize("terminal", [False, True])
def test_control_characters_on_a_terminal(terminal: bool) -> None:
    """What upstream wrote is shown on a terminal without its control characters, on one line."""
    out = io.StringIO()
    report = TerminalReport(Console(file=out, force_terminal=terminal, width=100))
    report.tell(events.FellBehind("alpha", HOSTILE + "[red]\\", True, 0.0))
    shown = out.getvalue()
    assert [control for control in ("\x1b]", "\x07", "\x9b", "\u202e") if control in shown] == []
    assert shown.count("\n") == 1


def test_control_characters_in_messages(program: Program) -> None:
    """What a broken page says reaches standard error with its control characters escaped."""
    program.configure(EVERYTHING)
    page = (
        '<html><head><meta name="pypi:repository-version" content="1.0"><base href="https://x\u2100\x1bc/y"></head>'
        '<body><a href="alpha-1.0.tar.gz">alpha-1.0.tar.gz</a></body></html>'
    )
    program.upstream.fault("/simple/alpha/", Body(page.encode(), "text/html"), times=None)
    result = program.run("mirror")
    assert "alpha is behind" in result.stderr
    assert r"\x1bc" in result.stderr
    assert "\x1b" not in result.stderr


def test_nobody_reads(program: Program) -> None:
    """A reader that leaves early does not keep the mirror from being completed."""
    program.configure(EVERYTHING)
    process = program.start("mirror", "--json")
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr is not None
    assert "Traceback" not in process.stderr.read()
    process.stderr.close()
    process.wait(60)
    assert (program.directory / "web/simple/index.v1_json").exists()
    assert json.loads(program.run("status", "--json").stdout)["behind"] == []


def test_log_on_a_full_disk(program: Program) -> None:
    """A log that cannot be written does not keep the mirror from being completed."""
    program.configure(EVERYTHING)
    with open("/dev/full", "w") as full:
        subprocess.run(
            [sys.executable, "-m", "bandersnatch", "mirror", "-v"],
            stdout=full,
            stderr=subprocess.PIPE,
            env={"PATH": os.environ["PATH"], "HOME": str(program.home), **program.environment},
            check=False,
        )
    assert (program.directory / "web/simple/index.html").exists()


def test_output_in_ascii(program: Program) -> None:
    """A name that the output's encoding lacks is escaped, not an error."""
    program.environment |= {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C"}
    directory = program.home / "spiegel-ü"
    result = program.run("mirror", "-v", "alpha", "--upstream", program.upstream.url, "--directory", str(directory))
    assert result.returncode == 0, result.stderr


def test_password_is_not_printed(program: Program) -> None:
    """The password in an upstream's URL is printed nowhere."""
    url = program.upstream.url.replace("http://", "http://me:s3cret@")
    result = program.run("mirror", "-v", "alpha", "--upstream", url, "--directory", "mirror")
    assert "s3cret" not in result.stdout + result.stderr


def test_status_makes_nothing(program: Program) -> None:
    """status of a directory that is not there does not make it."""
    directory = program.home / "typo"
    assert program.run("status", "--directory", str(directory)).returncode == 2
    assert not directory.exists()


def test_status_agrees_with_mirror(program: Program) -> None:
    """status and the run before it have the same exit code where a listed project has no page."""
    program.configure(EVERYTHING)
    program.upstream.fault("/simple/beta/", Status(404), times=None)
    assert program.run("mirror").returncode == program.run("status").returncode == 0


def test_everything_without_a_list(program: Program) -> None:
    """Selecting everything of an upstream that has no list is a usage error, and not told as a stopped run."""
    program.configure(EVERYTHING)
    program.upstream.behaviour = Behaviour(list_format="missing")
    result = program.run("mirror")
    assert result.returncode == 2
    assert "stopped" not in result.stderr


def test_output_that_cannot_be_written(program: Program) -> None:
    """Where our output has no room is said in a line."""
    program.configure(EVERYTHING)
    assert program.run("mirror").returncode == 0
    done = subprocess.run(
        ["/bin/sh", "-c", f"exec {sys.executable} -m bandersnatch verify --json >/dev/full"],
        env={**os.environ, **program.environment},
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 74
    assert done.stderr.splitlines()[0] == "bandersnatch: standard output: No space left on device"
    assert "Traceback" not in done.stderr
