"""What a thing in a foreign tree is, by its path alone."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bandersnatch import layout, names
from bandersnatch.adopt.base import Fate, Found, Layout, Source, Wish
from bandersnatch.storage.base import Stat

COMPANIONS = (".metadata", ".hash", ".asc")
"""What lies beside files: core metadata, morgan's digests, signatures."""

_PAGES = frozenset({"index.html", "index.v1_html", "index.v1_json"})
_OLD = frozenset({"json", "serversig", "serverkey"})
_PLACE = re.compile(r"packages/[0-9a-f]{2}/[0-9a-f]{2}/[0-9a-f]{60}/[^/]+\Z")


def things(source: Source, kind: Layout, *, own: bool) -> Iterator[tuple[Found, Stat | None]]:
    """Everything in the tree; *own*: it is the mirror's own folder, whose state is no part of it."""
    ours = () if not own else ("state",) if kind.is_mirror else ("state", "web")
    for path, stat in source.survey(kind.start, without=ours):
        fate, reason = sort(kind, path, stat)
        yield Found(fate, path, stat.size if stat else 0, "", reason), stat


def sort(kind: Layout, path: str, stat: Stat | None) -> tuple[Fate, str]:
    """What becomes of the thing at *path*, and why if that is not plain."""
    if "/" not in path and path in (*kind.state, *kind.known):
        return (Fate.STATE if path in kind.state else Fate.LEFTOVER), ""
    if stat is None:
        return _no_object(kind, path)
    published = path.removeprefix(kind.prefix) if path.startswith(kind.prefix) else None
    if published is not None and (kind.is_mirror or kind.tool == "shadowmire"):
        fate = _published(published, is_mirror=kind.is_mirror)
        if fate is not None:
            return fate, ""
    return _file(path.rpartition("/")[2], placed=bool(place_of(path, kind)))


def _published(path: str, *, is_mirror: bool) -> Fate | None:
    """What the web server serves, but for ``packages/``."""
    first, *rest = path.split("/")
    if first in (layout.LAST_MODIFIED, "local-stats"):
        return Fate.PAGE
    if first in ("simple", "pypi", "integrity"):
        return Fate.PAGE if is_mirror and _is_replaced(first, rest) else Fate.LEFTOVER
    return Fate.LEFTOVER if first in _OLD else None


def _is_replaced(first: str, rest: list[str]) -> bool:
    """Whether a run writes a page of ours there, or keeps it."""
    if first == "integrity" or (first == "simple" and len(rest) == 1):
        return first == "integrity" or rest[0] in _PAGES
    if len(rest) < 2 or not names.is_normalised(rest[0]):
        return False
    if first == "simple":
        return len(rest) == 2 and rest[1] in _PAGES
    return len(rest) <= 3 and rest[-1] == "json"  # of the project, and of each version


def _no_object(kind: Layout, path: str) -> tuple[Fate, str]:
    """A link, a device, a folder that is closed. A run replaces links that stand where a page belongs."""
    if kind.is_mirror and path.startswith(kind.prefix):
        first, *rest = path.removeprefix(kind.prefix).split("/")
        if first in ("simple", "pypi") and _is_replaced(first, rest):
            return Fate.PAGE, ""
        if first in ("simple", "pypi", "packages") and len(rest) <= 1:
            return Fate.STRANGER, "no folder but a link, or closed to this user: a run cannot write here; remove it"
    return Fate.STRANGER, "a link, a device, or closed to this user"


def _file(name: str, *, placed: bool) -> tuple[Fate, str]:
    """By its name; one that is *placed* where a digest says what it is can have any name."""
    if name.endswith(COMPANIONS):
        return Fate.COMPANION, ""
    if is_distribution(name) or (placed and names.is_filename(name)):
        return Fate.FILE, ""
    if name.startswith("."):
        return Fate.STRANGER, "hidden, such as what is left of a download"
    return Fate.STRANGER, "no distribution file" if names.is_filename(name) else "not a usable file name"


def is_distribution(name: str) -> bool:
    """Whether *name* can be a distribution file's."""
    return names.is_filename(name) and names.stem(name) != name and next(owners(name), None) is not None


def place_of(path: str, kind: Layout) -> str:
    """The key that the thing at *path* has if it is in a place of PyPI's shape below the published folder; or empty."""
    published = path.removeprefix(kind.prefix)
    return published if path.startswith(kind.prefix) and _PLACE.match(published) else ""


def owners(filename: str) -> Iterator[str]:
    """The normalised names of the projects that a file can belong to, the shortest first."""
    for position, letter in enumerate(filename):
        if letter == "-" and names.is_project_name(filename[:position]):
            yield names.normalise(filename[:position])
            if filename.endswith((".whl", ".egg")):
                return  # a dash in the name of their project is an underscore there


def place(filename: str, digits: str) -> str:
    """The key of a file that *digits* stand for."""
    return f"packages/{digits[:2]}/{digits[2:4]}/{digits[4:]}/{filename}"


def digits_of(key: str) -> str:
    """The digits in the key of a file."""
    return "".join(key.split("/")[1:4])


def digits(wish: Wish, sha256: str, blake2: str) -> str:
    """The digits that places are made from where nobody says."""
    return sha256 if wish.places == "sha256" else blake2
