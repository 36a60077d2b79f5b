from __future__ import annotations

import pytest

from bandersnatch.errors import UsageError
from bandersnatch.upstream.settings import Settings, index_url


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://example.org", "https://example.org/simple/"),
        ("https://example.org/", "https://example.org/simple/"),
        ("https://example.org/simple", "https://example.org/simple/"),
        ("https://example.org/simple/", "https://example.org/simple/"),
        ("https://example.org/root/pypi", "https://example.org/root/pypi/simple/"),
        ("https://example.org/root/pypi/+simple/", "https://example.org/root/pypi/+simple/"),
        ("  https://example.org:8443//  ", "https://example.org:8443/simple/"),
    ],
)
def test_every_spelling_of_an_index_works(text: str, url: str) -> None:
    """``simple/`` is added where it is missing, and reading the result again changes nothing."""
    assert index_url(text) == url
    assert index_url(url) == url
    assert Settings(text, "test").url == url


@pytest.mark.parametrize("text", ["", "example.org", "ftp://example.org", "https://example.org/?a", "https://a:b@c/"])
def test_what_is_no_index_is_refused(text: str) -> None:
    """The error names the key."""
    with pytest.raises(UsageError, match=r"\[upstream\] url"):
        index_url(text)


def test_all_problems_are_reported_at_once() -> None:
    """Values that cannot be are refused together, each with its key."""
    with pytest.raises(UsageError) as caught:
        Settings(
            "nowhere",
            "test",
            connections=11,
            tries=0,
            bandwidth=0,
            file_hosts=("a b",),
            download_mirrors=("x",),
            changelog_url="y",
        )
    keys = {str(problem.key).removeprefix("[upstream] ") for problem in caught.value.problems}
    assert keys == {"url", "connections", "tries", "bandwidth", "file-hosts", "download-mirrors", "changelog-url"}
