"""What an upstream index can be like: PyPI as it is, or any of the lesser ones that mirrors have to cope with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Auth = tuple[Literal["basic"], str, str] | tuple[Literal["bearer"], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """The switches of an ``UpstreamServer``. The defaults are PyPI's behaviour."""

    api_version: Literal["1.4", "1.1", "1.0"] = "1.4"
    """1.1 has neither provenance nor statuses; 1.0 lacks versions, sizes and upload times too."""
    serials: Literal["int", "string", "none"] = "int"
    """How pages, lists and headers state serials."""
    list_serials: bool = True
    """Whether the list of projects has serials at all."""
    serial_header: bool = True
    """Whether responses carry X-PyPI-Last-Serial."""
    list_format: Literal["both", "html", "json", "missing"] = "both"
    """What the list of projects comes in; missing is 404."""
    page_format: Literal["both", "html", "json"] = "both"
    accept_match: Literal["negotiate", "contains"] = "negotiate"
    """Static copies answer JSON whenever Accept merely contains its type, and do not know ``?format=``."""
    redirects: Literal["pypi", "static", "none"] = "pypi"
    """PyPI: 301 to the normalised name and to the slash. Static: 308 to the slash only. None: 404 for both."""
    etags: bool = True
    """PyPI's are the MD5 of the body; pages answer If-None-Match with 304, files never do."""
    last_modified: bool = False
    """Whether pages carry Last-Modified and answer If-Modified-Since; files always carry it."""
    gzip: bool = True
    """Whether pages and core metadata are compressed for who asks; files never are."""
    ranges: bool = True
    """Whether files answer Range."""
    relative_urls: bool = False
    """Whether pages link files, and the list links projects, relative to themselves."""
    flat_files: bool = False
    """Whether files are at ``/files/<file name>``, as in a folder, and not where their digest says."""
    separate_files_host: bool = False
    """Whether files come from ``server.files_url``, which asks nobody for credentials, and from nowhere else."""
    hashes: tuple[str, ...] = ("sha256",)
    """The algorithms whose digests pages state, those of hashlib; in HTML only the first."""
    core_metadata: bool = True
    """Whether pages tell of core metadata; it is served in either case."""
    provenance: bool = True
    """Whether pages tell of provenance, and the integrity API is there."""
    legacy_json: Literal["both", "project", "none"] = "both"
    """Which of ``/pypi/<name>/json`` and ``/pypi/<name>/<version>/json`` there are."""
    changelog: bool = True
    """Whether XML-RPC is there."""
    changelog_limit: int = 50_000
    """The most rows that one call of ``changelog_since_serial`` returns."""
    auth: Auth | None = None
    """The credentials that every request must carry; otherwise 401."""
    list_lag: int = 0
    """The list of projects is as it was so many serials ago: a cache that lags."""
    stale: Mapping[str, int] = field(default_factory=dict)
    """Normalised names; these projects' pages are as they were at that serial, with that state's own serial."""


STATIC_COPY = Behaviour(
    api_version="1.1",
    serials="string",
    list_serials=False,
    serial_header=False,
    list_format="html",
    accept_match="contains",
    redirects="static",
    etags=False,
    gzip=False,
    core_metadata=False,
    provenance=False,
    legacy_json="project",
    changelog=False,
)
"""A copy of PyPI made of files, as a mirror publishes it behind a plain web server."""
