"""Reading project pages in JSON: what counts, what is rejected alone, and what spoils the page."""

from __future__ import annotations

import json as stdlib_json
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bandersnatch.errors import BadContent
from bandersnatch.model import File, Project, Refusal, Rejected
from bandersnatch.simple import facts, json
from tests.simple.cases import UPLOADED, URL, A, B

ENTRY: dict[str, Any] = {"filename": "foo-1.tar.gz", "url": "../../f/foo-1.tar.gz", "hashes": {"sha256": A}}


MD5 = "d41d8cd98f00b204e9800998ecf8427e"
STRONGEST_FIRST = (("sha512", A + B), ("blake2s", B), ("sha1", MD5 + "0" * 8), ("md5", MD5))


def page(*files: object, **keys: object) -> bytes:
    """A page of foo with *files*; *keys* replace or add keys of the page."""
    whole = {"meta": {"api-version": "1.4"}, "name": "foo", "files": list(files)} | keys
    return stdlib_json.dumps(whole).encode()


def read(**facts: object) -> File:
    """The one file of a page whose entry has *facts*; a dash in a key is written as an underscore."""
    entry = ENTRY | {key.replace("_", "-"): value for key, value in facts.items()}
    project = json.parse(page(entry), URL, "foo")
    assert not project.rejected
    return project.files[0]


def refusal(entry: object) -> Rejected:
    """The rejection of *entry*, next to which a good file must be taken."""
    good = ENTRY | {"filename": "foo-2.tar.gz"}
    project = json.parse(page(entry, good), URL, "foo")
    assert [file.filename for file in project.files] == ["foo-2.tar.gz"]
    return project.rejected[0]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://f.example.org/packages/x", "https://f.example.org/packages/x"),
        ("http://127.0.0.1:8080/x", "http://127.0.0.1:8080/x"),
        ("../../f/x", "https://example.org/f/x"),
        ("/f/x", "https://example.org/f/x"),
        ("//f.example.org/x", "https://f.example.org/x"),
        ("x", "https://example.org/simple/foo/x"),
        ("../../../../x", "https://example.org/x"),
        ("x#sha256=abc", "https://example.org/simple/foo/x"),
        ("https://f.example.org/a b\u00e9", "https://f.example.org/a%20b%C3%A9"),
        ("https://f.example.org/a%20b?c=d", "https://f.example.org/a%20b?c=d"),
        ("https://f.example.org/\r\nx", "https://f.example.org/x"),
        ("\x01https://f.example.org/x\x1f", "https://f.example.org/x"),
        ("ht\ttps://f.example.org/x", "https://f.example.org/x"),
        ("HTTPS://f.example.org/X", "https://f.example.org/X"),
    ],
)
def test_urls(url: str, expected: str) -> None:
    """A file's URL is made absolute against the page's, without a fragment, with nothing that is not a URL's."""
    assert read(url=url).url == expected


parts = st.sampled_from(["..", ".", "a", "b%20c", "d.zip", "", "e+f", "-g", "...", "h;i", "?", "/"])


@given(st.lists(parts, min_size=1).map("/".join), st.sampled_from([URL, URL + "index.html", "http://x.example.org"]))
def test_relative_urls(url: str, base: str) -> None:
    """A relative URL leads where the standard library says, whichever way it was resolved."""
    try:
        expected = urljoin(base, url)
        assert urlsplit(expected).hostname
    except (ValueError, AssertionError):
        return
    assert facts.resolve(url, base) == expected


def test_a_page_on_disk_links_files_on_disk() -> None:
    """The scheme of the page is allowed for its files: a bundle is read from disk."""
    project = json.parse(page(ENTRY), "file:///media/bundle/simple/foo/index.html", "foo")
    assert project.files[0].url == "file:///media/bundle/f/foo-1.tar.gz"


