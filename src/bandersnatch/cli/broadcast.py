"""A run's events for whoever connects to its socket, while the run does not notice.

A thread of its own does all that could wait. A follower that reads too slowly is let go: neither he nor one that is
dead costs the run more than some memory, of which there is a bound.
"""

from __future__ import annotations

import os
import selectors
import socket
import stat
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock, Thread
from typing import Self

from bandersnatch.cli import wire
from bandersnatch.sync import events
from bandersnatch.values import Struct, field

SOCKET = "follow"
"""Its name in ``state/``."""

MOST = 32
"""Followers at a time; one more is turned away."""

BACKLOG = 4 << 20
"""Bytes that wait for one follower, at most: some ten thousand events."""

WAITING = 10_000
"""Events that wait for the thread, at most; the bytes of single files are dropped first, as totals have them too."""


FAREWELL = 0.5
"""Seconds in which followers can hear the last events once the run is over."""


class _Follower(Struct):
    connection: socket.socket
    waiting: bytearray = field(default_factory=bytearray)


class Totals:
    """What ``SoFar`` says, counted while it happens."""

    def __init__(self, directory: str, upstream: str, now: float) -> None:
        self._directory = directory
        self._upstream = upstream
        self._began = now
        self._projects: int | None = None
        self._done = self._expected = self._files = self._bytes = self._behind = 0

    def count(self, event: events.Event) -> None:
        """Take note of *event*."""
        match event:
            case events.Planned(projects=projects):
                self._projects = projects
            case events.Expected(bytes=count):
                self._expected += count
            case events.Progressed(bytes=count):
                self._bytes += count
            case events.Arrived():
                self._files += 1
            case events.Refreshed() | events.Confirmed() | events.Removed():
                self._done += 1
            case events.FellBehind():
                self._done += 1
                self._behind += 1
            case _:
                pass

    def so_far(self, now: float) -> events.SoFar:
        """Where the run stands."""
        return events.SoFar(
            directory=self._directory,
            upstream=self._upstream,
            seconds=round(now - self._began, 3),
            projects=self._projects,
            done=self._done,
            expected=self._expected,
            files=self._files,
            bytes=self._bytes,
            behind=self._behind,
        )


