"""A kind of page that is not made any more, seen from outside at every moment of its leaving."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from math import inf
from typing import Any

import pytest

from bandersnatch import publish
from bandersnatch.simple import html
from bandersnatch.verify.base import Kind
from tests.sync.test_crash import Dying, lived
from tests.verify.conftest import Tree

RELEASES: dict[str, Any] = {"publish__legacy_json": "releases"}


def test_an_older_form(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages that wait to be made anew are as they should be, unless they are not what was published."""
    tree.index.upload("alpha", "1.0")
    render = html.render
    with monkeypatch.context() as patch:
        patch.setattr(publish, "FORMAT", 1)
        patch.setattr(html, "render", lambda *args: re.sub(rb' data-upload-time="[^"]*"', b"", render(*args)))
        tree.run()
    assert tree.verify() == []
    page = tree.web / "simple/alpha/index.html"
    page.write_bytes(page.read_bytes().replace(b"<body>", b"<body> "))
    assert {one.kind for one in tree.verify()} == {Kind.STALE_PAGE}
    tree.run()
    assert tree.verify() == []


def recorded(tree: Tree) -> Iterator[tuple[str, bool]]:
    """Each page that the catalogue vouches for, and whether it is there."""
    with tree.ground() as ground:
        for one in ground.catalogue.known():
            for key, _ in ground.catalogue.published(one.name).pages:
                yield key, (tree.web / key).is_file()


def leaving(tree: Tree) -> set[str]:
    """The keys that are on the list of what leaves."""
    with tree.ground() as ground:
        return {one.key for one in ground.catalogue.leaving(inf)}


def of_releases(tree: Tree) -> set[str]:
    """The older JSON of releases that is served."""
    return {str(path.relative_to(tree.web)) for path in tree.web.glob("pypi/*/*/json")}


def test_every_cut(tree: Tree) -> None:
    """Cut off anywhere, what is recorded is there, what is not recorded leaves, and nothing is found to be amiss."""
    tree.settings["mirror.grace"] = "52w"  # no sweep helps
    for name, version in itertools.product(("alpha", "beta"), ("1.0", "2.0", "3.0rc1")):
        tree.index.upload(name, version)
    tree.run()
    without = tree.tree()
    tree.run(**RELEASES)
    everything = tree.tree()
    for number in itertools.count(1):
        tree.now += 600
        done = lived(tree, tree.config(), Dying(number))
        pages = dict(recorded(tree))
        assert all(pages.values()), number
        assert of_releases(tree) - pages.keys() <= leaving(tree), number
        assert tree.verify() == [], number
        assert tree.verify(**RELEASES) == [], number
        back: dict[str, Any] = RELEASES if number % 2 else {}
        assert tree.run(**back).outcome == "clean", number
        assert {one.path for one in tree.upstream.requests} <= {"/simple/"}, number
        assert tree.tree() == (everything if back else without), number
        assert leaving(tree) == set(), number
        if done:
            break
        tree.run(**RELEASES)
