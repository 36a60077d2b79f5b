"""Which representation a client gets: PEP 691's content types, and content encodings."""

from __future__ import annotations

from typing import Literal
from urllib.parse import parse_qs

from bandersnatch.testing.messages import Request

JSON = "application/vnd.pypi.simple.v1+json"
HTML_V1 = "application/vnd.pypi.simple.v1+html"
HTML = "text/html"

# Equal wishes are answered in this order.
_TYPES = (JSON, HTML_V1, HTML)


def content_type(request: Request, formats: Literal["both", "html", "json"], match: str) -> str:
    """The content type to answer with: never 406, text/html where nothing fits, as at PyPI's edge."""
    accept = request.headers.get("accept", "")
    if formats == "json":
        return JSON
    if formats == "html":
        return HTML
    if match == "contains":
        return next((kind for kind in _TYPES if kind in accept), HTML)
    asked = parse_qs(request.query).get("format", [""])[0]
    if _concrete(asked) in _TYPES:
        return _concrete(asked)
    wishes = {_concrete(kind): quality for kind, quality in _weighted(accept).items()}
    best = max(_TYPES, key=lambda kind: _quality(kind, wishes))
    return best if _quality(best, wishes) else HTML


def takes_gzip(request: Request) -> bool:
    """Whether Accept-Encoding names gzip and does not refuse it."""
    return _weighted(request.headers.get("accept-encoding", "")).get("gzip", 0.0) > 0


def takes(request: Request, *kinds: str) -> bool:
    """Whether Accept admits one of *kinds*, all under ``application/``; no Accept admits everything."""
    wishes = _weighted(request.headers.get("accept", "*/*"))
    return any(wishes.get(kind, 0.0) > 0 for kind in (*kinds, "application/*", "*/*"))


def _concrete(kind: str) -> str:
    return kind.replace(".simple.latest+", ".simple.v1+")


def _quality(kind: str, wishes: dict[str, float]) -> float:
    """Wildcards speak for text/html alone, so that browsers get what they can show."""
    if kind in wishes or kind != HTML:
        return wishes.get(kind, 0.0)
    return max(wishes.get("text/*", 0.0), wishes.get("*/*", 0.0))


def _weighted(header: str) -> dict[str, float]:
    """The members of an Accept or Accept-Encoding header, lower case, with their q (RFC 9110, section 12.4.2)."""
    wishes = {}
    for member in header.lower().split(","):
        kind, *parameters = (part.strip() for part in member.split(";"))
        qualities = [value for key, _, value in (p.partition("=") for p in parameters) if key.strip() == "q"]
        if kind:
            wishes[kind] = _number(qualities[0]) if qualities else 1.0
    return wishes


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
