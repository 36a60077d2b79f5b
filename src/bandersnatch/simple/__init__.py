"""The simple repository API: bytes to values and back, a module for each form, chosen here by content type."""

from __future__ import annotations

from collections.abc import Container
from typing import Protocol

from bandersnatch.errors import BadContent
from bandersnatch.model import Project, Slice
from bandersnatch.simple import json
from bandersnatch.simple.lines import ListingHead

JSON = "application/vnd.pypi.simple.v1+json"
HTML = "application/vnd.pypi.simple.v1+html"
TEXT_HTML = "text/html"

ACCEPT = f"{JSON}, {HTML};q=0.2, {TEXT_HTML};q=0.01"
"""What a request for a page or the list asks for: only JSON has it all (PEP 833)."""


class ListingParser(Protocol):
    """Reads a list of projects as its bytes arrive. Both methods raise BadContent."""

    def feed(self, data: bytes) -> list[Slice]:
        """Take more bytes; returns what is complete by now."""

    def finish(self) -> tuple[list[Slice], ListingHead]:
        """Declare the list complete; returns what was still missing."""


def parse_page(content_type: str | None, body: bytes, url: str, name: str, *, whole: bool = False) -> Project:
    """
    The page of the project *name* that came from *url*. Raises BadContent, also for another content type.

    *whole*: all of it came, for certain, so that it need not show its end.
    """
    if _is_json(content_type, url):
        return json.parse(body, url, name)
    from bandersnatch.simple import html

    return html.parse(body, url, name, whole=whole)


def listing_parser(
    content_type: str | None, url: str | None = None, known: Container[bytes] = frozenset(), *, whole: bool = False
) -> ListingParser:
    """
    A reader for a list of projects that comes from *url*. Raises BadContent for another content type.

    Slices whose digest is in *known* are not read. *whole*: it is known that all of it comes.
    """
    if _is_json(content_type, url):
        from bandersnatch.simple.slices import JsonSlices

        return JsonSlices(url, known)
    from bandersnatch.simple.slices import HtmlSlices

    return HtmlSlices(url, whole=whole)


def _is_json(content_type: str | None, url: str | None) -> bool:
    """Whether *content_type* is the JSON form; a response must name one of the three concretely (PEP 691)."""
    kind = (content_type or "").split(";", 1)[0].strip().lower()
    if kind not in (JSON, HTML, TEXT_HTML):
        raise BadContent(f"{url or 'upstream'} answered with {kind or 'no content type'!r:.80}, not an index", url=url)
    return kind == JSON
