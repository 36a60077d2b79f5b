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
_BEFORE_PATH = re.compile(r"\A\s*(?:[a-z0-9+.-]+:(?=/)|[a-z]+(?=//))?/*[^/]*", re.I)
_PORTS = {"http": 80, "https": 443}
_ORDINARY = re.compile(
    r"\+?simple|private|public|internal|stable|nightly|python|packages|repositor(y|ies)|artifactory|projects|groups"
    r"|releases?|snapshots?|mirrors?|archive|[a-z+]{0,5}[0-9.-]{0,10}"
)
"""Words that addresses of indexes are made of; short ones with or without a number, or a date: ``cu130``."""

_TRANSLATED = [
    (ipaddress.IPv6Network(network), bits)
    for network, bits in (
        ("::ffff:0:0/96", 0),  # IPv4-mapped
        ("::ffff:0:0:0/96", 0),  # IPv4-translated, RFC 2765
        ("64:ff9b::/96", 0),  # NAT64, RFC 6052
        ("2002::/16", 80),  # 6to4, RFC 3056
        ("::/96", 0),  # IPv4-compatible, RFC 4291
    )
]
"""Addresses that stand for an IPv4 one, and how many bits come after it. Teredo's are never public."""

_LOCAL = [
    ipaddress.IPv6Network(network)
    for network in ("64:ff9b:1::/48", "fec0::/10", "2001::/32")  # a NAT64 of one's own, a site's, Teredo
]
"""Not public, though not every Python knows."""


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
        """The URL with its query hidden, since queries carry signatures and tokens, and with what was concealed."""
        return _hidden(str(self))

    @property
    def is_loopback(self) -> bool:
        """Whether this is the same machine, by name or number."""
        address = _ip(self.host)
        return self.host == "localhost" or (address is not None and address.is_loopback)

    @property
    def is_public(self) -> bool:
        """Whether the host is a full domain name, or an address that is routed on the internet."""
        address = _ip(self.host)
        if address is None:
            return "." in self.host and not self.host.endswith(".localhost")
        return is_public(address)

    def join(self, reference: str) -> Address:
        """The address that *reference*, relative or absolute, means here. Raises ValueError."""
        return Address.parse(urljoin(str(self), reference))

    def at(self, target: str) -> Address:
        """Another target at the same origin."""
        return replace(self, target=target)


_concealed: set[str] = set()
"""Parts of paths that this process shows nowhere."""


def conceal(url: str) -> str:
    """
    *url*, an address that the operator wrote, as it may be shown; some indexes want a token as a part of the path.

    Whatever of its path is no ordinary word is from now on hidden in all addresses that are shown. It may be mistyped.
    """
    _, parts = _taken_apart(mask(url).partition("?")[0])
    _concealed.update(part for part in parts if not _ORDINARY.fullmatch(part))
    return mask(url)


def mask(url: str) -> str:
    """*url* as it may be shown and logged: without userinfo, query, fragment and what was concealed."""
    try:
        Address.parse(url)
    except ValueError:
        # A password may hold what ends an authority, so nobody can tell where it ends, but before the last "@".
        return _hidden(re.sub(r"\A(\s*[a-z0-9+.-]+:(?=/))?/*.*@", r"\1//***@", url, flags=re.I | re.S))
    return _hidden(url)


def _hidden(url: str) -> str:
    place, question, _ = url.partition("#")[0].partition("?")
    before, parts = _taken_apart(place)
    return before + "/".join("***" if one in _concealed else one for one in parts) + (question and "?***")


def _taken_apart(url: str) -> tuple[str, list[str]]:
    """What comes before the path of *url*, which may be mistyped and has no query, and the parts of the path."""
    path = _BEFORE_PATH.sub("", url, count=1)
    return url.removesuffix(path), path.split("/")


def is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether *address* is routed on the internet, and what it translates to as well."""
    if address.version == 4:
        return address.is_global and not address.is_multicast
    if any(address in network for network in _LOCAL):
        return False
    number = int(address)
    inner = next((number >> bits for network, bits in _TRANSLATED if address in network), None)
    if inner is None and number >> 32 & 0xFDFFFFFF == 0x5EFE:  # ISATAP, RFC 5214
        inner = number
    if inner is not None:
        return is_public(ipaddress.IPv4Address(inner & 0xFFFFFFFF))
    return address.is_global and not address.is_multicast


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


@lru_cache(maxsize=64)
def _ip(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address
