"""Pools of connections as the operator's settings say. Only this, ``client`` and ``response`` know the library."""

from __future__ import annotations

import os
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Self

from pyreqwest.client import Client as Library
from pyreqwest.client import ClientBuilder
from pyreqwest.exceptions import PyreqwestError
from pyreqwest.proxy import ProxyBuilder

from bandersnatch.errors import BandersnatchError, Problem, UsageError
from bandersnatch.upstream.address import Address
from bandersnatch.upstream.response import causes
from bandersnatch.upstream.settings import Settings
from bandersnatch.values import Struct

PROXY_SCHEMES = ("http://", "https://", "socks5://", "socks5h://")
_SMALLEST_WINDOW = 65_535
_LARGEST_WINDOW = 5 << 20
_PING = timedelta(seconds=20)


class Certificates(Struct, frozen=True):
    """What is in the files that the settings name, read once: whatever becomes of them, a run goes on."""

    authority: bytes | None
    client: bytes | None

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Raises UsageError for a file that is no certificate, or cannot be read."""
        return cls(_pem(settings.ca_file, "ca-file"), _pem(settings.client_certificate, "client-certificate"))


class Pools:
    """
    Two ways to the same hosts, see ``_build``; *at* gives the IP address of one host, which is then not looked up.

    Raises UsageError for settings that cannot be used.
    """

    def __init__(self, settings: Settings, certificates: Certificates, at: tuple[Address, str] | None = None) -> None:
        self._settings = settings
        self._certificates = certificates
        self._at = at
        self.either = self._build(http2_only=False)
        """To a host of which it is not known yet what it speaks."""

    @cached_property
    def http2(self) -> Library:
        """To a host that speaks HTTP/2. A run that finds nothing new never needs it."""
        return self._build(http2_only=True)

    async def close(self) -> None:
        """Close all connections."""
        await self.either.close()
        if "http2" in vars(self):
            await self.http2.close()

    def _build(self, *, http2_only: bool) -> Library:
        return _build(self._settings, self._certificates, self._at, http2_only=http2_only)


def _build(
    settings: Settings, certificates: Certificates, at: tuple[Address, str] | None, *, http2_only: bool
) -> Library:
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
    if at is not None:
        builder = builder.resolve(at[0].host, at[1], at[0].port)
    if http2_only:
        builder = builder.http2_prior_knowledge()
    if settings.bandwidth is not None:
        # What waits for bandwidth must not fill the window that all streams share, or the others would time out.
        window = max(_SMALLEST_WINDOW, min(settings.bandwidth, _LARGEST_WINDOW))
        builder = builder.http2_initial_connection_window_size(window)
    try:
        if settings.proxy is not None:
            builder = builder.proxy(_proxy(settings.proxy))
        if certificates.authority is not None:
            builder = builder.add_root_certificate_pem(certificates.authority)
        if certificates.client is not None:
            builder = builder.identity_pem(certificates.client)
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


def _pem(path: Path | None, key: str) -> bytes | None:
    if path is None:
        return None
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(Problem(f"cannot be read: {error.strerror}", str(path), key=f"[upstream] {key}")) from error
    if b"-----BEGIN CERTIFICATE-----" not in content:
        raise UsageError(Problem("there is no PEM certificate in it", str(path), key=f"[upstream] {key}"))
    return content


def _unusable(settings: Settings, error: Exception) -> BandersnatchError:
    text = "\n".join(causes(error))
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
