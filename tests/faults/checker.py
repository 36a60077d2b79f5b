"""
What a client would see of a published tree: a second opinion, which shares no code with the product.

It reads the tree as a web server shows it, and knows nothing of catalogues and journals.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag

OWN = "https://mirror.example.org/"
"""What the addresses begin with that a page has to write in full, where it is a mirror of the fault suites."""


def problems(directory: Path) -> list[str]:
    """Everything that is wrong with the mirror in *directory* by its looks; no run is under way."""
    return [*_served(directory / "web"), *_left_behind(directory)]


def tree(web: Path) -> dict[str, str]:
    """Every published object with its SHA-256, but for the date of the last run."""
    return {
        str(path.relative_to(web)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(web.rglob("*"))
        if path.is_file() and path.name != "last-modified"
    }


def broken(web: Path) -> set[str]:
    """What the HTML pages of any mirror link that is not there, or has other bytes than the link says."""
    found = set()
    for page in web.glob("simple/*/index.html"):
        for address, _, _ in links(page):
            path, _, fragment = address.partition("#")
            stored = Path(page.parent, unquote(path)).resolve()
            wanted = fragment.partition("sha256=")[2]
            if not stored.is_file() or (wanted and hashlib.sha256(stored.read_bytes()).hexdigest() != wanted):
                found.add(str(stored))
    return found


def linked(web: Path, project: str) -> set[str]:
    """The names of the files that the HTML page of a project links, in any mirror."""
    return {text for _, text, _ in links(web / "simple" / project / "index.html")}


# --- what is served --------------------------------------------------------------------------------------------------


def _served(web: Path) -> Iterator[str]:
    root = web / "simple/index.v1_json"
    listed = {one["name"]: one for one in json.loads(root.read_bytes())["projects"]} if root.exists() else {}
    if root.exists():
        linked = {text for _, text, _ in links(web / "simple/index.html")}
        if linked != set(listed):
            yield f"the list of projects: HTML and JSON differ in {linked ^ set(listed)}"
    for name in listed:
        folder = web / "simple" / re.sub(r"[-_.]+", "-", name).lower()
        if not (folder / "index.v1_json").is_file() or not (folder / "index.html").is_file():
            yield f"{name} is listed, and has no page"
    for page in sorted(web.glob("simple/*/index.v1_json")):
        yield from _page(web, page)


def _page(web: Path, page: Path) -> Iterator[str]:
    folder, files = page.parent, json.loads(page.read_bytes())["files"]
    for file in files:
        yield from _file(web, folder, file)
    said = {f"{one['url']}#sha256={one['hashes']['sha256']}": one["filename"] for one in files}
    shown = {address: text for address, text, _ in links(folder / "index.html")}
    if said != shown:
        yield f"{folder.name}: HTML and JSON list different files: {set(said.items()) ^ set(shown.items())}"
    legacy = web / "pypi" / folder.name / "json"
    if legacy.exists():
        for entry in json.loads(legacy.read_bytes())["urls"]:
            if entry["digests"]["sha256"] not in {one["hashes"]["sha256"] for one in files}:
                yield f"{folder.name}: the older JSON has {entry['filename']}, the page has not"


def _file(web: Path, folder: Path, file: Mapping[str, Any]) -> Iterator[str]:
    stored = Path(folder, unquote(urldefrag(file["url"])[0])).resolve()
    if not stored.is_relative_to(web.resolve()):
        yield f"{file['filename']}: is linked outside the tree"
        return
    if not stored.is_file():
        yield f"{file['filename']}: is linked, and not there"
        return
    data = stored.read_bytes()
    if hashlib.sha256(data).hexdigest() != file["hashes"]["sha256"] or len(data) != file["size"]:
        yield f"{file['filename']}: other bytes than its page says"
    metadata = file.get("core-metadata")
    if metadata:
        beside = stored.with_name(f"{stored.name}.metadata")
        if not beside.is_file() or hashlib.sha256(beside.read_bytes()).hexdigest() != metadata["sha256"]:
            yield f"{file['filename']}: its core metadata is advertised, and is not that"
    provenance = file.get("provenance") or ""
    # Where the mirror has no copy, the page names upstream's.
    if provenance.startswith(OWN) and not (web / provenance.removeprefix(OWN)).is_file():
        yield f"{file['filename']}: its provenance is advertised, and not there"


class _Anchors(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, str, dict[str, str | None]]] = []
        self._open: tuple[str, dict[str, str | None]] | None = None
        self._text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            named = dict(attrs)
            self._open, self._text = (named.get("href") or "", named), ""

    def handle_data(self, data: str) -> None:
        self._text += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self._open is not None:
            self.found.append((self._open[0], self._text.strip(), self._open[1]))
            self._open = None


def links(page: Path) -> list[tuple[str, str, dict[str, str | None]]]:
    """Address, text and attributes of each link."""
    reader = _Anchors()
    reader.feed(page.read_text("utf-8") if page.exists() else "")
    reader.close()
    return reader.found


# --- what is left behind ---------------------------------------------------------------------------------------------


def _left_behind(directory: Path) -> Iterator[str]:
    """Nothing unfinished in the web server's root, nothing on the stage, and nothing of ours anywhere else."""
    for path in (directory / "web").rglob("*"):
        if path.is_symlink() or re.search(r"\.(?:tmp|part|new)$|^\.|~$", path.name):
            yield f"{path.relative_to(directory)}: left in the web server's root"
    stage = directory / "state/tmp"
    yield from (f"{path.name}: left on the stage" for path in (stage.iterdir() if stage.exists() else ()))
    known = {"web", "state"}
    yield from (f"{path.name}: made in the mirror's folder" for path in directory.iterdir() if path.name not in known)
