"""The upstream that the bench makes: the same from the same seed, and one that clients understand."""

from __future__ import annotations

import hashlib
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from bandersnatch import simple
from bandersnatch.names import is_project_name
from bench import draws
from bench.draws import Drawn
from bench.tree import LIST, ORIGIN, Shape, Tree, make

SMALL = Shape(6, files=3, size=1_500, listed=4)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    return make(tmp_path_factory.mktemp("trees"), SMALL)


def content(tree: Tree) -> dict[str, str]:
    """Every file with its digest."""
    return {
        path.relative_to(tree.root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in tree.root.rglob("*")
        if path.is_file()
    }


def test_same_seed_same_bytes(tree: Tree, tmp_path: Path) -> None:
    """A shape says everything about a tree; another seed is another tree."""
    assert content(make(tmp_path, SMALL)) == content(tree)
    assert content(make(tmp_path, replace(SMALL, seed=2))) != content(tree)


def test_a_tree_is_made_once(tree: Tree) -> None:
    """What is there whole is taken as it is; what is not is made anew."""
    before = (tree.root / LIST).stat().st_mtime_ns
    make(tree.root.parent, SMALL)
    assert (tree.root / LIST).stat().st_mtime_ns == before
    (tree.root / "complete").unlink()
    make(tree.root.parent, SMALL)
    assert (tree.root / LIST).stat().st_mtime_ns > before


def test_names_differ() -> None:
    """However many projects there are, no two have the same normalised name, and each name is allowed."""
    drawn = [draws.project(1, number) for number in range(20_000)]
    assert len({one.name for one in drawn}) == len(drawn)
    assert all(is_project_name(one.display) for one in drawn)
    assert 11 < sum(len(one.display) for one in drawn) / len(drawn) < 15


def test_distributions_have_tails() -> None:
    """Most projects have few files and most files are small, but for some; nothing is beyond the limits."""
    counts = sorted(draws.file_count(1, number) for number in range(5_000))
    sizes = sorted(draws.file_size(1, number, 0) for number in range(5_000))
    assert 3 <= counts[2_500] <= 5
    assert counts[0] >= 1
    assert 100 < counts[-1] <= draws.MAX_FILES
    assert 15_000 < sizes[2_500] < 25_000
    assert sizes[0] >= draws.MIN_BYTES
    assert 20_000_000 < sizes[-1] <= draws.MAX_BYTES


def test_pages_are_true(tree: Tree) -> None:
    """The product reads each page, and each file is there with the size and the digests that the page gives."""
    for drawn in tree.projects:
        body = (tree.root / "simple" / drawn.name / "index.v1_json").read_bytes()
        project = simple.parse_page("application/vnd.pypi.simple.v1+json", body, f"{ORIGIN}/simple/x/", drawn.name)
        assert (project.serial, project.rejected, len(project.files)) == (drawn.serial, (), SMALL.files)
        for file in project.files:
            path = tree.root / file.url.removeprefix(f"{ORIGIN}/")
            assert path.stat().st_size == file.size
            assert hashlib.sha256(path.read_bytes()).hexdigest() == file.sha256
            metadata = path.with_name(f"{path.name}.metadata").read_bytes()
            assert hashlib.sha256(metadata).hexdigest() == file.core_metadata
            [inside] = [name for name in zipfile.ZipFile(path).namelist() if name.endswith("/METADATA")]
            assert zipfile.ZipFile(path).read(inside) == metadata


def test_older_json_agrees(tree: Tree) -> None:
    """The older JSON has the same files as the page."""
    for drawn in tree.projects:
        page = json.loads((tree.root / "simple" / drawn.name / "index.v1_json").read_bytes())
        older = json.loads((tree.root / "pypi" / drawn.name / "json").read_bytes())
        files = [file for release in older["releases"].values() for file in release]
        assert [(file["url"], file["digests"]["sha256"]) for file in files] == [
            (ORIGIN + file["url"], file["hashes"]["sha256"]) for file in page["files"]
        ]


def test_drawn_trees_have_wheels_and_sdists(tmp_path: Path) -> None:
    """Where numbers and sizes are drawn, no file is larger than the shape allows, and sdists are among them."""
    tree = make(tmp_path, Shape(8, largest=100_000))
    files = [path for path in (tree.root / "packages").rglob("*") if path.is_file()]
    assert {"".join(path.suffixes[-2:]) for path in files} >= {".tar.gz"}
    assert 80_000 < max(path.stat().st_size for path in files) <= 110_000


def in_order(tree: Tree) -> list[Drawn]:
    return sorted(tree.listed, key=lambda one: one.name)


def test_the_list(tree: Tree) -> None:
    """The list names every project with its serial, those without a page as well, in the order of names."""
    found = json.loads((tree.root / LIST).read_bytes())
    assert [(one["name"], one["_last-serial"]) for one in found["projects"]] == [
        (one.display, one.serial) for one in in_order(tree)
    ]
    assert len(found["projects"]) == SMALL.projects + SMALL.listed


def test_a_change(tmp_path: Path) -> None:
    """A change is on the project's page, in the older JSON and on the list, and nothing else is touched."""
    tree = make(tmp_path, SMALL)
    before = content(tree)
    first = next(tree.projects)
    tree.change(draws.NEWEST + 5)
    after = content(tree)
    changed = {f"simple/{first.name}/index.v1_json", f"pypi/{first.name}/json", LIST}
    assert {path for path in after if after[path] != before.get(path)} == changed
    found = json.loads((tree.root / LIST).read_bytes())
    assert found["meta"]["_last-serial"] == draws.NEWEST + 5
    expected = [(one.display, draws.NEWEST + 5 if one == first else one.serial) for one in in_order(tree)]
    assert [(one["name"], one["_last-serial"]) for one in found["projects"]] == expected
