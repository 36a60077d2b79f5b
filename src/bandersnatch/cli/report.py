"""What a run tells, written for whoever reads it: a person at a terminal, a log, a mailbox, or a machine."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Protocol, Self, TextIO

from bandersnatch.cli import text, wire
from bandersnatch.cli.levels import Level, Printer, level_of
from bandersnatch.model import Refusal
from bandersnatch.sync import events

LAST_LINES = 20
"""So many lines at most are shown of what a hook printed; an event has more."""

HANDFUL = 5
"""So many lines of one kind at most are mailed by cron; one more says how many there are."""

MORE_WARNINGS = {
    "unmatched": "items of the selection that match no project: bandersnatch status names those that are behind",
    "file": "files that there is something to say of: a [log] file would have it",
    "damaged": "projects that are damaged: bandersnatch status names them",
}
"""By the kind of a warning, what more of them are, and where they are found."""
FAULT = "This is a fault of bandersnatch. What is above belongs into a report of it"

EVERY = 10.0
"""Seconds between two lines of progress where there is no terminal."""


class Report(Protocol):
    """Listens to a run. Enter it before the run and leave it afterwards."""

    def __enter__(self) -> Self: ...
    def __exit__(self, *exc: object) -> None: ...
    def tell(self, event: events.Event) -> None: ...


class _Plain:
    """What needs no preparation and leaves nothing behind."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        pass


