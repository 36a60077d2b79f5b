"""What is built depends on the sources alone: anybody can build it again and compare."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
BUILD = "import sys; from hatchling import build; build.build_sdist(sys.argv[1]); build.build_wheel(sys.argv[1])"
SOURCES = ("src", "docs", "pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "SECURITY.md", "Makefile")
DATE = 1_767_225_600


def build(place: Path, umask: int, when: int, *, backwards: bool) -> dict[str, str]:
    """The digests of sdist and wheel, built in a copy at *place* made in another order, at another time and umask."""
    place.mkdir(parents=True)
    before = os.umask(umask)
    try:
        for name in sorted(SOURCES, reverse=backwards):
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, place / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copyfile(source, place / name)
    finally:
        os.umask(before)
    for path in place.rglob("*"):
        os.utime(path, (when, when))
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(DATE), "TZ": "Asia/Tokyo" if backwards else "UTC"}
    dist = place / "dist"
    subprocess.run(
        [sys.executable, "-c", BUILD, str(dist)], cwd=place, env=environment, check=True, capture_output=True
    )
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in dist.iterdir()}


def test_twice_the_same(tmp_path: Path) -> None:
    """Other folders, times, umasks and time zones: the same bytes, whose dates are the one that was asked for."""
    first = build(tmp_path / "a", 0o022, 1_700_000_000, backwards=False)
    second = build(tmp_path / "somewhere" / "else", 0o077, 1_750_000_000, backwards=True)
    assert len(first) == 2
    assert first == second
    [wheel] = (tmp_path / "a" / "dist").glob("*.whl")
    [sdist] = (tmp_path / "a" / "dist").glob("*.tar.gz")
    with zipfile.ZipFile(wheel) as archive:
        assert {one.date_time for one in archive.infolist()} == {(2026, 1, 1, 0, 0, 0)}
    with tarfile.open(sdist) as sources:
        assert {one.mtime for one in sources} == {DATE}
        assert {(one.uid, one.gid, one.uname, one.gname) for one in sources} == {(0, 0, "", "")}


def test_make_build_fixes_the_date() -> None:
    """``make build`` gives the date of the last commit, so that a tag builds the same for everybody."""
    text = (ROOT / "Makefile").read_text("utf-8")
    assert 'SOURCE_DATE_EPOCH="$${SOURCE_DATE_EPOCH:-$$(git log -1 --format=%ct' in text
