"""An index (PEP 503, PEP 691) as an upstream: the list, the pages, the files, whatever it can and cannot do."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
from collections.abc import Callable, Container, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from urllib.parse import quote

from bandersnatch import simple
from bandersnatch.errors import BadContent, NotFound, Stale, UpstreamError
from bandersnatch.model import Project, Slice, Validators
from bandersnatch.upstream import answers, bodies, validators
from bandersnatch.upstream.address import Address
from bandersnatch.upstream.base import Absorb, Body, Change, Fetched, Listing, TooLong
from bandersnatch.upstream.client import Client
from bandersnatch.upstream.decoding import ACCEPT_ENCODING, TooMuch
from bandersnatch.upstream.pacing import Transient
from bandersnatch.upstream.response import Response
from bandersnatch.upstream.root import Root
from bandersnatch.upstream.settings import Settings
from bandersnatch.values import replace

LARGE = 1 << 20
"""Bytes of a file from which on it is read ahead."""

SMALL_PAGE = 1 << 18
"""Bytes of a page up to which it is read at once."""

LARGE_PAGE = 4 << 20
"""Bytes of a page beyond which it has to wait until there is no other as large; that of some 7,000 files has them."""


class IndexUpstream:
    """Implements ``upstream.base.Upstream`` over HTTP. Closes *client* when it is closed."""

    def __init__(self, settings: Settings, client: Client) -> None:
        self._settings = settings
        self._client = client
        self._root = Root(client, settings.addresses)
        self._alone = asyncio.Lock()
        """For a large page."""
        self._large: set[str] = set()
        """Projects whose page was found to be."""
        self._reading = asyncio.Lock()

    @property
    def root(self) -> str | None:
        """Where the index was found to be and has answered: the caller keeps it between runs. None: not known."""
        return self._root.known

    def remember(self, root: str) -> None:
        """Believe that the index is at *root*, if it can be."""
        self._root.remember(root)

    @property
    def learned(self) -> set[str]:
        """The file hosts learned, as ``host`` or ``host:port``; the caller keeps them between runs."""
        return self._client.hosts.learned

    @learned.setter
    def learned(self, hosts: set[str]) -> None:
        self._client.hosts.learned = hosts

    def settle(self) -> None:
        """Learn no host that files are redirected to: some have come before."""
        self._client.hosts.settled = True

    async def changes(self, since: int) -> Sequence[Change] | None:
        """As the port says; None unless ``changelog`` is set."""
        if not self._settings.changelog:
            return None
        from bandersnatch.upstream import changelog

        where = self._settings.changelog_url
        address = (await self._root.find()).join("../pypi") if where is None else Address.parse(where)
        return await changelog.changes(self._client, address, since)

    async def listing(
        self, known: Validators, absorb: Absorb, *, limit: int | None = None, slices: Container[bytes] = frozenset()
    ) -> Listing | None:
        """As the port says. Tried again only as long as *absorb* has been given nothing."""
        given = False

        async def handed(batch: Sequence[Slice]) -> None:
            nonlocal given
            given = True
            await absorb(batch)

        index = await self._root.find()

        async def attempt() -> Listing | None:
            try:
                return await self._listing(index, known, handed, limit, slices)
            except Transient as error:
                if given:
                    raise UpstreamError(str(error), url=error.url, status=error.status) from error
                raise

        listing = await self._client.pacer.persist(attempt)
        self._root.answered()
        return listing

    async def project(self, name: str, known: Validators, *, at_least: int | None) -> Fetched | None:
        """
        As the port says; ``Stale.page`` is the page that came. A page without any serial is never stale.

        *known* counts as current where upstream says "unchanged": whether it is new enough, its owner knows.
        """
        index = await self._root.find()
        try:
            fetched = await self._page(index, name, known)
            self._root.answered()
        except NotFound:
            fetched = await self._instead(index, name)
            if fetched is None:
                raise
        if fetched is None:
            return None
        if fetched.project.files:
            self._client.hosts.learn(fetched.project.files[0].url)
        got = fetched.project.serial
        if at_least is not None and got is not None and got < at_least:
            message = f"{name}: upstream's page is of serial {got}, and {at_least} was promised: a cache lags behind"
            raise Stale(message, promised=at_least, got=got, url=_page_at(index, name).masked, page=fetched)
        return fetched

    def open(
        self,
        url: str,
        *,
        offset: int = 0,
        direct: bool = False,
        size: int | None = None,
        project: str = "",
        known: Validators = Validators(),  # noqa: B008  # frozen
    ) -> AbstractAsyncContextManager[Body]:
        """
        As the port says: from the first of the download mirrors that has it, else from *url* itself.

        Only the first try is read ahead, if it is not the only one: on a line that breaks, each byte that came counts.
        """
        ahead = size is not None and size - offset >= LARGE and self._settings.tries > 1
        ask = partial(self._client.ask, group=project)
        conditions = validators.conditions(known)
        return bodies.Opened(lambda: self._first(url, offset, ask, conditions, direct=direct, ahead=ahead))

    async def read(self, url: str, *, limit: int) -> bytes:
        """As the port says; ``max_companion`` is another limit."""
        return await self._whole(url, min(limit, self._settings.max_companion), page=False)

    async def legacy(self, name: str, release: str, *, limit: int) -> bytes:
        """As the port says: under ``/pypi/`` beside the list of projects, where PyPI and other mirrors have it."""
        index = await self._root.find()
        beside = index.path.removesuffix("/").rpartition("/")[0]
        return await self._whole(index.at(f"{beside}/pypi/{name}/{quote(release, safe='')}/json"), limit, page=True)

    async def _whole(self, where: str | Address, most: int, *, page: bool) -> bytes:
        async def attempt() -> bytes:
            async with self._client.get(where, {"Accept-Encoding": ACCEPT_ENCODING}, page=page) as response:
                return await bodies.whole(response, most)

        return await self._client.pacer.persist(attempt)

    async def close(self) -> None:
        """Close all connections."""
        await self._client.close()

    # --- the list ----------------------------------------------------------------------------------------------------

    async def _listing(
        self, index: Address, known: Validators, absorb: Absorb, limit: int | None, slices: Container[bytes]
    ) -> Listing | None:
        async with await self._ask(index, known) as response:
            if response.status == 304:
                return None
            most = self._settings.max_list if limit is None else limit
            decoder = bodies.decoder(response, most)
            try:
                with answers.masked(response):
                    return await answers.absorb_all(response, decoder, absorb, slices, self._validators(response))
            except TooMuch:
                if limit is not None:
                    raise TooLong(f"more than {limit} bytes") from None
                raise bodies.too_long(response, most) from None

    # --- a page ------------------------------------------------------------------------------------------------------

    async def _page(self, index: Address, name: str, known: Validators) -> Fetched | None:
        page = _page_at(index, name)
        return await self._client.pacer.persist(lambda: self._project(page, name, known))

    async def _instead(self, index: Address, name: str) -> Fetched | None:
        """The page that *index* does not have, from where else the index may be."""
        other = self._root.instead_of(index)
        if other is None:
            return None
        try:
            fetched = await self._page(other, name, Validators())
        except (NotFound, BadContent):  # such as a web site, which has a page for every address
            return None
        if fetched is None or not fetched.project.files:
            return None
        self._root.is_at(other)
        return fetched

    async def _project(self, page: Address, name: str, known: Validators) -> Fetched | None:
        most = self._settings.max_page
        if name not in self._large:
            try:
                return await self._within(min(LARGE_PAGE, most), page, name, known)
            except TooMuch:
                self._large.add(name)  # asked for again: whoever waited with half an answer would hold up all others
        async with self._alone:
            return await self._within(most, page, name, known)

    async def _within(self, most: int, page: Address, name: str, known: Validators) -> Fetched | None:
        """The page if it has at most so many bytes. Raises TooMuch, for the largest that is taken BadContent."""
        async with await self._ask(page, known) as response:
            if response.status == 304:
                return None
            body = await bodies.whole(response, most, last=most == self._settings.max_page)
            kind, url, whole = response.header("content-type"), answers.plain_url(response), response.is_delimited
            parse = partial(simple.parse_page, kind, body, url, name, whole=whole)
            with answers.masked(response):
                project = parse() if len(body) <= SMALL_PAGE else await self._aside(parse)
            digest = hashlib.sha256(body).hexdigest()
            return Fetched(_with_serial(project, response), self._validators(response), digest)

    async def _aside(self, parse: Callable[[], Project]) -> Project:
        """Read a page while others go on; one at a time, since reading takes many times as much memory as the page."""
        async with self._reading:
            return await asyncio.to_thread(parse)

    async def _ask(self, address: Address, known: Validators) -> Response:
        headers = {"Accept": simple.ACCEPT, "Accept-Encoding": ACCEPT_ENCODING}
        if conditions := validators.conditions(known):
            try:
                return await self._client.ask(address, {**headers, **conditions}, expect={200, 304}, page=True)
            except UpstreamError as error:
                if error.status not in validators.MISUNDERSTOOD:
                    raise
        return await self._client.ask(address, headers, page=True)

    def _validators(self, response: Response) -> Validators:
        etag, last_modified, date = map(response.header, ("etag", "last-modified", "date"))
        return validators.of(etag, last_modified, date, self._client.pacer.clock.now())

    # --- a file ------------------------------------------------------------------------------------------------------

    async def _first(
        self, url: str, offset: int, ask: bodies.Ask, conditions: Mapping[str, str], *, direct: bool, ahead: bool
    ) -> bodies.FileBody:
        own = self._client.hosts.check(url)
        for mirror in () if direct else self._mirrored(own):
            try:
                return await bodies.ask_for(partial(ask, mirror, ahead=ahead), offset, conditions, direct=False)
            except UpstreamError:
                continue  # it is only a short cut: upstream itself is asked next, and its error is the one to show
        tries = itertools.count()
        body = await self._client.pacer.persist(
            lambda: bodies.ask_for(partial(ask, own, ahead=ahead and next(tries) == 0), offset, conditions, direct=True)
        )
        body.validators = self._validators(body.response)
        self.settle()
        return body

    def _mirrored(self, own: Address) -> list[Address]:
        _, found, rest = own.path.partition("/packages/")
        if not found or not self._settings.download_mirrors:
            return []
        bases = (Address.parse(url) for url in self._settings.download_mirrors)
        return [base.at(base.path.rstrip("/") + found + rest) for base in bases]


def _page_at(index: Address, name: str) -> Address:
    return index.at(f"{index.path}{name}/")


def _with_serial(project: Project, response: Response) -> Project:
    return project if project.serial is not None else replace(project, serial=answers.serial(response))
