"""HTTP, and nothing of indexes: one request, its redirects, its answer.

The library negotiates HTTP/2, pools connections and reads the system's certificates, SSL_CERT_FILE, SSL_CERT_DIR and
the usual proxy variables by itself. It follows no redirect and decodes no body for us: both need checks of ours.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from pyreqwest.exceptions import PyreqwestError
from pyreqwest.request import StreamRequest

from bandersnatch.errors import UpstreamError
from bandersnatch.upstream import failures
from bandersnatch.upstream.address import Address
from bandersnatch.upstream.hosts import Hosts
from bandersnatch.upstream.pacing import Clock, Pacer, Transient, Turn, retry_after
from bandersnatch.upstream.pools import Certificates, Pools
from bandersnatch.upstream.resolving import Lookup, Resolving, look_up
from bandersnatch.upstream.response import Cancellations, Response, failure
from bandersnatch.upstream.settings import Settings
from bandersnatch.values import replace

MAX_HOPS = 3
RESOLVED_FOR = 60.0
"""Seconds for which the address of a host that upstream chose is kept, though it does not answer."""
READ_AHEAD = 64 << 10
"""Bytes. Measured with bodies of 200 MB in pieces of 8 kB (HTTP/2): 900 MB/s for 270, at a third of the CPU."""
REDIRECTS = frozenset({301, 302, 303, 307, 308})
OK = frozenset({200})


class Client:
    """Asks one upstream's hosts, politely. Belongs to one event loop; safe for many tasks in it."""

    def __init__(self, settings: Settings, clock: Clock | None = None, lookup: Lookup = look_up) -> None:
        self.pacer = Pacer(settings, clock or Clock())
        self.hosts = Hosts(settings)
        self._settings = settings
        self._resolving = Resolving(self.hosts.own, settings, lookup)
        self._certificates = Certificates.of(settings)
        self._pools = Pools(settings, self._certificates)
        self._anonymous = replace(self._certificates, client=None)
        """What we show to hosts that our certificate is not for."""
        self._placed: dict[str, tuple[Pools, float]] = {}
        """For each host that is not the index's, its own connections, and since when; to the address looked at."""
        self._left: list[Pools] = []
        """Those to addresses that did not answer."""
        self._slow: set[str] = set()
        """Hosts that were too slow to be read ahead."""
        self._closed = False

    def get(
        self,
        url: str | Address,
        headers: Mapping[str, str] | None = None,
        *,
        expect: Collection[int] = OK,
        page: bool = False,
    ) -> AbstractAsyncContextManager[Response]:
        """
        The answer to a GET of *url*, with a status in *expect*, its body not yet read.

        Redirects are followed, every hop checked, those of a *page* by other rules than a file's. Raises NotAllowed,
        NotFound and UpstreamError, of which ``Transient`` means that another try may help.
        """
        return _Entered(lambda: self.ask(url, headers, expect=expect, page=page))

    async def ask(
        self,
        url: str | Address,
        headers: Mapping[str, str] | None = None,
        *,
        expect: Collection[int] = OK,
        page: bool = False,
        ahead: bool = False,
        group: str = "",
    ) -> Response:
        """
        As ``get``; the caller closes the answer. Those of one *group* never take all turns of a host.

        *ahead*: let the library read on while what came is being worked on. A long body comes several times as fast.
        Of one that breaks off, up to ``READ_AHEAD`` bytes are lost; where no more had come, its head as well.
        """
        here = self.hosts.check(url)
        for _ in range(MAX_HOPS + 1):
            response = await self._exchange("GET", here, headers or {}, None, READ_AHEAD if ahead else 0, group)
            try:
                if response.status not in REDIRECTS:
                    await self._judge(response, expect)
                    return response
                here = self.hosts.redirected(_target(response), here, page=page)
                await response.drain()
            except BaseException:
                await response.close()
                raise
            await response.close()
        raise UpstreamError(f"{here.masked}: more than {MAX_HOPS} redirects, one after the other", url=here.masked)

    def post(
        self, url: str | Address, headers: Mapping[str, str], body: bytes, *, expect: Collection[int] = OK
    ) -> AbstractAsyncContextManager[Response]:
        """The answer, with a status in *expect*, to a POST. Redirects are not followed. Raises as ``get`` does."""
        return _Entered(lambda: self._post(self.hosts.check(url), headers, body, expect))

    async def close(self) -> None:
        """Close all connections; what is in flight fails."""
        self._closed = True
        for pools in (self._pools, *(one for one, _ in self._placed.values()), *self._left):
            await pools.close()

    async def _post(
        self, address: Address, headers: Mapping[str, str], body: bytes, expect: Collection[int]
    ) -> Response:
        response = await self._exchange("POST", address, headers, body)
        try:
            await self._judge(response, expect)
        except BaseException:
            await response.close()
            raise
        return response

    async def _exchange(
        self,
        method: str,
        address: Address,
        headers: Mapping[str, str],
        body: bytes | None,
        ahead: int = 0,
        group: str = "",
    ) -> Response:
        ahead = 0 if address.place in self._slow else ahead
        turn = self.pacer.turn(address.place, group)
        await turn.begin()
        try:
            self._refuse_closed(address)
            pools = await self._pools_of(address)
            self._refuse_closed(address)
            request = self._request(pools, method, address, headers, body, ahead)
            if not ahead:
                return await self._send(request, address, turn)
            async with self._in_time(address, ahead):
                return await self._send(request, address, turn)
        except BaseException:
            turn.end()
            raise

    @asynccontextmanager
    async def _in_time(self, address: Address, ahead: int) -> AsyncIterator[None]:
        """
        What is read *ahead* of may take as long as the slowest body would. Raises Transient.

        Once is enough for each host: what is given up here, the library goes on reading for a while.
        """
        minimum = self._settings.minimum_rate
        try:
            async with asyncio.timeout(self._settings.timeout + ahead / minimum if minimum else None):
                yield
        except TimeoutError:
            self._slow.add(address.place)
            shown = address.masked
            raise Transient(f"{shown}: slower than {minimum} bytes per second", url=shown) from None

    def _refuse_closed(self, address: Address) -> None:
        if self._closed:
            raise UpstreamError(f"{address.masked}: we have closed our connections", url=address.masked)

    async def _send(self, request: StreamRequest, address: Address, turn: Turn) -> Response:
        watch = Cancellations()
        try:
            answer = await request.__aenter__()
        except PyreqwestError as error:
            self.pacer.note(address.place, multiplexed=False)
            self._forget(address)
            raise failure(error, address, self._settings.timeout) from None
        try:
            watch.heed()
            self.pacer.note(address.place, multiplexed=answer.version == "HTTP/2.0")
            return Response(address, request, answer, turn, self.pacer, self._settings)
        except BaseException:
            await request.__aexit__(None, None, None)
            raise

    async def _pools_of(self, address: Address) -> Pools:
        """
        The connections for *address*, which show our certificate to the index alone.

        Where upstream named the host they are to where it was seen to be.
        """
        if self.hosts.is_trusted(address):
            return self._pools
        if address.place not in self._placed:
            looked_at = self._resolving.is_ours and self.hosts.is_learned(address)
            at = (address, await self._resolving.public(address)) if looked_at else None
            if address.place not in self._placed:  # another task may have been here meanwhile
                pools = Pools(self._settings, self._anonymous, at)
                self._placed[address.place] = pools, self.pacer.clock.monotonic()
        return self._placed[address.place][0]

    def _forget(self, address: Address) -> None:
        """The host may have moved: the next request looks it up again. What is in flight keeps its connection."""
        if address.place not in self._placed:
            return
        pools, since = self._placed[address.place]
        if self.pacer.clock.monotonic() - since >= RESOLVED_FOR:
            del self._placed[address.place]
            self._left.append(pools)

    def _request(
        self, pools: Pools, method: str, address: Address, headers: Mapping[str, str], body: bytes | None, ahead: int
    ) -> StreamRequest:
        # Which of the two decides how connections are opened, see ``Pools``.
        library = pools.http2 if self.pacer.is_multiplexed(address.place) else pools.either
        builder = library.request(method, str(address)).headers(dict(headers))
        credentials = self._settings.credentials
        if credentials is not None and address.origin == self.hosts.own.origin:
            builder = builder.header("Authorization", credentials.authorization, is_sensitive=True)
        if body is not None:
            builder = builder.body_bytes(body)
        # 0 hands over the head, and each chunk, as it arrives: a cut loses nothing, and slowness is seen at once.
        return builder.streamed_read_buffer_limit(ahead).build_streamed()

    async def _judge(self, response: Response, expect: Collection[int]) -> None:
        """Return if the status is one of *expect*; otherwise heed what it says and raise."""
        if response.status in expect:
            return
        if response.status in (429, 503):
            now = self.pacer.clock.now()
            seconds = retry_after(response.header("retry-after"), response.header("date"), now)
            if seconds is not None:
                self.pacer.pause(response.url.place, seconds)
        await response.drain()
        raise failures.from_status(response.url.masked, response.status)


def _target(response: Response) -> Address:
    """Where a redirect leads. Raises UpstreamError."""
    location, here = response.header("location"), response.url
    try:
        if not location:
            raise ValueError("no Location that can be read")
        return here.join(location)
    except ValueError as error:
        raise UpstreamError(f"{here.masked}: redirects to nowhere: {error}", url=here.masked) from error


class _Entered:
    """An answer that is asked for when this is entered, and closed when it is left."""

    def __init__(self, ask: Callable[[], Awaitable[Response]]) -> None:
        self._ask = ask

    async def __aenter__(self) -> Response:
        self._response = await self._ask()
        return self._response

    async def __aexit__(self, *exception: object) -> None:
        await self._response.__aexit__(*exception)
