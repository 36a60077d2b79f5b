"""The HTML form of the list of projects, read as a stream (PEP 503); what a web server makes of a folder is one too."""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from urllib.parse import unquote, urljoin, urlsplit

from bandersnatch import names
from bandersnatch.errors import BadContent
from bandersnatch.model import Listed
from bandersnatch.simple import facts, lines
from bandersnatch.simple.anchors import Anchor, Anchors

# The anchors of every large index look like this, and need no parser; whatever does not goes through the real one,
# names that are none among it: there the address may tell.
_LINK = (
    r'\s*+<a href="(?:FOLDER)?[A-Za-z0-9](?:[A-Za-z0-9_-]*+/?|[A-Za-z0-9._-]*+/)">'
    rf"(?=[^<]{{1,{names.MAX_NAME}}}<)({lines.NAME})</a>\s*+(?:<br ?/?>)?"
)

_OWN_FILE = re.compile(r"\.(?:x?html?|txt|json|xml|ico|css|png|svg|v1_\w+)\Z", re.ASCII)
"""How the names of files end that stand beside the folders of projects."""

_MOST_TAGS = 10_000_000
"""Of a list that needs a real parser: five for each of two million projects."""


class HtmlListing:
    """Reads the list of projects in HTML (PEP 503), as its bytes arrive."""

    def __init__(self, url: str | None = None, *, whole: bool = False) -> None:
        """*whole*: it is known that all of it comes, so that it need not show its end."""
        self._url = url
        self._whole = whole
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
        self._page = Anchors(url, self._plain, tags=_MOST_TAGS)
        path = urlsplit(url or "").path
        self._folders = (path.rpartition("/")[0] + "/", path.rstrip("/") + "/")
        """Where the projects' pages are, with a slash at the end of the list's own address and without."""
        link = _LINK.replace("FOLDER", re.escape(self._folders[0]) if path.startswith("/") else "")
        self._link, self._links = re.compile(link), re.compile(f"(?:{link})+")
        self._found: list[Listed] = []
        self._rejected = 0
        self._any = False

    def feed(self, data: bytes) -> list[Listed]:
        """Take more bytes; returns the projects that are complete by now. Raises BadContent."""
        for start in range(0, len(data), lines.SLICE):
            self._page.read(self._decoder.decode(data[start : start + lines.SLICE]))
            self._gather()
        return self._taken()

    def finish(self) -> tuple[list[Listed], lines.ListingHead]:
        """Declare the list complete; returns its last lines. Raises BadContent when it was cut off, or is none."""
        self._page.finish(whole=self._whole)
        self._gather()
        last, head = self._taken(), self._page.head
        version = head.meta("pypi:repository-version")
        facts.check_api_version(version, self._url)
        if not self._any and version is None and head.serial is None and "index" not in head.title.lower():
            raise BadContent(f"{self._url or 'this'} is HTML, but not a list of projects", url=self._url)
        return last, lines.ListingHead(lines.believed(head.serial), self._rejected)

    def _taken(self) -> list[Listed]:
        found, self._found = self._found, []
        self._any = self._any or bool(found)
        return found

    def _plain(self, text: str, at: int) -> int:
        """Read the links at *at* that need no parser; returns where they end."""
        plain = self._links.match(text, at) if self._page.head.base is None else None
        if plain is None:
            return at
        self._gather()
        self._keep(self._link.findall(text, at, plain.end()))
        return plain.end()

    def _gather(self) -> None:
        """Take over the links that the parser has found."""
        if self._page.found:
            named = map(self._name, self._page.found)
            self._keep([name for name in named if name is not None])
            self._page.found.clear()

    def _keep(self, displays: Sequence[str]) -> None:
        listed, rejected = lines.listed(displays, [None] * len(displays))
        self._found += listed
        self._rejected += rejected
        if self._rejected > lines.MAX_REJECTED:
            message = f"more than {lines.MAX_REJECTED:,} links that name no project"
            raise BadContent(f"{self._url or 'this'} is no list of projects: {message}", url=self._url)

    def _name(self, anchor: Anchor) -> str | None:
        """What a link calls its project: its text, or the last part of its address. None for one to something else."""
        href, text = anchor.attributes.get("href"), anchor.text.strip()
        if href is None:
            return None
        try:
            parts = urlsplit(urljoin(urljoin(self._url or "", self._page.head.base or ""), href.strip()))
        except ValueError:
            return ""
        path = re.sub(r"/index\.html?\Z", "/", parts.path)
        folder, _, last = path.removesuffix("/").rpartition("/")
        is_ours = parts.scheme in ("", "http", "https", urlsplit(self._url or "").scheme)
        if not is_ours or any(one.startswith(path) for one in self._folders):
            return None  # up, or back to the list itself, in another order
        name = unquote(last)
        if not path.endswith("/") and (_OWN_FILE.search(name) or names.stem(name) != name):
            return None
        called = text if names.is_project_name(text) else name
        # A proxy may hide the index's own path; elsewhere, only what can be nothing else is a project.
        is_alike = any(f"/{folder}/".endswith(f"/{one.split('/')[-2]}/") for one in self._folders)
        is_below = f"{folder}/" in self._folders
        return called if is_below or (is_alike and names.canonical(called) == names.canonical(name)) else None
