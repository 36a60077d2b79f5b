"""What a project's page says of files, beside what the catalogue says of them."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import unquote

from bandersnatch import layout
from bandersnatch.model import File, Held, Project
from bandersnatch.values import replace
from bandersnatch.verify.base import Finding, Kind, Place, Record

ROOT = "https://mirror.invalid/"
"""Stands for the web server's root where a page's relative links are made absolute (RFC 2606: nobody's)."""


class Links:
    """The page *key* of a project, as it was read, against what is held."""

    def __init__(self, place: Place, record: Record, key: str, page: Project) -> None:
        self._place = place
        self._name = record.name
        self._key = key
        self._page = page
        self._held = {one.file.filename: one for one in record.published.held}
        self._in_json = key.endswith("_json")

    def findings(self) -> Iterator[Finding]:
        """Every promise that cannot be kept; if there is none, all other differences as one finding."""
        broken = list(self._broken())
        yield from broken
        differences = [] if broken else list(self._differences())
        if differences:
            more = len(differences) - 1
            what = differences[0] + (f"; and {more:,} more difference{'' if more == 1 else 's'}" if more else "")
            yield Finding(Kind.STALE_PAGE, self._name, self._key, what)

    # --- what an installer would stumble over ----------------------------------------------------------------------

    def _broken(self) -> Iterator[Finding]:
        for refused in self._page.rejected:
            yield self._finding(refused.filename, refused.reason)
        for file in self._page.files:
            held = self._held.get(file.filename)
            if held is not None and file.url == _url(held.file):
                yield from self._false_promises(file, held)
            elif file.url.startswith(ROOT) and self._place.stat(_key(file)) is None:
                yield self._finding(_key(file), "it links what is not there")

    def _false_promises(self, file: File, held: Held) -> Iterator[Finding]:
        key = layout.file_key(held.file)
        if file.sha256 != held.file.sha256:
            yield self._finding(key, f"it promises the SHA-256 {file.sha256}")
        elif file.size is not None and file.size != held.size:
            yield self._finding(key, f"it promises {file.size:,} bytes")
        elif file.core_metadata and file.core_metadata != held.metadata:
            yield self._finding(key + ".metadata", "it advertises core metadata that is not there")

    def _finding(self, key: str, what: str) -> Finding:
        return Finding(Kind.BROKEN_LINK, self._name, key, f"{self._key}: {what}")

    # --- all the rest ----------------------------------------------------------------------------------------------

    def _differences(self) -> Iterator[str]:
        listed = {file.filename for file in self._page.files}
        for name in self._held.keys() - listed:
            yield f"it lacks {name}"
        for file in self._page.files:
            held = self._held.get(file.filename)
            if held is None or file.url != _url(held.file):
                # Where nothing is held, all may be upstream's: a project of which only the page is mirrored.
                if self._held or file.url.startswith(ROOT):
                    yield f"it links {file.url.removeprefix(ROOT)}, which is not held"
            elif self._facts(file) != self._facts(_as_published(held)):
                yield f"it says other things about {file.filename}"

    def _facts(self, file: File) -> tuple[object, ...]:
        """What a page of this form says of a file; HTML cannot say every letter of a text."""
        common = (file.upload_time, file.core_metadata or None, file.yanked is None, bool(file.requires_python))
        return (*common, file.yanked, file.requires_python) if self._in_json else common


def _as_published(held: Held) -> File:
    return replace(held.file, size=held.size, core_metadata=held.metadata)


def _url(file: File) -> str:
    return ROOT + layout.url_of(layout.file_key(file))


def _key(file: File) -> str:
    return unquote(file.url.removeprefix(ROOT).partition("?")[0])
