"""Progress on a terminal: overall, in bytes, and of the files that take longest."""

from __future__ import annotations

from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.text import Text

from bandersnatch.cli import report, text
from bandersnatch.cli.levels import Level, level_of
from bandersnatch.sync import events

SHOWN = 5
"""So many files at most have a bar of their own."""

WIDTH = 32
"""Characters of a file name that are shown."""

LARGE = 4 << 20
"""Bytes from which on a file is worth a bar."""


class TerminalReport:
    """Bars below, lines above them. Written to standard error, so that standard output stays clean."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True, highlight=False)
        self._files: dict[str, TaskID] = {}
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            _Amount(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
        )
        self._projects = self._progress.add_task("projects", total=None, kind="count")
        self._bytes = self._progress.add_task("bytes", total=None, kind="bytes")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._progress.stop()

    def tell(self, event: events.Event) -> None:
        self._move(event)
        for line in report.lines(event) if level_of(event) <= Level.INFO else ():
            self._progress.console.print(Text(text.shown(line)), soft_wrap=True)

    def _move(self, event: events.Event) -> None:
        match event:
            case events.SoFar():
                self._progress.update(self._projects, total=event.projects, completed=event.done)
                self._progress.update(self._bytes, total=event.expected, completed=event.bytes)
            case events.Planned():
                self._progress.update(self._projects, total=event.projects)
            case events.Expected():
                total = self._progress.tasks[self._bytes].total or 0
                self._progress.update(self._bytes, total=total + event.bytes)
            case events.Refreshed() | events.Confirmed() | events.FellBehind() | events.Removed():
                self._progress.advance(self._projects)
            case events.Progressed():
                self._progress.advance(self._bytes, event.bytes)
                self._move_file(event)
            case events.Arrived():
                self._forget(event.filename)
            case _:
                pass

    def _move_file(self, event: events.Progressed) -> None:
        task = self._files.get(event.filename)
        if task is None:
            if len(self._files) >= SHOWN or (event.size or 0) < LARGE:
                return
            task = self._progress.add_task(f"  {escape(_short(event.filename))}", total=event.size, kind="bytes")
            self._files[event.filename] = task
        self._progress.advance(task, event.bytes)

    def _forget(self, filename: str) -> None:
        task = self._files.pop(filename, None)
        if task is not None:
            self._progress.remove_task(task)


class PagesReport:
    """One bar for the projects that are done, and nothing else; *doing* says what. Written to standard error."""

    def __init__(self, console: Console | None = None, *, doing: str = "reading pages") -> None:
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn(doing),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console or Console(stderr=True, highlight=False),
            transient=True,
        )
        self._pages = self._progress.add_task("pages", total=None)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._progress.stop()

    def tell(self, event: events.Event) -> None:
        match event:
            case events.Planned():
                self._progress.update(self._pages, total=event.projects)
            case events.Confirmed():
                self._progress.advance(self._pages)
            case _:
                pass


class BytesReport:
    """
    How many bytes were done, of *total* or of nobody knows how many, and how fast; *doing* says what.

    Written to standard error.
    """

    def __init__(self, doing: str, console: Console | None = None, *, total: int | None = None) -> None:
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn(doing),
            *([] if total is None else [BarColumn()]),
            DownloadColumn(binary_units=True),
            TransferSpeedColumn(),
            *([] if total is None else [TimeRemainingColumn()]),
            console=console or Console(stderr=True, highlight=False),
            transient=True,
        )
        self._bytes = self._progress.add_task("bytes", total=total)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._progress.stop()

    def tell(self, count: int) -> None:
        """So many bytes more."""
        self._progress.advance(self._bytes, count)


def _short(filename: str) -> str:
    """Both ends of a long name: the project, and what tells its files apart. A terminal has room for little more."""
    return filename if len(filename) <= WIDTH else f"{filename[: WIDTH // 2 - 1]}…{filename[-WIDTH // 2 :]}"


class _Amount(ProgressColumn):
    """Bytes for bytes, a count for a count."""

    def __init__(self) -> None:
        super().__init__()
        self._bytes = DownloadColumn(binary_units=True)
        self._count = MofNCompleteColumn()

    def render(self, task):  # type: ignore[no-untyped-def]  # rich's own columns return several unrelated types
        return (self._bytes if task.fields["kind"] == "bytes" else self._count).render(task)
