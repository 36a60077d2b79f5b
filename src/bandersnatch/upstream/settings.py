"""What an operator can say about an upstream, as one frozen value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bandersnatch.errors import Problem, UsageError
from bandersnatch.upstream.address import Address, conceal
from bandersnatch.upstream.credentials import Credentials

MIB = 1 << 20
MAX_CONNECTIONS = 10
"""PyPI's own mirror client never opened more."""


def index_url(text: str) -> str:
    """
    What *text* calls the index, the same for all spellings: with ``simple/`` at its end, and with a slash.

    It need not be there, see ``root``. Raises UsageError.
    """
    return _addresses(text)[-1]


def _addresses(text: str) -> tuple[str, ...]:
    """Where the index may be that *text* names: there, and at ``simple/`` below it, unless *text* names that."""
    try:
        address = Address.parse(text.strip())
    except ValueError as error:
        raise UsageError(Problem(str(error), key="[upstream] url")) from None
    if "?" in address.target:
        raise UsageError(Problem("an index has no query (?) in its URL", key="[upstream] url"))
    path = address.target.rstrip("/")
    own = str(address.at(f"{path}/"))
    return (own,) if path.rpartition("/")[2] in ("simple", "+simple") else (own, f"{own}simple/")


@dataclass(frozen=True, slots=True)
class Settings:
    """One upstream. Raises UsageError, with all problems at once, for values that cannot be."""

    url: str
    """The index, as ``index_url`` calls it; any spelling that it takes may be given."""
    user_agent: str
    changelog: bool = False
    """Whether upstream has the XML-RPC method ``changelog_since_serial``."""
    changelog_url: str | None = None
    """Where; None: ``/pypi`` at the index's origin."""
    connections: int = 4
    """Requests at a time to a host that speaks HTTP/1.1."""
    streams: int = 100
    """Requests at a time to a host that speaks HTTP/2, all over one connection."""
    bandwidth: int | None = None
    """Bytes per second, all hosts together."""
    timeout: float = 60.0
    """Seconds to connect, and between two chunks."""
    minimum_rate: int = 1024
    """Bytes per second, over 30 seconds; 0 for any."""
    tries: int = 4
    retry_after_cap: float = 900.0
    """The longest wait, in seconds, that a Retry-After can ask of us."""
    file_hosts: tuple[str, ...] = ()
    """``host`` or ``host:port``; with none, the host of the first file is learned, and one that it redirects to."""
    page_hosts: tuple[str, ...] = ()
    """``host`` or ``host:port`` that pages may be redirected to."""
    allow_http: bool = False
    download_mirrors: tuple[str, ...] = ()
    """Addresses that are asked for files first; what follows them is the file's path from ``/packages/`` on."""
    proxy: str | None = field(default=None, repr=False)
    """http, https, socks5 or socks5h URL; None: as HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY say."""
    ca_file: Path | None = None
    """PEM; trusted besides the system's store (or SSL_CERT_FILE, SSL_CERT_DIR)."""
    client_certificate: Path | None = None
    """PEM with certificate and key."""
    credentials: Credentials | None = None
    max_list: int = 256 * MIB
    """Decoded bytes of the list of projects; so too the next two."""
    max_page: int = 64 * MIB
    max_companion: int = 16 * MIB
    addresses: tuple[str, ...] = field(init=False)
    """Where the index may be: one address or two, see ``root``."""

    def __post_init__(self) -> None:
        problems = tuple(self._problems())
        if problems:
            raise UsageError(*problems)
        object.__setattr__(self, "addresses", _addresses(self.url))
        object.__setattr__(self, "url", self.addresses[-1])
        for url in (self.url, self.changelog_url, *self.download_mirrors):
            conceal(url or "")

    def _problems(self) -> Iterator[Problem]:
        try:
            index_url(self.url)
        except UsageError as error:
            yield from error.problems
        if not 1 <= self.connections <= MAX_CONNECTIONS:
            yield Problem(f"must be between 1 and {MAX_CONNECTIONS}", key="[upstream] connections")
        for name in ("streams", "tries", "timeout"):
            if getattr(self, name) <= 0:
                yield Problem("must be greater than 0", key=f"[upstream] {name}")
        if self.bandwidth is not None and self.bandwidth <= 0:
            yield Problem("must be greater than 0", key="[upstream] bandwidth")
        yield from _unreadable("download-mirrors", self.download_mirrors)
        yield from _unreadable("file-hosts", (f"https://{host}" for host in self.file_hosts))
        yield from _unreadable("page-hosts", (f"https://{host}" for host in self.page_hosts))
        yield from _unreadable("changelog-url", [self.changelog_url] if self.changelog_url else [])


def _unreadable(key: str, urls: Iterable[str]) -> Iterator[Problem]:
    for url in urls:
        try:
            Address.parse(url)
        except ValueError as error:
            yield Problem(str(error), key=f"[upstream] {key}")
