"""What pages point to: other pages, their sections, and tests."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from tests.docs.markdown import PAGES, ROOT, anchors, name, prose

INVARIANTS = ROOT / "docs" / "explanation" / "design.md"
PROMISES = ROOT / "docs" / "explanation" / "promises.md"


@cache
def functions_in(path: Path) -> frozenset[str]:
    """The names of the functions of a module, tests and others."""
    tree = ast.parse(path.read_text("utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links(page: Path) -> None:
    """Every link leads to a page that is there, and to a section that it has."""
    for target in re.findall(r"\]\((?!https?://)([^)]+)\)", prose(page)):
        path, _, section = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), target
        assert not section or section in anchors(there), target


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_named_tests(page: Path) -> None:
    """Every test that a page calls as its witness is there."""
    for path, test in re.findall(r"`(tests/[\w/]+\.py)::(\w+)", page.read_text("utf-8")):
        assert (ROOT / path).exists(), path
        assert test in functions_in(ROOT / path), f"{path}::{test}"


def test_every_invariant_has_a_witness() -> None:
    """Each invariant of the design names a test at least."""
    rows = re.findall(r"^\| \d+ \|.*$", INVARIANTS.read_text("utf-8"), re.M)
    assert len(rows) >= 10
    assert all("::test_" in row for row in rows)


def test_every_promise_has_a_witness() -> None:
    """The eight promises of the design and the thirteen that are looked at after every fault name a test each."""
    text = PROMISES.read_text("utf-8")
    rows = re.findall(r"^\| (\d+) \|.*$", text, re.M)
    assert list(map(int, rows)) == [*range(1, 9), *range(1, 14)]
    assert all("::test_" in row for row in re.findall(r"^\| \d+ \|.*$", text, re.M))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_fences_are_closed(page: Path) -> None:
    """Every block that is opened is closed, and every remark that a block is not run stands right above one."""
    text = page.read_text("utf-8")
    assert "```" not in prose(page)
    assert not re.search(r"^<!-- not run", prose(page), re.M)
    assert len(re.findall(r"^```", text, re.M)) % 2 == 0
