"""Standard output and standard error: whether all of it was written, and a run that waits for no reader."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from threading import Condition, Thread
from typing import TextIO

BACKLOG = 16 << 20
"""Bytes that wait for a reader who takes his time, at most: some hundred thousand events."""

CHUNK = 1 << 16
"""Bytes that are written at once: as many as a pipe holds."""

PATIENCE = 30.0
"""Seconds in which a reader takes something of what waits for him when all is done, or is not waited for any longer."""


PLAIN = {"→": "->", "…": "...", "±": "+-", "█": "#"}
"""What is written in place of a letter that the output's encoding lacks; any other is escaped."""


class Unheard(Exception):
    """What is printed does not arrive, and the command does nothing but print."""


def never_wait(stream: object, gap: Callable[[int], str]) -> None:
    """Let *stream* never wait for who reads it, if it is one of ours; see ``Output.never_wait``."""
    if isinstance(stream, Output):
        stream.never_wait(gap)


class Output:
    """
    *stream*, as ``print`` writes to it. What it does not take is remembered, once, and goes nowhere from then on.

    Whether that ends the command as well says ``goes_on``.
    """

    def __init__(self, stream: TextIO | None) -> None:
        # Closed by who started us: then it fails as soon as it is written to, like any other that cannot be.
        self._stream = stream or os.fdopen(os.open(os.devnull, os.O_RDONLY), "w")
        self._plain = str.maketrans({one: PLAIN[one] for one in PLAIN if not _has(self._stream.encoding, one)})
        self._sender: _Sender | None = None
        self.goes_on = True
        self.error: OSError | None = None

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        shown = text.translate(self._plain)
        if self._sender is None:
            self._try(lambda: self._stream.write(shown))
        else:
            self._sender.write(shown)
        return len(text)

    def flush(self) -> None:
        self._try(self._stream.flush if self._sender is None else self._sender.flush)

    def never_wait(self, gap: Callable[[int], str]) -> None:
        """
        From now on a thread does what could wait for a reader. What was flushed together is written together.

        Of more than ``BACKLOG`` the oldest is dropped; *gap* says in its place how many of these there were.
        """
        if self._sender is not None:
            return
        with suppress(OSError, ValueError):  # no descriptor, so nobody who could sleep
            descriptor = self._stream.fileno()
            self.flush()
            self._sender = _Sender(descriptor, self._stream.encoding, gap)

    def close(self) -> int:
        """Write what waits. Returns how many writes were given up, since nobody took them."""
        given_up = 0
        if self._sender is not None:
            sender, self._sender = self._sender, None
            given_up = sender.close()
            if sender.error is not None:
                self._fail(sender.error)
        with suppress(Unheard):
            self.flush()
        return given_up

    def _try(self, write: Callable[[], object]) -> None:
        try:
            write()
        except OSError as error:
            self._fail(error)
            if not self.goes_on:
                raise Unheard from error

    def _fail(self, error: OSError) -> None:
        self.error = self.error or error
        with suppress(OSError, ValueError):  # what is in the stream's buffer has to go somewhere when Python ends
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)


def _has(encoding: str | None, letter: str) -> bool:
    try:
        letter.encode(encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


class _Sender:
    """Writes to *descriptor* in a thread of its own."""

    def __init__(self, descriptor: int, encoding: str, gap: Callable[[int], str]) -> None:
        self._descriptor = descriptor
        self._encoding = encoding
        self._gap = gap
        self._parts: list[str] = []
        self._waiting: deque[bytes] = deque()
        self._size = self._dropped = self._sent = 0
        self._ending = self._ended = False
        self._changed = Condition()
        self.error: OSError | None = None
        Thread(target=self._send_all, name="output", daemon=True).start()

    def write(self, text: str) -> None:
        with self._changed:
            self._parts.append(text)

    def flush(self) -> None:
        with self._changed:
            data = self._encoded("".join(self._parts))
            self._parts.clear()
            if data and self.error is None:
                self._waiting.append(data)
                self._size += len(data)
            while self._size > BACKLOG and len(self._waiting) > 1:
                self._size -= len(self._waiting.popleft())
                self._dropped += 1
            self._changed.notify_all()

    def close(self) -> int:
        """Wait until all is written, or nobody takes it. Returns how many writes were given up."""
        self.flush()
        with self._changed:
            self._ending = True
            self._changed.notify_all()
            while not self._ended:
                before = self._sent
                self._changed.wait(PATIENCE)
                if self._sent == before and not self._ended:
                    return len(self._waiting) + 1
            return 0

    def _send_all(self) -> None:
        while data := self._next():
            try:
                while data:
                    count = os.write(self._descriptor, data[:CHUNK])
                    data = data[count:]
                    with self._changed:
                        self._sent += count
                        self._changed.notify_all()
            except OSError as error:
                with self._changed:
                    self.error = error
                    self._waiting.clear()
                    self._size = self._dropped = 0
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _next(self) -> bytes:
        """What is to be written next; empty at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._ending)
            if not self._waiting:
                return b""
            data, dropped = self._waiting.popleft(), self._dropped
            self._size -= len(data)
            self._dropped = 0
            return self._encoded(self._gap(dropped)) + data if dropped else data

    def _encoded(self, text: str) -> bytes:
        return text.encode(self._encoding, "backslashreplace")
