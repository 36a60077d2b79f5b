"""A log of our own, in a file that others may rotate while we write."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Self, TextIO

from bandersnatch.assemble.outputs import LOG
from bandersnatch.cli import text, wire
from bandersnatch.cli.levels import Level, level_of
from bandersnatch.cli.report import lines
from bandersnatch.errors import UsageError
from bandersnatch.storage import outputs
from bandersnatch.sync import events

PAUSE = 60.0
"""Seconds after which a file that could not be written is tried again."""


class LogFile:
    """
    Every event up to *level*, a line each with its time: as JSON, or for people.

    The file is looked for by its name before each line: moved away, deleted or truncated by others, it is made anew or
    begun again, so rotation needs no signal. What cannot be written is lost, said once on *err*, and no reason to stop.
    """

    def __init__(
        self,
        path: str,
        level: Level,
        *,
        as_json: bool,
        err: TextIO,
        mirror: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """*mirror* is its directory, of whose own files none can be the log."""
        self._path = path
        self._mirror = mirror
        self._level = level
        self._as_json = as_json
        self._err = err
        self._clock = clock
        self._fd = -1
        self._stale = False
        self._again = 0.0
        self._complained = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._close()

    def reopen(self) -> None:
        """Let the next line open what has the name then. May be called from any thread at any time."""
        self._stale = True

    def tell(self, event: events.Event) -> None:
        """Write what is to be written of *event*. Raises nothing."""
        level = level_of(event)
        now = self._clock()
        if level > self._level or isinstance(event, events.Progressed) or now < self._again:
            return
        try:
            self._write(
                "".join(f"{line}\n" for line in self._lines(event, level, now)).encode("utf-8", "backslashreplace")
            )
        except (UsageError, OSError) as error:
            self._close()
            self._again = now + PAUSE
            self._complain(f"{self._path}: {error.strerror}" if isinstance(error, OSError) else str(error))

    def _lines(self, event: events.Event, level: Level, now: float) -> list[str]:
        if self._as_json:
            return [wire.encode(event, now)]
        moment = datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return [f"{moment} {level!s:7} {text.shown(line)}" for line in lines(event)]

    def _write(self, data: bytes) -> None:
        """In one call, so that no other process's lines come in between."""
        if not data:
            return
        if self._fd < 0 or self._stale or not self._is_ours():
            self._close()
            self._fd = outputs.appending(self._path, LOG, self._mirror)
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._fd, rest) :]

    def _close(self) -> None:
        fd, self._fd, self._stale = self._fd, -1, False
        if fd >= 0:
            os.close(fd)

    def _is_ours(self) -> bool:
        """Whether what is open is what has the name."""
        try:
            there = os.lstat(self._path)
        except FileNotFoundError:
            return False
        here = os.fstat(self._fd)
        return (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino)

    def _complain(self, reason: str) -> None:
        if not self._complained:
            self._complained = True
            message = f"the log cannot be written: {reason}; the run goes on without it"
            print(f"bandersnatch: {text.shown(message)}", file=self._err, flush=True)
