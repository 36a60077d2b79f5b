r"""Addresses that we may ask: an absolute http(s) URL taken apart so strictly that no two readers can differ about it.

Where a server or a library would read ``https://a\\@b/`` in another way than we do, our check of the host would be
worth nothing; so what is not plainly one host is refused here, once, before anything is sent.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field, replace
from functools import lru_cache
from urllib.parse import quote, urljoin

_URL = re.compile(r"(?P<scheme>https?)://(?P<authority>[^/?#\\]*)(?P<target>[/?][^#]*)?(?:#.*)?\Z", re.I | re.S)
_HOST = re.compile(r"(?P<host>[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{1,5}))?\Z", re.I)
_NUMBER = re.compile(r"([0-9]+|0x[0-9a-f]*)\Z")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_PRINTABLE = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) != "\\")
_QUOTED = re.compile(rf"[{re.escape(_PRINTABLE)}]*\Z")
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Address:
    """One http(s) address without userinfo and fragment. ``str()`` is the URL; ``masked`` is what may be shown."""

    scheme: str
    host: str
    """Lower case; IPv6 addresses in their brackets."""
    port: int
    target: str
    """Path and query, in ASCII, beginning with a slash."""
    place: str = field(init=False, repr=False, compare=False)
    """``host``, or ``host:port`` where the port is not the scheme's own: asked for many times with each request."""

    def __post_init__(self) -> None:
        own = self.port == _PORTS[self.scheme]
        object.__setattr__(self, "place", self.host if own else f"{self.host}:{self.port}")

    @classmethod
    def parse(cls, url: str) -> Address:
        """Take *url* apart. Raises ValueError, whose text says what is wrong and does not repeat the URL."""
        if _CONTROL.search(url):
            raise ValueError("there is a control character in the URL")
        parts = _URL.match(url)
        if parts is None:
            raise ValueError("not an absolute http or https URL")
        if "@" in parts["authority"]:
            raise ValueError("there are credentials in the URL")
        scheme = parts["scheme"].lower()
        host, port = _host_and_port(parts["authority"])
        target = parts["target"] or "/"
        if not _QUOTED.match(target):
            target = quote(target, safe=_PRINTABLE)
        return cls(scheme, host, port or _PORTS[scheme], target if target[0] == "/" else f"/{target}")

    def __str__(self) -> str:
        return f"{self.scheme}://{self.place}{self.target}"

    @property
    def origin(self) -> str:
        """Scheme and place: what credentials belong to (RFC 6454)."""
        return f"{self.scheme}://{self.place}"

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]

    @property
    def masked(self) -> str:
        """The URL with its query hidden, since queries carry signatures and tokens."""
        return mask(str(self))

    @property
    def is_loopback(self) -> bool:
        """Whether this is the same machine, by name or number."""
        return self.host == "localhost" or _number(self.host, "is_loopback")

    @property
    def is_public(self) -> bool:
        """Whether the host is a full domain name, or an address that is routed on the internet."""
        if _ip(self.host) is None:
            return "." in self.host and not self.host.endswith(".localhost")
        return _number(self.host, "is_global")

    def join(self, reference: str) -> Address:
        """The address that *reference*, relative or absolute, means here. Raises ValueError."""
        return Address.parse(urljoin(str(self), reference))

    def at(self, target: str) -> Address:
        """Another target at the same origin."""
        return replace(self, target=target)


def mask(url: str) -> str:
    """*url* as it may be shown and logged: without userinfo, query and fragment."""
    shown = re.sub(r"(?<=//)[^/?#]*@", "***@", url)
    return re.sub(r"\?.*", "?***", re.sub(r"#.*", "", shown, flags=re.S), flags=re.S)


@lru_cache(maxsize=64)  # a run asks few hosts, of which each file's URL names one
def _host_and_port(authority: str) -> tuple[str, int | None]:
    found = _HOST.match(authority)
    if found is None:
        raise ValueError("the host in the URL cannot be read")
    host, port = found["host"].lower(), found["port"]
    # A last label that is a number makes all of it an IPv4 address to some readers (0x7f.1, 2130706433).
    if (host[0] == "[" or _NUMBER.match(host.rpartition(".")[2])) and _ip(host) is None:
        raise ValueError("the host in the URL is not an address in its usual form")
    if port is not None and not 0 < int(port) < 65536:
        raise ValueError("the port in the URL is out of range")
    return host, None if port is None else int(port)


def _ip(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address


@lru_cache(maxsize=64)
def _number(host: str, question: str) -> bool:
    address = _ip(host)
    return address is not None and bool(getattr(address, question))
