from __future__ import annotations

import gzip
import hashlib
from base64 import b64encode
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin

import pytest

from bandersnatch.testing import STATIC_COPY, UpstreamServer

from .client import HTML_V1, JSON, ask, listed, project


class Page(HTMLParser):
    """The anchors and metas of an HTML page."""

    def __init__(self, body: bytes) -> None:
        super().__init__()
        self.anchors: list[dict[str, str | None]] = []
        self.metas: dict[str | None, str | None] = {}
        self.comments: list[str] = []
        self.feed(body.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect what the tests look at."""
        found = dict(attrs)
        if tag == "a":
            self.anchors.append(found)
        if tag == "meta":
            self.metas[found["name"]] = found["content"]

    def handle_comment(self, data: str) -> None:
        """Collect the serial."""
        self.comments.append(data)


def test_list_as_json(server: UpstreamServer) -> None:
    """The list has display names, their serials, its own serial and the header of it."""
    server.index.upload("Foo.Bar", "1")
    server.index.create("alpha")
    answer = ask(server, "/simple/", accept=JSON)
    assert answer.json() == {
        "meta": {"_last-serial": 4, "api-version": "1.4"},
        "projects": [{"_last-serial": 4, "name": "alpha"}, {"_last-serial": 3, "name": "Foo.Bar"}],
    }
    assert answer.headers["content-type"] == JSON
    assert answer.headers["x-pypi-last-serial"] == "4"
    assert answer.headers["cache-control"] == "max-age=600, public"
    assert "Accept" in answer.headers["vary"]


def test_list_as_html(server: UpstreamServer) -> None:
    """PEP 503: one anchor for each project, whose text is the display name; PyPI's serial comment at the end."""
    server.index.upload("Foo.Bar", "1")
    body = ask(server, "/simple/").body
    assert b'<a href="/simple/foo-bar/">Foo.Bar</a>' in body
    assert body.endswith(b"</html>\n<!--SERIAL 3-->")
    server.behaviour = replace(server.behaviour, relative_urls=True)
    assert b'<a href="foo-bar/">Foo.Bar</a>' in ask(server, "/simple/").body


def test_project_as_json_has_all_that_pypi_says(server: UpstreamServer) -> None:
    """API 1.4: every key that PyPI's project page and its files have."""
    file = server.index.upload("Foo.Bar", "1.0", requires_python=">=3.8", provenance=True)
    page = project(server, "foo-bar")
    metadata = {"sha256": hashlib.sha256(file.metadata or b"").hexdigest()}
    assert page == {
        "meta": {"_last-serial": 3, "api-version": "1.4"},
        "name": "foo-bar",
        "project-status": {"status": "active"},
        "versions": ["1.0"],
        "files": [
            {
                "filename": "foo_bar-1.0-py3-none-any.whl",
                "url": server.url + file.path,
                "hashes": {"sha256": hashlib.sha256(file.content).hexdigest()},
                "requires-python": ">=3.8",
                "size": len(file.content),
                "upload-time": "2020-01-01T00:00:03.000000Z",
                "yanked": False,
                "core-metadata": metadata,
                "data-dist-info-metadata": metadata,
                "provenance": f"{server.url}/integrity/foo-bar/1.0/{file.filename}/provenance",
            }
        ],
    }


def test_what_a_file_has_not_is_null_or_false(server: UpstreamServer) -> None:
    """PyPI says null for no Requires-Python and no provenance, false for no core metadata."""
    server.index.upload("foo", "1", "sdist")
    [file] = project(server, "foo")["files"]
    assert (file["requires-python"], file["provenance"], file["core-metadata"]) == (None, None, False)


@pytest.mark.parametrize(("reason", "said"), [("broken", "broken"), ("", True)])
def test_yanked_is_a_reason_or_true(server: UpstreamServer, reason: str, said: str | bool) -> None:
    """PEP 592: all files of the release are yanked; the reason, or true where there is none."""
    server.index.upload("foo", "1")
    server.index.upload("foo", "1", "sdist")
    server.index.yank("foo", "1", reason)
    assert [file["yanked"] for file in project(server, "foo")["files"]] == [said, said]
    assert [anchor["data-yanked"] for anchor in Page(ask(server, "/simple/foo/").body).anchors] == [reason, reason]
    server.index.unyank("foo", "1")
    assert [file["yanked"] for file in project(server, "foo")["files"]] == [False, False]


def test_project_as_html(server: UpstreamServer) -> None:
    """PEP 503, 629, 714, 740 and 792 in HTML, and values that must be escaped come back whole."""
    file = server.index.upload("foo", "1", requires_python='>=3,<"4"', provenance=True)
    server.index.yank("foo", "1", 'a "bad" <b> & worse')
    answer = ask(server, "/simple/foo/", accept=HTML_V1)
    page = Page(answer.body)
    digest = f"sha256={hashlib.sha256(file.metadata or b'').hexdigest()}"
    assert page.anchors == [
        {
            "href": f"{server.url}{file.path}#sha256={file.sha256}",
            "data-requires-python": '>=3,<"4"',
            "data-dist-info-metadata": digest,
            "data-core-metadata": digest,
            "data-yanked": 'a "bad" <b> & worse',
            "data-provenance": f"{server.url}/integrity/foo/1/{file.filename}/provenance",
        }
    ]
    assert page.metas == {"pypi:repository-version": "1.4", "pypi:project-status": "active"}
    assert page.comments == ["SERIAL 4"]
    assert answer.headers["content-type"] == HTML_V1


def life(server: UpstreamServer) -> tuple[bool, int, list[str], str | None, int]:
    """What a mirror sees of foo: listed, status and versions and project status of its page, status of its old JSON."""
    answer = ask(server, "/simple/foo/", accept=JSON)
    page: Any = answer.json() if answer.status == 200 else {}
    status = page.get("project-status", {}).get("status")
    return (
        "foo" in listed(server),
        answer.status,
        page.get("versions", []),
        status,
        ask(server, "/pypi/foo/json").status,
    )


def test_life_of_a_project(server: UpstreamServer) -> None:
    """Section by section what a mirror sees: creation, upload, quarantine, archive, removal."""
    index = server.index
    index.create("foo")
    assert life(server) == (True, 200, [], "active", 404)
    index.upload("foo", "1")
    index.upload("foo", "2")
    assert life(server) == (True, 200, ["1", "2"], "active", 200)
    index.quarantine("foo", "2")
    assert life(server) == (True, 200, ["1"], "active", 200)
    index.quarantine("foo")
    assert life(server) == (False, 200, [], "quarantined", 404)
    index.clear_quarantine("foo")
    index.clear_quarantine("foo", "2")
    index.archive("foo")
    assert life(server) == (True, 200, ["1", "2"], "archived", 200)
    index.remove_release("foo", "1")
    index.remove_release("foo", "2")
    assert life(server) == (True, 200, [], "archived", 404)
    index.remove_project("foo")
    assert life(server) == (False, 404, [], None, 404)


@pytest.mark.parametrize("path", ["/simple/", "/simple/foo/", "/pypi/foo/json"])
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_conditional_requests(server: UpstreamServer, path: str, encoding: str) -> None:
    """ETag is the quoted MD5 of what is sent; it answers If-None-Match with 304 until something changes."""
    server.index.upload("foo", "1")
    first = ask(server, path, accept=JSON, accept_encoding=encoding)
    etag = first.headers["etag"]
    assert etag == f'"{b64encode(hashlib.md5(first.body).digest()).decode()}"'
    again = ask(server, path, accept=JSON, accept_encoding=encoding, if_none_match=f'"other", W/{etag}')
    assert (again.status, again.body, again.headers["etag"]) == (304, b"", etag)
    assert {"vary", "cache-control", "x-pypi-last-serial"} <= again.headers.keys()
    server.index.upload("foo", "2")
    assert ask(server, path, accept=JSON, accept_encoding=encoding, if_none_match=etag).status == 200


def test_without_validators_every_answer_is_whole(server: UpstreamServer) -> None:
    """etags=False: no ETag, and If-None-Match is of no use."""
    server.index.upload("foo", "1")
    server.behaviour = replace(server.behaviour, etags=False)
    answer = ask(server, "/simple/foo/", if_none_match="*")
    assert (answer.status, "etag" in answer.headers) == (200, False)


def test_last_modified_sees_every_change(server: UpstreamServer) -> None:
    """last_modified=True: If-Modified-Since answers 304, but If-None-Match beats it; archiving changes the date."""
    server.behaviour = replace(server.behaviour, last_modified=True)
    server.index.upload("foo", "1")
    date = ask(server, "/simple/foo/").headers["last-modified"]
    assert ask(server, "/simple/foo/", if_modified_since=date).status == 304
    assert ask(server, "/simple/foo/", if_modified_since=date, if_none_match='"x"').status == 200
    assert ask(server, "/simple/foo/", if_modified_since="yesterday").status == 200
    server.index.archive("foo")
    assert ask(server, "/simple/foo/", if_modified_since=date).status == 200


def test_pages_are_compressed_for_who_asks(server: UpstreamServer) -> None:
    """gzip: the same page, an ETag of its own, and Vary in either case."""
    server.index.upload("foo", "1")
    plain, packed = ask(server, "/simple/foo/"), ask(server, "/simple/foo/", accept_encoding="gzip")
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    assert packed.headers["etag"] != plain.headers["etag"]
    assert packed.headers["vary"] == plain.headers["vary"] == "Accept, Accept-Encoding"
    server.behaviour = replace(server.behaviour, gzip=False)
    assert "content-encoding" not in ask(server, "/simple/foo/", accept_encoding="gzip").headers


def test_stale_pages_have_their_own_serial(server: UpstreamServer) -> None:
    """A page served from a lagging cache is old as a whole: files, serial and header."""
    server.index.upload("foo", "1")
    server.index.upload("foo", "2")
    server.behaviour = replace(server.behaviour, stale={"foo": 3})
    answer = ask(server, "/simple/foo/", accept=JSON)
    assert (answer.json()["versions"], answer.json()["meta"]["_last-serial"]) == (["1"], 3)
    assert answer.headers["x-pypi-last-serial"] == "3"
    assert ask(server, "/pypi/foo/json").json()["last_serial"] == 3
    assert ask(server, "/simple/", accept=JSON).json()["meta"]["_last-serial"] == 5
    server.behaviour = replace(server.behaviour, stale={"foo": 0})
    assert ask(server, "/simple/foo/").status == 404


def test_list_can_lag(server: UpstreamServer) -> None:
    """list_lag: the list is as it was so many serials ago, header and all; pages are not."""
    server.index.upload("foo", "1")
    server.index.create("bar")
    server.behaviour = replace(server.behaviour, list_lag=1)
    answer = ask(server, "/simple/", accept=JSON)
    assert (listed(server), answer.headers["x-pypi-last-serial"]) == (["foo"], "3")
    assert ask(server, "/simple/bar/").status == 200
    server.behaviour = replace(server.behaviour, list_lag=99)
    assert listed(server) == []


@pytest.mark.parametrize(
    ("serials", "in_json", "header", "comment"),
    [("int", 3, "3", b"SERIAL 3"), ("string", "3", "3", b"SERIAL 3"), ("none", None, None, b"</html>\n")],
)
def test_serials_can_be_strings_or_missing(
    server: UpstreamServer, serials: str, in_json: int | str | None, header: str | None, comment: bytes
) -> None:
    """serials: what lists, pages and headers say."""
    server.index.upload("foo", "1")
    server.behaviour = UpstreamServer(serials=serials).behaviour
    answer = ask(server, "/simple/foo/", accept=JSON)
    project_list = ask(server, "/simple/", accept=JSON).json()
    legacy = ask(server, "/pypi/foo/json").json()
    assert answer.headers.get("x-pypi-last-serial") == header
    assert [answer.json()["meta"].get("_last-serial"), project_list["meta"].get("_last-serial")] == [in_json] * 2
    assert [project_list["projects"][0].get("_last-serial"), legacy.get("last_serial")] == [in_json] * 2
    assert comment in ask(server, "/simple/foo/").body


@pytest.mark.parametrize(
    ("version", "page_keys", "missing"),
    [
        ("1.4", {"files", "meta", "name", "project-status", "versions"}, set()),
        ("1.1", {"files", "meta", "name", "versions"}, {"provenance"}),
        ("1.0", {"files", "meta", "name"}, {"provenance", "size", "upload-time"}),
    ],
)
def test_older_api_versions_say_less(
    server: UpstreamServer, version: str, page_keys: set[str], missing: set[str]
) -> None:
    """api_version: 1.1 is from before provenance and statuses, 1.0 from before versions, sizes and times."""
    server.index.upload("foo", "1", provenance=True)
    everything = set(project(server, "foo")["files"][0])
    server.behaviour = UpstreamServer(api_version=version).behaviour
    page = project(server, "foo")
    assert page["meta"]["api-version"] == version
    assert (set(page), everything - set(page["files"][0])) == (page_keys, missing)
    assert Page(ask(server, "/simple/foo/").body).metas["pypi:repository-version"] == version


@pytest.mark.parametrize(("relative", "separate"), [(False, False), (True, False), (False, True), (True, True)])
def test_every_linked_file_is_there(server: UpstreamServer, relative: bool, separate: bool) -> None:
    """relative_urls and separate_files_host: links lead to the file, from JSON, HTML and the older JSON."""
    file = server.index.upload("foo", "1+local.1")
    server.behaviour = replace(server.behaviour, relative_urls=relative, separate_files_host=separate)
    [entry] = project(server, "foo")["files"]
    [anchor] = Page(ask(server, "/simple/foo/").body).anchors
    [legacy] = ask(server, "/pypi/foo/json").json()["urls"]
    assert entry["url"].startswith("../../packages/") is (relative and not separate)
    for link in (entry["url"], anchor["href"], legacy["url"]):
        assert ask(server, urljoin(f"{server.url}/simple/foo/", link)).body == file.content


def test_list_can_be_html_json_or_missing(server: UpstreamServer) -> None:
    """list_format: one type whatever Accept says, or no list at all."""
    kinds = {}
    for form in ("html", "json", "missing"):
        server.behaviour = UpstreamServer(list_format=form).behaviour
        answer = ask(server, "/simple/", accept=JSON if form == "html" else "text/html")
        kinds[form] = (answer.status, answer.headers["content-type"].split(";")[0])
    assert kinds == {"html": (200, "text/html"), "json": (200, JSON), "missing": (404, "text/plain")}


def test_page_can_be_of_one_type(server: UpstreamServer) -> None:
    """page_format: one type whatever Accept says."""
    server.index.create("foo")
    server.behaviour = replace(server.behaviour, page_format="html")
    assert ask(server, "/simple/foo/", accept=JSON).headers["content-type"] == "text/html; charset=UTF-8"


def test_static_copy_is_as_observed(server: UpstreamServer) -> None:
    """STATIC_COPY: API 1.1, serials as strings, no header, no validators, an HTML list without serials, no XML-RPC."""
    server.behaviour = STATIC_COPY
    file = server.index.upload("foo", "1", provenance=True)
    page = ask(server, "/simple/foo/", accept=JSON, accept_encoding="gzip")
    assert page.json()["meta"] == {"_last-serial": "3", "api-version": "1.1"}
    assert page.json()["files"][0].keys() == {
        *("filename", "hashes", "requires-python", "size", "upload-time", "url", "yanked")
    }
    assert not {"etag", "x-pypi-last-serial", "content-encoding", "last-modified"} & page.headers.keys()
    project_list = ask(server, "/simple/", accept=JSON)
    assert (project_list.headers["content-type"], b"SERIAL" in project_list.body) == ("text/html; charset=UTF-8", False)
    assert ask(server, "/pypi", "POST", b"").status == 404
    assert ask(server, file.path + ".metadata").body == file.metadata


def test_legacy_json_has_its_keys(server: UpstreamServer) -> None:
    """The older JSON: all keys that PyPI documents, and the digests that its paths can be checked with."""
    file = server.index.upload("Foo.Bar", "1.0", requires_python=">=3", requires_dist=["bar"], summary="Sums up")
    answer = ask(server, "/pypi/foo-bar/json")
    document = answer.json()
    assert document.keys() == {"info", "last_serial", "ownership", "releases", "urls", "vulnerabilities"}
    info = document["info"]
    assert (info["name"], info["version"], info["summary"]) == ("Foo.Bar", "1.0", "Sums up")
    assert (info["requires_python"], info["requires_dist"], info["yanked"]) == (">=3", ["bar"], False)
    [entry] = document["urls"]
    assert document["releases"] == {"1.0": [entry]}
    assert entry["digests"] == {"blake2b_256": file.blake2b, "md5": file.md5, "sha256": file.sha256}
    assert (entry["packagetype"], entry["python_version"], entry["size"]) == ("bdist_wheel", "py3", file.size)
    assert (entry["upload_time"], entry["url"]) == ("2020-01-01T00:00:03", server.url_of(file))
    assert (answer.headers["cache-control"], answer.headers["x-pypi-last-serial"]) == ("max-age=900, public", "3")
    assert "releases" not in ask(server, "/pypi/foo-bar/1.0/json").json()


@pytest.mark.parametrize(
    ("versions", "yanked", "expected"),
    [
        (["1.0", "1.1"], [], "1.1"),
        (["1.0", "2.0rc1"], [], "1.0"),
        (["1.0rc1", "1.0rc2"], [], "1.0rc2"),
        (["1.0", "1.1"], ["1.1"], "1.0"),
        (["1.0", "2.0rc1"], ["1.0"], "2.0rc1"),
        (["1.0", "2004d"], [], "1.0"),
    ],
)
def test_latest_release(server: UpstreamServer, versions: list[str], yanked: list[str], expected: str) -> None:
    """The release that stands for a project is not yanked if that can be, then no pre-release, then the newest."""
    for version in versions:
        server.index.upload("foo", version, "sdist")
    for version in yanked:
        server.index.yank("foo", version)
    assert ask(server, "/pypi/foo/json").json()["info"]["version"] == expected


def test_provenance_object(server: UpstreamServer) -> None:
    """PEP 740: the object is about this file; 406 where Accept admits none of its types; 404 where there is none."""
    file = server.index.upload("foo", "1", provenance=True)
    bare = server.index.upload("foo", "1", "sdist")
    path = f"/integrity/foo/1/{file.filename}/provenance"
    answer = ask(server, path, accept="application/vnd.pypi.integrity.v1+json")
    [bundle] = answer.json()["attestation_bundles"]
    assert (answer.json()["version"], bundle["publisher"]["kind"]) == (1, "GitHub")
    assert bundle["attestations"][0].keys() == {"version", "verification_material", "envelope"}
    assert answer.headers["content-type"] == "application/vnd.pypi.integrity.v1+json"
    assert ask(server, path, accept="text/html").status == 406
    assert ask(server, f"/integrity/foo/1/{bare.filename}/provenance").status == 404
