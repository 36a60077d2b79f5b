"""Planted damage: each is found, as what it is, by the modes that can see it, and as nothing else."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from bandersnatch.testing import UpstreamServer
from bandersnatch.verify.base import Finding, Kind, Severity
from bandersnatch.verify.engine import Wish
from tests.nobody import as_nobody, folder_of_nobody, give_away
from tests.verify.conftest import Tree

MODES = {"quick": Wish(), "pages": Wish(pages=True), "hash": Wish(contents=True), "both": Wish(True, True)}

EVERY = frozenset(MODES)
PAGES = frozenset({"pages", "both"})
HASH = frozenset({"hash", "both"})


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    """
    A mirror that has everything: wheels with core metadata, an sdist, provenance, older JSON of releases, a file that
    waits to be swept, one in the trash, a project that only its page is mirrored of.
    """
    with good_mirror(tmp_path_factory.mktemp("good")) as tree:
        yield tree


@contextmanager
def good_mirror(folder: Path) -> Iterator[Tree]:
    """The mirror of ``good``, in *folder*."""
    with UpstreamServer() as upstream:
        tree = Tree(upstream, folder / "mirror")
        index = upstream.index
        for name in ("alpha", "beta", "gamma"):
            index.upload(name, "1.0", provenance=True, requires_python=">=3.8")
            index.upload(name, "2.0")
            index.upload(name, "2.0", "sdist")
        index.upload("outside", "1.0")
        tree.settings |= {"select.index-only": ["outside"], "publish.legacy-json": "releases"}
        tree.run()
        index.remove_file("gamma-1.0-py3-none-any.whl")
        tree.run()
        tree.now += 3600
        index.remove_file("gamma-2.0.tar.gz")
        assert tree.run().outcome == "clean"
        yield tree


@dataclass(frozen=True)
class Place:
    """A copy of the good mirror, to be damaged."""

    tree: Tree

    def path(self, key: str) -> Path:
        return self.tree.web / key

    def file(self, name: str) -> Path:
        """A file of the mirror by the end of its key."""
        [found] = [path for path in self.tree.web.rglob("*") if str(path).endswith(name) and path.is_file()]
        return found

    def edit(self, key: str, old: str, new: str, count: int = 1) -> None:
        path = self.path(key)
        text = path.read_text()
        assert old in text, text
        path.write_text(text.replace(old, new, count))

    def sql(self, statement: str) -> None:
        with closing(sqlite3.connect(self.tree.state / "catalogue.sqlite", isolation_level=None)) as connection:
            connection.execute(statement)


WHEEL = "alpha-1.0-py3-none-any.whl"
JSON, HTML, TWIN = (f"simple/alpha/index.{form}" for form in ("v1_json", "html", "v1_html"))
ROOT_JSON, ROOT_HTML = "simple/index.v1_json", "simple/index.html"
PAGE_KEYS = [JSON, HTML, TWIN]


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def flip(path: Path) -> None:
    """Another byte in the middle: the size stays."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def link(place: Place, key: str) -> None:
    """A symbolic link in the place of an object, to a copy of it."""
    path = place.path(key)
    moved = place.tree.directory / "elsewhere"
    path.rename(moved)
    path.symlink_to(moved)


def pretty(place: Place, key: str) -> None:
    path = place.path(key)
    path.write_text(json.dumps(json.loads(path.read_bytes()), indent=1))


def drop_file(place: Place, key: str) -> None:
    path = place.path(key)
    page = json.loads(path.read_bytes())
    del page["files"][0]
    path.write_text(json.dumps(page))


def advertise(place: Place) -> None:
    path = place.path(JSON)
    page = json.loads(path.read_bytes())
    [sdist] = [file for file in page["files"] if file["filename"].endswith(".tar.gz")]
    sdist["core-metadata"] = {"sha256": "0" * 64}
    path.write_text(json.dumps(page))


def swap(place: Place) -> None:
    """The page of another project."""
    shutil.copy(place.path("simple/beta/index.v1_json"), place.path(JSON))


