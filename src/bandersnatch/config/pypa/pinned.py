"""What ``project_requirements_pinned`` means besides: filters of releases do not hold for versions that files name."""

from __future__ import annotations

from collections.abc import Iterator

from bandersnatch.config.pypa.ini import Entry
from bandersnatch.config.pypa.translation import Draft
from bandersnatch.selection import Items, Origin


def translate(draft: Draft) -> None:
    """Waive for these versions what was a filter of releases; where that is said elsewhere here, tell what differs."""
    files = draft.sources.get("select.from-files")
    if files is None:
        return
    passed = _of_releases(draft)
    if passed:
        draft.put("releases.waive-for", "ranges", *files)
    for entry in _stricter(draft):
        draft.note(entry, "holds for versions that requirement files name as well; there it does not")
    for entry in draft.sources.get("releases.unwanted", ()):
        if passed and entry.section != "filter_regex":
            draft.note(entry, "does not hold for versions that requirement files name; there it does")


def _of_releases(draft: Draft) -> bool:
    """Whether any key of [releases] stands for a filter of releases."""
    unwanted = draft.sources.get("releases.unwanted", ())
    return bool(
        "releases.prereleases" in draft.values
        or draft.values.get("releases.newest")
        or any(entry.section == "filter_regex" for entry in unwanted)
    )


def _stricter(draft: Draft) -> Iterator[Entry]:
    """The filters of releases that no key of [releases] stands for."""
    blocked = draft.get("blocklist", "packages")
    excluded = draft.values.get("exclude.projects", ())
    if blocked and isinstance(excluded, tuple):
        items = Items.read(Origin("exclude.projects", text) for text in excluded)
        if not all(item.is_whole for item in items):
            yield blocked
    for entry in draft.sources.get("files.exclude-names", ()):
        if entry.section == "filter_prerelease":
            yield entry
