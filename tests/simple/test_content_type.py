"""The reader is chosen by what upstream says it sends."""

from __future__ import annotations

import re

import pytest

from bandersnatch import simple
from bandersnatch.errors import BadContent
from bandersnatch.model import Project

URL = "https://example.org/simple/foo/"
PAGES = {"json": b'{"name": "foo", "files": []}', "html": b"<title>Links for foo</title>"}


@pytest.mark.parametrize(
    ("content_type", "form"),
    [
        (simple.JSON, "json"),
        ("Application/VND.pypi.simple.v1+JSON; charset=utf-8", "json"),
        (simple.HTML, "html"),
        ("text/html", "html"),
        ("text/html;charset=utf-8", "html"),
    ],
)
def test_known_types(content_type: str, form: str) -> None:
    """The three content types of PEP 691 are read, with parameters and in any case."""
    assert simple.parse_page(content_type, PAGES[form], URL, "foo") == Project("foo")
    assert form in type(simple.listing_parser(content_type)).__name__.lower()


@pytest.mark.parametrize(
    "content_type",
    [None, "", "text/plain", "application/octet-stream", "application/vnd.pypi.simple.v2+json", "text/html2"],
)
def test_other_types(content_type: str | None) -> None:
    """Another content type is BadContent that says which."""
    with pytest.raises(BadContent, match=re.escape(content_type or "no content type")):
        simple.parse_page(content_type, b"{}", URL, "foo")
    with pytest.raises(BadContent):
        simple.listing_parser(content_type, URL)


def test_accept() -> None:
    """JSON is asked for first, then the two names of HTML."""
    ranges = [part.partition(";q=") for part in simple.ACCEPT.split(", ")]
    assert [kind for kind, _, _ in ranges] == [simple.JSON, simple.HTML, simple.TEXT_HTML]
    assert [float(quality or 1) for _, _, quality in ranges] == [1, 0.2, 0.01]
