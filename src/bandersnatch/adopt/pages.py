"""What the pages of a foreign tree promise of their files: MD5 too, which was all that pages once had.

Pages are hostile: what cannot be read promises nothing, and a digest or a path is one only if it looks like one.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from bandersnatch import names
from bandersnatch.adopt.base import Promise
from bandersnatch.errors import BadContent
from bandersnatch.simple.anchors import Anchors

MAX_PAGE = 1 << 27
"""Bytes of the largest page that is read; the largest of PyPI's older JSON have some 40 MB."""

_MD5 = re.compile(r"[0-9a-f]{32}\Z")
_UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, RecursionError)


def read(path: str, body: bytes) -> dict[str, Promise]:
    """What the page that lies at *path*, HTML or JSON of either kind, promises of its files, by their names."""
    try:
        found = _json(body, path) if body.lstrip()[:1] == b"{" else _html(body, path)
        return {filename: promise for filename, promise in found if names.is_filename(filename)}
    except (*_UNREADABLE, BadContent):
        return {}


def _html(body: bytes, path: str) -> Iterator[tuple[str, Promise]]:
    page = Anchors(path)
    page.read(body.decode("utf-8-sig", "replace"))
    for anchor in page.found:
        address, _, fragment = (anchor.attributes.get("href") or "").partition("#")
        digests = dict(part.partition("=")[::2] for part in fragment.split("&"))
        yield _promise(path, address, digests)


def _json(body: bytes, path: str) -> Iterator[tuple[str, Promise]]:
    page = json.loads(body)
    for entry in _entries(page):
        time = entry.get("upload-time") or entry.get("upload_time_iso_8601") or entry.get("upload_time")
        digests = entry.get("hashes") or entry.get("digests") or {}
        yield _promise(path, entry["url"], digests, entry.get("size"), time, entry["filename"])


def _entries(page: dict[str, Any]) -> Iterable[dict[str, Any]]:
    """Of PEP 691's JSON, or of PyPI's older one."""
    if "files" in page:
        yield from page["files"]
        return
    for release in page["releases"].values():
        yield from release


def _promise(
    page: str, url: str, digests: dict[str, Any], size: object = None, time: object = None, filename: str = ""
) -> tuple[str, Promise]:
    path = unquote(urlsplit(url).path)
    sha256, md5 = str(digests.get("sha256", "")).lower(), str(digests.get("md5", "")).lower()
    return filename or path.rpartition("/")[2], Promise(
        says=page,
        sha256=sha256 if names.is_sha256(sha256) else "",
        md5=md5 if _MD5.match(md5) else "",
        size=size if type(size) is int and size >= 0 else None,
        time=_seconds(time),
        path=_published(path),
    )


def _published(path: str) -> str:
    """Where a link leads, from ``packages/`` on; empty for a link to anywhere else."""
    before, found, rest = path.rpartition("packages/")
    if not found or (before and not before.endswith("/")):
        return ""
    plain = posixpath.normpath(rest)
    return f"packages/{rest}" if plain == rest and not rest.startswith(("/", "../")) and "\0" not in rest else ""


def _seconds(time: object) -> float | None:
    """A time as PyPI writes it, in UTC, with or without saying so."""
    try:
        moment = datetime.fromisoformat(str(time))
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
