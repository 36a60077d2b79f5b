"""What the documented web servers answer, request by request."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.peers import documents, mirrors, servers
from tests.peers.servers import Site

pytestmark = [pytest.mark.peers, pytest.mark.timeout(300)]

V1 = "application/vnd.pypi.simple.v1"
JSON, HTML, TEXT = f"{V1}+json", f"{V1}+html", "text/html; charset=utf-8"
PIP = f"{JSON}, {HTML}; q=0.1, text/html; q=0.01"
UV = f"{JSON}, {HTML};q=0.2, text/html;q=0.01"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
LATEST = "application/vnd.pypi.simple.latest"


@pytest.mark.parametrize("path", ["/simple/", "/simple/alpha/", "/simple/gamma-dots/", "/simple/empty/"])
@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, TEXT),
        ("*/*", TEXT),
        ("text/html", TEXT),
        ("image/png", TEXT),
        (BROWSER, TEXT),
        (JSON, JSON),
        (HTML, HTML),
        (PIP, JSON),
        (UV, JSON),
        (f"{LATEST}+json", JSON),
        (f"{LATEST}+html", HTML),
        (JSON.upper(), JSON),
        (f"{HTML}, {JSON};q=0.9", JSON),
        (f"{JSON};q=0", TEXT),
        (f"{JSON};q=0, {HTML}", HTML),
        (f"{JSON}; q=0.000, text/html", TEXT),
        (f"{JSON}; q=0.001", JSON),
        (f"{HTML};q=0, {LATEST}+json", JSON),
        (f"text/html;q=0.5, {JSON} ;q=1.0", JSON),
        (f"{V1}+jsonlines", TEXT),
    ],
)
def test_negotiation(path: str, accept: str | None, expected: str, site: Site, web: Path) -> None:
    """The Accept header decides the form of a page; the answer is that form, by its right name."""
    answer = site.ask(path) if accept is None else site.ask(path, Accept=accept)
    assert (answer.status, answer.header("Content-Type")) == (200, expected)
    ending = {TEXT: "html", JSON: "v1_json", HTML: "v1_html"}[expected]
    assert answer.body == (web / path.strip("/") / f"index.{ending}").read_bytes()
    assert "accept" in answer.vary
    assert answer.header("Cache-Control") == "public, max-age=600"


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("application/vnd.pypi.simple.v1+json", JSON),
        ("application/vnd.pypi.simple.v1%2Bjson", JSON),
        ("application/vnd.pypi.simple.latest%2bjson", JSON),
        ("application/vnd.pypi.simple.v1+html", HTML),
        ("text/html", TEXT),
        ("text%2Fhtml", TEXT),
        ("image/png", HTML),
        ("", HTML),
    ],
)
def test_format_parameter(wanted: str, expected: str, site: Site) -> None:
    """``?format=`` comes before the Accept header, and counts for nothing where it names no form."""
    answer = site.ask(f"/simple/alpha/?format={wanted}", Accept=HTML)
    assert (answer.status, answer.header("Content-Type")) == (200, expected)


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/simple", "/simple/"),
        ("/simple/alpha", "/simple/alpha/"),
        ("/simple/alpha?format=text/html", "/simple/alpha/?format=text/html"),
    ],
)
def test_slash(path: str, location: str, site: Site) -> None:
    """An address without its slash is redirected to the one with it, on the host that was asked."""
    answer = site.ask(path, Accept=JSON)
    assert (answer.status, answer.header("Location")) == (301, location)
    assert "accept" in answer.vary


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/simple/unknown/",
        "/simple/index.v1_json",
        "/simple/alpha/index.html",
        "/simple/Gamma.Dots/",
        "/simple/../../state/",
        "/packages/",
        "/packages/00/00/unknown-1.0.tar.gz",
        "/pypi/unknown/json",
        "/pypi/empty/json",
        "/pypi/alpha/9.9/json",
        "/pypi/alpha/",
        "/integrity/beta/1.0/beta-1.0-py3-none-any.whl/provenance",
        "/integrity/",
        "/state/catalogue.db",
        "/.hidden",
    ],
)
@pytest.mark.parametrize("accept", [PIP, "*/*"])
def test_not_there(path: str, accept: str, site: Site) -> None:
    """
    What is not published is 404, never a listing and never 403: clients go on to their next index.

    No cache keeps that: it may be published at any moment.
    """
    answer = site.ask(path, Accept=accept)
    if ".." in path and answer.status == 400:
        return  # it was no path at all
    assert (answer.status, answer.header("Cache-Control")) == (404, "no-store")


def _files(web: Path) -> list[Path]:
    return [path.relative_to(web) for path in (web / "packages").rglob("*") if path.is_file()]


TYPES = {
    ".whl": "application/zip",
    ".zip": "application/zip",
    ".egg": "application/zip",
    ".gz": "application/gzip",
    ".exe": "application/octet-stream",
    ".metadata": "text/plain; charset=utf-8",
}


def test_files(site: Site, web: Path) -> None:
    """Every file and its core metadata come as they are, never encoded, to be kept for ever."""
    for key in _files(web):
        # Core metadata is a text, which may be compressed like a page.
        answer = site.ask(f"/{key}", Accept_Encoding="identity" if key.suffix == ".metadata" else "gzip, br, zstd")
        assert (answer.status, answer.body) == (200, (web / key).read_bytes())
        assert answer.header("Content-Encoding") is None
        assert answer.header("Cache-Control") == "public, max-age=365000000, immutable"
        assert answer.header("Content-Type") == TYPES[key.suffix]
        assert answer.header("Accept-Ranges") == "bytes"


def test_ranges(site: Site, web: Path) -> None:
    """A part of a file can be had from its start, its middle and its end; from behind its end, nothing."""
    [key] = [key for key in _files(web) if key.name == "alpha-1.0-py3-none-any.whl"]
    content = (web / key).read_bytes()
    for wanted, part in (("0-9", content[:10]), ("500-", content[500:]), ("-7", content[-7:])):
        answer = site.ask(f"/{key}", Range=f"bytes={wanted}")
        assert (answer.status, answer.body) == (206, part)
        assert (answer.header("Content-Range") or "").endswith(f"/{len(content)}")
    refused = site.ask(f"/{key}", Range=f"bytes={len(content)}-")
    assert refused.status == 416
    kept = refused.header("Cache-Control")
    assert kept is None or "no-store" in kept


@pytest.mark.parametrize("accept", [PIP, HTML, "*/*"])
def test_validators(accept: str, site: Site) -> None:
    """A page that has not changed is 304 for who has it, with what caches need to know."""
    first = site.ask("/simple/beta/", Accept=accept)
    etag = first.header("ETag")
    assert etag
    again = site.ask("/simple/beta/", Accept=accept, If_None_Match=etag)
    assert (again.status, again.body, again.header("ETag")) == (304, b"", etag)
    assert "accept" in again.vary
    changed = first.header("Last-Modified")
    assert changed
    assert site.ask("/simple/beta/", Accept=accept, If_Modified_Since=changed).status == 304
    assert site.ask("/simple/beta/", Accept=accept, If_None_Match='"other"').status == 200


def test_forms_have_validators_of_their_own(site: Site) -> None:
    """The JSON of a page is not taken for its HTML."""
    assert site.ask("/simple/beta/", Accept=JSON).header("ETag") != site.ask("/simple/beta/").header("ETag")


@pytest.mark.parametrize("path", ["/simple/", "/simple/beta/", "/pypi/beta/json"])
def test_head(path: str, site: Site) -> None:
    """HEAD is GET without the body."""
    got, asked = site.ask(path, Accept=JSON), site.ask(path, "HEAD", Accept=JSON)
    assert (asked.status, asked.body) == (200, b"")
    for name in ("Content-Type", "Content-Length", "ETag", "Cache-Control"):
        assert asked.header(name) == got.header(name)


@pytest.mark.parametrize("accept", [JSON, HTML, "text/html"])
def test_pages_are_compressed(accept: str, site: Site) -> None:
    """A page is compressed for who takes that, and caches are told so."""
    answer = site.ask("/simple/beta/", Accept=accept, Accept_Encoding="gzip")
    assert answer.header("Content-Encoding") == "gzip"
    assert answer.vary == {"accept", "accept-encoding"}
    etag = answer.header("ETag")
    assert etag
    assert site.ask("/simple/beta/", Accept=accept, Accept_Encoding="gzip", If_None_Match=etag).status == 304


def test_legacy_json(site: Site, web: Path) -> None:
    """PyPI's older JSON, of a project and of a version, has the type that its readers want."""
    for path in ("/pypi/alpha/json", "/pypi/alpha/1.0/json"):
        answer = site.ask(path)
        assert (answer.status, answer.header("Content-Type")) == (200, "application/json")
        assert answer.body == (web / path.strip("/")).read_bytes()


