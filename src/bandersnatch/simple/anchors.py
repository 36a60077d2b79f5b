"""
What an index's HTML is made of: links, a base, metas, a SERIAL comment. Reads as it arrives, whatever it is fed.

Tags, comments and text are told apart as the HTML standard has it (13.2.5), as far as an index needs it. The standard
library's parser is not asked: what it makes of broken markup, and what it holds back, differs between its versions.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from html.entities import html5

from bandersnatch.errors import BadContent
from bandersnatch.values import Struct, field

MAX_TAG = 1 << 16
"""Characters of one tag or comment."""

MAX_TEXT = 1 << 12
"""Characters of the text in a link or a title; what is more names nothing."""

_SPACE = r"[\t\n\f\r ]*+"
_VALUE = r""""([^"]*+)"|'([^']*+)'|(?=>|\Z)|([^\t\n\f\r >"'][^\t\n\f\r >]*+)"""
_ATTRIBUTE = rf"[\t\n\f\r /]*+([^\t\n\f\r />][^\t\n\f\r />=]*+)(?:{_SPACE}={_SPACE}(?:{_VALUE})|(?!{_SPACE}=))"
_MARKUP = re.compile(
    rf"<(?P<end>/?)(?P<tag>[A-Za-z][^\t\n\f\r />]*+)(?P<attributes>(?:{_ATTRIBUTE})*)(?P<last>[\t\n\f\r /]*+)>"
    r"|<!--(?:-?>|(?P<comment>(?s:.)*?)--!?>)"
    r"|<(?:!(?!--)|\?|/(?![A-Za-z]))[^>]*+>"
)
_NO_MARKUP = re.compile(r"<[^A-Za-z!?/]")
_ATTRIBUTES = re.compile(_ATTRIBUTE)
_REFERENCE = re.compile(r"&(#[0-9]+;?|#[xX][0-9A-Fa-f]+;?|[A-Za-z][A-Za-z0-9]*+(?:;|(?!=)))")
_SERIAL = re.compile(r"\s*SERIAL\s+(\S{1,40})\s*\Z")

_TEXT_ONLY = {
    name: re.compile(rf"</{name}(?=[\t\n\f\r />])", re.IGNORECASE)
    for name in ("script", "style", "title", "textarea", "xmp", "iframe", "noembed", "noframes")
}
"""The elements in which nothing is markup, with what ends each."""
_LONGEST_END = len("</textarea>")

_WANTED = frozenset({
    "href", "name", "content", "data-core-metadata", "data-dist-info-metadata", "data-provenance",
    "data-requires-python", "data-size", "data-upload-time", "data-yanked",
})  # fmt: skip
"""The attributes that are kept."""


class Anchor(Struct):
    """One ``<a>``: its attributes that are wanted, unescaped (empty for one without a value), and the text in it."""

    attributes: dict[str, str]
    text: str = ""


class Head(Struct):
    """What the page says about itself."""

    base: str | None = None
    title: str = ""
    metas: list[tuple[str, str]] = field(default_factory=list)
    """Those whose name begins with ``pypi:``."""
    serial: str | None = None

    def meta(self, name: str) -> str | None:
        """The content of the first ``<meta>`` called *name*."""
        return next(iter(self.all(name)), None)

    def all(self, name: str) -> list[str]:
        """The contents of every ``<meta>`` called *name*."""
        return [content for key, content in self.metas if key == name]


