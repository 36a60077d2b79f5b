"""What the filters of releases and files become: [releases] and [files]."""

from __future__ import annotations

import re
from collections.abc import Callable

from bandersnatch import names
from bandersnatch.config.option import Written
from bandersnatch.config.pypa import patterns, scalars
from bandersnatch.config.pypa.ini import Entry
from bandersnatch.config.pypa.plugins import Plugins
from bandersnatch.config.pypa.translation import Draft

_RELEASE = r"v?(?:\d+!)?\d+(?:\.\d+)*"
_PRE = r"[._-]?(?:alpha|beta|preview|pre|a|b|c|rc)[._-]?\d*"
_POST = r"(?:[._-]?(?:post|rev|r)[._-]?\d*|-\d+)?"
_PRERELEASE = rf"{_RELEASE}(?:{_PRE}|{_POST}[._-]?dev[._-]?\d*)(?![a-z0-9]).*|{_RELEASE}{_PRE}{_POST}[._-]?dev.*"
"""The names of files of a pre-release, behind the project's; PEP 440, in what spelling ever."""

_PLATFORMS = {
    "windows": "windows", "win": "windows", "macos": "macos", "macosx": "macos", "freebsd": "freebsd",
    "linux": "linux", "musllinux": "musllinux*",
}  # fmt: skip
_TAG = re.compile(r"[.-]?((?:win|linux|manylinux|musllinux)[a-z0-9_-]*)\Z")


def translate(draft: Draft, plugins: Plugins) -> None:
    """All filters of releases and files that are neither lists of projects nor about metadata."""
    _prereleases(draft, plugins)
    _unwanted(draft, plugins)
    _platforms(draft, plugins)
    _scalar(draft, plugins, "latest_release", "keep", "releases.newest", scalars.number)
    _scalar(draft, plugins, "latest_release", "sort_by", "releases.newest-by", _order)
    _scalar(draft, plugins, "size_project_metadata", "max_package_size", "files.max-project-size", scalars.size)
    _no_size(draft)
    _version_counts(draft, plugins)
    _newest(draft)


# --- releases ------------------------------------------------------------------------------------------------------


def _prereleases(draft: Draft, plugins: Plugins) -> None:
    entry = draft.get("filter_prerelease", "packages")
    if not plugins.has("prerelease_release"):
        if entry:
            draft.note(entry, "has no effect: the plugin prerelease_release is not enabled")
        return
    if entry is None:
        sources = (plugins.source,) if plugins.source else ()
        draft.put("releases.prereleases", False, *sources)
        return
    for line in entry.lines:
        name = line.text.partition("#")[0].strip()
        if name and not names.is_project_name(name):
            draft.refuse(entry, "wants the name of a project on each line", line.number)
        elif name:
            spelling = "[-_.]+".join(map(re.escape, names.normalise(name).split("-")))
            draft.add("files.exclude-names", [(f"/{spelling}-(?:{_PRERELEASE})/", line.number)], entry)


def _unwanted(draft: Draft, plugins: Plugins) -> None:
    entry = draft.get("filter_regex", "releases")
    if entry is None:
        return
    if not plugins.has("regex_release"):
        draft.note(entry, "has no effect: the plugin regex_release is not enabled")
        return
    for line in entry.lines:
        try:
            draft.add("releases.unwanted", [(patterns.whole(line.text), line.number)], entry)
        except ValueError as error:
            draft.refuse(entry, str(error), line.number)


def _newest(draft: Draft) -> None:
    if draft.values.get("releases.newest"):
        # Its documentation: the greatest version numbers are kept, pre-releases among them.
        draft.put("releases.newest-counts-prereleases", True, *draft.sources["releases.newest"])
    elif "releases.newest-by" in draft.values:
        del draft.values["releases.newest-by"]
        draft.note(draft.sources.pop("releases.newest-by")[0], "has no effect without keep")


def _order(text: str) -> str:
    if text not in ("version", "time"):
        raise ValueError("wants version or time")
    return text


# --- files ---------------------------------------------------------------------------------------------------------


def _platforms(draft: Draft, plugins: Plugins) -> None:
    entry = draft.get("blocklist", "platforms")
    if entry is None:
        return
    if not plugins.has("exclude_platform"):
        draft.note(entry, "has no effect: the plugin exclude_platform is not enabled")
        return
    for line in entry.lines:
        for word in line.text.partition("#")[0].split():
            _exclude(draft, entry, word, line.number)


def _exclude(draft: Draft, entry: Entry, word: str, line: int) -> None:
    """One word of ``platforms``: a system, a Python, or the tag of a platform."""
    lowered = word.lower()
    python = re.match(r"py([23])(\.[0-9]{1,2})?\Z", lowered)
    tag = _TAG.match(lowered)
    if python and python[2]:
        draft.add("files.exclude-pythons", [(lowered.removeprefix("py"), line)], entry)
    elif python:
        draft.add("files.exclude-names", [(f"*-{lowered}-*.whl", line)], entry)
    elif lowered in _PLATFORMS:
        draft.add("files.exclude-platforms", [(_PLATFORMS[lowered], line)], entry)
    elif tag:
        one = tag[1].replace("-", "_")
        draft.add("files.exclude-platforms", [(f"{one}*" if one.endswith("_") else one, line)], entry)
    else:
        message = f'there is no platform "{word[:40]}"; there are windows, macos, freebsd, linux, and py2.7, py3.8 …'
        draft.refuse(entry, message, line)


# --- projects ------------------------------------------------------------------------------------------------------


def _no_size(draft: Draft) -> None:
    if draft.values.get("files.max-project-size") == "0 B":
        del draft.values["files.max-project-size"]
        draft.note(draft.sources.pop("files.max-project-size")[0], "has no effect: 0 is no limit")


def _version_counts(draft: Draft, plugins: Plugins) -> None:
    section = "versions_count_project_metadata"
    for key, name in (("min_versions", "releases.at-least"), ("max_versions", "releases.at-most")):
        _scalar(draft, plugins, section, key, name, scalars.number)
    least, most = draft.values.get("releases.at-least", 0), draft.values.get("releases.at-most", 0)
    if isinstance(least, int) and isinstance(most, int) and least > most > 0:
        for name in ("releases.at-least", "releases.at-most"):
            draft.note(draft.sources.pop(name)[0], "has no effect: min_versions is greater than max_versions")
            del draft.values[name]


def _scalar(draft: Draft, plugins: Plugins, plugin: str, key: str, name: str, read: Callable[[str], Written]) -> None:
    """One option of the section that is called as its *plugin*."""
    entry = draft.get(plugin, key)
    if entry is None:
        return
    if not plugins.has(plugin):
        draft.note(entry, f"has no effect: the plugin {plugin} is not enabled")
        return
    try:
        draft.put(name, read(entry.value), entry)
    except ValueError as error:
        draft.refuse(entry, str(error))