def test_provenance(site: Site, web: Path) -> None:
    """Provenance has the type of PyPI's integrity API."""
    path = "integrity/alpha/1.0/alpha-1.0-py3-none-any.whl/provenance"
    answer = site.ask(f"/{path}")
    assert (answer.status, answer.header("Content-Type")) == (200, "application/vnd.pypi.integrity.v1+json")
    assert answer.body == (web / path).read_bytes()


def test_last_modified(site: Site) -> None:
    """The date of the last run is text, and no cache keeps it."""
    answer = site.ask("/last-modified")
    assert (answer.status, answer.header("Content-Type")) == (200, "text/plain; charset=utf-8")
    assert answer.header("Cache-Control") == "no-cache"


def test_everything_published_can_be_had(site: Site, web: Path) -> None:
    """No object of the tree is hidden by the configuration, but the names that pages have on disk."""
    for key in mirrors.tree(web):
        if not key.rpartition("/")[2].startswith("index."):
            assert site.ask(f"/{key}").status == 200, key


def test_everything_is_readable(web: Path) -> None:
    """A web server that runs as another user can read the whole tree."""
    for path in [web, *web.rglob("*")]:
        wanted = 0o555 if path.is_dir() else 0o444
        assert path.stat().st_mode & wanted == wanted, path


def test_plainest(sites: dict[str, Site], web: Path) -> None:
    """The plainest nginx has the HTML of every page at its address, and the files."""
    plain = sites["plain"]
    for path in ("/simple/", "/simple/alpha/"):
        answer = plain.ask(path, Accept=PIP)
        assert (answer.status, answer.header("Content-Type")) == (200, TEXT)
        assert answer.body == (web / path.strip("/") / "index.html").read_bytes()
    assert plain.ask("/simple/unknown/").status == 404
    for key in _files(web):
        answer = plain.ask(f"/{key}", Accept_Encoding="gzip")
        assert (answer.status, answer.header("Content-Encoding")) == (200, None)


def test_json_only(web: Path, tmp_path: Path) -> None:
    """Where there is no HTML, nginx with the change that the page names answers everybody with JSON."""
    shutil.copytree(web / "simple", tmp_path / "web/simple", ignore=shutil.ignore_patterns("*html"))
    text = documents.fill(servers.documented_nginx(), ("default html;", "default v1_json;"))
    with servers.nginx(tmp_path / "web", tmp_path / "nginx", text) as site:
        for accept in ("*/*", "text/html", PIP):
            answer = site.ask("/simple/alpha/", Accept=accept)
            assert (answer.status, answer.header("Content-Type")) == (200, JSON)
