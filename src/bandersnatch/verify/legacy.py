"""PyPI's older JSON against the catalogue, as far as it can be told without the facts that it was made from."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from bandersnatch import layout, names
from bandersnatch.model import Held
from bandersnatch.verify.base import Finding, Kind, Record


class LegacyPage:
    """The older JSON *key* of a project, or of one of its versions."""

    def __init__(self, record: Record, key: str) -> None:
        self._record = record
        self._key = key
        self._of_project = key == layout.legacy_key(record.name)
        self._held = {one.file.filename: one for one in record.published.held}

    def findings(self, data: bytes) -> Iterator[Finding]:
        """Every promise that cannot be kept; if there is none, whether files are missing in it."""
        try:
            entries = list(self._entries(json.loads(data)))
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            yield Finding(Kind.BROKEN_PAGE, self._record.name, self._key, f"not PyPI's older JSON: {error}")
            return
        broken = [one for one in map(self._broken, entries) if one is not None]
        yield from broken
        lacking = self._expected() - {entry["filename"] for entry in entries}
        if lacking and not broken:
            yield Finding(Kind.STALE_PAGE, self._record.name, self._key, f"it lacks {min(lacking)}")

    def _entries(self, page: dict[str, Any]) -> Iterator[dict[str, Any]]:
        groups: Iterable[Any] = page["releases"].values() if self._of_project else [page["urls"]]
        for entry in (entry for group in groups for entry in group):
            yield {"filename": entry["filename"], "url": str(entry["url"]), "sha256": entry["digests"]["sha256"]}

    def _expected(self) -> set[str]:
        """The files that have to be in it: those of one version cannot be told from how its key spells it."""
        if not self._of_project:
            return set()
        return {name for name in self._held if names.version_of(name, self._record.name) is not None}

    def _broken(self, entry: dict[str, Any]) -> Finding | None:
        held = self._held.get(entry["filename"])
        what = self._wrong(entry, held)
        if what is None:
            return None
        key = str(entry["filename"]) if held is None else layout.file_key(held.file)
        return Finding(Kind.BROKEN_LINK, self._record.name, key, f"{self._key}: {what}")

    def _wrong(self, entry: dict[str, Any], held: Held | None) -> str | None:
        if held is None:
            return "it links what is not held"
        if entry["sha256"] != held.file.sha256:
            return f"it promises the SHA-256 {entry['sha256']}"
        if not entry["url"].endswith("/" + layout.url_of(layout.file_key(held.file))):
            return f"it links {entry['url']}"
        return None
