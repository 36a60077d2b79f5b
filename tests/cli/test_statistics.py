"""``update-stats`` and ``stats``: what they say, and their exit codes."""

from __future__ import annotations

import io
import json
import sqlite3
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bandersnatch.cli import exits
from bandersnatch.cli.main import run
from bandersnatch.storage.lock import Lock
from tests.accesslog.samples import combined

NOW = datetime.now(UTC)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A mirror's folder, a log beside it, and a configuration that names both."""
    (tmp_path / "mirror/state").mkdir(parents=True)
    (tmp_path / "access.log").write_bytes(combined(time=NOW.strftime("%d/%b/%Y:00:00:00 +0000")) + b"\n")
    (tmp_path / "b.conf").write_text(
        f'[mirror]\ndirectory = "{tmp_path}/mirror"\n[statistics]\nlogs = ["{tmp_path}/access.log*"]\n'
    )
    monkeypatch.setenv("BANDERSNATCH_CONFIG", str(tmp_path / "b.conf"))
    return tmp_path


def test_from_cron(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the logs of the configuration, and no terminal, it counts and says nothing."""
    assert run(["update-stats"]) == exits.CLEAN
    assert capsys.readouterr() == ("", "")
    assert run(["stats", "--json", "--by", "installer"]) == exits.CLEAN
    found = json.loads(capsys.readouterr().out)
    assert (found["total"], found["downloads"]) == (1, [{"installer": "pip", "downloads": 1}])
    assert list((home / "mirror/web/local-stats/days").iterdir())


def test_json(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """For programs, what was done is one object."""
    assert run(["update-stats", "--json"]) == exits.CLEAN
    facts = json.loads(capsys.readouterr().out)
    assert (facts["logs"], facts["lines"], facts["counted"], facts["problems"]) == (1, 1, 1, [])
    assert facts["not_counted"]["piece"] == 0
    assert facts["days_written"] == [NOW.date().isoformat()]


def test_a_log_that_is_not_there(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is named, the others are counted, and the exit code says so."""
    assert run(["update-stats", str(home / "absent.log"), str(home / "access.log")]) == exits.BEHIND
    printed = capsys.readouterr()
    assert "absent.log: no log is called like this" in printed.err
    assert "Counted:  1 download" in printed.out


def test_another_format(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A log of which no line can be understood is named, with the key to set; no line of it is shown."""
    (home / "access.log").write_text("192.0.2.7 asked for /packages/x and so on\n" * 3)
    assert run(["update-stats"]) == exits.BEHIND
    told = capsys.readouterr().err
    assert "3 of 3 lines about files cannot be understood" in told
    assert "[statistics] format" in told
    assert "192.0.2.7" not in told


def test_standard_input(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A dash is what comes through the pipe."""

    class Pipe:
        buffer = io.BytesIO((home / "access.log").read_bytes()[:-1])

    monkeypatch.setattr("sys.stdin", Pipe)
    assert run(["update-stats", "-"]) == exits.CLEAN
    assert "Counted:  1 download" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["stats"], "nothing was counted yet"),
        (["stats", "--since", "yesterday"], '--since: "yesterday"'),
        (["stats", "--until", "today"], "a day, or how long ago, such as 7d"),
        (["stats", "--project", "no name"], "--project: not a project name"),
        (["update-stats", "--format", "commbined"], "no log format is called"),
        (["update-stats", "--directory", "/nowhere/at/all"], "there is no mirror"),
    ],
)
def test_wrong_usage(arguments: list[str], told: str, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What cannot be meant is said, and nothing is done."""
    assert run(arguments) == exits.USAGE
    assert told in capsys.readouterr().err
    assert not (home / "mirror/state/statistics.sqlite").exists()


def test_no_logs_are_named(home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no log is configured nothing is counted: a terminal is told where to name one, and cron mails nothing."""
    (home / "b.conf").write_text(f'[mirror]\ndirectory = "{home}/mirror"\n')
    assert run(["update-stats"]) == exits.CLEAN
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert run(["update-stats"]) == exits.CLEAN
    assert "set [statistics] logs" in capsys.readouterr().err


def test_one_at_a_time(home: Path) -> None:
    """While another one counts, it leaves."""
    with Lock(home / "mirror/state/statistics.lock", NOW).acquire():
        assert run(["update-stats"]) == exits.LOCKED


def test_the_disk_is_no_disk(home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A ledger that is none is named, with what to do, and is not held open."""
    opened: list[sqlite3.Connection] = []
    connect = sqlite3.connect

    def noted(*how: Any, **named: Any) -> sqlite3.Connection:
        opened.append(connect(*how, **named))
        return opened[-1]

    monkeypatch.setattr(sqlite3, "connect", noted)
    (home / "mirror/state/statistics.sqlite").write_bytes(b"no database" * 1000)
    assert run(["update-stats"]) == exits.DISK
    assert "move it away" in capsys.readouterr().err
    [ledger] = opened
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        ledger.execute("SELECT 1")


def test_a_damaged_day(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A day's file that cannot be read is named."""
    run(["update-stats"])
    (home / "mirror/web/local-stats/days/2026-11-20.bz2").write_bytes(b"damage")
    assert run(["stats", "--since", "2026-11-01"]) == exits.BEHIND
    assert "2026-11-20.bz2" in capsys.readouterr().err


def test_no_standard_input(home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Who closed standard input, and wants it read, is told so."""
    monkeypatch.setattr("sys.stdin", None)
    assert run(["update-stats", "-"]) == exits.USAGE
    assert "standard input is closed" in capsys.readouterr().err