def shuffle(place: Place) -> None:
    page = json.loads(place.path(ROOT_JSON).read_bytes())
    page["projects"].reverse()
    place.path(ROOT_JSON).write_text(json.dumps(page))


def write(place: Place, key: str, text: str = "stranger") -> None:
    path = place.path(key)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def stray_copy(place: Place) -> None:
    path = place.file(WHEEL)
    shutil.copy(path, path.with_name("alpha-9.9-py3-none-any.whl"))


def buried(place: Place) -> Path:
    [found] = [path for path in (place.tree.state / "trash").rglob("*.whl") if path.is_file()]
    return found


def unlist(place: Place) -> None:
    page = json.loads(place.path(ROOT_JSON).read_bytes())
    page["projects"] = [one for one in page["projects"] if one["name"] != "beta"]
    place.path(ROOT_JSON).write_text(json.dumps(page))


def list_also(place: Place, name: str) -> None:
    page = json.loads(place.path(ROOT_JSON).read_bytes())
    page["projects"].append({"name": name})
    page["projects"].sort(key=lambda one: str(one["name"]))
    place.path(ROOT_JSON).write_text(json.dumps(page))


def older_serial(place: Place) -> None:
    page = json.loads(place.path(ROOT_JSON).read_bytes())
    page["meta"]["_last-serial"] -= 1
    place.path(ROOT_JSON).write_text(json.dumps(page))


def digest_of(place: Place) -> str:
    return str(json.loads(place.path(JSON).read_bytes())["files"][0]["hashes"]["sha256"])


Damage = Callable[[Place], object]
Found = list[tuple[Kind, str]]
"""Each finding's kind, and the end of its key."""

K = Kind

