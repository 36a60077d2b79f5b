"""Short ways to write the catalogue's values in tests."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bandersnatch.catalogue.base import Catalogue, Commit, Entry, Failure, Leaving, Published
from bandersnatch.model import File, Held, Listed, Validators
from bandersnatch.values import replace

FOREVER = 1e12


@dataclass
class Clock:
    """The time that the catalogue reads: what a test says."""

    now: float = 50.0

    def __call__(self) -> float:
        return self.now


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def listed(name: str, serial: int | None = None, display: str | None = None) -> Listed:
    return Listed(name, name if display is None else display, serial)


def held(name: str, version: str = "1.0", *, size: int = 1000) -> Held:
    """A wheel with its metadata and its provenance."""
    filename = f"{name}-{version}-py3-none-any.whl"
    blake2 = digest(filename)
    file = File(
        filename=filename,
        url=f"https://files.example.org/packages/{blake2[:2]}/{blake2[2:4]}/{blake2[4:]}/{filename}",
        sha256=digest(filename + " content"),
        size=size,
        upload_time="2024-05-06T07:08:09.123456Z",
        requires_python=">=3.9",
        core_metadata=digest(filename + " metadata"),
        provenance=f"https://example.org/integrity/{name}/{version}/{filename}/provenance",
    )
    return Held(file, size, digest(filename + " metadata"), True)


def published(name: str, *files: Held) -> Published:
    pages = tuple((f"simple/{name}/index.{form}", digest(name + form)[:32]) for form in ("html", "v1_html", "v1_json"))
    return Published(files, pages)


def commit(name: str, serial: int | None, *files: Held, leaving: Sequence[str] = (), **facts: Any) -> Commit:
    """The commit of a project whose page is published and whose promise, unless *facts* say else, is kept."""
    entry = Entry(
        name,
        name,
        promised=serial,
        serial=serial,
        published=True,
        indexed=True,
        selection="all",
        validators=Validators('"tag"', "Mon, 06 May 2024 07:08:09 GMT"),
        digest=digest(name),
    )
    leaves = tuple(Leaving(key, name, "gone") for key in leaving)
    return Commit(replace(entry, **facts), published(name, *files), leaves)


def failure(name: str, next_try: float, reason: str = "no answer", missing_since: float | None = None) -> Failure:
    return Failure(name, reason, next_try, missing_since)


def take_list(catalogue: Catalogue, now: float, *lines: Listed, **facts: str | None) -> None:
    """Absorb *lines* one by one and adopt them."""
    catalogue.begin_listing()
    for line in lines:
        catalogue.absorb([line])
    catalogue.adopt(now, facts)


def leaving_keys(catalogue: Catalogue, before: float = FOREVER) -> list[str]:
    return [one.key for one in catalogue.leaving(before)]


def due_names(catalogue: Catalogue, now: float = FOREVER) -> list[str]:
    return [entry.name for entry in catalogue.due(now, "", 10_000)]
