"""Where an index is: at the address that the operator wrote, or at ``simple/`` below it."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Sequence
from enum import Enum

from bandersnatch import simple
from bandersnatch.errors import BadContent, NotAllowed, NotFound, UpstreamError
from bandersnatch.upstream import bodies
from bandersnatch.upstream.address import Address
from bandersnatch.upstream.client import Client
from bandersnatch.upstream.decoding import ACCEPT_ENCODING
from bandersnatch.upstream.response import Response
from bandersnatch.values import Struct

HEAD = 64 << 10
"""Bytes of HTML in which it is looked for what makes it an index."""

_VERSION = re.compile(rb"<meta[^>]*pypi:repository-version", re.IGNORECASE)
_PASSING = frozenset({408, 425, 429})


class Answer(Enum):
    """What an address was found to be."""

    INDEX = "it says itself that it is an index"
    HTML = "it may be one"
    NOTHING = "there is none"
    UNKNOWN = "upstream is not itself"


class Found(Struct, frozen=True):
    """Where an index is."""

    root: Address
    lasting: bool
    """Whether that can be remembered, once it has answered."""
    instead: Address | None = None
    """Where else it may be, if it has pages and no list: the first page that is had of either decides."""


class Root:
    """Where the index of one upstream is, as far as it is known: at one of *addresses*. Belongs to one event loop."""

    def __init__(self, client: Client, addresses: Sequence[str]) -> None:
        self._client = client
        self._addresses = tuple(map(Address.parse, addresses))
        self._found = Found(self._addresses[0], lasting=True) if len(self._addresses) == 1 else None
        self._answered = False
        self._finding = asyncio.Lock()
        self._failures: list[UpstreamError] = []

    @property
    def known(self) -> str | None:
        """Where it is, if it has answered there and can be expected to stay."""
        return str(self._found.root) if self._found and self._found.lasting and self._answered else None

    def remember(self, root: str) -> None:
        """Believe that it is at *root*, if it can be."""
        for address in self._addresses:
            if str(address) == root:
                self.is_at(address)

    def is_at(self, root: Address) -> None:
        """It has answered at *root*."""
        self._found, self._answered = Found(root, lasting=True), True

    def answered(self) -> None:
        """It has answered where it was found."""
        self._answered = True

    async def find(self) -> Address:
        """Find it out, once. Raises UpstreamError where upstream does not answer at all, to all who wait for it."""
        failures = len(self._failures)
        async with self._finding:
            if len(self._failures) > failures:
                raise self._failures[-1]
            try:
                self._found = self._found or await _find(self._client, *self._addresses)
            except UpstreamError as error:
                self._failures.append(error)
                raise
        return self._found.root

    def instead_of(self, root: Address) -> Address | None:
        """Where a page may be that is not at *root*: where the index was found meanwhile, or else may be."""
        assert self._found is not None
        if self._found.root != root:
            return self._found.root
        return None if self._answered else self._found.instead


async def _find(client: Client, written: Address, below: Address) -> Found:
    first, where = await _look(client, written)
    if first is Answer.INDEX:
        return _redirected(written, below, where)
    if first is not Answer.HTML:
        nothing = first is Answer.NOTHING
        return Found(below, lasting=nothing, instead=written if nothing else None)
    second, _ = await _look(client, below)
    return Found(written if second is Answer.NOTHING else below, lasting=second is not Answer.UNKNOWN)


def _redirected(written: Address, below: Address, where: Address) -> Found:
    """An index to which *written* leads may be another tomorrow, such as the snapshot of a day."""
    if where.place != written.place or where.path == written.path or not where.path.endswith("/"):
        return Found(written, lasting=True)
    if where.path == below.path:
        return Found(below, lasting=True)
    return Found(written.at(where.path), lasting=False)


async def _look(client: Client, address: Address) -> tuple[Answer, Address]:
    async def attempt() -> tuple[Answer, Address]:
        headers = {"Accept": simple.ACCEPT, "Accept-Encoding": ACCEPT_ENCODING}
        async with client.get(address, headers, page=True) as response:
            return await _judged(response), response.url

    try:
        return await client.pacer.persist(attempt)
    except (NotFound, NotAllowed, BadContent):
        return Answer.NOTHING, address
    except UpstreamError as error:
        if error.status is None:
            raise
        passing = error.status >= 500 or error.status in _PASSING
        return Answer.UNKNOWN if passing else Answer.NOTHING, address


async def _judged(response: Response) -> Answer:
    kind = (response.header("content-type") or "").partition(";")[0].strip().lower()
    if kind in (simple.JSON, simple.HTML):
        return Answer.INDEX
    if kind != simple.TEXT_HTML:
        return Answer.NOTHING
    head = b""
    async for piece in bodies.decoded(response, bodies.decoder(response, sys.maxsize)):
        head += piece
        if len(head) >= HEAD:
            break
    return Answer.INDEX if _VERSION.search(head) else Answer.HTML
