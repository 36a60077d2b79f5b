"""HTTP, and nothing of indexes: one request, its redirects, its answer. The only module that knows the HTTP library.

The library negotiates HTTP/2, pools connections and reads the system's certificates, SSL_CERT_FILE, SSL_CERT_DIR and
the usual proxy variables by itself. It follows no redirect and decodes no body for us: both need checks of ours.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from pyreqwest.client import Client as Library
from pyreqwest.client import ClientBuilder
from pyreqwest.exceptions import PyreqwestError
from pyreqwest.proxy import ProxyBuilder
from pyreqwest.request import StreamRequest
from pyreqwest.response import Response as LibraryResponse

from bandersnatch.errors import BandersnatchError, Problem, UpstreamError, UsageError
from bandersnatch.upstream import failures
from bandersnatch.upstream.address import Address
from bandersnatch.upstream.hosts import Hosts
from bandersnatch.upstream.pacing import Clock, Pacer, RateWatch, Transient, retry_after
from bandersnatch.upstream.settings import Settings

MAX_HOPS = 5
REDIRECTS = frozenset({301, 302, 303, 307, 308})
OK = frozenset({200})
PROXY_SCHEMES = ("http://", "https://", "socks5://", "socks5h://")
_DRAINED = 64 * 1024
"""An unwanted body up to this size is read, so that its connection can be used again."""
_SMALLEST_WINDOW = 65_535
_LARGEST_WINDOW = 5 << 20
_PING = timedelta(seconds=20)


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
        self._either = _build(settings)
        self._http2 = _build(settings, http2_only=True)
        self._closed = False

    @asynccontextmanager
    async def get(
        self, url: str | Address, headers: Mapping[str, str] | None = None, *, expect: Collection[int] = OK
    ) -> AsyncIterator[Response]:
        """
        The answer to a GET of *url*, with a status in *expect*, its body not yet read.

        Redirects are followed, every hop checked. Raises NotAllowed, NotFound and UpstreamError, of which ``Transient``
        means that another try may help.
        """
        here = self.hosts.check(url)
        for _ in range(MAX_HOPS + 1):
            async with self._exchange("GET", here, headers or {}, None) as response:
                if response.status not in REDIRECTS:
                    await self._judge(response, expect)
                    yield response
                    return
                here = self._next(response)
                await response.drain()
        raise UpstreamError(f"{here.masked}: more than {MAX_HOPS} redirects, one after the other", url=here.masked)

    @asynccontextmanager
    async def post(self, url: str | Address, headers: Mapping[str, str], body: bytes) -> AsyncIterator[Response]:
        """The answer, status 200, to a POST. Redirects are not followed. Raises as ``get`` does."""
        async with self._exchange("POST", self.hosts.check(url), headers, body) as response:
            await self._judge(response, OK)
            yield response

    async def close(self) -> None:
        """Close all connections; what is in flight fails."""
        self._closed = True
        await self._either.close()
        await self._http2.close()

    @asynccontextmanager
    async def _exchange(
        self, method: str, address: Address, headers: Mapping[str, str], body: bytes | None
    ) -> AsyncIterator[Response]:
        async with self.pacer.turn(address.place):
            if self._closed:
                raise UpstreamError(f"{address.masked}: we have closed our connections", url=address.masked)
            request = self._request(method, address, headers, body)
            cancellation = _Cancellation()
            try:
                answer = await request.__aenter__()
            except PyreqwestError as error:
                self.pacer.note(address.place, multiplexed=False)
                raise _failure(error, address, self._settings.timeout) from None
            try:
                cancellation.heed()
                self.pacer.note(address.place, multiplexed=answer.version == "HTTP/2.0")
                yield Response(address, answer, self.pacer, self._settings)
            finally:
                await request.__aexit__(None, None, None)
            cancellation.heed()

    def _request(self, method: str, address: Address, headers: Mapping[str, str], body: bytes | None) -> StreamRequest:
        # Which of the two decides how connections are opened, see ``_build``.
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


class Response:
    """One answer. Its body can be read once, while the request is entered."""

    def __init__(self, url: Address, answer: LibraryResponse, pacer: Pacer, settings: Settings) -> None:
        self.url = url
        """Where it finally came from."""
        self.status: int = answer.status
        self.version: str = answer.version
        """``HTTP/1.1`` or ``HTTP/2.0``."""
        self._answer = answer
        self._pacer = pacer
        self._timeout = settings.timeout
        self._rate = RateWatch(settings.minimum_rate)
        self._minimum = settings.minimum_rate

    def header(self, name: str) -> str | None:
        """The first header of that *name*; None too for one that is not ASCII."""
        try:
            return self._answer.get_header(name)
        except ValueError:
            return None

    @property
    def length(self) -> int | None:
        """The Content-Length, where there is one: bytes on the wire, before any decoding."""
        text = self.header("content-length")
        return int(text) if text is not None and text.isdecimal() else None

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it came, undecoded. Raises Transient when it breaks off, stalls, or comes too slowly."""
        while (chunk := await self._read()) is not None:
            if chunk:
                yield chunk

    async def drain(self) -> None:
        """Read a small body to its end, so that the connection can be used again; leave a large one."""
        if self.length is None or self.length > _DRAINED:
            return
        try:
            while await self._read() is not None:
                pass
        except Transient:
            return

    async def _read(self) -> bytes | None:
        began = self._pacer.clock.monotonic()
        cancellation = _Cancellation()
        try:
            chunk = await self._answer.body_reader.read_chunk()
        except PyreqwestError as error:
            raise _failure(error, self.url, self._timeout) from None
        cancellation.heed()
        if chunk is None:
            return None
        shown = self.url.masked
        if self._rate.is_too_slow(self._pacer.clock.monotonic() - began, len(chunk)):
            raise Transient(f"{shown}: slower than {self._minimum} bytes per second", url=shown)
        await self._pacer.spend(len(chunk))
        return chunk.to_bytes()


