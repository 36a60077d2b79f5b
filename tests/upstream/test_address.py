from __future__ import annotations

from contextlib import suppress
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandersnatch.upstream import address
from bandersnatch.upstream.address import Address, conceal, mask


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("https://example.org", "https://example.org/"),
        ("HTTPS://Example.ORG:443/A", "https://example.org/A"),
        ("http://example.org:8080/a?b#c", "http://example.org:8080/a?b"),
        ("https://example.org?b", "https://example.org/?b"),
        ("https://[::1]:8443/", "https://[::1]:8443/"),
        ("https://example.org/a file/é", "https://example.org/a%20file/%C3%A9"),
        ("https://example.org/a\\b", "https://example.org/a%5Cb"),
        ("https://example.org/a%2Fb", "https://example.org/a%2Fb"),
    ],
)
def test_reads_what_a_url_can_be(url: str, text: str) -> None:
    """An absolute URL is taken apart and spelled in one way."""
    assert str(Address.parse(url)) == text


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/a",
        "//example.org/a",
        "file:///etc/passwd",
        "ftp://example.org/",
        "https:///a",
        "https://user:pass@example.org/",
        "https://example.org\\@evil.example/",
        "https://example.org\t.evil.example/",
        "https://example.org\n/",
        "https://exa mple.org/",
        "https://ex%61mple.org/",
        "https://é.example/",
        "https://example.org:99999/",
        "https://example.org:0/",
        "https://example.org:8a/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://127.1/",
        "https://[::1/",
        "https://[zz]/",
    ],
)
def test_refuses_what_two_readers_could_read_differently(url: str) -> None:
    """A URL whose host is not plain is refused, and the message does not repeat it."""
    with pytest.raises(ValueError) as caught:
        Address.parse(url)
    assert "example" not in str(caught.value)


@given(st.text(max_size=30) | st.from_regex(r"https?://[!-~]{0,20}", fullmatch=True))
def test_whatever_is_read_has_the_host_that_others_see(url: str) -> None:
    """What is accepted is ASCII, reads the same again, and has the same host for urllib."""
    with suppress(ValueError):
        address = Address.parse(url)
        assert str(address).isascii()
        assert Address.parse(str(address)) == address
        assert f"{urlsplit(str(address)).hostname}" == address.host.strip("[]")


@pytest.mark.parametrize(
    ("host", "loopback", "public"),
    [
        ("example.org", False, True),
        ("localhost", True, False),
        ("pypi.localhost", False, False),
        ("intranet", False, False),
        ("127.0.0.1", True, False),
        ("127.9.9.9", True, False),
        ("10.0.0.1", False, False),
        ("169.254.169.254", False, False),
        ("9.9.9.9", False, True),
        ("[::1]", True, False),
        ("[fe80::1]", False, False),
        ("[::ffff:127.0.0.1]", True, False),
        ("[2001:4860::1]", False, True),
        ("[64:ff9b::7f00:1]", False, False),
        ("[64:ff9b::808:808]", False, True),
    ],
)
def test_knows_private_hosts(host: str, loopback: bool, public: bool) -> None:
    """Loopback, private and link-local addresses are told from public ones, in every notation."""
    address = Address.parse(f"https://{host}/")
    assert (address.is_loopback, address.is_public) == (loopback, public)


def test_place_and_origin() -> None:
    """A place has its port only where that is not the scheme's own; an origin has the scheme too."""
    assert Address.parse("https://example.org:443/").place == "example.org"
    assert Address.parse("https://example.org:8443/").place == "example.org:8443"
    assert Address.parse("http://example.org/").origin == "http://example.org"


def test_join_resolves_as_browsers_do() -> None:
    """A relative reference is resolved, and checked like any URL."""
    base = Address.parse("https://example.org/simple/foo/")
    assert str(base.join("../../packages/a.whl#sha256=0")) == "https://example.org/packages/a.whl"
    assert str(base.join("//other.example/a")) == "https://other.example/a"
    with pytest.raises(ValueError):
        base.join("javascript:alert(1)")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://example.org/a", "https://example.org/a"),
        ("https://me:secret@example.org/a?token=secret#secret", "https://***@example.org/a?***"),
        ("https://me:sec@ret@example.org/a", "https://***@example.org/a"),
        ("https://example.org/a@b", "https://example.org/a@b"),
        ("https://me:sec/ret@example.org/a", "https://***@example.org/a"),
        ("https://me:sec?ret@example.org/a", "https://***@example.org/a"),
        ("https://me:sec#ret@example.org/a", "https://***@example.org/a"),
        ("https:/me:secret@example.org/a", "https://***@example.org/a"),
        ("https//me:secret@example.org/a", "//***@example.org/a"),
        ("me:secret@example.org/a", "//***@example.org/a"),
    ],
)
def test_mask_hides_what_may_be_secret(url: str, shown: str) -> None:
    """Userinfo, query and fragment are not shown."""
    assert mask(url) == shown


@pytest.mark.parametrize(
    "path",
    [
        "/", "/simple/", "/dev/pypi/+simple/", "/whl/cu130/", "/whl/nightly/rocm6.4/", "/api/v4/projects/123/packages",
        "/repository/pypi/simple", "/2026-12-01/simple/", "/artifactory/",
    ],
)  # fmt: skip
def test_what_addresses_of_indexes_are_made_of_is_shown(path: str) -> None:
    """Nobody needs to guess at which index a message points."""
    assert conceal(f"https://example.org{path}") == f"https://example.org{path}"


@pytest.mark.parametrize("token", ["dGhpcyBpcyBub3Qg", "t0p-secret", "correcthorse", "0123456789abcdef0123", "A%20b"])
def test_a_token_in_the_path_is_hidden_in_all_addresses(token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once the operator has written it as a part of upstream's address."""
    monkeypatch.setattr(address, "_concealed", set())
    page = Address.parse(f"https://example.org/{token}/simple/foo/")
    assert page.masked == str(page)
    assert conceal(f"https://example.org/{token}/simple/") == "https://example.org/***/simple/"
    assert page.masked == "https://example.org/***/simple/foo/"
    assert mask(f"https://files.example/{token}/foo.whl?{token}") == "https://files.example/***/foo.whl?***"
    assert mask(f"https://{token}.example/{token}.whl") == f"https://{token}.example/{token}.whl"
