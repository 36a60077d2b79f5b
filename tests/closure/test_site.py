from __future__ import annotations

import http.client
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from bandersnatch.closure import site


@pytest.fixture
def web(tmp_path: Path) -> Path:
    web = tmp_path / "web"
    (web / "simple/a").mkdir(parents=True)
    (web / "packages").mkdir()
    (web / "simple/a/index.html").write_text('<a href="../../packages/a.whl">')
    (web / "simple/a/index.v1_json").write_text("{}")
    (web / "packages/a b.whl").write_bytes(b"wheel")
    (web / "packages/out").symlink_to(tmp_path / "secret")
    (tmp_path / "secret").write_text("secret")
    return web


@pytest.fixture
def url(web: Path) -> Iterator[str]:
    with site.serve(web) as url:
        yield url


def ask(url: str, path: str, method: str = "GET", accept: str = "*/*") -> tuple[int, str, int, bytes]:
    """Status, content type, length and body."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
    try:
        connection.request(method, path, headers={"Accept": accept})
        answer = connection.getresponse()
        length = int(answer.headers["Content-Length"] or 0)
        return answer.status, answer.headers["Content-Type"] or "", length, answer.read()
    finally:
        connection.close()


def test_pages_in_both_forms(url: str) -> None:
    """A page is JSON for who takes it, else HTML."""
    kind = "application/vnd.pypi.simple.v1+json"
    assert ask(url, "/simple/a/", accept=f"{kind}, text/html;q=0.1")[1::2] == (kind, b"{}")
    assert ask(url, "/simple/a/")[1::2] == ("text/html", b'<a href="../../packages/a.whl">')


def test_files(url: str) -> None:
    """A file is its bytes; HEAD has its length only."""
    assert ask(url, "/packages/a%20b.whl?x=1") == (200, "application/octet-stream", 5, b"wheel")
    assert ask(url, "/packages/a%20b.whl", "HEAD") == (200, "application/octet-stream", 5, b"")


@pytest.mark.parametrize(
    "path",
    ["/simple/b/", "/packages", "/../secret", "/%2e%2e/secret", "//etc/hostname", "/packages/out", "/a%00b", "/"],
)
def test_nothing_else(url: str, path: str) -> None:
    """What is not there, is a folder or lies outside of the directory is not found."""
    assert ask(url, path)[::3] == (404, b"")


def test_nothing_can_be_changed(url: str) -> None:
    """Other methods are refused."""
    assert ask(url, "/packages/a%20b.whl", "DELETE")[0] == 501
