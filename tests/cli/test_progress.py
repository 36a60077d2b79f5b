"""Progress on a terminal, as a person sees it."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Callable

import pytest
from rich.console import Console

from bandersnatch.cli.progress import LARGE, Row, TerminalReport, lines_of
from bandersnatch.sync import events
from bandersnatch.testing import Drip
from tests.cli.conftest import Program
from tests.cli.terminal import Terminal

WHEEL = "gamma-3.0-py3-none-any.whl"


@pytest.fixture
def slow(program: Program) -> Program:
    """A mirror to be made of which one file is large and takes its time."""
    program.configure("[select]\neverything = true\n")
    program.upstream.index.upload("gamma", "3.0", padding=2 * LARGE)
    program.upstream.fault(f"/packages/*{WHEEL}", Drip(50_000, 100), times=1)
    return program


def test_rows_and_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows show projects, bytes and the large files, by both ends of their names; lines stand above, unchanged."""
    monkeypatch.setenv("TERM", "xterm")
    out = io.StringIO()
    report = TerminalReport(Console(file=out, force_terminal=True, width=100, height=24))
    name = f"{'long' * 20}-1.0-py3-none-any.whl"
    with report:
        report.tell(events.Expected("demo", 1, LARGE))
        report.tell(events.Planned(2, 1, LARGE, None))
        report.tell(events.Progressed(name, LARGE // 2, LARGE))
        report.refresh()
        report.tell(events.FellBehind("demo", "[red]\x1b[2Jwhy", True, 0.0))
        report.tell(events.Arrived("demo", name, LARGE, LARGE))
    shown = out.getvalue()
    assert re.search(r"  longlong\S+(…|\.\.\.)\S+e-any.whl ", shown)
    assert "2.0/4.0 MiB" in shown
    assert "demo is behind: [red]\\x1b[2Jwhy" in shown


@pytest.mark.parametrize("width", [20, 36, 46, 76, 96])
def test_what_fits(width: int) -> None:
    """In whatever width, no row is too long, what is done of how much stands in each, and no figure is cut."""
    projects, size = Row("projects", 930_118, bytes_=False), Row("bytes", 24 << 40, bytes_=True, rate=True)
    file = Row(f"  {WHEEL}", 600 << 20, bytes_=True)
    rows, lines = [projects, size, file], [""]
    for now in range(6):
        projects.done, size.done, file.done = 41_207, (now << 24) + (1 << 40), 1 << 20
        lines = lines_of(rows, width, now, 0.0, ascii_only=False)
    assert max(map(len, lines)) <= width
    assert [("41,207/930,118" in lines[0]), ("1.0/24.0 TiB" in lines[1]), ("1.0/600.0 MiB" in lines[2])] == [True] * 3
    for line in lines:
        assert re.fullmatch(
            r"\S*( \S+)? *[━─]*[ ]*[\d.,]+/[\d.,]+( MiB| TiB)?(  [\d.]+ (MiB/s|s|d \d+ h left))*", line.lstrip()
        )
    assert ("16.0 MiB/s" in lines[1]) == (width >= 36)
    assert ("d " in lines[1]) == (width >= 76)
    assert ("─" in "".join(lines)) == (width >= 76)
    assert "/s" not in lines[0]
    assert "left" not in lines[0]


def test_no_sum_no_end() -> None:
    """Bytes of which nobody knows how many there will be have neither a bar nor a time that is left."""
    size = Row("bytes", None, bytes_=True, rate=True)
    line = ""
    for now in range(6):
        size.done = now << 20
        [line] = lines_of([size], 80, now, 0.0, ascii_only=False)
    assert line.split() == ["bytes", "5.0", "MiB", "1.0", "MiB/s", "5.0", "s"]


def is_moving(lines: list[str]) -> bool:
    """Whether the rows are there, the one of the large file among them."""
    return any("whl" in line and "/8.0 MiB" in line for line in lines)


def other_than(before: list[str]) -> Callable[[list[str]], bool]:
    """Whether the rows have moved since they were as *before*."""
    return lambda lines: bool(lines) and lines[-1] != before[-1] and is_moving(lines)


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (40, 24), (120, 24), (80, 5)])
def test_on_a_terminal(slow: Program, columns: int, rows: int) -> None:
    """Each row is one row of the terminal, drawn in its place, and when the run is over none is left."""
    with Terminal(slow, "mirror", columns=columns, rows=rows) as terminal:
        if rows > 5:
            lines = terminal.until(is_moving)
            assert len(lines) == lines.index(next(line for line in lines if line.startswith("projects"))) + 3
        code, lines = terminal.end()
    assert code == 0
    assert [line for line in lines if re.match("projects|bytes|  gamma", line)] == []
    assert any("3 projects refreshed" in line for line in lines)


