"""What becomes of output that cannot be written, that nobody reads, or that is read by somebody who sleeps."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bandersnatch.cli import output
from bandersnatch.cli.output import Output
from bandersnatch.testing import Status
from tests.cli.conftest import Program

EVERYTHING = "[select]\neverything = true\n[upstream]\ntries = 1\n"


@pytest.fixture
def mirrored(program: Program) -> Program:
    """A mirror with one project that is behind."""
    program.configure(EVERYTHING)
    program.upstream.fault("/simple/beta/", Status(500), times=None)
    assert program.run("mirror").returncode == 1
    return program


def shell(program: Program, line: str) -> tuple[int, str]:
    """The code of the program and its complaints; *line* is what follows it in a shell."""
    done = subprocess.run(
        ["/bin/bash", "-c", f"{sys.executable} -m bandersnatch {line}; exit ${{PIPESTATUS[0]}}"],
        env={"PATH": os.environ["PATH"], "HOME": str(program.home), "LANG": "C.UTF-8", **program.environment},
        cwd=program.home, stderr=subprocess.PIPE, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    return done.returncode, done.stderr


PRINTING = ("status", "status --json", "--help", "help status", "--version", "config show", "completion bash", "plan")
WORKING = ("mirror -v", "mirror --json", "verify", "verify --json", "audit", "gc --dry-run", "config check")


@pytest.mark.parametrize("command", [*PRINTING, *WORKING])
def test_full_disk(mirrored: Program, command: str) -> None:
    """Whatever command's output meets a full disk, that is said, and the code is 74."""
    code, complaints = shell(mirrored, f"{command} >/dev/full")
    assert code == 74
    assert "bandersnatch: standard output: No space left on device" in complaints.splitlines()


def test_closed(mirrored: Program) -> None:
    """Output that is closed is output that cannot be written."""
    assert shell(mirrored, "status >&-")[0] == 74
    assert shell(mirrored, "status >&- 2>&-")[0] == 74
    assert shell(mirrored, "gc --dry-run >&- <&-")[0] == 74


def test_bad_news_on_a_full_disk(mirrored: Program) -> None:
    """A run whose bad news cannot be written is no run that was merely behind."""
    mirrored.upstream.fault("/simple/alpha/", Status(500), times=None)
    assert shell(mirrored, "mirror --full 2>/dev/full")[0] == 74
    assert shell(mirrored, "mirror --nosuch 2>/dev/full")[0] == 2


@pytest.mark.parametrize("command", PRINTING)
def test_nobody_reads_what_is_only_printed(mirrored: Program, command: str) -> None:
    """A reader that has left ends a command that only prints, without a word and with 0."""
    assert shell(mirrored, f"{command} | (exec 0<&-; sleep 0)") == (0, "")


@pytest.mark.parametrize("command", ["mirror --full --json", "verify --json", "audit", "verify --repair --json"])
def test_nobody_reads_what_does_more(mirrored: Program, command: str) -> None:
    """A command that does more than print goes on without its reader, and ends with its own code."""
    mirrored.upstream.index.upload("delta", "1.0")
    assert shell(mirrored, f"{command} | (exec 0<&-; sleep 0)")[0] == mirrored.run(*command.split()).returncode
    assert (mirrored.directory / "web/simple/delta").exists() == ("mirror" in command or "repair" in command)


def test_a_reader_who_sleeps(program: Program) -> None:
    """A run is over, its mirror whole and its lock free, before a sleeping reader has read a line; he loses none."""
    program.configure(EVERYTHING)
    for number in range(400):
        program.upstream.index.upload(f"{'long-' * 30}{number}", "1.0")
    process = program.start("mirror", "--json")
    deadline = time.monotonic() + 50
    while not _is_over(program):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert process.poll() is None  # more than a pipe holds is left to be read
    assert process.stdout is not None
    told = [json.loads(line) for line in process.stdout]
    process.communicate(timeout=20)
    assert process.returncode == 0
    assert (told[0]["event"], told[-1]["event"]) == ("started", "finished")
    assert sum(one["event"] == "refreshed" for one in told) == 403


def test_a_reader_of_a_repair_who_sleeps(program: Program) -> None:
    """A repair holds the lock no longer because of whoever reads what it found."""
    program.configure(EVERYTHING)
    for number in range(400):
        program.upstream.index.upload(f"{'long-' * 30}{number}", "1.0")
    assert program.run("mirror").returncode == 0
    for page in program.directory.glob("web/simple/*/index.v1_json"):
        page.write_text("damaged")
    process = program.start("verify", "--repair", "--pages", "--json")
    deadline = time.monotonic() + 50
    while "damaged" in {page.read_text() for page in program.directory.glob("web/simple/*/index.v1_json")} or (
        program.run("mirror").returncode != 0
    ):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert process.poll() is None
    process.communicate(timeout=20)
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("encoding", "arrow"), [("ascii", "->"), ("iso-8859-1", "->"), ("utf-8", "\N{RIGHTWARDS ARROW}")]
)
def test_letters_that_an_encoding_lacks(program: Program, encoding: str, arrow: str) -> None:
    """Signs that the output's encoding lacks are written with letters that it has."""
    program.environment |= {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0", "LC_ALL": "C"}
    program.configure(EVERYTHING)
    printed = program.run("why", "alpha").stdout
    assert (f"  {arrow} wanted" in printed, "\\u" in printed) == (True, False)


def _is_over(program: Program) -> bool:
    """Whether the mirror is whole, and another run may begin."""
    if not (program.directory / "web/last-modified").exists():
        return False
    status = program.run("status", "--json")
    last = json.loads(status.stdout)["last_run"] if status.returncode == 0 else None
    return last is not None and last["outcome"] == "clean" and program.run("mirror").returncode == 0


def test_more_than_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of what a sleeping reader leaves waiting the oldest is dropped, whole lines, and he is told how many."""
    monkeypatch.setattr(output, "BACKLOG", 10_000)
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as stream:
        out = Output(stream)
        out.never_wait(lambda count: f"missed {count}\n")
        for number in range(20_000):
            print(f"line {number}", file=out, flush=True)
        with os.fdopen(reading, "rb") as reader:
            os.set_blocking(reading, False)
            told = b""
            while out._sender is not None and out._sender._waiting:
                told += reader.read(1 << 20) or b""
            os.set_blocking(reading, True)
            assert out.close() == 0
            stream.close()
            told += reader.read()
    due, gaps = 0, 0
    for line in told.decode().splitlines():
        word, number = line.split()[0], int(line.split()[1])
        assert word == "missed" or number == due
        due += number if word == "missed" else 1
        gaps += word == "missed"
    assert due == 20_000
    assert gaps


def test_who_never_wakes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader who takes nothing at the end is not waited for for ever."""
    monkeypatch.setattr(output, "PATIENCE", 0.05)
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as stream:
        out = Output(stream)
        out.never_wait(str)
        print("x" * 1_000_000, file=out, flush=True)
        print("end", file=out, flush=True)
        assert out.close() == 2
        os.close(reading)