DAMAGES: dict[str, tuple[Damage, Found, frozenset[str]]] = {
    # files
    "file deleted": (lambda p: p.file(WHEEL).unlink(), [(K.MISSING_FILE, WHEEL)], EVERY),
    "file cut short": (lambda p: truncate(p.file(WHEEL)), [(K.WRONG_SIZE, WHEEL)], EVERY),
    "file emptied": (lambda p: p.file(WHEEL).write_bytes(b""), [(K.WRONG_SIZE, WHEEL)], EVERY),
    "file longer": (
        lambda p: p.file(WHEEL).write_bytes(p.file(WHEEL).read_bytes() + b"x"), [(K.WRONG_SIZE, WHEEL)], EVERY,
    ),
    "byte flipped": (lambda p: flip(p.file(WHEEL)), [(K.WRONG_BYTES, WHEEL)], HASH),
    "sdist flipped": (lambda p: flip(p.file("alpha-2.0.tar.gz")), [(K.WRONG_BYTES, "alpha-2.0.tar.gz")], HASH),
    "file is a link": (
        lambda p: link(p, str(p.file(WHEEL).relative_to(p.tree.web))), [(K.MISSING_FILE, WHEEL)], EVERY,
    ),
    "file is a folder": (
        lambda p: folder(p.file(WHEEL)), [(K.MISSING_FILE, WHEEL)], EVERY,
    ),
    "two files deleted": (
        lambda p: [p.file(name).unlink() for name in (WHEEL, "beta-2.0.tar.gz")],  # type: ignore[func-returns-value]  # it is the deed that counts
        [(K.MISSING_FILE, WHEEL), (K.MISSING_FILE, "beta-2.0.tar.gz")],
        EVERY,
    ),
    # companions
    "metadata deleted": (
        lambda p: p.file(WHEEL + ".metadata").unlink(), [(K.MISSING_METADATA, WHEEL + ".metadata")], EVERY,
    ),
    "metadata changed": (
        lambda p: p.file(WHEEL + ".metadata").write_text("Name: other\n"),
        [(K.WRONG_METADATA, WHEEL + ".metadata")],
        HASH,
    ),
    "provenance deleted": (
        lambda p: p.file(WHEEL + "/provenance").unlink(), [(K.MISSING_PROVENANCE, WHEEL + "/provenance")], EVERY,
    ),
    "provenance emptied": (
        lambda p: p.file(WHEEL + "/provenance").write_bytes(b""),
        [(K.WRONG_PROVENANCE, WHEEL + "/provenance")],
        HASH,
    ),
    "provenance is a list": (
        lambda p: p.file(WHEEL + "/provenance").write_bytes(b"[]"),
        [(K.WRONG_PROVENANCE, WHEEL + "/provenance")],
        HASH,
    ),
    # pages
    "page deleted": (lambda p: p.path(JSON).unlink(), [(K.MISSING_PAGE, JSON)], EVERY),
    "twin deleted": (lambda p: p.path(TWIN).unlink(), [(K.MISSING_PAGE, TWIN)], EVERY),
    "all pages deleted": (
        lambda p: shutil.rmtree(p.path("simple/alpha")), [(K.MISSING_PAGE, key) for key in PAGE_KEYS], EVERY,
    ),
    "older JSON deleted": (
        lambda p: p.path("pypi/alpha/json").unlink(), [(K.MISSING_PAGE, "pypi/alpha/json")], EVERY,
    ),
    "page emptied": (lambda p: p.path(JSON).write_bytes(b""), [(K.BROKEN_PAGE, JSON)], PAGES),
    "page cut short": (
        lambda p: p.path(HTML).write_bytes(p.path(HTML).read_bytes()[:300]), [(K.BROKEN_PAGE, HTML)], PAGES,
    ),
    "page of zeros": (lambda p: p.path(JSON).write_bytes(bytes(500)), [(K.BROKEN_PAGE, JSON)], PAGES),
    "another project's page": (swap, [(K.BROKEN_PAGE, JSON)], PAGES),
    "page lacks a file": (lambda p: drop_file(p, JSON), [(K.STALE_PAGE, JSON)], PAGES),
    "page written otherwise": (lambda p: pretty(p, JSON), [(K.STALE_PAGE, JSON)], PAGES),
    "page links elsewhere": (
        lambda p: p.edit(HTML, 'href="../../packages', 'href="https://example.org/packages'),
        [(K.STALE_PAGE, HTML)],
        PAGES,
    ),
    "link to nothing": (
        lambda p: p.edit(HTML, "2.0-py3-none-any.whl#", "2.1-py3-none-any.whl#"),
        [(K.BROKEN_LINK, "alpha-2.1-py3-none-any.whl")],
        PAGES,
    ),
    "wrong digest in JSON": (lambda p: p.edit(JSON, digest_of(p), "0" * 64), [(K.BROKEN_LINK, WHEEL)], PAGES),
    "wrong digest in HTML": (lambda p: p.edit(HTML, digest_of(p), "0" * 64), [(K.BROKEN_LINK, WHEEL)], PAGES),
    "wrong size in JSON": (lambda p: p.edit(JSON, '"size":', '"size":1'), [(K.BROKEN_LINK, WHEEL)], PAGES),
    "metadata that is not there": (advertise, [(K.BROKEN_LINK, "alpha-2.0.tar.gz.metadata")], PAGES),
    "yanked by hand": (lambda p: p.edit(JSON, '"yanked":false', '"yanked":"no"'), [(K.STALE_PAGE, JSON)], PAGES),
    "quarantined by hand": (
        lambda p: p.edit(HTML, "</head>", '<meta name="pypi:project-status" content="quarantined">\n</head>'),
        [(K.STALE_PAGE, HTML)],
        PAGES,
    ),
    "requires-python lost": (
        lambda p: p.edit(HTML, 'data-requires-python="&gt;=3.8"', ""), [(K.STALE_PAGE, HTML)], PAGES,
    ),
    "serial of a page": (lambda p: p.edit(HTML, "<!--SERIAL ", "<!--SERIAL 9"), [(K.STALE_PAGE, HTML)], PAGES),
    "page of index-only project": (
        lambda p: p.edit("simple/outside/index.v1_json", "outside-1.0", "outside-1.1", 9),
        [(K.STALE_PAGE, "simple/outside/index.v1_json")],
        PAGES,
    ),
    "older JSON emptied": (
        lambda p: p.path("pypi/alpha/json").write_bytes(b""), [(K.BROKEN_PAGE, "pypi/alpha/json")], PAGES,
    ),
    "older JSON is a list": (
        lambda p: p.path("pypi/alpha/json").write_bytes(b"[]"), [(K.BROKEN_PAGE, "pypi/alpha/json")], PAGES,
    ),
    "older JSON with another description": (
        lambda p: p.edit("pypi/alpha/2.0/json", "A project of", "The end of"), [(K.STALE_PAGE, "pypi/alpha/2.0/json")],
        PAGES,
    ),
    "older JSON with another digest": (
        lambda p: p.edit("pypi/alpha/1.0/json", digest_of(p), "0" * 64), [(K.BROKEN_LINK, WHEEL)], PAGES,
    ),
    # the list of projects
    "list deleted": (lambda p: p.path(ROOT_JSON).unlink(), [(K.MISSING_INDEX, ROOT_JSON)], EVERY),
    "list in HTML deleted": (lambda p: p.path(ROOT_HTML).unlink(), [(K.MISSING_INDEX, ROOT_HTML)], EVERY),
    "list cut short": (
        lambda p: p.path(ROOT_JSON).write_bytes(p.path(ROOT_JSON).read_bytes()[:-5]),
        [(K.BROKEN_INDEX, ROOT_JSON)],
        EVERY,
    ),
    "list emptied": (
        lambda p: p.path(ROOT_JSON).write_text('{"meta":{"api-version":"1.4"},"projects":[]}'),
        [(K.STALE_INDEX, ROOT_JSON)] * 5,
        EVERY,
    ),
    "project not listed": (unlist, [(K.STALE_INDEX, ROOT_JSON)], EVERY),
    "listed without a page": (lambda p: list_also(p, "boo"), [(K.LISTED_IN_VAIN, ROOT_JSON)], EVERY),
    "list in another order": (shuffle, [(K.STALE_INDEX, ROOT_JSON)], EVERY),
    "list with an older serial": (older_serial, [(K.STALE_INDEX, ROOT_JSON)], EVERY),
    "project spelled otherwise": (lambda p: p.edit(ROOT_HTML, ">beta<", ">Beta<"), [(K.STALE_INDEX, ROOT_HTML)], EVERY),
    "date deleted": (lambda p: p.path("last-modified").unlink(), [(K.WRONG_DATE, "last-modified")], EVERY),
    "date of another kind": (
        lambda p: p.path("last-modified").write_text("yesterday\n"), [(K.WRONG_DATE, "last-modified")], EVERY,
    ),
    # the catalogue
    "project forgotten by the list": (
        lambda p: p.sql("UPDATE project SET indexed = 0 WHERE name = 'beta'"),
        [(K.STALE_INDEX, key) for key in (ROOT_JSON, ROOT_HTML, "simple/index.v1_html")],
        EVERY,
    ),
    "project is behind": (
        lambda p: p.sql("UPDATE project SET tries = 1, reason = 'no', since = 1, due = 1 WHERE name = 'beta'"),
        [(K.BEHIND, "")],
        EVERY,
    ),
    # what nobody knows
    "stranger in the root": (lambda p: write(p, "robots.txt"), [(K.UNKNOWN_OBJECT, "robots.txt")], EVERY),
    "stranger beside a page": (
        lambda p: write(p, "simple/alpha/index.old"), [(K.UNKNOWN_OBJECT, "simple/alpha/index.old")], EVERY,
    ),
    "page of no project": (
        lambda p: write(p, "simple/zeta/index.html"), [(K.UNKNOWN_OBJECT, "simple/zeta/index.html")], EVERY,
    ),
    "name that is not normalised": (
        lambda p: write(p, "simple/Alpha/index.html"), [(K.UNKNOWN_OBJECT, "simple/Alpha/index.html")], EVERY,
    ),
    "stranger among the files": (stray_copy, [(K.UNKNOWN_OBJECT, "alpha-9.9-py3-none-any.whl")], EVERY),
    "old package path": (
        lambda p: write(p, "packages/py3/a/alpha/alpha-1.0.whl"),
        [(K.UNKNOWN_OBJECT, "packages/py3/a/alpha/alpha-1.0.whl")],
        EVERY,
    ),
    "older JSON of no version": (
        lambda p: write(p, "pypi/alpha/9.9/json"), [(K.UNKNOWN_OBJECT, "pypi/alpha/9.9/json")], EVERY,
    ),
    "temporary file": (
        lambda p: write(p, "simple/alpha/.index.html.x1"), [(K.UNKNOWN_OBJECT, ".index.html.x1")], EVERY,
    ),
    "file name of no text": (
        lambda p: Path(os.fsdecode(os.fsencode(p.tree.web) + b"/\xff\xfe")).write_text("x"),
        [(K.UNKNOWN_OBJECT, "\udcff\udcfe")],
        EVERY,
    ),
    "link out of the mirror": (
        lambda p: p.path("simple/etc").symlink_to("/etc"), [(K.FOREIGN_OBJECT, "simple/etc")], EVERY,
    ),
    "pipe": (lambda p: os.mkfifo(p.path("packages/pipe")), [(K.FOREIGN_OBJECT, "packages/pipe")], EVERY),
    # the trash
    "lost from the trash": (lambda p: buried(p).unlink(), [(K.LOST_FROM_TRASH, "gamma-1.0-py3-none-any.whl")], EVERY),
    "stranger in the trash": (
        lambda p: buried(p).with_name("x.whl").write_text("x"), [(K.UNKNOWN_IN_TRASH, "x.whl")], EVERY,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", DAMAGES)
def test_damage(name: str, good: Tree, tmp_path: Path) -> None:
    """Exactly what was done is found, in the modes that can see it; in the others nothing is."""
    try_damage(name, good, tmp_path)


def try_damage(name: str, good: Tree, folder: Path) -> None:
    """Damage a copy of the *good* mirror, and verify it in every mode."""
    damage, expected, modes = DAMAGES[name]
    copy = folder / "mirror"
    shutil.copytree(good.directory, copy)
    tree = replace(good, directory=copy)
    damage(Place(tree))
    for mode, wish in MODES.items():
        found = tree.verify(wish)
        assert len(found) == (len(expected) if mode in modes else 0), (mode, found)
        if mode in modes:
            assert all(_fits(one, expected) for one in found), (mode, found)


def _fits(found: Finding, expected: Found) -> bool:
    return any(found.kind is kind and found.key.endswith(key) for kind, key in expected)


def test_there_is_one_for_every_kind() -> None:
    """Every kind of finding has a damage that shows it, but for those that have a test of their own."""
    planted = {kind for _, expected, _ in DAMAGES.values() for kind, _ in expected}
    assert set(Kind) - planted == {Kind.UNWANTED, Kind.UNREADABLE, Kind.NOT_TAKEN}
    assert len(DAMAGES) >= 30


def test_every_kind_says_what_to_do() -> None:
    """Every kind has its severity, its meaning and what to do; the kinds are in the order of severity."""
    order = list(Severity)
    assert [order.index(kind.severity) for kind in Kind] == sorted(order.index(kind.severity) for kind in Kind)
    assert all(kind.meaning and kind.todo for kind in Kind)


def test_forbidden(good: Tree) -> None:
    """What this user may not read is a finding, and the rest is verified all the same."""
    with folder_of_nobody() as folder:
        copy = folder / "mirror"
        shutil.copytree(good.directory, copy)
        give_away(folder)
        tree = replace(good, directory=copy)
        assert tree.verify() == []  # also, all is imported that somebody else may not read
        place = Place(tree)
        wheel = place.file(WHEEL)
        wheel.chmod(0)
        place.path("pypi/alpha/json").unlink()
        assert as_nobody(lambda: {one.kind for one in tree.verify()}) == {Kind.UNREADABLE, Kind.MISSING_PAGE}
        wheel.parent.chmod(0)
        try:
            assert Kind.FOREIGN_OBJECT in as_nobody(lambda: {one.kind for one in tree.verify()})
        finally:
            wheel.parent.chmod(0o755)
