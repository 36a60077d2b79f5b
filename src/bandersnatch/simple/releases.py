"""Which release a file is of, and in which order releases and files stand on everything that we publish."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from bandersnatch import names
from bandersnatch.model import Held

if TYPE_CHECKING:
    from packaging.version import Version

Rank: TypeAlias = "tuple[int, Version | str]"
"""A version as it sorts: those that PEP 440 does not know come first, as strings."""

# What the old formats put behind the version: wininst and dumb a platform and perhaps a Python, rpm a release and
# an architecture.
_PLATFORM = re.compile(
    r"[.-](?:win32|win-\w+|linux-\w+|macosx-[\d.]+-\w+|cygwin-[^/]*|\w*bsd-[^/]*)(?:-py\d(?:\.\d+)?)?\Z", re.ASCII
)
_RPM = re.compile(r"-[^-]+\.\w+\Z", re.ASCII)


@lru_cache(maxsize=4096)
def rank(version: str) -> Rank:
    """The place of *version* in the order of versions; equal for spellings that PEP 440 says are the same."""
    from packaging.version import InvalidVersion, Version

    try:
        return (1, Version(version))
    except InvalidVersion:
        return (0, version)


@lru_cache(maxsize=4096)
def _same(version: str) -> str:
    """A text that is the same for all spellings of *version*: it takes a fraction of comparing ranks."""
    from packaging.utils import canonicalize_version

    return canonicalize_version(version)


@lru_cache(maxsize=4096)
def version_of(filename: str, project: str) -> str | None:
    """``names.version_of``, without the platform that the old built formats append to the version."""
    version = names.version_of(filename, project)
    if version is None or rank(version)[0]:
        return version
    ending = _RPM if filename.endswith(".rpm") else _PLATFORM
    return ending.sub("", version) or version


def is_dumb(filename: str, project: str) -> bool:
    """Whether *filename*, of an archive, is a ``bdist_dumb``: only the platform in it tells it from an sdist."""
    return version_of(filename, project) != names.version_of(filename, project)


def order(project: str, held: Iterable[Held]) -> list[Held]:
    """*held* by version and file name, oldest first: the order of PyPI's pages."""
    return sorted(held, key=lambda one: (rank(version_of(one.file.filename, project) or ""), one.file.filename))


def group(project: str, held: Iterable[Held], known: Iterable[str] = ()) -> dict[str, list[Held]]:
    """
    The releases that *held* are of, oldest first, each with its files in order.

    A version is spelled as in *known*, upstream's own list (PEP 700), where it has it, else in PEP 440's normal form,
    else as in the file name. A file whose name does not begin with the project's belongs to no release.
    """
    spelling: dict[str, str] = {}
    for spelt in known:
        if names.is_filename(spelt):
            spelling.setdefault(_same(spelt), spelt)
    releases: dict[str, list[Held]] = {}
    for one in order(project, held):
        version = version_of(one.file.filename, project)
        if version is not None:
            same = _same(version)
            if same not in spelling:
                spelling[same] = str(rank(version)[1])
            releases.setdefault(spelling[same], []).append(one)
    return releases
