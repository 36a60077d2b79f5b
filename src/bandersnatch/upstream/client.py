"""HTTP, and nothing of indexes: one request, its redirects, its answer.

The library negotiates HTTP/2, pools connections and reads the system's certificates, SSL_CERT_FILE, SSL_CERT_DIR and
the usual proxy variables by itself. It follows no redirect and decodes no body for us: both need checks of ours.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager

from pyreqwest.exceptions import PyreqwestError
from pyreqwest.request import StreamRequest

from bandersnatch.errors import UpstreamError
from bandersnatch.upstream import failures
from bandersnatch.upstream.address import Address
from bandersnatch.upstream.hosts import Hosts
from bandersnatch.upstream.pacing import Clock, Pacer, Turn, retry_after
from bandersnatch.upstream.pools import build
from bandersnatch.upstream.response import Response, cancellations, failure, heed
from bandersnatch.upstream.settings import Settings

MAX_HOPS = 3
REDIRECTS = frozenset({301, 302, 303, 307, 308})
OK = frozenset({200})


class Client:
    """Asks one upstream's hosts, politely. Belongs to one event loop; safe for many tasks in it."""

    def __init__(self, settings: Settings, clock: Clock | None = None) -> None:
        self.pacer = Pacer(settings, clock or Clock())
        self.hosts = Hosts(
            Address.parse(settings.url),
            settings.file_hosts,
            settings.download_mirrors,
            allow_http=settings.allow_http,
        )
        self._settings = settings
        self._either = build(settings)
        self._http2 = build(settings, http2_only=True)
        self._closed = False

    def get(
        self, url: str | Address, headers: Mapping[str, str] | None = None, *, expect: Collection[int] = OK
    ) -> AbstractAsyncContextManager[Response]:
        """
        The answer to a GET of *url*, with a status in *expect*, its body not yet read.

        Redirects are followed, every hop checked. Raises NotAllowed, NotFound and UpstreamError, of which ``Transient``
        means that another try may help.
        """
        return _Entered(lambda: self.ask(url, headers, expect=expect))

    async def ask(
        self, url: str | Address, headers: Mapping[str, str] | None = None, *, expect: Collection[int] = OK
    ) -> Response:
        """As ``get``; the caller closes the answer."""
        here = self.hosts.check(url)
        for _ in range(MAX_HOPS + 1):
            response = await self._exchange("GET", here, headers or {}, None)
            try:
                if response.status not in REDIRECTS:
                    await self._judge(response, expect)
                    return response
                here = self._next(response)
                await response.drain()
            except BaseException:
                await response.close()
                raise
            await response.close()
        raise UpstreamError(f"{here.masked}: more than {MAX_HOPS} redirects, one after the other", url=here.masked)

    def post(
        self, url: str | Address, headers: Mapping[str, str], body: bytes
    ) -> AbstractAsyncContextManager[Response]:
        """The answer, status 200, to a POST. Redirects are not followed. Raises as ``get`` does."""
        return _Entered(lambda: self._post(self.hosts.check(url), headers, body))

    async def close(self) -> None:
        """Close all connections; what is in flight fails."""
        self._closed = True
        await self._either.close()
        await self._http2.close()

    async def _post(self, address: Address, headers: Mapping[str, str], body: bytes) -> Response:
        response = await self._exchange("POST", address, headers, body)
        try:
            await self._judge(response, OK)
        except BaseException:
            await response.close()
            raise
        return response

    async def _exchange(
        self, method: str, address: Address, headers: Mapping[str, str], body: bytes | None
    ) -> Response:
        turn = self.pacer.turn(address.place)
        await turn.begin()
        try:
            return await self._send(method, address, headers, body, turn)
        except BaseException:
            turn.end()
            raise

    async def _send(
        self, method: str, address: Address, headers: Mapping[str, str], body: bytes | None, turn: Turn
    ) -> Response:
        if self._closed:
            raise UpstreamError(f"{address.masked}: we have closed our connections", url=address.masked)
        request = self._request(method, address, headers, body)
        before = cancellations()
        try:
            answer = await request.__aenter__()
        except PyreqwestError as error:
            self.pacer.note(address.place, multiplexed=False)
            raise failure(error, address, self._settings.timeout) from None
        try:
            heed(before)
            self.pacer.note(address.place, multiplexed=answer.version == "HTTP/2.0")
            return Response(address, request, answer, turn, self.pacer, self._settings)
        except BaseException:
            await request.__aexit__(None, None, None)
            raise

    def _request(self, method: str, address: Address, headers: Mapping[str, str], body: bytes | None) -> StreamRequest:
        # Which of the two decides how connections are opened, see ``build``.
        library = self._http2 if self.pacer.is_multiplexed(address.place) else self._either
        builder = library.request(method, str(address)).headers(dict(headers))
        credentials = self._settings.credentials
        if credentials is not None and address.origin == self.hosts.own.origin:
            builder = builder.header("Authorization", credentials.authorization, is_sensitive=True)
        if body is not None:
            builder = builder.body_bytes(body)
        # 0 hands over the head, and each chunk, as it arrives: a cut loses nothing, and slowness is seen at once.
        return builder.streamed_read_buffer_limit(0).build_streamed()

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

    def _next(self, response: Response) -> Address:
        location = response.header("location")
        here = response.url
        try:
            if not location:
                raise ValueError("no Location that can be read")
            target = here.join(location)
        except ValueError as error:
            raise UpstreamError(f"{here.masked}: redirects to nowhere: {error}", url=here.masked) from error
        return self.hosts.check(target, before=here)


class _Entered:
    """An answer that is asked for when this is entered, and closed when it is left."""

    def __init__(self, ask: Callable[[], Awaitable[Response]]) -> None:
        self._ask = ask

    async def __aenter__(self) -> Response:
        self._response = await self._ask()
        return self._response

    async def __aexit__(self, *exception: object) -> None:
        await self._response.__aexit__(*exception)