@pytest.mark.parametrize("narrow", [60, 30])
def test_resized(slow: Program, narrow: int) -> None:
    """A terminal that becomes narrower and wide again keeps no torn rows."""
    with Terminal(slow, "mirror", columns=80) as terminal:
        lines = terminal.until(is_moving)
        above = len(lines) - 3
        for columns in (narrow, 80, narrow):
            terminal.resize(columns)
            terminal.until(other_than(terminal.screen.lines))
        code, lines = terminal.end()
    assert code == 0
    assert above
    assert [line for line in lines if re.search("^projects |^bytes |━|──|  gamma", line)] == []


def test_dumb(slow: Program) -> None:
    """A terminal on which nothing can be drawn is written lines only, without any escape."""
    with Terminal(slow, "mirror", term="dumb") as terminal:
        code, lines = terminal.end()
    assert code == 0
    assert any("To refresh: 3 projects" in line for line in lines)


def test_dumb_hears_of_progress() -> None:
    """On such a terminal a line says from time to time how far it is."""
    out, now = io.StringIO(), [0.0]
    report = TerminalReport(Console(file=out, force_terminal=True, _environ={"TERM": "dumb"}), lambda: now[0])
    with report:
        report.tell(events.Planned(300, None, None, None))
        for name in ("a", "b", "c", "d"):
            now[0] += 8
            report.tell(events.Progressed(f"{name}.whl", 1 << 20, 1 << 20))
            report.tell(events.Confirmed(name))
    first, second = out.getvalue().splitlines()[1:]
    assert first == "projects 1/300; bytes 2.0 MiB, 128.0 KiB/s"
    assert second == "projects 3/300; bytes 4.0 MiB, 128.0 KiB/s"


def test_latin(slow: Program) -> None:
    """Where letters are few, rows are drawn with those that are there."""
    slow.environment |= {"PYTHONIOENCODING": "iso-8859-1", "PYTHONUTF8": "0"}
    with Terminal(slow, "mirror", PYTHONIOENCODING="iso-8859-1") as terminal:
        lines = terminal.until(is_moving)
        code, last = terminal.end()
    assert code == 0
    assert "\\u" not in "".join([*lines, *last])
    assert any(re.search("#+-* ", line) for line in lines)


@pytest.mark.parametrize("columns", [80, 40])
def test_stopped(slow: Program, columns: int) -> None:
    """After ^C no rows stay, and it is said that it was ^C, and what comes of it."""
    with Terminal(slow, "mirror", columns=columns) as terminal:
        terminal.until(is_moving)
        terminal.press("\x03")
        code, lines = terminal.end()
    assert code == 130
    assert [line for line in lines if re.match("projects|bytes|  gamma", line)] == []
    assert "stopped: by ^C" in "\n".join(lines)
    assert "the next run goes on from there" in " ".join(lines)


def test_a_stopped_terminal(slow: Program) -> None:
    """A terminal that was stopped with ^S holds up no run."""
    with Terminal(slow, "mirror") as terminal:
        terminal.until(is_moving)
        terminal.press("\x13")
        deadline = time.monotonic() + 50
        while not (slow.directory / "web/last-modified").exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        terminal.press("\x11")
        code, lines = terminal.end()
    assert code == 0
    assert any("3 projects refreshed" in line for line in lines)
