"""Progress on a terminal: rows of figures below, lines above them. All of it goes to standard error."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable
from typing import Self

from rich.console import Console, ConsoleRenderable
from rich.live import Live
from rich.text import Text

from bandersnatch.cli import report, text
from bandersnatch.cli.levels import Level, level_of
from bandersnatch.sync import events

SHOWN = 5
"""So many files at most have a row of their own."""

LARGE = 4 << 20
"""Bytes from which on a file is worth a row."""

WIDEST = 100
"""Columns that rows take at most."""

ECHO = 4
"""Columns at the end of a row that stay free, for the ``^C`` that a terminal writes there."""

BAR = (8, 40)
"""Columns of a bar, at least and at most; where there are fewer, there is none."""

WINDOW = 10.0
"""Seconds of which a rate is the mean."""

EVERY = 10.0
"""Seconds between two lines of progress on a terminal on which nothing can be drawn."""


class Row:
    """One thing that goes on: how much of it is done, of how much if that is known."""

    def __init__(self, label: str, total: int | None = None, *, bytes_: bool, rate: bool = False) -> None:
        self.label = label
        self.done = 0
        self.total = total
        self._bytes = bytes_
        self._rate = rate
        self._past: deque[tuple[float, int]] = deque()

    def figures(self, now: float) -> list[str]:
        """What is said of it, the most important first."""
        if not self._bytes:
            return [f"{self.done:,}" if self.total is None else f"{self.done:,}/{self.total:,}"]
        done = [text.size(self.done) if self.total is None else text.share(self.done, self.total)]
        return done + self._speed(now) if self._rate else done

    def _speed(self, now: float) -> list[str]:
        """How fast, and, of a sum that is known, for how long."""
        self._past.append((now, self.done))
        while len(self._past) > 2 and now - self._past[1][0] >= WINDOW:
            self._past.popleft()
        began, before = self._past[0]
        if now - began < 1.0 or self.done <= before:
            return []
        rate = (self.done - before) / (now - began)
        left = [f"{text.span((self.total - self.done) / rate)} left"] if self.total and self.done < self.total else []
        return [f"{text.size(round(rate))}/s", *left]

    def bar(self, width: int, signs: str) -> str:
        """Drawn with two *signs*, for what is done and for what is not; blank where nobody knows."""
        if not self.total:
            return " " * width
        done = width * min(self.done, self.total) // self.total
        return signs[0] * done + signs[1] * (width - done)


class Screen:
    """*rows* at the bottom of a terminal, drawn anew four times a second; gone at the end."""

    def __init__(self, rows: list[Row], console: Console | None, clock: Callable[[], float] = time.monotonic) -> None:
        self.rows = rows
        self._console = console or Console(stderr=True, highlight=False)
        self._clock = clock
        self._began = clock()
        self._next = self._began + EVERY
        can_draw = self._console.is_terminal and not self._console.is_dumb_terminal and os.environ.get("TERM")
        self._plain = not can_draw
        self._live = _Live(self._lines, self._console)

    def __enter__(self) -> Self:
        if not self._plain:
            self._live.start(refresh=True)
        return self

    def __exit__(self, *exc: object) -> None:
        self._live.stop()

    def say(self, line: str) -> None:
        """Write *line* above the rows."""
        self._console.print(Text(text.shown(line)), soft_wrap=True)

    def moved(self) -> None:
        """Some row has changed: a terminal on which nothing can be drawn hears of that from time to time."""
        now = self._clock()
        if self._plain and now >= self._next:
            self._next = now + EVERY
            self.say("; ".join(f"{row.label} {', '.join(row.figures(now))}" for row in self.rows))

    def refresh(self) -> None:
        """Draw the rows anew now."""
        self._live.refresh()

    def _lines(self) -> list[str]:
        width = max(1, min(self._console.width, WIDEST) - ECHO)
        rows = self.rows[: max(1, self._console.height - 2)]
        return lines_of(rows, width, self._clock(), self._began, ascii_only=self._console.options.ascii_only)


def lines_of(rows: list[Row], width: int, now: float, began: float, *, ascii_only: bool) -> list[str]:
    """The rows in *width* columns: labels, bars where there is room, and of the figures as many as fit."""
    figures = [row.figures(now) for row in rows]
    figures[0].append(text.span(now - began))
    longest = max(len(one[0]) for one in figures)
    label = min(max(len(row.label) for row in rows), max(10, width // 4), max(3, width - longest - 2))
    tails = [_fitting(one, width - label - 2, longest) for one in figures]
    bar = min(width - label - 4 - max(map(len, tails)), BAR[1])
    lines = []
    for row, tail in zip(rows, tails, strict=True):
        parts = [short(row.label, label, "..." if ascii_only else "…").ljust(label)]
        parts += [row.bar(bar, "#-" if ascii_only else "━─")] if bar >= BAR[0] else []
        lines.append("  ".join([*parts, tail]).rstrip()[:width])
    return lines


def _fitting(figures: list[str], width: int, longest: int) -> str:
    """Those of *figures* that fit together; the first of them one below the other in all rows, where there is room."""
    shown = figures[0]
    for one in figures[1:]:
        if len(shown) + 2 + len(one) <= width:
            shown += f"  {one}"
    indent = longest - len(figures[0])
    return " " * indent + shown if indent + len(shown) <= width else shown


def short(label: str, width: int, between: str) -> str:
    """Both ends of a long name: the project, and what tells its files apart. A terminal has room for little more."""
    if len(label) <= width:
        return label
    end = (width - len(between)) // 2
    return f"{label[: width - len(between) - end]}{between}{label[len(label) - end :]}"


class _Live(Live):
    """Knows how many lines of a terminal hold what was drawn, also if it became narrower meanwhile and wrapped it."""

    def __init__(self, lines: Callable[[], list[str]], console: Console) -> None:
        self._lines = lines
        self._latest: list[str] = []
        self._there: list[int] = []
        super().__init__(get_renderable=self._drawn, console=console, transient=True, vertical_overflow="crop")

    def _drawn(self) -> Text:
        self._latest = self._lines()
        return Text("\n".join(self._latest), no_wrap=True, overflow="crop")

    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        columns = self.console.width
        if self._there:
            self._live_render._shape = (0, sum(max(1, -(-width // columns)) for width in self._there))
        self._there = [min(len(line), columns) for line in self._latest]
        return super().process_renderables(renderables)


class TerminalReport(Screen):
    """What a run tells: projects, bytes, and the files that take longest."""

    def __init__(self, console: Console | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._projects = Row("projects", bytes_=False)
        self._bytes = Row("bytes", bytes_=True, rate=True)
        self._expected = 0
        self._files: dict[str, Row] = {}
        super().__init__([self._projects, self._bytes], console, clock)

    def tell(self, event: events.Event) -> None:
        self._move(event)
        for line in report.lines(event) if level_of(event) <= Level.INFO else ():
            self.say(line)
        self.moved()

    def _move(self, event: events.Event) -> None:
        match event:
            case events.SoFar():
                self._projects.total, self._projects.done = event.projects, event.done
                self._bytes.done, self._expected = event.bytes, event.expected
            case events.Expected():
                self._expected += event.bytes
            case events.Planned():
                self._projects.total = event.projects
                if event.bytes is not None and event.error is None:  # every page was read, so there is a sum
                    self._bytes.total = self._expected
            case events.Refreshed() | events.Confirmed() | events.FellBehind() | events.Removed():
                self._projects.done += 1
            case events.Progressed():
                self._bytes.done += event.bytes
                self._move_file(event)
            case events.Arrived():
                self._forget(event.filename)
            case _:
                pass

    def _move_file(self, event: events.Progressed) -> None:
        row = self._files.get(event.filename)
        if row is None:
            if len(self._files) >= SHOWN or (event.size or 0) < LARGE:
                return
            row = self._files[event.filename] = Row(f"  {event.filename}", event.size, bytes_=True)
            self._show()
        row.done += event.bytes

    def _forget(self, filename: str) -> None:
        if self._files.pop(filename, None) is not None:
            self._show()

    def _show(self) -> None:
        self.rows = [self._projects, self._bytes, *self._files.values()]


class PagesReport(Screen):
    """How many projects are done, and nothing else; *doing* says what."""

    def __init__(self, *, doing: str = "reading pages", clock: Callable[[], float] = time.monotonic) -> None:
        self._pages = Row(doing, bytes_=False)
        super().__init__([self._pages], None, clock)

    def tell(self, event: events.Event) -> None:
        match event:
            case events.Planned():
                self._pages.total = event.sample or event.projects
            case events.Confirmed():
                self._pages.done += 1
            case _:
                pass
        self.moved()


class BytesReport(Screen):
    """How many bytes were done, of *total* or of nobody knows how many, and how fast; *doing* says what."""

    def __init__(self, doing: str, console: Console | None = None, *, total: int | None = None) -> None:
        self._bytes = Row(doing, total, bytes_=True, rate=True)
        super().__init__([self._bytes], console)

    def tell(self, count: int) -> None:
        """So many bytes more."""
        self._bytes.done += count
        self.moved()
