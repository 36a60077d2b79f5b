"""What the filters by paths into PyPI's JSON become: [metadata], and keys of [files] and [releases]."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Literal, TypeAlias

from bandersnatch.config.pypa import patterns, scalars
from bandersnatch.config.pypa.ini import Entry
from bandersnatch.config.pypa.plugins import Plugins
from bandersnatch.config.pypa.translation import Draft
from bandersnatch.values import Struct

_PROJECT = "regex_project_metadata"
_FILE = "regex_release_file_metadata"
_RANGES = ("version_range_release_file_metadata", "version_range_project_metadata")

_FIELDS = {
    "classifiers": "classifier",
    **{
        name: name.replace("_", "-")
        for name in (
            "author", "author_email", "description", "description_content_type", "download_url", "home_page",
            "keywords", "license", "license_expression", "maintainer", "maintainer_email", "platform",
            "requires_dist", "requires_python", "summary",
        )
    },
}  # fmt: skip
"""Fields of core metadata, by their names under ``info``."""

_TYPES = {
    "bdist_wheel": "wheel", "sdist": "sdist", "bdist_egg": "egg", "bdist_wininst": "wininst", "bdist_msi": "msi",
    "bdist_rpm": "rpm", "bdist_dumb": "dumb", "bdist_dmg": "dmg",
}  # fmt: skip
"""Types of files, by their names in PyPI's JSON."""

_INSTEAD = {
    "release_file.size": "files.max-size limits the size",
    "release_file.upload_time": "files.uploaded-after and files.uploaded-before limit the time",
    "release_file.upload_time_iso_8601": "files.uploaded-after and files.uploaded-before limit the time",
    "release_file.python_version": "files.exclude-pythons and files.names tell files by their Python",
    "release_file.requires_python": "files.python names the Pythons of your clients",
    "release_file.yanked": "releases.yanked = false leaves out what is yanked",
    "info.yanked": "releases.yanked = false leaves out what is yanked",
    "info.name": "select.projects and exclude.projects take names, globs and /regular expressions/",
    "info.version": "releases.unwanted takes regular expressions for versions",
    "releases": "releases.unwanted takes regular expressions for versions",
}


Mode: TypeAlias = Literal["any", "all", "none"]

_MODES: Mapping[str, Mode] = {"any": "any", "all": "all", "none": "none"}
_NULLS = ("match-null", "not-null")


class _Test(Struct, frozen=True):
    """One key of a section with its patterns: ``tag:tag:dotted.path``."""

    entry: Entry
    path: str
    mode: Mode = "any"
    nulls_match: bool = True
    search: bool = False

    def items(self, draft: Draft, convert: Callable[[str], str]) -> Iterator[tuple[str, int]]:
        """What *convert* makes of each pattern, with its line; those that are none are refused."""
        for line in self.entry.lines:
            try:
                yield convert(line.text), line.number
            except ValueError as error:
                draft.refuse(self.entry, str(error), line.number)

    def searched(self, draft: Draft) -> Iterator[tuple[str, int]]:
        """Each pattern as one to search for in a value."""
        return self.items(draft, lambda text: f"/{(patterns.anywhere if self.search else patterns.anchored)(text)}/")

    def whole(self, draft: Draft) -> Iterator[tuple[str, int]]:
        """Each pattern as one for whole values."""
        return self.items(draft, lambda text: patterns.whole(f".*(?:{text})" if self.search else text))


def translate(draft: Draft, plugins: Plugins) -> None:
    """Everything that is judged by metadata."""
    tests = [test for section in (_PROJECT, _FILE) for test in _tests(draft, plugins, section)]
    for test in tests:
        path = test.path
        if path.startswith("info.") and path.removeprefix("info.") in _FIELDS:
            _field(draft, test)
        elif path == "release_file.packagetype":
            _types(draft, test)
        elif path == "release_file.filename" and test.mode != "all":
            _names(draft, test)
        elif path in ("release", "release.version"):
            _versions(draft, test)
        else:
            draft.refuse(test.entry, f"there is nothing like it here; {_instead(path)}")
    _missing(draft, tests)
    for section in _RANGES:
        for test in _tests(draft, plugins, section):
            _pythons(draft, test)


def _tests(draft: Draft, plugins: Plugins, section: str) -> Iterator[_Test]:
    entries = [entry for entry in draft.of_section(section) if entry.lines]
    if entries and not plugins.has(section):
        draft.note(entries[0], f"has no effect: the plugin {section} is not enabled")
        return
    search = _search(draft, section)
    for entry in entries:
        *tags, path = entry.key.split(":")
        if entry.key == "search":
            continue
        unknown = [tag for tag in tags if tag not in _MODES and tag not in _NULLS]
        if unknown:
            draft.refuse(entry, f'unknown tag "{unknown[0][:40]}"; there are any, all, none, match-null and not-null')
            continue
        # Of several the last one counts.
        mode = next((_MODES[tag] for tag in reversed(tags) if tag in _MODES), _MODES["any"])
        nulls = next((tag for tag in reversed(tags) if tag in _NULLS), "match-null")
        yield _Test(entry, path, mode, nulls == "match-null", search)


