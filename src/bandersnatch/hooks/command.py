"""A hook that is a command: run to its end, with a time limit, and no more kept of what it prints than is read."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Mapping
from contextlib import suppress

from bandersnatch.hooks.base import OUTPUT, Hook, Lists, Result, Told, variables

CHUNK = 1 << 16
GRACE = 5.0
"""Seconds between asking a command to end and ending it."""
LAST_WORDS = 0.5
"""Seconds for which what a command started, and left running, may go on printing before nobody listens any more."""


class CommandCaller:
    """
    The ``Caller`` of commands.

    Each gets *environment* and the variables of its hook, and works in *directory*, or in / where that is not there.
    """

    def __init__(self, environment: Mapping[str, str], directory: str) -> None:
        self._environment = environment
        self._directory = directory

    async def call(self, hook: Hook, told: Told, lists: Lists | None) -> Result:
        document = told.document(hook, lists)
        if lists is not None:
            document["files"] = {"changed": str(lists.changed), "removed": str(lists.removed)}
        environment = {**self._environment, **variables(hook, told, lists)}
        directory = self._directory if await asyncio.to_thread(os.path.isdir, self._directory) else "/"
        try:
            call = await _start(hook, environment, directory, json.dumps(document).encode() + b"\n")
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            return Result(f"{hook.command[0]} cannot be started: {reason}")
        problem = await call.end(hook.timeout)
        return Result(problem, call.output)


async def _start(hook: Hook, environment: Mapping[str, str], directory: str, document: bytes) -> _Call:
    """The command, running, with pipes of our own: asyncio's would wait for all that it leaves behind."""
    (given, feeding), (reading, printed) = os.pipe(), os.pipe()
    try:
        process = await asyncio.create_subprocess_exec(
            *hook.command, stdin=given, stdout=printed, stderr=printed, env=dict(environment),
            cwd=directory,
            start_new_session=True,
        )  # fmt: skip
    except BaseException:
        os.close(feeding)
        os.close(reading)
        raise
    finally:
        os.close(given)
        os.close(printed)
    return _Call(process, feeding, reading, document)


class _Call:
    """One running command, its pipes served by the loop whenever there is something to do."""

    def __init__(self, process: asyncio.subprocess.Process, feeding: int, reading: int, document: bytes) -> None:
        self._process = process
        self._loop = asyncio.get_running_loop()
        self._feeding, self._reading = feeding, reading
        self._document = document
        self._printed = bytearray()
        self._silent = asyncio.Event()
        for fd in (feeding, reading):
            os.set_blocking(fd, False)
        self._loop.add_writer(feeding, self._feed)
        self._loop.add_reader(reading, self._read)

    @property
    def output(self) -> str:
        """The last of what it printed."""
        return bytes(self._printed[-OUTPUT:]).decode("utf-8", "replace")

    async def end(self, seconds: float) -> str:
        """Wait for the end, for *seconds* at most, and say what was wrong with it. If cancelled, nothing runs on."""
        try:
            async with asyncio.timeout(seconds):
                code = await self._process.wait()
        except TimeoutError:
            await self._stop()
            return f"it took longer than {seconds:g} s and was ended"
        except asyncio.CancelledError:
            self._signal(signal.SIGKILL)
            await self._process.wait()
            raise
        else:
            with suppress(TimeoutError):
                async with asyncio.timeout(LAST_WORDS):
                    await self._silent.wait()
            return _problem(code)
        finally:
            self._close()

    async def _stop(self) -> None:
        self._signal(signal.SIGTERM)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(GRACE):
                    await self._process.wait()
        finally:
            self._signal(signal.SIGKILL)  # all of its session: what it started may have stayed
            await self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    def _feed(self) -> None:
        try:
            self._document = self._document[os.write(self._feeding, self._document) :]
        except BlockingIOError:
            return
        except OSError:  # it does not want to read: that is its affair
            self._document = b""
        if not self._document:
            self._stop_feeding()

    def _read(self) -> None:
        try:
            data = os.read(self._reading, CHUNK)
        except BlockingIOError:
            return
        self._printed += data
        if len(self._printed) > 2 * OUTPUT:
            del self._printed[:-OUTPUT]
        if not data:
            self._silent.set()
            self._loop.remove_reader(self._reading)

    def _stop_feeding(self) -> None:
        if self._feeding >= 0:
            self._loop.remove_writer(self._feeding)
            os.close(self._feeding)
            self._feeding = -1

    def _close(self) -> None:
        self._stop_feeding()
        self._loop.remove_reader(self._reading)
        os.close(self._reading)


def _problem(code: int) -> str:
    if code >= 0:
        return f"it exited with {code}" if code else ""
    try:
        name = signal.Signals(-code).name
    except ValueError:  # a real-time signal
        name = f"signal {-code}"
    return f"it was ended by {name}"
