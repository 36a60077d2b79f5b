"""Servers that run in a thread of their own beside the test that talks to them."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable, Coroutine
from functools import partial

Handler = Callable[[StreamReader, StreamWriter], Coroutine[None, None, None]]
"""Serves one connection; when it returns, the connection is closed."""


class ThreadedServer:
    """
    Listens on 127.0.0.1, one port for each handler, from ``start`` to ``stop``.

    The ports take connections as soon as ``start`` returns. ``stop`` ends every connection and leaves no thread and
    no socket; what a handler raised, other than for a peer that left, it raises again, since that is a bug of ours.
    """

    def __init__(self, *handlers: Handler, tls: ssl.SSLContext | None = None) -> None:
        self._handlers = handlers
        self._tls = tls
        self._open: dict[asyncio.Task[None], StreamWriter] = {}
        self._failures: list[BaseException] = []

    def start(self) -> tuple[int, ...]:
        """Begin to listen; the ports, in the order of the handlers."""
        sockets = [socket.create_server(("127.0.0.1", 0), backlog=512) for _ in self._handlers]
        running = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run(sockets, running)), daemon=True)
        self._thread.start()
        running.wait()
        return tuple(listener.getsockname()[1] for listener in sockets)

    def stop(self) -> None:
        """End everything that ``start`` began."""
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()
        if self._failures:
            raise self._failures.pop(0)

    async def _run(self, sockets: list[socket.socket], running: threading.Event) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        servers = [
            await asyncio.start_server(partial(self._connected, handler), sock=listener, ssl=self._tls)
            for handler, listener in zip(self._handlers, sockets, strict=True)
        ]
        running.set()
        await self._stopping.wait()
        await self._stop_accepting(sockets)
        for server in servers:
            server.close()
        await self._disconnect()

    async def _stop_accepting(self, listeners: list[socket.socket]) -> None:
        """Accept no more, and let what was just accepted arrive: a closed server would lose those sockets."""
        for listener in listeners:
            self._loop.remove_reader(listener)
        await asyncio.sleep(0)  # the transport is made in this turn of the loop,
        await asyncio.sleep(0)  # and announced to _connected in this one

    def _connected(self, handler: Handler, reader: StreamReader, writer: StreamWriter) -> None:
        # Not a coroutine: a task that is cancelled before its first step could not close its writer.
        task = asyncio.get_running_loop().create_task(self._serve(handler, reader, writer))
        self._open[task] = writer
        task.add_done_callback(self._ended)

    async def _serve(self, handler: Handler, reader: StreamReader, writer: StreamWriter) -> None:
        await handler(reader, writer)
        writer.close()
        await writer.wait_closed()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._open.pop(task).transport.abort()
        failure = None if task.cancelled() else task.exception()
        if failure is not None and not isinstance(failure, (ConnectionError, ssl.SSLError, TimeoutError)):
            self._failures.append(failure)

    async def _disconnect(self) -> None:
        while self._open:
            tasks = list(self._open)
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        await asyncio.sleep(0)  # the transports close in the loop's next turn
