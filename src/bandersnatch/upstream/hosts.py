"""Which hosts may be asked: upstream's own, those that the operator names, and the one that the first page showed.

An index can name any URL as a file's, and any server can redirect anywhere. Both would let it make us ask machines
that only we can reach, so every URL and every hop passes ``Hosts.check``.
"""

from __future__ import annotations

from collections.abc import Iterable

from bandersnatch.errors import NotAllowed
from bandersnatch.upstream.address import Address, mask


class Hosts:
    """The hosts of one upstream. *learned* is shared with the caller, who keeps it between runs."""

    def __init__(self, own: Address, configured: Iterable[str] = (), mirrors: Iterable[str] = (), *, allow_http: bool):
        self.own = own
        self.learned: set[str] = set()
        self._configured = {_place(text) for text in configured}
        self._mirrors = {Address.parse(url).place for url in mirrors}
        self._allow_http = allow_http

    def check(self, url: str | Address, *, before: Address | None = None) -> Address:
        """
        *url*, taken apart, if we may ask it; *before* is the address that redirected to it.

        Raises NotAllowed with the key of the configuration that would allow it.
        """
        try:
            address = url if isinstance(url, Address) else Address.parse(url)
        except ValueError as error:
            raise NotAllowed(f"{mask(str(url))}: refused: {error}", url=mask(str(url))) from error
        reason = self._objection(address, before)
        if reason is not None:
            origin = f" (a redirect of {before.masked})" if before else ""
            raise NotAllowed(f"{address.masked}{origin}: refused: {reason}", url=address.masked)
        return address

    def is_learned(self, address: Address) -> bool:
        """Whether upstream alone named this host."""
        return address.place in self.learned - {self.own.place, *self._configured, *self._mirrors}

    def learn(self, url: str) -> None:
        """
        Take the host of *url*, the first file on the first page read, for upstream's file host.

        Only where the operator named none and none has been learned. Silently nothing for a host that must not be:
        asking for such a file then raises NotAllowed, which tells the operator what to do.
        """
        if self._configured or self.learned:
            return
        try:
            address = Address.parse(url)
        except ValueError:
            return
        private = not self.own.is_public
        if (address.scheme == "https" or self.own.scheme == "http") and (address.is_public or private):
            self.learned.add(address.place)

    def _objection(self, address: Address, before: Address | None) -> str | None:
        if before is not None and before.scheme == "https" and address.scheme == "http":
            return "a redirect from https to plain http"
        if address.scheme == "http" and not (self._allow_http or address.is_loopback):
            return "plain http; [upstream] allow-http would allow it"
        place = address.place
        if place != self.own.place and not any(place in one for one in (self._configured, self.learned, self._mirrors)):
            return f"not a host of this upstream; [upstream] file-hosts = [{address.place!r}] would allow it"
        return None


def _place(text: str) -> str:
    """The host (and port) that the operator wrote, spelled as ``Address.place`` spells it."""
    return Address.parse(f"https://{text}").place
