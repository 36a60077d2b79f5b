"""Where published objects live: keys, made only from validated names and digests.

A key is relative to the web server's root and never derived from an upstream path; only the 64 hexadecimal digits of
PyPI's path shape are taken from a file's URL, so that lock files stay portable.
"""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import quote

from bandersnatch import names
from bandersnatch.model import File, Held

LAST_MODIFIED = "last-modified"
"""PEP 381's date of the last synchronisation."""

_TAKEN = frozenset({"simple", "packages", "pypi", "integrity", "local-stats", LAST_MODIFIED})

REMEMBERED = 4096
"""Keys that are kept: each step of a file's way in asks for its key, and so does each form of its page."""

# PyPI's: /packages/<2>/<2>/<60 hex>/<file>, the digits being the file's BLAKE2b-256.
_DIGEST_PATH = re.compile(r"/packages/([0-9a-f]{2})/([0-9a-f]{2})/([0-9a-f]{60})/[^/]+\Z")


@lru_cache(maxsize=REMEMBERED)
def path_digest(url: str) -> str | None:
    """The 64 digits that *url* carries in PyPI's path shape, or None for another shape."""
    path = url.split("#", 1)[0].split("?", 1)[0]
    match = _DIGEST_PATH.search(path)
    return "".join(match.groups()) if match else None


def claimed_blake2(file: File) -> str | None:
    """
    The BLAKE2b-256 that the file's URL claims; None where the path has another shape or was made from SHA-256.

    Where no SHA-256 is known the claim may be of either.
    """
    digest = path_digest(file.url)
    return digest if digest != file.sha256 else None


def has_key(file: File) -> bool:
    """Whether the file's key can be told before its bytes are here."""
    return bool(file.sha256) or path_digest(file.url) is not None


def file_key(file: File) -> str:
    """
    ``packages/aa/bb/<60 digits>/<file>``: upstream's digits where it has the shape, else those of the SHA-256.

    Raises ValueError for a file that ``has_key`` not yet.
    """
    return _file_key(file.filename, file.url, file.sha256)


@lru_cache(maxsize=REMEMBERED)
def _file_key(filename: str, url: str, sha256: str) -> str:
    if not names.is_filename(filename):
        raise ValueError(f"not a usable file name: {filename[:80]!r}")
    digits = path_digest(url) or sha256
    if not digits:
        raise ValueError(f"the SHA-256 of {filename} is not known yet")
    return f"packages/{digits[:2]}/{digits[2:4]}/{digits[4:]}/{filename}"


def metadata_key(file: File) -> str:
    """The key of the file's core metadata (PEP 658): beside the file."""
    return file_key(file) + ".metadata"


def provenance_key(project: str, version: str, filename: str) -> str:
    """The key of a file's provenance object, at the path of PyPI's integrity API (PEP 740)."""
    return f"integrity/{_name(project)}/{_version(version)}/{filename}/provenance"


def page_keys(project: str) -> dict[str, tuple[str, ...]]:
    """The keys of a project's page: ``{"json": (…,), "html": (…, …)}``; those of one entry have the same bytes."""
    return _keys(f"simple/{_name(project)}")


def index_keys() -> dict[str, tuple[str, ...]]:
    """The keys of the list of projects, in the shape of ``page_keys``."""
    return _keys("simple")


def _keys(folder: str) -> dict[str, tuple[str, ...]]:
    return {
        "json": (f"{folder}/index.v1_json",),
        "html": (f"{folder}/index.html", f"{folder}/index.v1_html"),
    }


def keys_of(project: str, held: Held) -> tuple[str, ...]:
    """Everything that storage has because of one file: it comes and leaves together."""
    keys = [file_key(held.file)]
    if held.metadata is not None:
        keys.append(metadata_key(held.file))
    version = names.version_of(held.file.filename, project) if held.provenance else None
    if version is not None and names.is_filename(version):
        keys.append(provenance_key(project, version, held.file.filename))
    return tuple(keys)


def legacy_key(project: str, version: str | None = None) -> str:
    """The key of PyPI's older JSON of a project, or of one of its versions."""
    if version is None:
        return f"pypi/{_name(project)}/json"
    return f"pypi/{_name(project)}/{_version(version)}/json"


@lru_cache(maxsize=REMEMBERED)
def url_of(key: str) -> str:
    """*key* as the path of a URL, percent-encoded, the apostrophe too: lists of URLs are read by shells and xargs."""
    return quote(key, safe="/+~!@=,()$;:&")


def from_page(key: str) -> str:
    """The URL of *key* relative to a project's page, two folders below the root."""
    return "../../" + url_of(key)


def is_taken(name: str) -> bool:
    """Whether the web server's root has a folder or a file of ours called *name*."""
    return name in _TAKEN


def _name(project: str) -> str:
    if not names.is_normalised(project):
        raise ValueError(f"not a normalised project name: {project[:80]!r}")
    return project


def _version(version: str) -> str:
    """A version as one part of a path: file-name rules keep it from being ``..`` or holding a slash."""
    if not names.is_filename(version):
        raise ValueError(f"not a usable version: {version[:80]!r}")
    return version