class Anchors:
    """
    Collects a page's anchors in ``found``, from where the reader may take them away, and its ``head``.

    *plain* may know a quicker way: it is given the text and a place between two tags, outside of any link, and returns
    how far it has read.
    """

    def __init__(
        self,
        url: str | None,
        plain: Callable[[str, int], int] = lambda _, at: at,
        *,
        most: int = 100_000,
        tags: int = 1_000_000,
    ) -> None:
        """*most*: links and metas that may be held at once. *tags*: how often the page may have a ``<``."""
        self.url = url
        self.found: list[Anchor] = []
        self.head = Head()
        self._plain = plain
        self._most = most
        self._tags = tags
        self._rest = ""
        self._enough = 0
        """Characters that must have come before it makes sense to look again: so time is linear, however they come."""
        self._open: dict[str, str] | None = None
        self._until: re.Pattern[str] | None = None
        """What ends the element in which nothing is markup."""
        self._text: list[str] = []
        self._room = 0
        """Characters that are still to be kept of the text."""
        self._begun = False
        self._ended = False

    def read(self, text: str) -> None:
        """Read more of the page. Raises BadContent for what no index has."""
        self._rest += text
        if len(self._rest) > self._enough:
            self._take()

    def finish(self, *, whole: bool = False) -> None:
        """
        Declare the page complete. Raises BadContent when it was cut off.

        *whole*: all of it came, for certain. Then it need not show its end, which HTML allows to be left out.
        """
        self._take()
        if self._rest or self._open is not None or self._until:
            raise BadContent(f"{self.url}: the page is cut off", url=self.url)
        if self._begun and not (self._ended or whole):
            why = "it has no </html>, and the answer did not say how long it is"
            raise BadContent(f"{self.url}: the page may be cut off: {why}", url=self.url)

    def _take(self) -> None:
        text, at, before = self._rest, 0, -1
        while before < at < len(text):
            before, at = at, self._next(text, at)
        self._rest = text[at:]
        self._enough = 2 * len(self._rest)

    def _next(self, text: str, at: int) -> int:
        """Take what stands at *at*; returns where that ends: there too where more has to come first."""
        if self._until:
            return self._only_text(text, at, self._until)
        if self._open is None and (end := self._plain(text, at)) > at:
            return end
        begin = text.find("<", at)
        if begin != at:
            end = len(text) if begin < 0 else begin
            self._say(text, at, end)
            return end
        markup = _MARKUP.match(text, at, at + MAX_TAG)
        if markup is None and not _NO_MARKUP.match(text, at):
            if len(text) - at >= MAX_TAG:
                raise BadContent(f"{self.url}: a tag or comment of more than {MAX_TAG} characters", url=self.url)
            return at
        self._tags -= 1
        self._bound(self._tags >= 0)
        if markup is None:
            self._say(text, at, at + 1)
            return at + 1
        self._markup(markup)
        return markup.end()

    def _only_text(self, text: str, at: int, until: re.Pattern[str]) -> int:
        ended = until.search(text, at)
        end = ended.start() if ended else max(at, len(text) - _LONGEST_END)
        self._say(text, at, end)
        if ended is None:
            return end
        self._until = None
        return self._next(text, end)

    def _say(self, text: str, at: int, end: int) -> None:
        if self._room > 0:
            self._text.append(text[at : min(end, at + self._room)])
            self._room -= end - at

    def _listen(self) -> None:
        self._text, self._room = [], MAX_TEXT

    def _heard(self) -> str:
        self._room = 0
        return _unescaped("".join(self._text), unescape)

    def _bound(self, holds: bool) -> None:
        if not holds:
            what = f"more than {self._most:,} links, or far more tags than these need"
            raise BadContent(f"{self.url}: {what}", url=self.url)

    def _markup(self, markup: re.Match[str]) -> None:
        tag = (markup["tag"] or "").lower()
        if not tag:
            serial = _SERIAL.match(markup["comment"] or "")
            self.head.serial = serial[1] if serial else self.head.serial
        elif markup["end"]:
            self._end(tag)
        else:
            self._begin(tag, markup)

    def _begin(self, tag: str, markup: re.Match[str]) -> None:
        if tag == "a":
            self._close_anchor()
            self._open = _attributes(markup["attributes"])
            self._listen()
        elif tag == "base":
            self.head.base = self.head.base or _attributes(markup["attributes"]).get("href")
        elif tag == "meta":
            said = _attributes(markup["attributes"])
            if said.get("name", "").startswith("pypi:"):
                self._bound(len(self.head.metas) < self._most)
                self.head.metas.append((said["name"], said.get("content", "")))
        elif tag in ("html", "body"):
            self._begun = True
        elif tag in _TEXT_ONLY and not markup["last"].endswith("/"):
            self._until = _TEXT_ONLY[tag]
            if tag == "title" and self._open is None:
                self._listen()

    def _end(self, tag: str) -> None:
        """The page's own end also ends an anchor that was left open."""
        if tag == "title" and self._open is None:
            self.head.title = self.head.title or self._heard()
        elif tag in ("a", "html", "body"):
            self._close_anchor()
            self._ended = self._ended or tag != "a"

    def _close_anchor(self) -> None:
        if self._open is not None:
            self._bound(len(self.found) < self._most)
            self.found.append(Anchor(self._open, self._heard()))
            self._open = None


def _attributes(text: str) -> dict[str, str]:
    """The attributes that are wanted; of one that stands twice, the first counts."""
    found: dict[str, str] = {}
    for name, *values in _ATTRIBUTES.findall(text):
        key = name.lower()
        if key in _WANTED and key not in found:
            found[key] = _unescaped("".join(values), _in_attribute)
    return found


def _unescaped(text: str, how: Callable[[str], str]) -> str:
    try:
        return how(text) if "&" in text else text
    except ValueError:  # the number of a character, of thousands of digits
        return "\N{REPLACEMENT CHARACTER}"


def _in_attribute(text: str) -> str:
    """In an attribute, ``&copy=`` is no reference: it is far more likely a part of an address."""
    return _REFERENCE.sub(_character, text)


def _character(reference: re.Match[str]) -> str:
    return unescape(reference[0]) if reference[1][0] == "#" else html5.get(reference[1], reference[0])
