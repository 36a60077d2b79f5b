"""Which distribution file a path is about."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import unquote

from packaging.version import InvalidVersion, Version

from bandersnatch import names

_PACKAGES = "/packages/"
_DIGITS = re.compile(r"[0-9a-f]{2,64}\Z")


class Target(NamedTuple):
    """A distribution file."""

    project: str
    """Normalised."""
    filename: str


def target_of(path: str) -> Target | None:
    """
    The distribution file that *path* is about; None for pages, core metadata, signatures and whatever else.

    The path may begin with any prefix and end in a query. Where the folder of the file is a project's name, as below
    ``/packages/source/z/zope.interface/`` in old trees, it is the project; else the file's name tells.
    """
    whole = unquote(path.partition("?")[0].partition("#")[0])
    _, found, below = whole.rpartition(_PACKAGES)
    *folders, filename = below.split("/")
    if not found or not names.is_filename(filename) or names.stem(filename) == filename:
        return None
    project = _folder(folders) or project_of(filename)
    return None if project is None else Target(project, filename)


def _folder(folders: list[str]) -> str | None:
    if len(folders) < 3 or _DIGITS.match(folders[-1]) or not names.is_project_name(folders[-1]):
        return None
    return names.normalise(folders[-1])


def project_of(filename: str) -> str | None:
    """
    The project of a file by its name alone, normalised; None where it cannot be told.

    Wheels and eggs end their project's name at the first dash. An sdist's ends before the first dash after which
    everything is a version (PEP 440), or else before the first one with a digit behind it: ``a-2-1.0.tar.gz`` is of
    ``a-2``.
    """
    text = names.stem(filename)
    dashes = [position for position, letter in enumerate(text) if letter == "-" and 0 < position < len(text) - 1]
    if not filename.endswith((".whl", ".egg")):
        digits = [position for position in dashes if text[position + 1].isdigit()]
        dashes = [position for position in digits if _is_version(text[position + 1 :])] or digits or dashes
    name = text[: dashes[0]] if dashes else ""
    return names.normalise(name) if names.is_project_name(name) else None


def _is_version(text: str) -> bool:
    try:
        Version(text)
    except InvalidVersion:
        return False
    return True
