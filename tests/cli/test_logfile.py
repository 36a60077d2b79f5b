"""The log in a file: what is in it, and that it survives what others do to it."""

from __future__ import annotations

import errno
import io
import json
import os
import signal
import time
from pathlib import Path
from unittest.mock import Mock

import pytest

from bandersnatch.cli.levels import Level
from bandersnatch.cli.logfile import LogFile
from bandersnatch.sync import events
from bandersnatch.testing import Drip
from tests.cli.conftest import Program

STARTED = events.Started("/srv/pypi", "https://index.example.org/simple/")
BEHIND = events.FellBehind("demo", "why\x1b[2J\nforged", True, 0.0)


class Clock:
    now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


def log(path: Path, level: Level = Level.INFO, *, as_json: bool = False, err: io.StringIO | None = None) -> LogFile:
    return LogFile(str(path), level, as_json=as_json, err=err or io.StringIO(), mirror="/srv/pypi", clock=Clock())


def test_lines(tmp_path: Path) -> None:
    """Each line has its time and its level, and what upstream said cannot make a second one."""
    with log(tmp_path / "log") as file:
        file.tell(STARTED)
        file.tell(BEHIND)
        file.tell(events.Arrived("demo", "demo-1.0.tar.gz", 1, 1))
    first, second = (tmp_path / "log").read_text().splitlines()
    assert first == "2023-11-14T22:13:20.000Z info    Mirroring https://index.example.org/simple/ into /srv/pypi"
    assert second.startswith("2023-11-14T22:13:20.000Z warning demo is behind: why\\x1b[2J\\nforged")
    assert (tmp_path / "log").stat().st_mode & 0o007 == 0


def test_json_lines(tmp_path: Path) -> None:
    """As JSON, a line is an event as --json prints it."""
    with log(tmp_path / "log", as_json=True) as file:
        file.tell(BEHIND)
    told = json.loads((tmp_path / "log").read_text())
    assert (told["event"], told["project"], told["time"]) == ("fell-behind", "demo", 1_700_000_000.0)


def test_rotated(tmp_path: Path) -> None:
    """Moved away, deleted, or truncated, the log goes on under its name, without a signal, and loses no line."""
    path = tmp_path / "log"
    with log(path) as file:
        file.tell(STARTED)
        path.rename(tmp_path / "log.1")
        file.tell(BEHIND)
        assert "demo is behind" in path.read_text()
        assert len((tmp_path / "log.1").read_text().splitlines()) == 1
        path.unlink()
        file.tell(STARTED)
        assert len(path.read_text().splitlines()) == 1
        path.write_text("")  # logrotate's copytruncate
        file.tell(STARTED)
        assert path.read_bytes().count(b"\0") == 0
        assert len(path.read_text().splitlines()) == 1


def test_cannot_be_written(tmp_path: Path) -> None:
    """A log that cannot be written is said once, is no reason to stop, and is written again when it can be."""
    err = io.StringIO()
    file = log(tmp_path / "missing" / "log", err=err)
    clock = file._clock
    assert isinstance(clock, Clock)
    for _ in range(3):
        file.tell(STARTED)
    assert err.getvalue().count("the log cannot be written") == 1
    (tmp_path / "missing").mkdir()
    clock.now += 61
    file.tell(BEHIND)
    assert "demo is behind" in (tmp_path / "missing" / "log").read_text()


def test_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk below the log costs lines, nothing else."""
    err = io.StringIO()
    file = log(tmp_path / "log", err=err)
    monkeypatch.setattr(os, "write", Mock(side_effect=OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))))
    file.tell(STARTED)
    assert "No space left on device" in err.getvalue()


def test_of_a_run(program: Program) -> None:
    """A run under cron stays quiet and logs to its file; SIGHUP does not end it, and the file goes on anew."""
    path = program.home / "bandersnatch.log"
    program.configure(f'[select]\neverything = true\n[log]\nfile = "{path}"\nfile-level = "debug"\n')
    program.upstream.index.upload("delta", "1.0", padding=200_000)
    program.upstream.fault("/packages/*delta*", Drip(2000, 100), times=1)
    process = program.start("mirror")
    deadline = time.monotonic() + 20
    while program.upstream.count("/packages/*delta*") == 0 or not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    path.rename(program.home / "bandersnatch.log.1")
    process.send_signal(signal.SIGHUP)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (0, "", "")
    before, after = (program.home / "bandersnatch.log.1").read_text(), path.read_text()
    assert "Mirroring" in before
    assert "delta-1.0" in after
    assert "4 projects refreshed" in after
