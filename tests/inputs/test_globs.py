"""Paths that stand for several files."""

from __future__ import annotations

from pathlib import Path

import pytest

from bandersnatch.inputs import globs

NAMES = ("a-2.txt", "a-10.txt", "b.txt", "c[1].txt", "c1.txt", ".hidden.txt")


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("*.txt", ["a-10.txt", "a-2.txt", "b.txt", "c1.txt", "c[1].txt"]),
        ("a-?.txt", ["a-2.txt"]),
        ("[ab]*.txt", ["a-10.txt", "a-2.txt", "b.txt"]),
        ("*/x.txt", ["folder/x.txt"]),
        ("**/x.txt", ["folder/x.txt"]),
        ("*.in", []),
        ("c[1].txt", ["c[1].txt"]),
        ("[c]1.txt", ["c1.txt"]),
        ("absent.txt", ["absent.txt"]),
    ],
)
def test_files(tmp_path: Path, path: str, found: list[str]) -> None:
    """All files that match, sorted, no folders; a name that is there to the letter, or has no sign in it, is itself."""
    for name in NAMES:
        (tmp_path / name).touch()
    (tmp_path / "folder.txt").mkdir()
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "x.txt").touch()
    assert globs.files(f"{tmp_path}/{path}") == tuple(tmp_path / name for name in found)


@pytest.mark.parametrize(("path", "expected"), [("/a/b*", True), ("/a?/b", True), ("/[a]/b", True), ("/a/b]", False)])
def test_what_is_a_glob(path: str, expected: bool) -> None:
    """A star, a question mark or an opening bracket anywhere in it makes a path a glob."""
    assert globs.is_glob(path) is expected
