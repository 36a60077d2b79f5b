"""Names and digests as they may be used: validated first, normalised second, part of a place third.

Every name and digest that upstream sends passes through here before it becomes a key, a URL or a line of a page.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache

# PEP 508's form of a name; \Z because $ would let a trailing newline pass.
_PROJECT = re.compile(r"([A-Z0-9]|[A-Z0-9][A-Z0-9._-]*[A-Z0-9])\Z", re.IGNORECASE | re.ASCII)
_HEXADECIMAL = re.compile(r"[0-9a-fA-F]+\Z")
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
# Printable ASCII without what separates paths or what some file system gives a meaning to; no leading dot or dash.
_FILENAME = re.compile(r"[A-Za-z0-9_!+~@=,()\[\]{}'#%&^$;`][A-Za-z0-9 ._!+~@=,()\[\]{}'#%&^$;`-]*\Z")
_ARCHIVES = (
    ".tar.gz", ".whl", ".zip", ".egg", ".tar.bz2", ".tgz", ".exe", ".msi", ".rpm",
    ".tar.xz", ".tar.Z", ".tar", ".tbz", ".txz", ".tlz", ".tar.lz", ".tar.lzma", ".deb", ".dmg",
)  # fmt: skip

VARIANTS = "-variants.json"
"""How the file's name ends that says which variants the wheels of a release have (PEP 817); no distribution itself."""

MAX_NAME = 200
"""The longest project name taken, in bytes; the longest on PyPI has about 80."""

MAX_FILENAME = 255
"""The longest file name that common file systems hold, in bytes."""


def is_project_name(name: str) -> bool:
    """Whether *name* has the form of a project's name (PEP 508) and is no longer than ``MAX_NAME``."""
    return len(name) <= MAX_NAME and _PROJECT.match(name) is not None


def normalise(name: str) -> str:
    """The normalised form of a project's *name* (PEP 503). Raises ValueError for what is not a name."""
    if not is_project_name(name):
        raise ValueError(f"not a project name: {name[:80]!r}")
    return canonical(name)


def canonical(name: str) -> str:
    """
    *name* as PEP 503 normalises it, whatever it is.

    As the library packaging does it; but its module for that brings what tells one platform from another, which is
    more to load than all else that a run without news needs of it. A test compares the two.
    """
    name = name.lower().replace("_", "-").replace(".", "-")
    while "--" in name:
        name = name.replace("--", "-")
    return name


def is_normalised(name: str) -> bool:
    """Whether *name* is a valid project name in its normal form (PEP 503)."""
    return is_project_name(name) and canonical(name) == name


def is_filename(filename: str) -> bool:
    """Whether *filename* can be stored, linked and served under its own name on every common file system."""
    return len(filename) <= MAX_FILENAME and _FILENAME.match(filename) is not None and filename[-1] not in ". "


def is_sha256(digest: str) -> bool:
    """Whether *digest* is a SHA-256 in lower-case hexadecimal."""
    return _SHA256.match(digest) is not None


@lru_cache(maxsize=64)
def digits_of(algorithm: str) -> int | None:
    """How many hexadecimal digits a digest by *algorithm* has; None unless hashlib knows it, and of one length."""
    if algorithm not in hashlib.algorithms_available:
        return None
    try:
        return 2 * hashlib.new(algorithm, usedforsecurity=False).digest_size or None
    except ValueError:  # named, and switched off on this machine
        return None


def is_digest(algorithm: str, digest: object) -> bool:
    """Whether *digest* is one by *algorithm*, in hexadecimal of either case."""
    if not isinstance(digest, str) or len(digest) != digits_of(algorithm):
        return False
    return _HEXADECIMAL.match(digest) is not None


def spelt(algorithm: str) -> str:
    """*algorithm* as people write it."""
    return {"md5": "MD5", "blake2b": "BLAKE2b"}.get(algorithm, algorithm.upper().replace("SHA", "SHA-", 1))


def strength(algorithm: str) -> tuple[bool, bool, int]:
    """Sorts algorithms by what a digest of theirs proves: SHA-256, which is always known, before all others."""
    return algorithm == "sha256", algorithm not in ("md5", "sha1", "md5-sha1"), digits_of(algorithm) or 0


def stem(filename: str) -> str:
    """*filename* without the ending of an archive format; unchanged when it has none that is known."""
    for ending in _ARCHIVES:
        if filename.endswith(ending):
            return filename[: -len(ending)]
    return filename


def is_owner(project: str, filename: str) -> bool:
    """Whether *filename* can be of *project* alone: its first part is the project's name (PEP 427, 625)."""
    return canonical(filename.partition("-")[0]) == project


def version_of(filename: str, project: str) -> str | None:
    """
    The version that *filename* is of, as it is spelled there, given the normalised name of its *project*.

    The name must be known, since ``foo-1.0-1.tar.gz`` could belong to ``foo`` or to ``foo-1-0``: the version begins
    after the dash before which the text normalises to *project*. Wheels and eggs end their version at the next
    dash. Returns None when the name does not begin with the project, and for what is neither an archive nor tells of
    a release's variants.
    """
    text = stem(filename).removesuffix(VARIANTS)
    if text == filename:
        return None
    for position, letter in enumerate(text):
        if letter == "-" and canonical(text[:position]) == project:
            rest = text[position + 1 :]
            built = filename.endswith((".whl", ".egg"))
            return (rest.split("-", 1)[0] if built else rest) or None
    return None