@pytest.mark.parametrize(
    ("facts", "field", "expected"),
    [
        ({"yanked": True}, "yanked", ""),
        ({"yanked": "why"}, "yanked", "why"),
        ({"yanked": False}, "yanked", None),
        ({"yanked": None}, "yanked", None),
        ({}, "yanked", None),
        ({"requires_python": None}, "requires_python", None),
        ({"requires_python": ">=3.5.*"}, "requires_python", ">=3.5.*"),
        ({"size": 0}, "size", 0),
        ({"size": None}, "size", None),
        ({"upload_time": UPLOADED}, "upload_time", UPLOADED),
        ({"upload_time": "2024-01-02T03:04:05Z"}, "upload_time", "2024-01-02T03:04:05Z"),
        ({"upload_time": "2024-13-02T03:04:05Z"}, "upload_time", None),
        ({"upload_time": 5}, "upload_time", None),
        ({"core_metadata": {"sha256": B}}, "core_metadata", B),
        ({"core_metadata": {"sha256": "../.."}}, "core_metadata", True),
        ({"core_metadata": {"md5": "x"}}, "core_metadata", True),
        ({"core_metadata": True}, "core_metadata", True),
        ({"core_metadata": False}, "core_metadata", False),
        ({"core_metadata": None}, "core_metadata", None),
        ({"core_metadata": False, "dist_info_metadata": True}, "core_metadata", False),
        ({"dist_info_metadata": {"sha256": B}, "data_dist_info_metadata": False}, "core_metadata", B),
        ({"data_dist_info_metadata": {"sha256": B}}, "core_metadata", B),
        ({"provenance": "https://example.org/p"}, "provenance", "https://example.org/p"),
        ({"provenance": "/integrity/x"}, "provenance", None),
        ({"provenance": "javascript:alert(1)"}, "provenance", None),
        ({"provenance": ["x"]}, "provenance", None),
        ({"provenance": "https://[x"}, "provenance", None),
        ({"yanked": {"reason": "x"}}, "yanked", ""),
        ({"yanked": 0}, "yanked", None),
        ({"requires_python": [">=3"]}, "requires_python", None),
        ({"requires_python": 3.8}, "requires_python", None),
        ({"size": "7"}, "size", None),
        ({"size": 1.5}, "size", None),
        ({"size": True}, "size", None),
        ({"hashes": {"md5": "x", "sha256": A.upper()}}, "sha256", A),
        ({"hashes": {"md5": "x", "sha256": A.upper()}}, "digests", ()),
        ({"hashes": {"sha256": A, "MD5": MD5.upper()}}, "digests", (("md5", MD5),)),
        ({"hashes": {"md5": MD5, "sha512": A + B, "sha1": MD5 + "0" * 8, "blake2s": B}}, "digests", STRONGEST_FIRST),
        ({"hashes": {"md5": MD5}}, "sha256", ""),
        ({"hashes": {"shake_128": A, "blake3": A, "SHA-256": A, "": A}}, "digests", ()),
        ({"hashes": {}}, "digests", ()),
        ({"hashes": None}, "digests", ()),
        ({"unknown": {"a": [1]}}, "filename", "foo-1.tar.gz"),
    ],
)
def test_facts_of_a_file(facts: dict[str, object], field: str, expected: object) -> None:
    """Each key of PEP 691, 700, 714 and 740 is read as its PEP says; an optional one that is odd says nothing."""
    assert getattr(read(**facts), field) == expected


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2024-01-02T03:04:05+00:00", "2024-01-02T03:04:05Z"),
        ("2024-01-02T03:04:05.123456+00:00", "2024-01-02T03:04:05.123456Z"),
        ("2024-01-02T03:04:05.123456789Z", "2024-01-02T03:04:05.123456Z"),
        ("2024-01-02T03:04:05,5Z", "2024-01-02T03:04:05.500000Z"),
        ("2024-01-02T01:04:05.25-05:30", "2024-01-02T06:34:05.250000Z"),
        ("2024-01-01T23:04:05-0500", "2024-01-02T04:04:05Z"),
        ("2024-01-02 04:04:05+01", "2024-01-02T03:04:05Z"),
        ("2024-01-02t03:04:05z", "2024-01-02T03:04:05Z"),
        ("2024-01-02T03:04Z", "2024-01-02T03:04:00Z"),
        ("20240102T030405Z", "2024-01-02T03:04:05Z"),
        ("2024-01-02 03:04:05 UTC", "2024-01-02T03:04:05Z"),
        ("2024-01-02T03:04:05+00:00Z", "2024-01-02T03:04:05Z"),
        ("Tue, 02 Jan 2024 03:04:05 GMT", "2024-01-02T03:04:05Z"),
        ("02 Jan 2024 04:04:05 +0100", "2024-01-02T03:04:05Z"),
        ("2024-01-02T03:04:05", None),
        ("2024-01-02 03:04:05", None),
        ("Tue, 02 Jan 2024 03:04:05", None),
        ("2024-01-02", None),
        ("2024-01-02Z", None),
        ("2024-01-02T03:04:05+01:00Z", None),
        ("2024-01-02T03:04:05 EST", None),
        ("2024-01-02T25:04:05+00:00", None),
        ("2024-01-02T03:04:05+99:00", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59-01:00", None),
        ("Tue, 99 Jan 2024 03:04:05 GMT", None),
        ("02 Jan 2024 03:04:05 +9999999999", None),
        ("1704164645", None),
        ("2024-01-02T03:04:05Z\n", None),
        ("\u0662024-01-02T03:04:05+00:00", None),
        ("2024-01-02T03:04:05.5" + "5" * 5000 + "Z", "2024-01-02T03:04:05.555555Z"),
    ],
)
def test_upload_times_in_other_spellings(written: str, meant: str | None) -> None:
    """A time that can only mean one moment is read, and put in PEP 700's form; one without a zone is not known."""
    assert read(upload_time=written).upload_time == meant


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (ENTRY | {"filename": "foo-1-py3-none-any.whl.metadata"}, "lies beside a file"),
        (ENTRY | {"hashes": {"md5": "../../etc"}}, "malformed MD5"),
        (ENTRY | {"hashes": {"sha512": A}}, "malformed SHA-512"),
        (ENTRY | {"hashes": {"sha256": "../../etc"}}, "malformed SHA-256"),
        (ENTRY | {"hashes": {"sha256": 5}}, "malformed SHA-256"),
        (ENTRY | {"hashes": [A]}, "malformed entry"),
        (ENTRY | {"filename": "../foo-1.tar.gz"}, "not a usable file name"),
        (ENTRY | {"filename": ""}, "not a usable file name"),
        (ENTRY | {"filename": "x" * 256}, "not a usable file name"),
        (ENTRY | {"filename": "<script>.zip"}, "not a usable file name"),
        (ENTRY | {"url": "javascript:alert(1)"}, "unusable URL"),
        (ENTRY | {"url": "file:///etc/passwd"}, "unusable URL"),
        (ENTRY | {"url": "http:///x"}, "unusable URL"),
        (ENTRY | {"url": "https://[x/"}, "unusable URL"),
        (ENTRY | {"url": "https://example.org:99999/"}, "unusable URL"),
        (ENTRY | {"url": None}, "malformed entry"),
        (ENTRY | {"size": -1}, "not possible"),
        (ENTRY | {"size": 2**63}, "not possible"),
        ({}, "malformed entry"),
        ([], "malformed entry"),
        (None, "malformed entry"),
    ],
)
def test_one_bad_file_spoils_nothing_else(entry: object, reason: str) -> None:
    """An entry that cannot be used is rejected with its reason, and the next file is taken."""
    assert reason in refusal(entry).reason


