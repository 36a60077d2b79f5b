"""Where a host that upstream chose really is: its addresses are looked at before anything is sent there.

A host that the operator wrote down may be anywhere, that is his word. One that a page taught us is upstream's word, and
its name could lead to a machine that only we can reach. So it is resolved here, refused where an address is not public,
and connected to at that very address: a second answer of the DNS changes nothing.
"""

from __future__ import annotations

import asyncio
import ipaddress
import os
import socket
from collections.abc import Awaitable, Callable, Sequence

from bandersnatch.errors import NotAllowed
from bandersnatch.upstream.address import Address, is_public
from bandersnatch.upstream.pacing import Transient
from bandersnatch.upstream.settings import Settings

Lookup = Callable[[Address], Awaitable[Sequence[str]]]
"""The IP addresses of an address's host, the preferred one first. Raises OSError."""


async def look_up(address: Address) -> Sequence[str]:
    """As the system resolves names."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(address.host.strip("[]"), address.port, type=socket.SOCK_STREAM)
    return [str(one[4][0]) for one in found]


class Resolving:
    """Resolves the hosts that upstream chose, once each, until ``forget``."""

    def __init__(self, own: Address, settings: Settings, lookup: Lookup) -> None:
        self._own = own
        self._lookup = lookup
        self._own_is_public: bool | None = None
        self.is_ours = settings.proxy is None and not _has_proxy()
        """Whether this machine resolves names at all; a proxy does it for who uses one."""

    async def public(self, address: Address) -> str:
        """
        The IP address to connect to.

        Raises NotAllowed where any address of the host is private, unless upstream itself is at a private one, and
        Transient where the name cannot be resolved.
        """
        found = await self._resolved(address)
        private = [one for one in found if not _is_public(one)]
        if private and await self._upstream_is_public():
            message = (
                f"{address.masked}: refused: {address.host} resolves to {private[0]}, which is not a public address; "
                f"[upstream] file-hosts = [{address.place!r}] would allow it"
            )
            raise NotAllowed(message, url=address.masked)
        return found[0]

    async def _upstream_is_public(self) -> bool:
        if self._own_is_public is None:
            self._own_is_public = all(map(_is_public, await self._resolved(self._own)))
        return self._own_is_public

    async def _resolved(self, address: Address) -> Sequence[str]:
        try:
            found = await self._lookup(address)
        except OSError:
            found = ()
        if not found:
            shown = address.masked
            raise Transient(f"{shown}: the name of the host cannot be resolved (DNS)", url=shown)
        return found


def _has_proxy() -> bool:
    """Whether the environment names a proxy, by the rules of Python's own HTTP client."""
    if not any(name.lower().endswith("_proxy") for name in os.environ):
        return False  # as for most, who need not load that client
    from urllib.request import getproxies

    return bool({"http", "https", "all"} & getproxies().keys())


def _is_public(text: str) -> bool:
    return is_public(ipaddress.ip_address(text.partition("%")[0]))
