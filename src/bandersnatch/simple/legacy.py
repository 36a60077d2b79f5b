"""
PyPI's older JSON, ``/pypi/NAME/json`` and ``/pypi/NAME/VERSION/json``, out of what the mirror holds.

Other mirrors, poetry's plugins and pdm read it. What a mirror cannot know is left out rather than made up:
``vulnerabilities`` and ``ownership`` (an empty list would say that there are none) and MD5; addresses of PyPI's own
web pages are null.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

import msgspec

from bandersnatch import layout, names
from bandersnatch.model import Held
from bandersnatch.simple import releases
from bandersnatch.simple.facts import Urls
from bandersnatch.simple.metadata import info

Metadata = Callable[[Held], bytes | None]
"""The core metadata held beside a file, or None."""

_SECONDS = len("2000-01-01T00:00:00")
_sorted = msgspec.json.Encoder(order="sorted")
_PYTHON = re.compile(r"-py(\d(?:\.\d+)?)(?=[-.])", re.ASCII)
_TYPES = {
    ".whl": "bdist_wheel",
    ".egg": "bdist_egg",
    ".exe": "bdist_wininst",
    ".msi": "bdist_msi",
    ".rpm": "bdist_rpm",
    ".dmg": "bdist_dmg",
}


def render_project(
    name: str,
    display: str,
    serial: int | None,
    held: Sequence[Held],
    metadata: Metadata,
    urls: Urls,
    versions: Iterable[str] = (),
) -> bytes:
    """
    The project with its releases, of which there must be one: PyPI answers 404 for a project that has none.

    *versions* is upstream's own list, for the spelling. *metadata* is asked for files of the latest release only.
    Raises ValueError when there is none.
    """
    by_version = releases.group(name, held, versions)
    latest = max(by_version, key=lambda version: _standing(version, by_version[version]))
    files = by_version[latest]
    return msgspec.json.encode({
        "info": _info(display, latest, files, first_metadata(files, metadata)),
        "last_serial": serial,
        "releases": {version: _files(name, by_version[version], urls) for version in by_version},
        "urls": _files(name, files, urls),
    })  # fmt: skip


def render_version(
    name: str, display: str, version: str, held: Sequence[Held], metadata: bytes | None, urls: Urls
) -> bytes:
    """One release, of which *held* are the files, with the *metadata* that ``first_metadata`` finds."""
    files = releases.order(name, held)
    return msgspec.json.encode({
        "info": _info(display, version, files, metadata),
        "urls": _files(name, files, urls),
    })  # fmt: skip


def first_metadata(held: Iterable[Held], metadata: Metadata) -> bytes | None:
    """The core metadata of the first wheel of a release that has any."""
    wheels = (one for one in held if one.metadata and one.file.filename.endswith(".whl"))
    return next((found for one in wheels if (found := metadata(one)) is not None), None)


def _standing(version: str, files: Sequence[Held]) -> tuple[bool, bool, releases.Rank]:
    """Which release is PyPI's "latest": one that is not yanked before one that is final before one that is newer."""
    place = releases.rank(version)
    final = isinstance(place[1], str) or not place[1].is_prerelease
    return (not _yanked(files), final, place)


def _yanked(files: Sequence[Held]) -> bool:
    """Whether a release is yanked: PyPI yanks all files together."""
    return all(one.file.yanked is not None for one in files)


def _info(display: str, version: str, files: Sequence[Held], metadata: bytes | None) -> msgspec.Raw:
    yanked = _yanked(files)
    facts = dict(info(metadata)) | {
        "name": display,
        "version": version,
        "yanked": yanked,
        "yanked_reason": (_first(one.file.yanked for one in files) if yanked else None),
        "package_url": None,
        "project_url": None,
        "release_url": None,
        "docs_url": None,
        "bugtrack_url": None,
        "downloads": {"last_day": -1, "last_month": -1, "last_week": -1},
    }
    facts["requires_python"] = facts["requires_python"] or _first(one.file.requires_python for one in files)
    return msgspec.Raw(_sorted.encode(facts))


def _first(values: Iterable[str | None]) -> str | None:
    return next((value for value in values if value), None)


def _files(name: str, held: Iterable[Held], urls: Urls) -> list[dict[str, object]]:
    return [_file(name, one, urls(one)) for one in held]


def _file(name: str, one: Held, url: str) -> dict[str, object]:
    file = one.file
    kind = _packagetype(file.filename, name)
    blake2 = layout.claimed_blake2(file)
    return {
        "comment_text": None,
        "core-metadata": {"sha256": one.metadata} if one.metadata else False,
        "digests": ({"blake2b_256": blake2} if blake2 else {}) | {"sha256": file.sha256},
        "downloads": -1,
        "filename": file.filename,
        "has_sig": False,
        "packagetype": kind,
        "python_version": _python_version(file.filename, kind),
        "requires_python": file.requires_python,
        "size": one.size,
        "upload_time": file.upload_time[:_SECONDS] if file.upload_time else None,
        "upload_time_iso_8601": file.upload_time,
        "url": url,
        "yanked": file.yanked is not None,
        "yanked_reason": file.yanked or None,
    }


def _packagetype(filename: str, project: str) -> str:
    ending = filename[filename.rfind(".") :]
    if ending in _TYPES:
        return _TYPES[ending]
    if filename.endswith(names.VARIANTS):
        return "other"
    return "bdist_dumb" if releases.is_dumb(filename, project) else "sdist"


def _python_version(filename: str, kind: str) -> str:
    """``source``, a wheel's Python tag, or the ``X.Y`` in the name of an old built format."""
    if kind == "sdist":
        return "source"
    if kind == "bdist_wheel":
        return "".join(filename.split("-")[-3:-2])
    match = _PYTHON.search(filename)
    return match[1] if match else "any"
