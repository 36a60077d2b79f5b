"""
The one index that a resolver can ask: an address of our own on this machine, behind which we read upstream.

A resolver follows whatever a page links and any redirect, and knows none of the operator's rules. So it is given none
of upstream's addresses: what it asks here is read as everything else is, from the hosts that may be asked and no
others, as far as the rules let it through. What cannot be had is passed over, and noted by the shelf.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import quote, unquote

from bandersnatch import names
from bandersnatch.closure.releases import Release
from bandersnatch.closure.shelf import Shelf
from bandersnatch.closure.sources import requires_of
from bandersnatch.errors import BadContent, UpstreamError
from bandersnatch.model import File
from bandersnatch.simple import JSON
from bandersnatch.values import Struct

HOST = "127.0.0.1"
FAREWELL = 10.0
"""Seconds for which answers that nobody waits for any more are waited for."""
_BYTES = "application/octet-stream"
_UNREADABLE = b""
"""What stands for metadata that cannot be had: resolvers then take the version for broken, and go on to another."""


@asynccontextmanager
async def serve(shelf: Shelf) -> AsyncIterator[str]:
    """What *shelf* reads, as an index, at an address that nobody can guess; gives the URL of its list of projects."""
    relay = _Relay(shelf, f"/{secrets.token_urlsafe(32)}")
    server = await asyncio.start_server(relay.talk, HOST, 0)
    try:
        yield f"http://{HOST}:{server.sockets[0].getsockname()[1]}{relay.root}/simple/"
    finally:
        server.close()
        await relay.close()


class _Answer(Struct, frozen=True):
    status: str
    kind: str = "text/plain"
    body: bytes = b""


_NOT_FOUND = _Answer("404 Not Found")


class _Relay:
    def __init__(self, shelf: Shelf, root: str) -> None:
        self.root = root
        self._shelf = shelf
        self._talks: set[asyncio.Task[None]] = set()
        self._answers: set[asyncio.Task[_Answer]] = set()

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection's requests, one after the other, until it is closed."""
        talk = asyncio.current_task()
        assert talk is not None
        self._talks.add(talk)
        try:
            with contextlib.suppress(asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
                while True:
                    head = await reader.readuntil(b"\r\n\r\n")
                    method, path, *_ = (*head.decode("latin-1").split(" ", 2), "", "")
                    answer = await self._ask(path.partition("?")[0])
                    writer.write(_head(answer) + (answer.body if method == "GET" else b""))
                    await writer.drain()
        except asyncio.CancelledError:
            pass  # by ``close``: nothing waits for this task's end but that
        finally:
            self._talks.discard(talk)
            writer.close()

    async def close(self) -> None:
        """
        End what is still being said: whoever asked is gone.

        What upstream was asked for him is waited for a while: the next one may want it, and a request that is cut off
        may still be at work in the HTTP library when the program ends.
        """
        for talk in tuple(self._talks):
            talk.cancel()
        if self._answers:
            await asyncio.wait(self._answers, timeout=FAREWELL)
        for answer in tuple(self._answers):
            answer.cancel()
        await asyncio.gather(*self._talks, *self._answers, return_exceptions=True)

    async def _ask(self, path: str) -> _Answer:
        """As ``_answer``, which goes on if the one who asked does not wait."""
        answer = asyncio.create_task(self._answer(path))
        self._answers.add(answer)
        answer.add_done_callback(self._answers.discard)
        return await asyncio.shield(answer)

    async def _answer(self, path: str) -> _Answer:
        match path.removeprefix(self.root).split("/") if path.startswith(f"{self.root}/") else []:
            case ["", "simple", name, ""] if names.is_normalised(name):
                return await self._page(name)
            case ["", "files", name, filename] if names.is_normalised(name):
                return await self._file(name, unquote(filename))
        return _NOT_FOUND

    async def _page(self, name: str) -> _Answer:
        await self._shelf.load_releases([name])
        releases = self._shelf.releases(name)
        if releases is None:
            return _NOT_FOUND
        files = [_entry(name, file) for release in releases for file in release.files]
        page = {"meta": {"api-version": "1.1"}, "name": name, "files": files}
        return _Answer("200 OK", JSON, json.dumps(page).encode())

    async def _file(self, name: str, filename: str) -> _Answer:
        await self._shelf.load_releases([name])
        wanted = filename.removesuffix(".metadata")
        for release in self._shelf.releases(name) or ():
            for file in release.files:
                if file.filename == wanted:
                    return await (self._content(file) if wanted == filename else self._metadata(release, file))
        return _NOT_FOUND

    async def _content(self, file: File) -> _Answer:
        try:
            return _Answer("200 OK", _BYTES, await self._shelf.content(file))
        except UpstreamError:
            return _NOT_FOUND

    async def _metadata(self, release: Release, file: File) -> _Answer:
        try:
            head = await self._shelf.metadata(release, file)
            if any("@" in line.partition(";")[0] for line in requires_of(head)):
                raise self._shelf.note(release, file, BadContent("it requires a URL and not a project"))
            return _Answer("200 OK", _BYTES, head)
        except UpstreamError:
            return _Answer("200 OK", _BYTES, _UNREADABLE)


def _entry(name: str, file: File) -> dict[str, object]:
    return {
        "filename": file.filename,
        "url": f"../../files/{name}/{quote(file.filename)}",
        "hashes": {"sha256": file.sha256} if file.sha256 else {},
        "requires-python": file.requires_python,
        "yanked": False if file.yanked is None else file.yanked or True,
        "core-metadata": file.filename.endswith(".whl"),
    }


def _head(answer: _Answer) -> bytes:
    lines = (f"HTTP/1.1 {answer.status}", f"Content-Type: {answer.kind}", f"Content-Length: {len(answer.body)}", "", "")
    return "\r\n".join(lines).encode("ascii")
