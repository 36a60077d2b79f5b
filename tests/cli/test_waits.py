"""What is behind waits for its next try, unless somebody sits there or has mended something."""

from __future__ import annotations

import os
import subprocess
import sys

from bandersnatch.testing import Status
from tests.cli.conftest import Program

CONFIGURATION = "[select]\neverything = true\n[upstream]\ntries = 1\n"


def fall_behind(program: Program) -> None:
    """A run after which one project is behind, for a reason that is over by now."""
    program.configure(CONFIGURATION)
    program.upstream.fault("/simple/beta/", Status(403), times=None)
    assert program.run("mirror").returncode == 1
    program.upstream.clear_faults()


def test_who_is_not_there_is_told_of_the_wait(program: Program) -> None:
    """A run that nobody watches leaves the wait, and says what waits, why, and until when; not that nothing changed."""
    fall_behind(program)
    result = program.run("mirror", "--verbose")
    assert result.returncode == 1
    assert "beta is behind, and not tried in this run: " in result.stdout
    assert "upstream forbids it (403); next try after " in result.stdout
    assert "Nothing has changed" not in result.stdout


def test_terminal(program: Program) -> None:
    """A run at a terminal tries at once."""
    fall_behind(program)
    ours, theirs = os.openpty()
    try:
        done = subprocess.run(
            [sys.executable, "-m", "bandersnatch", "mirror", "--quiet"],
            stdin=subprocess.DEVNULL,
            stderr=theirs,
            env={"PATH": os.environ["PATH"], "HOME": str(program.home), "LANG": "C.UTF-8", **program.environment},
            check=False,
            timeout=60,
        )
    finally:
        os.close(ours)
        os.close(theirs)
    assert done.returncode == 0


def test_mended_configuration(program: Program) -> None:
    """A changed key of [upstream] cuts the wait."""
    fall_behind(program)
    program.configure(CONFIGURATION.replace("tries = 1", "tries = 2"))
    assert program.run("mirror").returncode == 0
