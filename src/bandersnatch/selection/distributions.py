"""What a file's name says: its type, and the release that it is of."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bandersnatch import names

if TYPE_CHECKING:
    from packaging.version import Version

TYPES = ("wheel", "sdist", "egg", "wininst", "msi", "rpm", "deb", "dmg", "dumb", "other")
"""Every type that a file can be of."""

_BY_ENDING = {
    ".whl": "wheel", ".egg": "egg", ".exe": "wininst", ".msi": "msi", ".rpm": "rpm", ".deb": "deb", ".dmg": "dmg"
}  # fmt: skip

# What the old built formats put behind the version: a platform and perhaps a Python; rpm a release and an architecture.
_PLATFORM = re.compile(
    r"[.-](?:win32|win-\w+|linux-\w+|macosx-[\d.]+-\w+|cygwin-[^/]*|\w*bsd-[^/]*)(?:-py\d(?:\.\d+)?)?\Z", re.ASCII
)
_RPM = re.compile(r"-[^-]+\.\w+\Z", re.ASCII)


def version_of(release: str) -> Version | None:
    """The version that *release* spells; None where PEP 440 does not know it."""
    from packaging.version import InvalidVersion, Version

    try:
        return Version(release)
    except InvalidVersion:
        return None


def release_of(filename: str, project: str) -> tuple[str, Version | None]:
    """The version as *filename* spells it, without an old format's platform; ``""`` where none can be told."""
    release = names.version_of(filename, project) or ""
    version = version_of(release)
    if version is None and release:
        release = (_RPM if filename.endswith(".rpm") else _PLATFORM).sub("", release) or release
        version = version_of(release)
    return release, version


def type_of(filename: str, project: str) -> str:
    """
    One of ``TYPES``, told by the ending.

    An archive is an sdist unless the platform of a ``bdist_dumb`` stands in its name.
    """
    ending = filename[-4:]
    if ending in _BY_ENDING:
        return _BY_ENDING[ending]
    if names.stem(filename) == filename:
        return "other"
    release = names.version_of(filename, project) or ""
    return "dumb" if version_of(release) is None and _PLATFORM.search(release) else "sdist"