def _search(draft: Draft, section: str) -> bool:
    entry = draft.get(section, "search")
    try:
        return entry is not None and scalars.switch(entry.value)
    except ValueError as error:
        assert entry is not None
        draft.refuse(entry, str(error))
        return False


def _instead(path: str) -> str:
    return f"{_INSTEAD.get(path, 'see [metadata] and [files], or write a rule of your own for [rules]')}: take this out"


# --- info ----------------------------------------------------------------------------------------------------------


def _field(draft: Draft, test: _Test) -> None:
    """A field of core metadata."""
    field = _FIELDS[test.path.removeprefix("info.")]
    table = {"any": "wanted", "all": "all", "none": "unwanted"}[test.mode]
    known = draft.values.get(f"metadata.{table}", {})
    if test.mode == "any" and isinstance(known, dict) and field in known:
        draft.refuse(
            test.entry, "a second list for the same field; here a field has one list, of which one has to match"
        )
        return
    draft.add_field(f"metadata.{table}", field, test.searched(draft), test.entry)
    if test.mode == "none" and not test.nulls_match:
        draft.add_field("metadata.all", field, [("*", test.entry.line)], test.entry)


def _missing(draft: Draft, tests: Iterable[_Test]) -> None:
    """Whether a field may be missing is said once here; for what is unwanted it makes no difference."""
    asking = [
        test
        for test in tests
        if test.path.removeprefix("info.") in _FIELDS and (test.mode != "none" or not test.nulls_match)
    ]
    strict = [test for test in asking if not test.nulls_match]
    if strict and len(strict) < len(asking):
        lenient = next(test for test in asking if test.nulls_match)
        draft.refuse(
            lenient.entry,
            f"a missing field is right here and wrong for {strict[0].entry.key}; metadata.missing is one for all: "
            "write not-null or match-null for both",
        )
    elif strict:
        draft.put("metadata.missing", "drop", *(test.entry for test in strict))


# --- release_file and release --------------------------------------------------------------------------------------


def _types(draft: Draft, test: _Test) -> None:
    """The types whose names match; which there are is known."""
    found = [pattern for pattern, _ in test.items(draft, patterns.anywhere)]
    tries = [_tried(pattern, test.search) for pattern in found]
    if test.mode == "all":
        wanted = [name for name in _TYPES if all(one(name) for one in tries)]
    else:
        wanted = [name for name in _TYPES if any(one(name) for one in tries) != (test.mode == "none")]
    types = tuple(_TYPES[name] for name in wanted)
    if not types:
        draft.refuse(test.entry, "no type of file is left; there are " + ", ".join(_TYPES))
    elif draft.values.get("files.types", types) != types:
        draft.refuse(test.entry, "a second list of types; write one list of those that are wanted")
    else:
        draft.put("files.types", types, test.entry)


def _tried(pattern: str, search: bool) -> Callable[[str], bool]:
    compiled = re.compile(pattern)
    return lambda name: bool(compiled.search(name) if search else compiled.match(name))


def _names(draft: Draft, test: _Test) -> None:
    name = "files.exclude-names" if test.mode == "none" else "files.names"
    if name == "files.names" and name in draft.values:
        draft.refuse(test.entry, "a second list of names; write one list of those that are wanted")
        return
    draft.add(name, ((f"/{pattern}/", line) for pattern, line in test.whole(draft)), test.entry)


def _versions(draft: Draft, test: _Test) -> None:
    """``releases.unwanted`` says the opposite of any and all."""
    if test.mode == "none":
        draft.add("releases.unwanted", test.whole(draft), test.entry)
        return
    found = list(test.whole(draft))
    lookaheads = [f"(?!(?:{pattern})$)" for pattern, _ in found]
    unwanted = ["".join(lookaheads)] if test.mode == "any" else lookaheads
    draft.add("releases.unwanted", ((f"{one}.*", test.entry.line) for one in unwanted), test.entry)


# --- ranges --------------------------------------------------------------------------------------------------------


def _pythons(draft: Draft, test: _Test) -> None:
    """Versions of which a range has to contain one; the only range that there is, is that of Pythons."""
    if test.path not in ("release_file.requires_python", "info.requires_python"):
        draft.refuse(test.entry, f"there is nothing like it here; {_instead(test.path)}")
    elif not test.nulls_match:
        draft.refuse(test.entry, "a file that requires no Python in particular suits all; write match-null: here")
    elif "files.python" in draft.values:
        draft.refuse(test.entry, "a second list of Pythons; write one list")
    else:
        draft.add("files.python", ((line.text, line.number) for line in test.entry.lines), test.entry)
