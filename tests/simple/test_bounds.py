"""What is made of pages, lists and metadata that are made to be large: little, and soon."""

from __future__ import annotations

import json as stdlib_json
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from bandersnatch.errors import BadContent
from bandersnatch.simple import facts, html, json
from bandersnatch.simple.fields import from_metadata
from bandersnatch.simple.lines import MAX_REJECTED
from bandersnatch.simple.listing_html import HtmlListing
from bandersnatch.simple.listing_json import JsonListing
from bandersnatch.simple.metadata import info
from bandersnatch.simple.plain import MAX_READ
from bandersnatch.simple.provenance import is_of
from tests.simple.cases import URL, A

MIB = 1 << 20
ENTRY = {"filename": "foo-1.zip", "url": "foo-1.zip", "hashes": {"sha256": A}}


@contextmanager
def memory(most: int) -> Iterator[None]:
    """What is done within takes at most so many bytes more."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] <= most
    finally:
        tracemalloc.stop()


def page(files: str, rest: str = "") -> bytes:
    return f'{{"name": "foo", "files": [{files}]{rest}}}'.encode()


@pytest.mark.parametrize(
    "body",
    [
        page("1," * 3_000_000 + "1"),
        page(f"{{}}{',{}' * facts.MAX_FILES}"),
        page("", ', "versions": ["1"' + ', "1"' * facts.MAX_FILES + "]"),
        page("", ', "alternate-locations": ["x"' + ', "x"' * facts.MAX_FILES + "]"),
        page("", ', "meta": {"tracks": ["x"' + ', "x"' * facts.MAX_FILES + "]}"),
    ],
    ids=["numbers", "files", "versions", "alternates", "tracks"],
)
def test_too_many(body: bytes) -> None:
    """A page that lists more than any project has is refused before much is made of it."""
    with memory(64 * MIB), pytest.raises(BadContent, match="more than 100,000 files or versions"):
        json.parse(body, URL, "foo")


def test_too_many_links() -> None:
    """So is one in HTML."""
    body = f"<a href=x></a>{'<a href=x></a>' * facts.MAX_FILES}".encode()
    with pytest.raises(BadContent, match="more than 100,000 links"):
        html.parse(body, URL, "foo")


def test_nameless_entries_are_counted() -> None:
    """Of entries without the name of a file some are named, the others counted; those with a name are all kept."""
    malformed = [ENTRY | {"filename": f"foo-{number}.zip", "hashes": {"sha256": "x"}} for number in range(50)]
    unusable = [ENTRY | {"filename": f"/{number}"} for number in range(facts.NAMELESS)]
    files = stdlib_json.dumps([ENTRY | {"filename": "f.zip"}, *malformed, *unusable])[1:-1]
    found = json.parse(page("1," * 1_000 + files), URL, "foo")
    assert [file.filename for file in found.files] == ["f.zip"]
    assert sum(one.filename.startswith("foo-") for one in found.rejected) == 50
    assert len(found.rejected) == 50 + facts.NAMELESS + 1
    assert found.rejected[-1].reason == "and 1,000 more entries without the name of a file"


@pytest.mark.parametrize("key", ["url", "requires-python", "yanked", "upload-time", "provenance", "unknown"])
def test_an_endless_entry(key: str) -> None:
    """An entry out of all proportion is rejected alone, and by its name."""
    body = page(f"{stdlib_json.dumps(ENTRY | {key: 'x' * MIB})},{stdlib_json.dumps(ENTRY | {'filename': 'f.zip'})}")
    found = json.parse(body, URL, "foo")
    assert [file.filename for file in found.files] == ["f.zip"]
    assert [(one.filename, one.reason) for one in found.rejected] == [
        ("foo-1.zip", "an entry of more than 65,536 bytes")
    ]


def test_endless_facts_of_the_project() -> None:
    """What a page says of the project itself is no longer than what it may say of a file."""
    long = "x" * MIB
    rest = f', "project-status": {{"status": "archived", "reason": "{long}"}}, "versions": ["1", "{long}"]'
    found = json.parse(page("", f'{rest}, "alternate-locations": ["https://example.org/{long}"]'), URL, "foo")
    assert (len(found.status_reason or ""), found.versions, found.alternate_locations) == (facts.MAX_ENTRY, ("1",), ())


@pytest.mark.parametrize(
    ("listing", "body"),
    [
        (JsonListing, b'{"projects": [' + b"1," * 3 * MAX_REJECTED),
        (JsonListing, b'{"projects": [' + b'{"name": "-"},' * 3 * MAX_REJECTED),
        (HtmlListing, b'<a href="-/">-</a>' * 3 * MAX_REJECTED),
    ],
)
def test_a_list_of_anything_else(listing: type[JsonListing | HtmlListing], body: bytes) -> None:
    """A list of which far too many lines name no project is none, long before its end."""
    with pytest.raises(BadContent, match="more than 100,000 .* that name no project"):
        listing(URL).feed(body)


@pytest.mark.parametrize("read", [from_metadata, info], ids=["fields", "info"])
@pytest.mark.parametrize("ending", [b"\n", b"\r\n"])
def test_metadata_with_an_endless_description(read: Callable[[bytes], object], ending: bytes) -> None:
    """The fields are read without a description that is longer than anybody's."""
    head = ending.join([b"Metadata-Version: 2.1", b"Name: foo", "Summary: ö".encode(), b"Requires-Dist: bar", b"", b""])
    text = head + b"x" * 100 + ending * 4 * MIB
    with memory(16 * MIB):
        found = str(read(text))
    assert "bar" in found
    assert "xxx" not in found
    assert "xxx" in str(read(head + b"x" * 100))


@pytest.mark.parametrize("read", [from_metadata, info], ids=["fields", "info"])
def test_metadata_with_endless_fields(read: Callable[[bytes], object]) -> None:
    """Of fields that are longer than anybody's nothing is read."""
    text = b"Name: foo\n" + "Classifier: ö\n".encode() * (MAX_READ // 14)
    with memory(16 * MIB):
        assert "foo" not in str(read(text))


def test_endless_provenance() -> None:
    """Of a provenance object only what is asked for is kept."""
    data = b'{"attestation_bundles": [], "x": [' + b"[]," * (2 * MIB) + b"[]]}"
    with memory(MIB):
        assert not is_of(data, A)
