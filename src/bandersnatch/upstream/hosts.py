"""Which hosts may be asked: upstream's own, those that the operator names, and those that the first file showed.

An index can name any URL as a file's, and any server can redirect anywhere. Both would let it make us ask machines
that only we can reach, so every URL and every hop passes ``Hosts.check``. A page comes from the index itself: what
redirects one elsewhere, perhaps to a public index, says that it has none.
"""

from __future__ import annotations

from contextlib import suppress

from bandersnatch.errors import NotAllowed, NotFound
from bandersnatch.upstream.address import Address, mask
from bandersnatch.upstream.settings import Settings

LEARNED = 2
"""Hosts that are learned at most: one of the first file, and one that a file is redirected to."""


class Hosts:
    """The hosts of one upstream. *learned* is shared with the caller, who keeps it between runs."""

    def __init__(self, settings: Settings):
        self.own = Address.parse(settings.url)
        self.learned: set[str] = set()
        self.settled = False
        """Whether a file has come, so that it is known where files come from."""
        self._files = set(map(_place, settings.file_hosts))
        self._pages = set(map(_place, settings.page_hosts))
        self._mirrors = {Address.parse(url).place for url in settings.download_mirrors}
        self._allow_http = settings.allow_http

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
        return address.place in self.learned and not self.is_trusted(address) and address.place not in self._mirrors

    def is_trusted(self, address: Address) -> bool:
        """Whether this is a host of the index, by the operator's own word: who may see our certificate."""
        return address.place == self.own.place or address.place in self._files | self._pages

    def redirected(self, target: Address, before: Address, *, page: bool) -> Address:
        """
        *target*, to which *before* redirects, if we may ask it; where the first file is redirected to is learned.

        Raises NotFound for a *page* that is sent away from the index, and NotAllowed.
        """
        if not page:
            if not (self._files or self.settled or before.place in self._mirrors or len(self.learned) == LEARNED):
                self._learn(target)
        elif target.place not in self._pages and not _is_same(target, before):
            raise NotFound(
                f"{before.masked}: not found: redirected to {target.masked}, and a page comes from the index itself; "
                f"if the index is there, write that as [mirror] upstream; [upstream] page-hosts = [{target.place!r}] "
                "would take it, and whatever others put there under the names of your projects (dependency confusion)",
                url=before.masked,
            )
        return self.check(target, before=before)

    def learn(self, url: str) -> None:
        """
        Take the host of *url*, the first file on the first page read, for upstream's file host.

        Only where the operator named none and none has been learned. Silently nothing for a host that must not be:
        asking for such a file then raises NotAllowed, which tells the operator what to do.
        """
        if not (self._files or self.learned):
            with suppress(ValueError):
                self._learn(Address.parse(url))

    def _learn(self, address: Address) -> None:
        private = not self.own.is_public
        if (address.scheme == "https" or self.own.scheme == "http") and (address.is_public or private):
            self.learned.add(address.place)

    def _objection(self, address: Address, before: Address | None) -> str | None:
        if before is not None and before.scheme == "https" and address.scheme == "http":
            return "a redirect from https to plain http"
        if address.scheme == "http" and not (self._allow_http or address.is_loopback):
            return "plain http; [upstream] allow-http would allow it"
        if not (self.is_trusted(address) or address.place in self.learned or address.place in self._mirrors):
            return f"not a host of this upstream; [upstream] file-hosts = [{address.place!r}] would allow it"
        return None


def _is_same(target: Address, before: Address) -> bool:
    """Whether *target* is of the index that *before* is of: of its origin, or of the same host with TLS."""
    return target.place == before.place and target.scheme in (before.scheme, "https")


def _place(text: str) -> str:
    """The host (and port) that the operator wrote, spelled as ``Address.place`` spells it."""
    return Address.parse(f"https://{text}").place
