"""Progress on a terminal."""

from __future__ import annotations

import io

from rich.console import Console

from bandersnatch.cli.progress import LARGE, TerminalReport
from bandersnatch.sync import events


def test_bars_and_lines() -> None:
    """Bars show projects, bytes and the large files, by both ends of their names; lines stand above, unchanged."""
    out = io.StringIO()
    report = TerminalReport(Console(file=out, force_terminal=True, width=100))
    name = f"{'long' * 20}-1.0-py3-none-any.whl"
    with report:
        report.tell(events.Planned(2, 1, LARGE, None))
        report.tell(events.Expected("demo", 1, LARGE))
        report.tell(events.Progressed(name, LARGE // 2, LARGE))
        report._progress.refresh()
        report.tell(events.FellBehind("demo", "[red]\x1b[2Jwhy", True, 0.0))
        report.tell(events.Arrived("demo", name, LARGE, LARGE))
    shown = out.getvalue()
    assert "longlonglonglon…py3-none-any.whl" in shown.replace("\x1b[0m", "")
    assert "2.0/4.0 MiB" in shown
    assert "demo is behind: [red]\\x1b[2Jwhy" in shown
