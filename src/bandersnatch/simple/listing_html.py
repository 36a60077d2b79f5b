"""The HTML form of the list of projects, read as a stream (PEP 503)."""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from urllib.parse import unquote, urlsplit

from bandersnatch import names
from bandersnatch.errors import BadContent
from bandersnatch.model import Listed
from bandersnatch.simple import facts, lines
from bandersnatch.simple.anchors import Anchor, Anchors

# The anchors of every large index look like this, and need no parser; whatever does not goes through the real one,
# names that are none among it: there the address may tell.
_LINK = rf'\s*+<a href="[^"&<>]*+">(?=[^<]{{1,{names.MAX_NAME}}}<)({lines.NAME})</a>\s*+(?:<br ?/?>)?'
_PLAIN_LINK = re.compile(_LINK)
_PLAIN_LINKS = re.compile(f"(?:{_LINK})++")


class HtmlListing:
    """Reads the list of projects in HTML (PEP 503), as its bytes arrive."""

    def __init__(self, url: str | None = None) -> None:
        self._url = url
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
        self._page = Anchors(url)
        self._rejected = 0
        self._any = False

    def feed(self, data: bytes) -> list[Listed]:
        """Take more bytes; returns the projects that are complete by now. Raises BadContent."""
        found: list[Listed] = []
        for start in range(0, len(data), lines.SLICE):
            self._read(self._decoder.decode(data[start : start + lines.SLICE]), found)
        self._any = self._any or bool(found)
        return found

    def finish(self) -> lines.ListingHead:
        """Declare the list complete. Raises BadContent when it was cut off, or is no list of projects."""
        self._page.finish()
        head = self._page.head
        version = head.meta("pypi:repository-version")
        facts.check_api_version(version, self._url)
        if not self._any and version is None and head.serial is None and "index" not in head.title.lower():
            raise BadContent(f"{self._url or 'this'} is HTML, but not a list of projects", url=self._url)
        return lines.ListingHead(lines.believed(head.serial), self._rejected)

    def _read(self, text: str, found: list[Listed]) -> None:
        at = 0
        while at < len(text):
            plain = _PLAIN_LINKS.match(text, at) if self._page.between_tags else None
            if plain:
                self._keep(_PLAIN_LINK.findall(text, at, plain.end()), found)
                at = plain.end()
            else:
                # Twice what the parser holds back, as it reads all of that again.
                end = text.find(">", at + len(self._page.rawdata)) + 1 or len(text)
                self._page.read(text[at:end])
                self._keep(list(map(_display, self._page.found)), found)
                self._page.found.clear()
                at = end

    def _keep(self, displays: Sequence[str], found: list[Listed]) -> None:
        listed, rejected = lines.listed(displays, [None] * len(displays))
        found += listed
        self._rejected += rejected


def _display(anchor: Anchor) -> str:
    """The name that a link gives a project: its text, or the last part of its address where the text is no name."""
    text = anchor.text.strip()
    if names.is_project_name(text):
        return text
    try:
        path = urlsplit(anchor.attributes.get("href") or "").path
    except ValueError:
        return ""
    return unquote(path.rstrip("/").rpartition("/")[2])
