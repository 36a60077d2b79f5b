"""An index (PEP 503, PEP 691) as an upstream: the list, the pages, the files, whatever it can and cannot do."""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Awaitable, Callable, Container, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from urllib.parse import quote

from bandersnatch import simple
from bandersnatch.errors import Stale, UpstreamError
from bandersnatch.model import Project, Slice, Validators
from bandersnatch.upstream import bodies
from bandersnatch.upstream.address import Address
from bandersnatch.upstream.base import Absorb, Body, Change, Fetched, Listing, TooLong
from bandersnatch.upstream.client import Client
from bandersnatch.upstream.decoding import ACCEPT_ENCODING, Decoder, TooMuch
from bandersnatch.upstream.pacing import Transient
from bandersnatch.upstream.response import Response
from bandersnatch.upstream.settings import Settings
from bandersnatch.values import replace

BATCH = 5_000
"""Projects given to *absorb* at a time."""

LARGE = 1 << 20
"""Bytes of a file from which on it is read ahead."""

_AS_IT_IS = {"Accept-Encoding": "identity"}
_SERIAL = re.compile(r"[0-9]{1,18}\Z")


class IndexUpstream:
    """Implements ``upstream.base.Upstream`` over HTTP. Closes *client* when it is closed."""

    def __init__(self, settings: Settings, client: Client) -> None:
        self._settings = settings
        self._client = client
        self._index = Address.parse(settings.url)

    @property
    def learned(self) -> set[str]:
        """The file hosts learned, as ``host`` or ``host:port``; the caller keeps them between runs."""
        return self._client.hosts.learned

    @learned.setter
    def learned(self, hosts: set[str]) -> None:
        self._client.hosts.learned = hosts

    async def changes(self, since: int) -> Sequence[Change] | None:
        """As the port says; None unless ``changelog`` is set."""
        if not self._settings.changelog:
            return None
        from bandersnatch.upstream import changelog

        return await changelog.changes(self._client, changelog.address(self._settings), since)

    async def listing(
        self, known: Validators, absorb: Absorb, *, limit: int | None = None, slices: Container[bytes] = frozenset()
    ) -> Listing | None:
        """As the port says. Tried again only as long as *absorb* has been given nothing."""
        given = False

        async def handed(batch: Sequence[Slice]) -> None:
            nonlocal given
            given = True
            await absorb(batch)

        async def attempt() -> Listing | None:
            try:
                return await self._listing(known, handed, limit, slices)
            except Transient as error:
                if given:
                    raise UpstreamError(str(error), url=error.url, status=error.status) from error
                raise

        return await self._client.pacer.persist(attempt)

    async def project(self, name: str, known: Validators, *, at_least: int | None) -> Fetched | None:
        """
        As the port says; ``Stale.page`` is the page that came. A page without any serial is never stale.

        *known* counts as current where upstream says "unchanged": whether it is new enough, its owner knows.
        """
        fetched = await self._client.pacer.persist(lambda: self._project(name, known))
        if fetched is None:
            return None
        if fetched.project.files:
            self._client.hosts.learn(fetched.project.files[0].url)
        got = fetched.project.serial
        if at_least is not None and got is not None and got < at_least:
            message = f"{name}: upstream's page is of serial {got}, and {at_least} was promised: a cache lags behind"
            raise Stale(message, promised=at_least, got=got, url=self._page(name).masked, page=fetched)
        return fetched

    def open(
        self, url: str, *, offset: int = 0, direct: bool = False, size: int | None = None
    ) -> AbstractAsyncContextManager[Body]:
        """
        As the port says: from the first of the download mirrors that has it, else from *url* itself.

        Only the first try is read ahead, if it is not the only one: on a line that breaks, each byte that came counts.
        """
        ahead = size is not None and size - offset >= LARGE and self._settings.tries > 1
        return _Opened(lambda: self._first(url, offset, direct=direct, ahead=ahead))

    async def read(self, url: str, *, limit: int) -> bytes:
        """As the port says; ``max_companion`` is another limit."""
        return await self._whole(url, min(limit, self._settings.max_companion))

    async def legacy(self, name: str, release: str, *, limit: int) -> bytes:
        """As the port says: under ``/pypi/`` beside the list of projects, where PyPI and other mirrors have it."""
        root = self._index.path.removesuffix("/").rpartition("/")[0]
        return await self._whole(self._index.at(f"{root}/pypi/{name}/{quote(release, safe='')}/json"), limit)

    async def _whole(self, where: str | Address, most: int) -> bytes:
        async def attempt() -> bytes:
            async with self._client.get(where, {"Accept-Encoding": ACCEPT_ENCODING}) as response:
                return await bodies.whole(response, most)

        return await self._client.pacer.persist(attempt)

    async def close(self) -> None:
        """Close all connections."""
        await self._client.close()

    # --- the list ----------------------------------------------------------------------------------------------------

    async def _listing(
        self, known: Validators, absorb: Absorb, limit: int | None, slices: Container[bytes]
    ) -> Listing | None:
        async with self._ask(self._index, known) as response:
            if response.status == 304:
                return None
            most = self._settings.max_list if limit is None else limit
            decoder = bodies.decoder(response, most)
            try:
                return await _absorbed(response, decoder, absorb, slices)
            except TooMuch:
                if limit is not None:
                    raise TooLong(f"more than {limit} bytes") from None
                raise bodies.too_long(response, most) from None

    # --- a page ------------------------------------------------------------------------------------------------------

    async def _project(self, name: str, known: Validators) -> Fetched | None:
        async with self._ask(self._page(name), known) as response:
            if response.status == 304:
                return None
            body = await bodies.whole(response, self._settings.max_page)
            kind, url = response.header("content-type"), _plain_url(response)
            project = simple.parse_page(kind, body, url, name, whole=response.is_delimited)
            return Fetched(_with_serial(project, response), _validators(response), hashlib.sha256(body).hexdigest())

    def _page(self, name: str) -> Address:
        return self._index.at(f"{self._index.path}{name}/")

    def _ask(self, address: Address, known: Validators) -> AbstractAsyncContextManager[Response]:
        headers = {"Accept": simple.ACCEPT, "Accept-Encoding": ACCEPT_ENCODING, **_conditions(known)}
        return self._client.get(address, headers, expect={200, 304} if known else {200})

    # --- a file ------------------------------------------------------------------------------------------------------

    async def _first(self, url: str, offset: int, *, direct: bool, ahead: bool) -> bodies.FileBody:
        own = self._client.hosts.check(url)
        for mirror in () if direct else self._mirrored(own):
            try:
                return await self._file(mirror, offset, direct=False, ahead=ahead)
            except UpstreamError:
                continue  # it is only a short cut: upstream itself is asked next, and its error is the one to show
        tries = itertools.count()
        return await self._client.pacer.persist(
            lambda: self._file(own, offset, direct=True, ahead=ahead and next(tries) == 0)
        )

    def _mirrored(self, own: Address) -> list[Address]:
        _, found, rest = own.path.partition("/packages/")
        if not found or not self._settings.download_mirrors:
            return []
        bases = (Address.parse(url) for url in self._settings.download_mirrors)
        return [base.at(base.path.rstrip("/") + found + rest) for base in bases]

    async def _file(self, address: Address, offset: int, *, direct: bool, ahead: bool) -> bodies.FileBody:
        if offset:
            ranged = {**_AS_IT_IS, "Range": f"bytes={offset}-"}
            response = await self._client.ask(address, ranged, expect={200, 206, 416}, ahead=ahead)
            if response.status != 416:
                return await bodies.of_file(response, offset, direct=direct)
            await response.close()
        # Upstream has no byte there, so what we have is not a part of its file: begin again.
        return await bodies.of_file(await self._client.ask(address, _AS_IT_IS, ahead=ahead), 0, direct=direct)