class JsonReport(_Plain):
    """One JSON object a line for each event; the bytes of single files on their way are left out."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def tell(self, event: events.Event) -> None:
        if not isinstance(event, events.Progressed):
            print(wire.encode(event, time.time()), file=self._out, flush=True)


class NewsReport(_Plain):
    """
    For cron, which mails what is printed: only what an operator has not been told yet, and only bad news.

    Of one kind no more than ``HANDFUL`` lines, and of a project that upstream does not have one.
    """

    def __init__(self, err: Printer, last_outcome: str, level: Level = Level.WARNING) -> None:
        self._err = err
        self._last_outcome = last_outcome
        self._level = level
        self._told: Counter[tuple[Level, str]] = Counter()
        self._unmatched: set[str] = set()

    def __exit__(self, *exc: object) -> None:
        self._sum_up()

    def tell(self, event: events.Event) -> None:
        level = level_of(event)
        if level > self._level or (isinstance(event, events.Planned) and self._last_outcome == "disk"):
            return
        match event:
            case events.FellBehind(first=True) if event.project not in self._unmatched:
                self._say(level, "projects that fell behind: bandersnatch status names them", behind(event))
            case events.Warned(message=message):
                if event.kind == "unmatched" and event.project is not None:
                    self._unmatched.add(event.project)
                self._say(level, MORE_WARNINGS.get(event.kind, "warnings: a [log] file would have them"), message)
            case events.Skipped(first=True, refusal=refusal) if refusal != Refusal.UNUSABLE:
                # What is unusable is told with the project that is behind for it.
                self._say(level, "files that are not taken: bandersnatch why PROJECT names them", skipped(event))
            case events.HookFailed(first=True) | events.Crashed() | events.Planned():
                for line in lines(event):
                    self._print(level, line)
            case events.Finished(outcome=outcome):
                self._sum_up()
                if outcome != self._last_outcome:
                    self._print(level, f"{outcome}: {event.reason}")
            case _:
                pass

    def _say(self, level: Level, kind: str, line: str) -> None:
        """Print *line*, unless there were enough like it; *kind* says what those are, and where they are found."""
        self._told[level, kind] += 1
        if self._told[level, kind] <= HANDFUL:
            self._print(level, line)

    def _sum_up(self) -> None:
        for (level, kind), number in self._told.items():
            if number > HANDFUL:
                self._print(level, f"and {number - HANDFUL:,} more {kind}")
        self._told.clear()

    def _print(self, level: Level, line: str) -> None:
        self._err.say(level, f"bandersnatch: {line}")


class PlainReport(_Plain):
    """Lines for a log: what is planned, how far it is from time to time, what is behind, and the summary."""

    def __init__(self, out: Printer, level: Level = Level.INFO, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._out = out
        self._level = level
        self._clock = clock
        self._next = clock() + EVERY
        self._projects = self._files = self._bytes = 0

    def tell(self, event: events.Event) -> None:
        level = level_of(event)
        if level <= self._level:
            for line in lines(event):
                self._out.say(level, line)
        self._count(event)
        if self._clock() >= self._next:
            self._next = self._clock() + EVERY
            done = f"{text.count(self._projects, 'project')}, {text.count(self._files, 'file')}"
            self._out.say(Level.INFO, f"so far: {done}, {text.size(self._bytes)}")

    def _count(self, event: events.Event) -> None:
        match event:
            case events.SoFar():
                self._projects, self._files, self._bytes = event.done, event.files, event.bytes
            case events.Refreshed() | events.Confirmed():
                self._projects += 1
            case events.Arrived():
                self._files += 1
            case events.Progressed(bytes=count):
                self._bytes += count
            case _:
                pass


def lines(event: events.Event) -> list[str]:
    """The lines that a person reads of *event*, wherever they are printed."""
    match event:
        case events.Started():
            return [f"Mirroring {event.upstream} into {event.directory}"]
        case events.SoFar():
            return [so_far(event)]
        case events.Compared(by="list") if event.listed is not None:
            changes = f"{event.new:,} new, {event.changed:,} changed, {event.missing:,} missing"
            return [f"Upstream lists {text.count(event.listed, 'project')}: {changes}"]
        case events.Planned():
            return [planned(event), *too_little(event)]
        case events.Warned():
            return [f"Warning: {event.message}"]
        case events.Crashed():
            return [*event.trace.splitlines(), FAULT]
        case events.Finished():
            return summary(event)
        case events.HookRan() | events.HookFailed():
            return called(event)
        case _:
            return of_project(event)


def called(event: events.HookRan | events.HookFailed) -> list[str]:
    """What came of a hook, and the last lines of what it printed."""
    printed = [f"  {line}" for line in event.output.splitlines()[-LAST_LINES:]]
    if isinstance(event, events.HookRan):
        return [f"Hook {event.hook} ran in {text.span(event.seconds)} ({event.occasions})", *printed]
    return [f"Hook {event.hook} failed ({event.occasions}): {event.reason}", *printed]


def of_project(event: events.Event) -> list[str]:
    """The line of what became of one project; most of them are for who looks for something."""
    match event:
        case events.Waiting():
            return [waiting(event)]
        case events.FellBehind():
            return [behind(event)]
        case events.Skipped():
            return [skipped(event)]
        case events.Removed():
            return [f"{event.project}: removed, since {event.reason}"]
        case events.Arrived():
            how = f"{text.size(event.fetched)} fetched" if event.fetched else "found in storage"
            return [f"{event.project}: {event.filename} is here ({how})"]
        case events.Refreshed():
            return [f"{event.project}: refreshed, {text.count(event.files, 'file')}"]
        case events.Confirmed():
            return [f"{event.project}: unchanged"]
        case events.Reformed():
            return [f"Made anew in their present form: the pages of {text.count(event.projects, 'project')}"]
        case _:
            return []


def so_far(event: events.SoFar) -> str:
    """Where the run stood when somebody joined."""
    of = "" if event.projects is None else f" of {event.projects:,}"
    done = f"{event.done:,}{of} projects, {text.count(event.files, 'file')}, {text.size(event.bytes)}"
    return f"Following the run into {event.directory}, under way for {text.span(event.seconds)}: {done}"


def planned(event: events.Planned) -> str:
    """What there is to do, as far as it is known."""
    if event.is_quiet:
        return "Nothing has changed upstream"
    gone = f"; to remove: {text.count(event.leaving, 'project')}" if event.leaving else ""
    if not event.projects:
        return f"Nothing to refresh{gone}"
    todo = text.count(event.projects, "project")
    if event.files is None or event.bytes is None:
        return f"To refresh: {todo}; how much that is shows page by page"
    files = f"{text.count(event.files, 'file')}, {text.size(event.bytes)}"
    if event.error is not None and event.sample is not None:
        files = f"about {files} ± {text.size(event.error)}, estimated from {text.count(event.sample, 'project')}"
    room = "" if event.free is None else f" ({text.size(event.free)} are free)"
    return f"To refresh: {todo}; to fetch: {files}{room}{gone}"


def too_little(event: events.Planned) -> list[str]:
    """Said where it does not fit."""
    if not event.missing:
        return []
    return [f"That is {text.size(event.missing)} more than there is room for: the run ends when the disk is full"]


def waiting(event: events.Waiting) -> str:
    """What is behind and not tried now: which is the first, why, and when it is."""
    others = f" and {text.count(event.projects - 1, 'other project')}" if event.projects > 1 else ""
    verb = "are" if others else "is"
    when = f"next try after {text.moment(event.next_try)}"
    return f"{event.project}{others} {verb} behind, and not tried in this run: {event.reason}; {when}"


def behind(event: events.FellBehind) -> str:
    """Who is behind, why, and when it is tried again."""
    return f"{event.project} is behind: {event.reason}; next try after {text.moment(event.next_try)}"


def skipped(event: events.Skipped) -> str:
    """What upstream lists and is not taken, and why."""
    more = f" (and {event.more:,} more of this project)" if event.more else ""
    return f"{event.project}: {event.filename} is not taken: {event.reason}{more}"


def summary(event: events.Finished) -> list[str]:
    """The end of a run, in a few lines."""
    rate = f", {text.size(round(event.bytes / event.seconds))}/s" if event.bytes and event.seconds else ""
    parts = [f"{text.count(event.refreshed, 'project')} refreshed", f"{event.confirmed:,} unchanged"]
    parts += [f"{event.removed:,} removed"] if event.removed else []
    fetched = f"{text.count(event.files, 'file')} fetched ({text.size(event.bytes)}{rate})"
    found = [f"{text.count(event.adopted, 'file')} found in storage"] if event.adopted else []
    result = [f"{', '.join([*parts, fetched, *found])} in {text.span(event.seconds)}"]
    if event.skipped:
        result.append(f"{text.count(event.skipped, 'file')} on upstream's pages not taken (see above)")
    if event.waiting:
        result.append(f"{text.count(event.waiting, 'project')} still to do: run it again")
    if event.outcome != "clean":
        result.append(f"{event.outcome}: {event.reason} (bandersnatch status says more)")
    return result