class _Cancellation:
    """
    Notices that the running task was cancelled while the library was awaited.

    The library loses a cancellation that arrives together with its result (seen with pyreqwest 0.15): the task would go
    on as if nothing had been said.
    """

    def __init__(self) -> None:
        self._before = self._requests()

    def heed(self) -> None:
        """Raise the CancelledError that was lost, if one was."""
        if self._requests() > self._before:
            raise asyncio.CancelledError

    @staticmethod
    def _requests() -> int:
        task = asyncio.current_task()
        return 0 if task is None else task.cancelling()


def _build(settings: Settings, *, http2_only: bool = False) -> Library:
    """
    A pool of connections.

    One that may negotiate opens a connection for each request that finds none, and sees only then that one would do:
    ``streams`` of them whenever a server ends its connection. One that knows that it will be HTTP/2 opens one.
    """
    timeout = timedelta(seconds=settings.timeout)
    builder = (
        ClientBuilder()
        .user_agent(settings.user_agent)
        .http2(True)
        .http2_keep_alive_interval(_PING)
        .http2_keep_alive_timeout(timeout)
        .pool_max_idle_per_host(settings.connections)
        .connect_timeout(timeout)
        .read_timeout(timeout)
        .follow_redirects(False)
        .referer(False)
        .gzip(False)
        .brotli(False)
        .zstd(False)
        .deflate(False)
    )
    if http2_only:
        builder = builder.http2_prior_knowledge()
    if settings.bandwidth is not None:
        # What waits for bandwidth must not fill the window that all streams share, or the others would time out.
        window = max(_SMALLEST_WINDOW, min(settings.bandwidth, _LARGEST_WINDOW))
        builder = builder.http2_initial_connection_window_size(window)
    try:
        if settings.proxy is not None:
            builder = builder.proxy(_proxy(settings.proxy))
        if settings.ca_file is not None:
            builder = builder.add_root_certificate_pem(_pem(settings.ca_file, "ca-file"))
        if settings.client_certificate is not None:
            builder = builder.identity_pem(_pem(settings.client_certificate, "client-certificate"))
        return builder.build()
    except (PyreqwestError, ValueError) as error:
        raise _unusable(settings, error) from None


def _proxy(url: str) -> ProxyBuilder:
    """All traffic through *url*, but for the hosts in NO_PROXY, which counts for a configured proxy too, as in curl."""
    try:
        if not url.lower().startswith(PROXY_SCHEMES):
            raise ValueError  # the library would take it, and ignore it
        return ProxyBuilder.all(url).no_proxy(os.environ.get("no_proxy") or os.environ.get("NO_PROXY"))
    except ValueError:
        # The library's text, and the URL, may hold the proxy's password.
        raise UsageError(Problem("not the URL of a proxy", key="[upstream] proxy")) from None


def _pem(path: Path, key: str) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(Problem(f"cannot be read: {error.strerror}", str(path), key=f"[upstream] {key}")) from error
    if b"-----BEGIN CERTIFICATE-----" not in content:
        raise UsageError(Problem("there is no PEM certificate in it", str(path), key=f"[upstream] {key}"))
    return content


def _unusable(settings: Settings, error: Exception) -> BandersnatchError:
    text = "\n".join(_causes(error))
    if "No CA certificates" in text:
        return UsageError(
            Problem(
                "this machine has no certificate authorities: install its ca-certificates, or set SSL_CERT_FILE",
                key="[upstream] ca-file",
            )
        )
    if settings.client_certificate is not None:
        message = "the client's certificate or key cannot be used: it must be one PEM file with both"
        return UsageError(Problem(message, str(settings.client_certificate), key="[upstream] client-certificate"))
    return UsageError(Problem(f"the HTTP client cannot be set up: {text}", key="[upstream]"))


def _failure(error: PyreqwestError, address: Address, seconds: float) -> UpstreamError:
    """The error in our terms. To be raised "from None": the library's quotes the URL with its query, maybe a secret."""
    timed_out = isinstance(error, TimeoutError)
    return failures.from_causes(address.masked, _causes(error), timed_out=timed_out, seconds=seconds)


def _causes(error: Exception) -> list[str]:
    details = getattr(error, "details", None) or {}
    return [cause["message"] for cause in details.get("causes") or ()] or [str(error)]
