"""The index of the tests as an upstream without a network: what costs time in thousands of runs is left out."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Container, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import unquote

from bandersnatch import simple
from bandersnatch.errors import NotFound, UpstreamError
from bandersnatch.model import Listed, Slice, Validators
from bandersnatch.names import normalise
from bandersnatch.testing import Behaviour, Index, ProjectState
from bandersnatch.testing.messages import Request, Response
from bandersnatch.testing.routes import respond
from bandersnatch.testing.view import View
from bandersnatch.upstream.base import Absorb, Change, Fetched, Listing

URL = "http://127.0.0.1:9"
"""Nobody listens there, and nobody is asked."""

_CHUNK = 65_536
"""Bytes of a file at a time: a large one comes in several pieces."""


@dataclass(frozen=True, slots=True)
class Pieces:
    """The ``Body`` of a file."""

    data: bytes
    offset: int = 0
    direct: bool = True
    validators: Validators = Validators()
    is_unchanged: bool = False

    @property
    def length(self) -> int:
        return self.offset + len(self.data)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._pieces()

    async def _pieces(self) -> AsyncIterator[bytes]:
        for first in range(0, len(self.data), _CHUNK):
            yield self.data[first : first + _CHUNK]


class MemoryUpstream:
    """
    The ``Upstream`` port over an ``Index``, with PyPI's pages. Every answer is remembered for each state.

    *damaged*: names of files that come with a wrong byte; *broken*: projects whose page is an error.
    """

    def __init__(self, index: Index, damaged: frozenset[str], broken: frozenset[str]) -> None:
        self._index = index
        self._damaged = damaged
        self._broken = broken
        self._view = View(index, Behaviour(), URL, URL)
        self._pages: dict[ProjectState, Fetched] = {}
        self._bodies: dict[str, bytes] = {}

    async def changes(self, since: int) -> Sequence[Change] | None:
        newest = {normalise(row.name): row for row in self._index.journal(since)}
        return [Change(name, row.name, row.serial) for name, row in newest.items()]

    async def listing(
        self, known: Validators, absorb: Absorb, *, limit: int | None = None, slices: Container[bytes] = frozenset()
    ) -> Listing | None:
        lines = [Listed(one.name, one.display, one.serial) for one in self._index.projects() if one.status == "active"]
        await absorb([Slice(lines)])
        return Listing(self._index.serial, Validators(f'"{self._index.serial}"'), len(lines), 0, 100 * len(lines))

    async def project(self, name: str, known: Validators, *, at_least: int | None) -> Fetched | None:
        if name in self._broken:
            raise UpstreamError(f"{name}: 500", status=500)
        state = self._index.project(name)
        if state is None:
            raise NotFound(f"{name}: 404", status=404)
        if state not in self._pages:
            self._pages[state] = self._page(name)
        page = self._pages[state]
        return None if known and known == page.validators else page

    def _page(self, name: str) -> Fetched:
        response = self._answer(f"/simple/{name}/", accept=simple.ACCEPT)
        page = simple.parse_page(response.headers["Content-Type"], response.body, f"{URL}/simple/{name}/", name)
        return Fetched(page, Validators(response.headers.get("ETag")), hashlib.sha256(response.body).hexdigest())

    @asynccontextmanager
    async def open(
        self,
        url: str,
        *,
        offset: int = 0,
        direct: bool = False,
        size: int | None = None,
        project: str = "",
        known: Validators = Validators(),  # noqa: B008  # frozen
    ) -> AsyncIterator[Pieces]:
        data = self._body(url)
        if url.rpartition("/")[2] in self._damaged:
            data = data[:-1] + bytes([data[-1] ^ 1])
        yield Pieces(data[offset:], offset)

    async def read(self, url: str, *, limit: int) -> bytes:
        return self._body(url)

    async def legacy(self, name: str, release: str, *, limit: int) -> bytes:
        return self._body(f"{URL}/pypi/{name}/{release}/json")

    async def close(self) -> None:
        pass

    def _body(self, url: str) -> bytes:
        if url not in self._bodies:
            self._bodies[url] = self._answer(unquote(url.removeprefix(URL))).body
        return self._bodies[url]

    def _answer(self, path: str, accept: str = "*/*") -> Response:
        response = respond(self._view, Request("GET", path, {"accept": accept}), on_files_host=False)
        if response.status == 404:
            raise NotFound(f"{path}: 404", status=404)
        assert response.status == 200, (path, response)
        return response