def test_a_rejected_name_can_be_shown() -> None:
    """A rejected file's name is safe to print: no control characters, not endless."""
    shown = refusal(ENTRY | {"filename": "\x1b[31m" + "x" * 10_000}).filename
    assert shown.isprintable()
    assert len(shown) < 100


def test_what_lies_beside_a_file() -> None:
    """A link to what lies beside a file of the page leaves nothing out; without that file it is named."""
    beside = ENTRY | {"filename": "foo-1.tar.gz.metadata"}
    assert json.parse(page(ENTRY, beside), URL, "foo").rejected == ()
    assert [one.filename for one in json.parse(page(beside), URL, "foo").rejected] == ["foo-1.tar.gz.metadata"]


def test_a_file_listed_twice() -> None:
    """Of two entries with one file name the first is kept; the other is its twin if it promises other bytes."""
    project = json.parse(page(ENTRY, ENTRY | {"hashes": {"sha256": B}}, ENTRY, ENTRY | {"url": "/x"}), URL, "foo")
    assert [file.sha256 for file in project.files] == [A]
    assert [file.sha256 for file in project.twins] == [B]
    assert [(one.filename, one.refusal) for one in project.rejected] == [("foo-1.tar.gz", Refusal.SPARE)] * 2


@pytest.mark.parametrize(("value", "expected"), [(0, 0), (5, 5), ("5", 5), (None, None), (2**62 - 1, 2**62 - 1)])
def test_serials(value: object, expected: int | None) -> None:
    """The serial may be a number, digits, or not there."""
    assert json.parse(page(meta={"_last-serial": value}), URL, "foo").serial == expected


