"""A program run to its end: with bounded output, a time limit, and nothing left running whatever happens."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping, Sequence

from bandersnatch.values import Struct

CHUNK = 1 << 16
FAREWELL = 5.0
"""Seconds that a killed program is given to be gone."""


class TooLoud(Exception):
    """The program wrote more than it may."""


class Done(Struct, frozen=True):
    """How a program ended."""

    code: int
    out: str
    err: str


async def run(
    command: Sequence[str], env: Mapping[str, str], cwd: str, stdin: str, *, seconds: float, limit: int
) -> Done:
    """
    Run *command*, giving it *stdin*. *limit* bounds each output in bytes, *seconds* is the longest that it may take.

    Raises TimeoutError, TooLoud, and OSError if it cannot be started. The program and what it started are killed
    unless it ended by itself, also when the caller is cancelled.
    """
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *command, stdin=pipe, stdout=pipe, stderr=pipe, env=dict(env), cwd=cwd, start_new_session=True
    )
    try:
        async with asyncio.timeout(seconds):
            return await _talk(process, stdin.encode(), limit)
    finally:
        if process.returncode is None:
            await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Kill the program and all of its session. What it had still to say is read: asyncio waits for that, too."""
    with contextlib.suppress(ProcessLookupError):  # it may have ended at this very moment
        os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(TimeoutError):  # a process that left the session may hold the pipes
        async with asyncio.timeout(FAREWELL):
            for stream in (process.stdout, process.stderr):
                while stream and await stream.read(CHUNK):
                    pass
            await process.wait()


async def _talk(process: asyncio.subprocess.Process, stdin: bytes, limit: int) -> Done:
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    given = asyncio.create_task(_give(process.stdin, stdin))
    reading = [asyncio.create_task(_read(stream, limit)) for stream in (process.stdout, process.stderr)]
    try:
        out, err = await asyncio.gather(*reading)
        await given
        return Done(await process.wait(), out, err)
    finally:
        for task in (given, *reading):
            task.cancel()
        await asyncio.gather(given, *reading, return_exceptions=True)


async def _give(stream: asyncio.StreamWriter, data: bytes) -> None:
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it ended without reading: its code says why
        stream.write(data)
        await stream.drain()
        stream.close()


async def _read(stream: asyncio.StreamReader, limit: int) -> str:
    data = bytearray()
    while chunk := await stream.read(CHUNK):
        data += chunk
        if len(data) > limit:
            raise TooLoud(f"more than {limit} bytes of output")
    return data.decode("utf-8", "replace")