class _Opened:
    """A file that is asked for when this is entered, and whose answer is closed when it is left."""

    def __init__(self, ask: Callable[[], Awaitable[bodies.FileBody]]) -> None:
        self._ask = ask

    async def __aenter__(self) -> Body:
        self._body = await self._ask()
        return self._body

    async def __aexit__(self, *exception: object) -> None:
        await self._body.response.__aexit__(*exception)


async def _absorbed(response: Response, decoder: Decoder, absorb: Absorb, slices: Container[bytes]) -> Listing:
    """Read the list of projects to its end, giving it on in batches."""
    kind, url = response.header("content-type"), _plain_url(response)
    parser = simple.listing_parser(kind, url, slices, whole=response.is_delimited)
    batch: list[Slice] = []
    count = waiting = 0
    async for piece in bodies.decoded(response, decoder):
        found = parser.feed(piece)
        batch += found
        waiting += sum(len(one.lines) for one in found)
        if waiting >= BATCH:
            await absorb(batch)
            count, waiting, batch = count + waiting, 0, []
    last, head = parser.finish()
    batch += last
    if batch:
        count += sum(len(one.lines) for one in batch)
        await absorb(batch)
    serial = head.serial if head.serial is not None else _header_serial(response)
    return Listing(serial, _validators(response), count, head.rejected, decoder.given)


# --- headers ---------------------------------------------------------------------------------------------------------


def _plain_url(response: Response) -> str:
    """Where the answer came from, to resolve relative URLs and for messages: without the query, which may be secret."""
    return str(response.url.at(response.url.path))


def _conditions(known: Validators) -> Mapping[str, str]:
    pairs = {"If-None-Match": known.etag, "If-Modified-Since": known.last_modified}
    return {name: value for name, value in pairs.items() if value and value.isascii() and value.isprintable()}


def _validators(response: Response) -> Validators:
    return Validators(response.header("etag"), response.header("last-modified"))


def _header_serial(response: Response) -> int | None:
    text = response.header("x-pypi-last-serial") or ""
    return int(text) if _SERIAL.match(text) else None


def _with_serial(project: Project, response: Response) -> Project:
    return project if project.serial is not None else replace(project, serial=_header_serial(response))