class Broadcast:
    """
    A report that tells whoever connects to the socket ``follow`` in *state*.

    Who comes late is told first where the run stands. Where no socket can be made nobody can follow, and that is all.
    """

    def __init__(self, state: Path, directory: str, upstream: str) -> None:
        self._state = state
        self._listener: socket.socket | None = None
        self._lock = Lock()
        """Held for the totals, and so that who joins misses no event and hears none twice."""
        self._totals = Totals(directory, upstream, time.monotonic())
        self._queue: deque[events.Event] = deque()
        self._followers: list[_Follower] = []
        self._rung = False
        self._ended = False
        self._bell, self._ring = os.pipe()
        self._thread = Thread(target=self._serve, name="broadcast", daemon=True)

    def __enter__(self) -> Self:
        with suppress(OSError):
            self._listener = listen(self._state)
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._ended = True
        self._wake()
        self._thread.join()
        if self._listener is not None:
            with suppress(OSError):
                (self._state / SOCKET).unlink()
            self._listener.close()
        os.close(self._bell)
        os.close(self._ring)

    def tell(self, event: events.Event) -> None:
        """Take *event*. Nothing here waits for anybody, and as long as nobody follows, the thread sleeps."""
        with self._lock:
            self._totals.count(event)
            if not self._followers or (len(self._queue) >= WAITING and isinstance(event, events.Progressed)):
                return
            self._queue.append(event)
            if not self._rung:
                self._rung = True
                self._wake()

    def _wake(self) -> None:
        os.write(self._ring, b".")

    # --- the thread ------------------------------------------------------------------------------------------------

    def _serve(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._bell, selectors.EVENT_READ)
            if self._listener is not None:
                selector.register(self._listener, selectors.EVENT_READ)
            while not self._ended:
                for key, _ in selector.select():
                    if key.fileobj is self._listener:
                        self._welcome(selector)
                    elif isinstance(key.data, _Follower):
                        if any(one is key.data for one in self._followers):  # let go meanwhile, when somebody came
                            self._attend(key.data, selector)
                    else:
                        os.read(self._bell, 16)
                self._pass_on(selector)
            self._pass_on(selector)  # the last word may have come after the last look
            self._say_farewell(selector)

    def _pass_on(self, selector: selectors.BaseSelector) -> None:
        with self._lock:
            self._rung = False
            told, self._queue = self._queue, deque()
        for event in told:
            line = _line(event)
            for one in self._followers[:]:
                one.waiting += line
        for one in self._followers[:]:
            self._attend(one, selector)

    def _welcome(self, selector: selectors.BaseSelector) -> None:
        assert self._listener is not None
        try:
            connection, _ = self._listener.accept()
        except OSError:  # it has left again, or there are too many open files
            return
        if len(self._followers) >= MOST:
            connection.close()
            return
        connection.setblocking(False)
        follower = _Follower(connection)
        self._pass_on(selector)  # what the others have to hear is in the totals already
        selector.register(connection, selectors.EVENT_READ, follower)
        with self._lock:
            follower.waiting += _line(self._totals.so_far(time.monotonic()))
            self._followers.append(follower)
        self._attend(follower, selector)

    def _attend(self, follower: _Follower, selector: selectors.BaseSelector) -> None:
        """Send what goes; let go who has left or falls too far behind."""
        try:
            while follower.waiting:
                del follower.waiting[: follower.connection.send(follower.waiting)]
        except BlockingIOError:
            pass
        except OSError:
            return self._let_go(follower, selector)
        if len(follower.waiting) > BACKLOG or _has_left(follower.connection):
            return self._let_go(follower, selector)
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if follower.waiting else 0)
        selector.modify(follower.connection, wanted, follower)
        return None

    def _let_go(self, follower: _Follower, selector: selectors.BaseSelector) -> None:
        self._followers.remove(follower)
        selector.unregister(follower.connection)
        follower.connection.close()

    def _say_farewell(self, selector: selectors.BaseSelector) -> None:
        """Send the rest to those who read it within a moment: nobody is waited for at the end either."""
        end = time.monotonic() + FAREWELL
        while any(one.waiting for one in self._followers) and (left := end - time.monotonic()) > 0:
            for key, _ in selector.select(left):
                if isinstance(key.data, _Follower):
                    self._attend(key.data, selector)
        for one in self._followers[:]:
            self._let_go(one, selector)


def _line(event: events.Event) -> bytes:
    return wire.encode(event, time.time()).encode() + b"\n"


def _has_left(connection: socket.socket) -> bool:
    """Whether the other side has closed; what it sends is read and thrown away."""
    try:
        return connection.recv(4096) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def listen(state: Path) -> socket.socket:
    """A listening socket in *state*, for whoever may read that folder. The lock of the mirror must be held."""
    with suppress(FileNotFoundError):
        (state / SOCKET).unlink()  # of a run that was cut off
    listener = socket.socket(socket.AF_UNIX)
    try:
        with _short(state) as place:
            listener.bind(place)
        readable = stat.S_IMODE(state.stat().st_mode) & 0o444
        os.chmod(state / SOCKET, readable | readable >> 1)  # to connect is to write
        listener.listen(MOST)
        listener.setblocking(False)
    except BaseException:
        listener.close()
        raise
    return listener


def connect(state: Path) -> socket.socket:
    """A connection to the run that is under way. Raises OSError if there is none."""
    connection = socket.socket(socket.AF_UNIX)
    try:
        with _short(state) as place:
            connection.connect(place)
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def _short(state: Path) -> Iterator[str]:
    """The socket's path by way of an open folder: the system takes some hundred bytes, and a mirror may live deeper."""
    fd = os.open(state, os.O_RDONLY | os.O_DIRECTORY)
    try:
        links = f"/proc/self/fd/{fd}"
        yield f"{links if os.path.isdir(links) else state}/{SOCKET}"
    finally:
        os.close(fd)
