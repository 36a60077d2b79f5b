"""What an index's HTML is made of: links, a base, metas, a SERIAL comment. Reads as it arrives, whatever it is fed."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from bandersnatch.errors import BadContent
from bandersnatch.values import Struct, field

MAX_TAG = 1 << 16
"""Characters that the parser may hold back for one tag or comment: it reads them again each time more arrives."""

_SERIAL = re.compile(r"\s*SERIAL\s+(\S{1,40})\s*\Z")


class Anchor(Struct):
    """One ``<a>``: its attributes unescaped (None for one without a value), and the text in it."""

    attributes: dict[str, str | None]
    text: str = ""


class Head(Struct):
    """What the page says about itself."""

    base: str | None = None
    title: str = ""
    metas: list[tuple[str, str]] = field(default_factory=list)
    serial: str | None = None

    def meta(self, name: str) -> str | None:
        """The content of the first ``<meta>`` called *name*."""
        return next(iter(self.all(name)), None)

    def all(self, name: str) -> list[str]:
        """The contents of every ``<meta>`` called *name*."""
        return [content for key, content in self.metas if key == name]


class Anchors(HTMLParser):
    """Collects a page's anchors in ``found``, from where the reader takes them away, and its ``head``."""

    def __init__(self, url: str | None) -> None:
        super().__init__(convert_charrefs=True)
        self.url = url
        self.found: list[Anchor] = []
        self.head = Head()
        self._open: Anchor | None = None
        self._in_title = False
        self._begun = False
        self._ended = False

    @property
    def between_tags(self) -> bool:
        """Whether nothing is open or held back, so that an anchor beginning here means what it says."""
        return not (self.rawdata or self._open or self._in_title or self.cdata_elem)

    def read(self, text: str) -> None:
        """Read more of the page. Raises BadContent for what no parser should be made to read."""
        for start in range(0, len(text), MAX_TAG):
            self._guarded(text[start : start + MAX_TAG])
            if len(self.rawdata) > MAX_TAG:
                raise BadContent(f"{self.url}: a tag or comment of more than {MAX_TAG} characters", url=self.url)

    def finish(self) -> None:
        """Declare the page complete. Raises BadContent when it was cut off."""
        cut_off = self._open is not None or (self._begun and not self._ended)
        if cut_off or self.rawdata.lstrip().startswith("<"):
            raise BadContent(f"{self.url}: the page is cut off", url=self.url)
        self._guarded(None)

    def _guarded(self, text: str | None) -> None:
        try:
            if text is None:
                self.close()
            else:
                self.feed(text)
        except (AssertionError, ValueError) as error:  # the standard library's, for broken declarations and references
            raise BadContent(f"{self.url} is not HTML: {error}", url=self.url) from error

    # --- called by the standard library's parser -------------------------------------------------------------------

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A tag begins an element."""
        attributes = dict(reversed(attrs))  # of an attribute that stands twice, the first counts
        if tag == "a":
            self._close_anchor()
            self._open = Anchor(attributes)
        elif tag == "base":
            self.head.base = self.head.base or attributes.get("href")
        elif tag == "meta":
            self.head.metas.append((attributes.get("name") or "", attributes.get("content") or ""))
        elif tag == "title":
            self._in_title = True
        elif tag in ("html", "body"):
            self._begun = True

    def handle_endtag(self, tag: str) -> None:
        """A tag ends an element; the page's own end also ends an anchor that was left open."""
        if tag == "title":
            self._in_title = False
        elif tag in ("a", "html", "body"):
            self._close_anchor()
            self._ended = self._ended or tag != "a"

    def handle_data(self, data: str) -> None:
        """Text, perhaps only a part of what stands between two tags."""
        if self._open is not None:
            self._open.text += data
        elif self._in_title:
            self.head.title += data

    def handle_comment(self, data: str) -> None:
        """A comment: only PyPI's SERIAL says something."""
        match = _SERIAL.match(data)
        if match:
            self.head.serial = match[1]

    def _close_anchor(self) -> None:
        if self._open is not None:
            self.found.append(self._open)
            self._open = None
