from __future__ import annotations

import pytest

from bandersnatch.errors import NotAllowed
from bandersnatch.upstream.address import Address
from bandersnatch.upstream.hosts import Hosts


def hosts(own: str = "https://example.org/simple/", *configured: str, allow_http: bool = False) -> Hosts:
    return Hosts(Address.parse(own), configured, ["https://mirror.example/pypi/"], allow_http=allow_http)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/packages/a.whl",
        "https://files.example:8443/a.whl",
        "https://cdn.example/a.whl",
        "https://mirror.example/pypi/packages/a.whl",
    ],
)
def test_allows_own_and_configured_hosts(url: str) -> None:
    """Upstream's own host, those of file-hosts, and the download mirrors' are asked."""
    assert str(hosts("https://example.org/simple/", "files.example:8443", "CDN.example:443").check(url)) == url


@pytest.mark.parametrize(
    ("url", "hint"),
    [
        ("https://files.example/a.whl", "[upstream] file-hosts = ['files.example'] would allow it"),
        ("https://example.org:8443/a.whl", "[upstream] file-hosts = ['example.org:8443'] would allow it"),
        ("http://example.org/a.whl", "[upstream] allow-http would allow it"),
        ("http://127.0.0.1:9200/_cat", "[upstream] file-hosts"),
        ("file:///etc/passwd", "not an absolute http or https URL"),
        ("https://me:secret@example.org/", "credentials in the URL"),
    ],
)
def test_refuses_others_with_the_key_that_would_allow_them(url: str, hint: str) -> None:
    """Another host, port or scheme is refused, and the message says what would allow it, without secrets."""
    with pytest.raises(NotAllowed) as caught:
        hosts().check(url)
    assert hint in str(caught.value)
    assert "secret" not in f"{caught.value} {caught.value.url}"


def test_never_from_https_to_http() -> None:
    """A redirect from https to http is refused even where plain http is allowed."""
    before = Address.parse("https://example.org/simple/")
    with pytest.raises(NotAllowed, match="from https to plain http"):
        hosts(allow_http=True).check("http://example.org/simple/", before=before)


def test_http_where_it_is_allowed() -> None:
    """Plain http is asked on this machine, and elsewhere when the operator allows it."""
    assert hosts("http://127.0.0.1:8080/simple/").check("http://127.0.0.1:8080/a").scheme == "http"
    assert hosts("http://example.org/simple/", allow_http=True).check("http://example.org/a").scheme == "http"
    with pytest.raises(NotAllowed, match="allow-http"):
        hosts("http://example.org/simple/").check("http://example.org/a")


@pytest.mark.parametrize(
    ("own", "url", "learned"),
    [
        ("https://example.org/simple/", "https://files.example/a", {"files.example"}),
        ("https://example.org/simple/", "https://example.org/a", {"example.org"}),
        ("https://example.org/simple/", "http://files.example/a", set()),
        ("https://example.org/simple/", "https://10.0.0.1/a", set()),
        ("https://example.org/simple/", "https://localhost/a", set()),
        ("https://example.org/simple/", "https://169.254.169.254/a", set()),
        ("https://example.org/simple/", "nonsense", set()),
        ("https://10.0.0.1/simple/", "https://10.0.0.2/a", {"10.0.0.2"}),
        ("http://127.0.0.1:80/simple/", "http://127.0.0.1:81/a", {"127.0.0.1:81"}),
    ],
)
def test_learns_a_host_that_may_be_one(own: str, url: str, learned: set[str]) -> None:
    """A public index cannot teach us a private host, nor one without TLS; a private one can."""
    known = hosts(own)
    known.learn(url)
    assert known.learned == learned


def test_learns_once_and_only_where_nothing_is_configured() -> None:
    """The first host learned stays the only one; with file-hosts nothing is learned."""
    known = hosts()
    known.learn("https://files.example/a")
    known.learn("https://evil.example/a")
    assert known.learned == {"files.example"}
    configured = hosts("https://example.org/simple/", "files.example")
    configured.learn("https://evil.example/a")
    assert configured.learned == set()
