from __future__ import annotations

import pytest

from bandersnatch.errors import NotAllowed, NotFound
from bandersnatch.upstream.address import Address
from bandersnatch.upstream.hosts import Hosts
from tests.upstream.asking import settings

OWN = "https://example.org/simple/"


def hosts(own: str = OWN, *configured: str, allow_http: bool = False, page_hosts: tuple[str, ...] = ()) -> Hosts:
    mirrors = ("https://mirror.example/pypi/",)
    return Hosts(
        settings(own, file_hosts=configured, download_mirrors=mirrors, allow_http=allow_http, page_hosts=page_hosts)
    )


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


@pytest.mark.parametrize(
    ("own", "target", "learned"),
    [
        (OWN, "https://cdn.example/a", {"example.org", "cdn.example"}),
        (OWN, "https://10.0.0.1/a", {"example.org"}),
        (OWN, "http://cdn.example/a", {"example.org"}),
        ("http://10.0.0.1/simple/", "http://10.0.0.2/a", {"10.0.0.1", "10.0.0.2"}),
    ],
)
def test_learns_where_the_first_file_is_redirected_to(own: str, target: str, learned: set[str]) -> None:
    """An index that redirects its files teaches one more host, as safe as one that it names itself."""
    known = hosts(own, allow_http=True)
    known.learn(str(known.own))
    try:
        known.redirected(Address.parse(target), known.own, page=False)
    except NotAllowed:
        assert target not in learned
    assert known.learned == learned


@pytest.mark.parametrize("how", ["settled", "configured", "a second one", "by a download mirror"])
def test_a_later_redirect_teaches_nothing(how: str) -> None:
    """Not once files have come, nor with file-hosts, nor twice; nor does a download mirror teach."""
    known = hosts(OWN, *(["files.example"] if how == "configured" else []))
    before = known.own
    if how == "settled":
        known.settled = True
    elif how == "a second one":
        known.learned |= {"example.org", "cdn.example"}
    elif how == "by a download mirror":
        before = Address.parse("https://mirror.example/pypi/a")
    with pytest.raises(NotAllowed, match=r"file-hosts = \['evil.example'\] would allow it"):
        known.redirected(Address.parse("https://evil.example/a"), before, page=False)


@pytest.mark.parametrize(
    ("own", "target"),
    [
        (OWN, "https://example.org/elsewhere/foo/"),
        ("http://example.org/simple/", "https://example.org/simple/foo/"),
        (OWN, "https://pages.example/simple/foo/"),
    ],
)
def test_a_page_comes_from_the_index(own: str, target: str) -> None:
    """From its own origin, from the same host with TLS, or from one of page-hosts."""
    known = hosts(own, allow_http=True, page_hosts=("pages.example",))
    assert str(known.redirected(Address.parse(target), known.own, page=True)) == target


@pytest.mark.parametrize(
    "target",
    [
        "https://public.example/simple/foo/",
        "https://example.org:8443/simple/foo/",
        "http://example.org/simple/foo/",
        "https://files.example/simple/foo/",
        "https://10.0.0.1/simple/foo/",
    ],
)
def test_a_page_that_is_redirected_away_is_not_found(target: str) -> None:
    """Whatever is allowed for files: the index has no such page, and the message says what another key would mean."""
    known = hosts(OWN, "files.example", allow_http=True)
    with pytest.raises(NotFound, match=r"\[upstream\] page-hosts = .*dependency confusion"):
        known.redirected(Address.parse(target), known.own, page=True)
    assert known.learned == set()
