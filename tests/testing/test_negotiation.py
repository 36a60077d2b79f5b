from __future__ import annotations

import pytest

from bandersnatch.testing.messages import Request
from bandersnatch.testing.negotiation import content_type, takes_gzip

from .client import HTML_V1, JSON

PIP = f"{JSON}, {HTML_V1}; q=0.1, text/html; q=0.01"
LATEST = "application/vnd.pypi.simple.latest+json"


def request(accept: str | None = None, query: str = "", **headers: str) -> Request:
    """A request with these headers."""
    return Request("GET", "/simple/", headers if accept is None else {"accept": accept, **headers}, query=query)


@pytest.mark.parametrize(
    ("accept", "query", "expected"),
    [
        (None, "", "text/html"),
        ("", "", "text/html"),
        ("*/*", "", "text/html"),
        ("image/png", "", "text/html"),
        (PIP, "", JSON),
        (f"{JSON}, */*;q=0.1", "", JSON),
        (f"text/html, {JSON}", "", JSON),
        (f"text/html, {JSON};q=0.9", "", "text/html"),
        (f"{JSON};q=0, text/html;q=0.1", "", "text/html"),
        (f"{JSON};q=0", "", "text/html"),
        (f"{JSON};q=0.5, {HTML_V1}", "", HTML_V1),
        (f"{JSON};q=nonsense", "", "text/html"),
        (LATEST, "", JSON),
        (JSON.upper(), "", JSON),
        ("text/*", "", "text/html"),
        ("*/*", f"format={JSON}".replace("+", "%2B"), JSON),
        ("*/*", f"format={LATEST}".replace("+", "%2B"), JSON),
        (JSON, "format=text/html", "text/html"),
        (JSON, "format=text/plain", JSON),
    ],
)
def test_negotiation_is_that_of_pypi(accept: str | None, query: str, expected: str) -> None:
    """PEP 691 with q values; ``?format=`` beats Accept; text/html for everybody else, never 406."""
    assert content_type(request(accept, query), "both", "negotiate") == expected


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (PIP, JSON),
        (f"text/html, {JSON};q=0", JSON),
        (LATEST, "text/html"),
        (f"x{HTML_V1}", HTML_V1),
        ("*/*", "text/html"),
    ],
)
def test_static_copies_look_for_the_type_only(accept: str, expected: str) -> None:
    """A static copy answers JSON whenever Accept contains its type, whatever q says."""
    assert content_type(request(accept), "both", "contains") == expected


def test_fixed_formats_ignore_accept() -> None:
    """PEP 691's endpoint configuration: a tree of one type answers in that type."""
    assert content_type(request(PIP), "html", "negotiate") == "text/html"
    assert content_type(request("text/html"), "json", "negotiate") == JSON


@pytest.mark.parametrize(
    ("header", "expected"), [("gzip, deflate", True), ("gzip;q=0", False), ("identity", False), ("", False)]
)
def test_gzip_is_for_those_who_take_it(header: str, expected: bool) -> None:
    """Accept-Encoding names gzip, and does not refuse it with q=0."""
    assert takes_gzip(Request("GET", "/", {"accept-encoding": header})) is expected
