"""
What the items of a selection may look like: read here as the selection reads them, so that mistakes show at once.

Every function takes one item and returns what is equal for two items that say the same. It raises ValueError with a
reason that a person understands.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bandersnatch import names
from bandersnatch.selection import items, patterns
from bandersnatch.selection.base import Origin

if TYPE_CHECKING:
    from packaging.specifiers import Specifier

_EXTRAS = re.compile(r"[^;]*?\[(.*?)\]")
_ADVISORY = re.compile(r"(?=.*[0-9])[A-Za-z]+-[A-Za-z0-9:._-]*[A-Za-z0-9]\Z")
_PYTHON = re.compile(r"[0-9]\.[0-9]{1,3}(?:\.[0-9]{1,3})?\Z")
_VERSIONS = re.compile(r"(?:locked|ranges|newest [1-9][0-9]{0,5})\Z")
_PROBES = ("a", "zope-interface", "0x7-q-9")
"""Names so different that a pattern which matches them all matches everything."""


def project(text: str) -> str:
    """A project, a requirement, a glob or a regular expression."""
    if names.is_project_name(text):
        return names.normalise(text)  # what most items are, and there may be a hundred thousand
    item = _item(text)
    extras = _EXTRAS.match(text) if item.name else None
    return f"{item.identity} [{extras[1] if extras else ''}] {item.marker or ''}"


def whole_project(text: str) -> str:
    """The same, without versions."""
    if not _item(text).is_whole:
        raise ValueError("versions cannot be told apart here; name the project alone")
    return project(text)


def pin(text: str) -> str:
    """One version of one project."""
    item = _item(text)
    specifiers = list(item.specifier)
    if not item.name or item.marker or len(specifiers) != 1 or not _is_exact(specifiers[0]):
        raise ValueError('it is "NAME==VERSION", and nothing else')
    return item.identity


def advisory(text: str) -> str:
    """The id of an advisory, of whatever database."""
    if not _ADVISORY.match(text):
        raise ValueError("an id has letters, a dash and a number")
    return text.casefold()


def advisory_or_versions(text: str) -> str:
    """The id of an advisory, or a project with versions."""
    if _ADVISORY.match(text):
        return text.casefold()
    item = _item(text)
    if not item.name or item.marker or item.is_whole:
        raise ValueError('it is neither an id nor "NAME==VERSION"')
    return item.identity


def version_pattern(text: str) -> str:
    """A regular expression for versions."""
    return patterns.over_versions(text).pattern


def filename_pattern(text: str) -> str:
    """A glob or a regular expression for the names of files."""
    return patterns.over_filenames(text).pattern


def metadata_pattern(field: str, text: str) -> str:
    """What a value of the *field* of core metadata is compared with."""
    from bandersnatch.selection.metadata import Pattern

    return Pattern.of(field, text).text


def excluded_platform(text: str) -> str:
    """A family of systems, a platform tag (PEP 425) or a glob for such tags."""
    from bandersnatch.selection.platform_rules import ExcludedPlatforms

    return ExcludedPlatforms.pattern(text).pattern


def excluded_python(text: str) -> str:
    """A version of Python, a tag (PEP 425) or a glob for such tags."""
    from bandersnatch.selection.platform_rules import ExcludedPythons

    return ExcludedPythons.pattern(text).pattern


def python(text: str) -> str:
    """A version of Python, perhaps of a patch release; requires-python knows no free-threaded ones."""
    if not _PYTHON.match(text):
        raise ValueError
    return text


def file(text: str) -> str:
    """The path of a file, behind it perhaps ``#`` and the name of a part of it."""
    path, sign, part = text.partition("#")
    if path.startswith("~"):
        raise ValueError("~ is not expanded here")
    if not path or path.endswith("/"):
        raise ValueError("it names no file")
    if sign and not part:
        raise ValueError('nothing stands behind "#"')
    return text


def dependency_versions(text: str) -> str:
    """Which versions of a dependency are wanted."""
    if not _VERSIONS.match(text):
        raise ValueError
    return text


def is_pattern(text: str) -> bool:
    """Whether only upstream's list of projects tells which projects the valid item *text* is about."""
    return _item(text).pattern is not None


def is_everything(text: str) -> bool:
    """Whether the valid item *text* is about all versions of all projects."""
    if names.is_project_name(text):
        return False
    item = _item(text)
    return item.is_whole and item.marker is None and all(item.matches_name(probe) for probe in _PROBES)


def _item(text: str) -> items.Item:
    return items.parse(Origin("", text))


def _is_exact(specifier: Specifier) -> bool:
    from packaging.version import InvalidVersion, Version

    if specifier.operator == "===":
        return True
    try:
        Version(specifier.version)
    except InvalidVersion:  # such as 1.*
        return False
    return specifier.operator == "=="
