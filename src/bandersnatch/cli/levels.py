"""How much an event matters, and how a line says so to the journal of systemd."""

from __future__ import annotations

import os
from collections.abc import Mapping
from enum import IntEnum
from typing import TextIO

from bandersnatch.cli import text
from bandersnatch.sync import events

STOPPED = "stopped"


class Level(IntEnum):
    """The severities of syslog(3) that there are here: the smaller, the worse."""

    ERROR = 3
    WARNING = 4
    INFO = 6
    DEBUG = 7

    @classmethod
    def named(cls, name: str) -> Level:
        """The level that the configuration calls *name*."""
        return cls[name.upper()]

    def __str__(self) -> str:
        return self.name.lower()


def level_of(event: events.Event) -> Level:
    """How much *event* matters to who runs the mirror."""
    match event:
        case events.Finished(outcome="clean" | "behind"):
            return Level.INFO
        case events.Finished(outcome=outcome):
            return Level.WARNING if outcome == STOPPED else Level.ERROR
        case events.Crashed():
            return Level.ERROR
        case events.FellBehind() | events.Warned() | events.HookFailed() | events.Skipped(first=True):
            return Level.WARNING
        case events.Planned(missing=missing) if missing:
            return Level.WARNING
        case events.Started() | events.SoFar() | events.Compared() | events.Waiting() | events.Planned():
            return Level.INFO
        case events.Removed() | events.Skipped() | events.Reformed() | events.HookRan():
            return Level.INFO
        case _:
            return Level.DEBUG


class Printer:
    """Writes lines to a stream; where that leads to the journal, each says how much it matters (sd-daemon(3))."""

    def __init__(self, stream: TextIO, environment: Mapping[str, str] = os.environ) -> None:
        self._stream = stream
        self._marked = leads_to_journal(stream, environment)

    def say(self, level: Level, line: str) -> None:
        """Write *line*, whatever is in it, as one line."""
        mark = f"<{level.value}>" if self._marked else ""
        print(f"{mark}{text.shown(line)}", file=self._stream, flush=True)


def leads_to_journal(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """
    Whether what is written to *stream* is read by journald, as far as ``$JOURNAL_STREAM`` says (systemd.exec(5)).

    The variable alone says little: it is inherited by what a service starts with its output somewhere else.
    """
    device, colon, inode = environment.get("JOURNAL_STREAM", "").partition(":")
    if not colon:
        return False
    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):  # no descriptor, or a closed one
        return False
    return (str(status.st_dev), str(status.st_ino)) == (device, inode)
