"""
The upstream of the bench as static files, in the layout that nginx serves: made from a seed, never committed.

==============================  ===================================================================================
``simple/index.v1_json``        the list of projects, with a serial for each
``simple/NAME/index.v1_json``   a page (PEP 691, PEP 700, PEP 714)
``pypi/NAME/json``              the older JSON, which PyPA bandersnatch reads
``packages/aa/bb/REST/FILE``    real wheels and sdists; ``.metadata`` beside each wheel
==============================  ===================================================================================
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TextIO

from bandersnatch.testing.distributions import KINDS, Build
from bench import draws
from bench.draws import Drawn

ORIGIN = "https://upstream.invalid"
"""Stands for the server's address in the older JSON, whose URLs have to be absolute; the server fills it in."""

_MADE = 1
"""To be raised when the same shape gives other bytes than before: kept trees are not taken any more."""

LIST = "simple/index.v1_json"
UPLOADED = "2024-05-06T07:08:09.123456Z"
_FRAME = {"wheel": 900, "sdist": 12_000}
"""Bytes of an archive that are not padding, about."""

_COPIES = {"wheel": 1.0, "sdist": 2.35}
"""How often padding is in an archive: an sdist of ours has its wheel inside, in base64."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What a tree is to be like; the same shape gives the same bytes."""

    projects: int
    """With pages and files."""
    files: int | None = None
    """Of each project; None: drawn, about as many wheels as sdists. A number: wheels only."""
    size: int | None = None
    """Bytes of each file, about; None: drawn."""
    listed: int = 0
    """More projects that are on the list and have neither page nor file."""
    largest: int = draws.MAX_BYTES
    """Bytes that no file exceeds."""
    seed: int = 1

    @property
    def label(self) -> str:
        """A name for the folder that keeps the tree."""
        return hashlib.sha256(json.dumps([_MADE, asdict(self)]).encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class Tree:
    """A tree that was made."""

    root: Path
    """The web server's."""
    shape: Shape

    @property
    def projects(self) -> Iterator[Drawn]:
        """Those that have pages."""
        return (draws.project(self.shape.seed, number) for number in range(self.shape.projects))

    @property
    def listed(self) -> Iterator[Drawn]:
        """All that are on the list."""
        total = self.shape.projects + self.shape.listed
        return (draws.project(self.shape.seed, number) for number in range(total))

    def change(self, serial: int) -> None:
        """Let the first project change, on its page and on the list; *serial* is newer than all before."""
        first = replace(next(self.projects), serial=serial)
        _write_project(self.root, self.shape, first)
        _edit_list(self, first)
        # nginx tells one version from another by its size and its second, and two changes may share both.
        for name in (LIST, f"simple/{first.name}/index.v1_json"):
            os.utime(self.root / name, (serial, serial))

    @contextmanager
    def shortened(self) -> Iterator[None]:
        """Meanwhile the list names only the projects that have pages."""
        whole = self.root / LIST
        aside = whole.with_name("aside")
        os.rename(whole, aside)
        _write_list(Tree(self.root, replace(self.shape, listed=0)))
        yield
        os.replace(aside, whole)


def make(home: Path, shape: Shape) -> Tree:
    """The tree of *shape* below *home*, made anew unless it is there whole."""
    root = home / shape.label
    tree = Tree(root, shape)
    if not (root / "complete").exists():
        shutil.rmtree(root, ignore_errors=True)
        (root / "simple").mkdir(parents=True)
        for drawn in tree.projects:
            _write_project(root, shape, drawn)
        _write_list(tree)
        (root / "complete").touch()
    return tree


def files_of(shape: Shape, drawn: Drawn) -> Iterator[tuple[str, Build, str]]:
    """For each file its kind, what it is built from, and its name."""
    count = draws.file_count(shape.seed, drawn.number) if shape.files is None else shape.files
    for index in range(count):
        kind = "sdist" if shape.files is None and index % 2 else "wheel"
        release = index // 2 if shape.files is None else index
        size = draws.file_size(shape.seed, drawn.number, index) if shape.size is None else shape.size
        build = Build(
            name=drawn.display,
            version=f"{release // 10}.{release % 10}",
            requires_python=">=3.9",
            requires_dist=("packaging>=20", "typing-extensions; python_version < '3.11'"),
            summary=f"What {drawn.display} is for",
            padding=max(0, round((min(size, shape.largest) - _FRAME[kind]) / _COPIES[kind])),
        )
        yield kind, build, KINDS[kind].filename(build)


def _write_project(root: Path, shape: Shape, drawn: Drawn) -> None:
    entries = [(build, _write_file(root, kind, build, name)) for kind, build, name in files_of(shape, drawn)]
    page = {
        "meta": {"api-version": "1.1", "_last-serial": drawn.serial},
        "name": drawn.name,
        "versions": sorted({build.version for build, _ in entries}),
        "files": [{key: value for key, value in entry.items() if key[0] != "_"} for _, entry in entries],
    }
    _replace(root / "simple" / drawn.name / "index.v1_json", json.dumps(page))
    _replace(root / "pypi" / drawn.name / "json", json.dumps(_legacy(drawn, entries)))


def _write_file(root: Path, kind: str, build: Build, name: str) -> dict[str, Any]:
    """Write one file and what is beside it. Returns its entry on the page; keys with _ are for the older JSON."""
    content = KINDS[kind].make(build)
    blake2 = hashlib.blake2b(content, digest_size=32).hexdigest()
    place = f"packages/{blake2[:2]}/{blake2[2:4]}/{blake2[4:]}/{name}"
    path = root / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    entry: dict[str, Any] = {
        "filename": name,
        "url": f"/{place}",
        "hashes": {"sha256": hashlib.sha256(content).hexdigest()},
        "size": len(content),
        "upload-time": UPLOADED,
        "requires-python": build.requires_python,
        "yanked": False,
        "core-metadata": False,
        "_packagetype": KINDS[kind].packagetype,
        "_blake2": blake2,
    }
    if kind == "wheel":
        path.with_name(f"{name}.metadata").write_bytes(build.metadata)
        entry["core-metadata"] = {"sha256": hashlib.sha256(build.metadata).hexdigest()}
    return entry


def _legacy(drawn: Drawn, entries: list[tuple[Build, dict[str, Any]]]) -> dict[str, Any]:
    releases: dict[str, list[dict[str, Any]]] = {}
    for build, entry in entries:
        releases.setdefault(build.version, []).append(_legacy_file(entry))
    newest = entries[-1][0]
    info = {"name": drawn.display, "version": newest.version, "summary": newest.summary, "requires_python": ">=3.9"}
    return {"info": info, "last_serial": drawn.serial, "releases": releases, "urls": releases[newest.version]}


def _legacy_file(entry: dict[str, Any]) -> dict[str, Any]:
    return {
        "filename": entry["filename"],
        "url": ORIGIN + entry["url"],
        "digests": {**entry["hashes"], "blake2b_256": entry["_blake2"]},
        "size": entry["size"],
        "upload_time_iso_8601": entry["upload-time"],
        "packagetype": entry["_packagetype"],
        "python_version": "py3",
        "requires_python": entry["requires-python"],
        "yanked": False,
        "yanked_reason": None,
        "core-metadata": entry["core-metadata"],
    }


def _write_list(tree: Tree) -> None:
    """The list of projects, a line for each, in the order of names, as PyPI's is."""
    with _replacing(tree.root / LIST) as stream:
        stream.write(_head(draws.NEWEST))
        for count, one in enumerate(sorted(tree.listed, key=lambda one: one.name)):
            stream.write((",\n" if count else "") + _line(one))
        stream.write("\n]}\n")


def _edit_list(tree: Tree, changed: Drawn) -> None:
    """Let the list's line of one project be that of *changed*, and the list as new as it is."""
    path = tree.root / LIST
    with path.open() as source, _replacing(path) as stream:
        stream.write(_head(changed.serial))
        for line in itertools.islice(source, 2, None):
            is_it = f'"name":"{changed.display}"' in line
            stream.write(_line(changed) + line[line.index("}") + 1 :] if is_it else line)


def _head(serial: int) -> str:
    return f'{{"meta": {{"_last-serial": {serial}, "api-version": "1.1"}},\n"projects": [\n'


def _line(one: Drawn) -> str:
    return f'{{"_last-serial":{one.serial},"name":"{one.display}"}}'


def _replace(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with _replacing(path) as stream:
        stream.write(text)


@contextmanager
def _replacing(path: Path) -> Iterator[TextIO]:
    """Write a file that takes the place of *path* when it is whole."""
    partial = path.with_name("partial")
    with partial.open("w") as stream:
        yield stream
    os.replace(partial, path)