@pytest.mark.parametrize("value", [-1, 2**62, 10**30, 1.5, True, "", "x", "-5", "٣", "9" * 30, [], {}])
def test_absurd_serials(value: object) -> None:
    """A page whose serial cannot be one is not believed."""
    with pytest.raises(BadContent, match="serial"):
        json.parse(page(meta={"_last-serial": value}), URL, "foo")


def test_facts_of_the_project() -> None:
    """Versions, status (under both of its names), tracks and alternate locations are read; the meta may be absent."""
    full = page(
        versions=["1.0", "2004d"],
        meta={"api-version": "1.9", "tracks": ["https://a.example.org/", "javascript:x"]},
        **{"project-status": {"state": "archived", "reason": "old"}, "alternate-locations": ["https://b.example.org/"]},
    )
    assert json.parse(full, URL, "foo") == Project(
        "foo",
        versions=("1.0", "2004d"),
        status="archived",
        status_reason="old",
        tracks=("https://a.example.org/",),
        alternate_locations=("https://b.example.org/",),
    )
    assert json.parse(b'{"name": "Foo", "files": []}', URL, "foo") == Project("foo")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"<!DOCTYPE html>",
        b'{"name": "foo"}',
        b'{"files": []}',
        b'{"name": "foo", "files": {}}',
        b'{"name": "foo", "files": [NaN]}',
        b'{"name": "foo", "files": []',
        b'{"name": "foo", "files": [], "meta": []}',
        b'{"name": "foo", "files": [], "versions": [1]}',
        b'{"name": "foo", "files": [], "project-status": "archived"}',
        b'{"name": "bar", "files": []}',
        b'{"name": "../x", "files": []}',
        b'{"name": "foo", "files": [], "x": ' + b"[" * 500_000 + b"]" * 500_000 + b"}",
        b'{"name": "f\xff", "files": []}',
        b'{"name": "foo", "files": [], "meta": {"api-version": "2.0"}}',
        b'{"name": "foo", "files": [], "meta": {"api-version": "one"}}',
        b'{"name": "foo", "files": [], "meta": {"_last-serial": 1e999}}',
    ],
)
def test_what_is_no_page(body: bytes) -> None:
    """What is not a page of this project in API 1.x is BadContent, which names the URL."""
    with pytest.raises(BadContent) as caught:
        json.parse(body, URL, "foo")
    assert caught.value.url == URL
    assert URL in str(caught.value)


def test_deep_nesting_in_a_file() -> None:
    """A file's entry that nests without end is BadContent, and no other error."""
    deep = b'{"name": "foo", "files": [{"filename": "a", "x": ' + b'{"a":' * 500_000 + b"1" + b"}" * 500_000 + b"}]}"
    with pytest.raises(BadContent):
        json.parse(deep, URL, "foo")


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just(A),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*ENTRY, "sha256", "size", "yanked", "core-metadata", "x"]), inner)
    ),
    max_leaves=8,
)
keys = st.sampled_from(["meta", "name", "files", "versions", "project-status", "alternate-locations"])


@given(st.dictionaries(keys, values) | values, st.integers(0, 400), st.binary(max_size=3))
@example({"name": "foo", "files": [ENTRY | {"url": "//[::1"}]}, 0, b"")
def test_hostile_bytes(value: object, at: int, junk: bytes) -> None:
    """Whatever comes, it is a project or BadContent."""
    if isinstance(value, dict) and at % 2:
        value = {"name": "foo", "files": [value], "meta": {}}
    body = stdlib_json.dumps(value).encode()
    try:
        project = json.parse(body[:at] + junk + body[at:], URL, "foo")
    except BadContent:
        return
    assert project.name == "foo"
