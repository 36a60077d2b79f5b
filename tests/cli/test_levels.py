"""How much an event matters, and how a line says so to the journal."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from bandersnatch.cli.levels import Level, Printer, leads_to_journal, level_of
from bandersnatch.cli.report import NewsReport, PlainReport
from bandersnatch.sync import events

ARRIVED = events.Arrived("demo", "demo-1.0.tar.gz", 10, 10)
BEHIND = events.FellBehind("demo", "why", True, 0.0)


def finished(outcome: str) -> events.Finished:
    return events.Finished(
        outcome=outcome, reason="because", seconds=1.0, refreshed=0, confirmed=0, removed=0, files=0, adopted=0,
        bytes=0, skipped=0, behind=0, waiting=0, serial=None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("event", "level"),
    [
        (finished("clean"), Level.INFO),
        (finished("behind"), Level.INFO),
        (finished("stopped"), Level.WARNING),
        (finished("refused"), Level.ERROR),
        (finished("disk"), Level.ERROR),
        (finished("unreachable"), Level.ERROR),
        (BEHIND, Level.WARNING),
        (events.Warned("x"), Level.WARNING),
        (events.Removed("demo", "why"), Level.INFO),
        (ARRIVED, Level.DEBUG),
        (events.Progressed("demo-1.0.tar.gz", 1, 10), Level.DEBUG),
    ],
)
def test_level(event: events.Event, level: Level) -> None:
    """A run that fails is an error, bad news a warning, what a summary says is information, each file a detail."""
    assert level_of(event) is level


def test_journal(tmp_path: Path) -> None:
    """Lines are marked where the stream is the one that the journal reads, and nowhere else."""
    with (tmp_path / "out").open("w") as out, (tmp_path / "other").open("w") as other:
        status = os.fstat(out.fileno())
        environment = {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}
        assert leads_to_journal(out, environment)
        assert not leads_to_journal(other, environment)
        assert not leads_to_journal(out, {})
        assert not leads_to_journal(io.StringIO(), environment)
        for stream in (out, other):
            PlainReport(Printer(stream, environment)).tell(BEHIND)
            NewsReport(Printer(stream, environment), "").tell(finished("disk"))
    marked, plain = ((tmp_path / name).read_text().splitlines() for name in ("out", "other"))
    assert marked[0].startswith("<4>demo is behind")
    assert marked[1] == "<3>bandersnatch: disk: because"
    assert plain == [line[3:] for line in marked]


def test_levels_of_reports() -> None:
    """debug shows every file, info the plan, warning bad news, and error only runs that fail."""

    def shown(report: type[PlainReport | NewsReport], level: Level) -> str:
        out = io.StringIO()
        made = PlainReport(Printer(out), level) if report is PlainReport else NewsReport(Printer(out), "", level)
        for event in (events.Started("d", "u"), ARRIVED, BEHIND, finished("disk")):
            made.tell(event)
        return out.getvalue()

    assert "demo-1.0.tar.gz is here" in shown(PlainReport, Level.DEBUG)
    assert "is here" not in shown(PlainReport, Level.INFO)
    assert "Mirroring u into d" in shown(PlainReport, Level.INFO)
    assert "demo is behind" in shown(NewsReport, Level.WARNING)
    assert "Mirroring" not in shown(NewsReport, Level.WARNING)
    assert shown(NewsReport, Level.ERROR) == "bandersnatch: disk: because\n"
