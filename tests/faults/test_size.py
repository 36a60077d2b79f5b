"""Upstreams out of all proportion: what a run takes is bounded."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench import launch
from tests.faults import huge
from tests.faults.counting import Count
from tests.peers import programs

MIB = 1024
"""In the unit in which the system says what a process took, KiB."""

CONFIGURATION = """\
[mirror]
directory = "{home}/mirror"
upstream = "{url}"
reserve = "0"
[select]
projects = ["huge", "small"]
[releases]
newest = 1
[upstream]
changes = "list"
tries = 1
"""


def mirrored(home: Path, url: str) -> tuple[int, int]:
    """
    One run of the program; its exit code, and the most memory that it had, in KiB.

    It is started by a small process: a program begins with the peak of the one that it was forked from.
    """
    (home / "configuration").write_text(CONFIGURATION.format(home=home, url=url))
    command = [sys.executable, "-m", "bandersnatch", "-c", str(home / "configuration"), "mirror", "--json"]
    with (home / "output").open("w") as output:
        subprocess.run(
            [sys.executable, launch.__file__, str(home / "used"), "3600", *command],
            cwd=home,
            env=programs.environment(home),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    used = json.loads((home / "used").read_bytes())
    return used["code"], used["peak"]


def files(home: Path, name: str) -> list[str]:
    """What the page of a project links."""
    page = json.loads((home / f"mirror/web/simple/{name}/index.v1_json").read_bytes())
    return [one["filename"] for one in page["files"]]


@pytest.mark.parametrize("names", [5_000, pytest.param(1_000_000, marks=pytest.mark.faults)])
def test_a_million_names(names: int, tmp_path: Path, count: Count) -> None:
    """For one project of a huge index, the list is read as it comes and not kept."""
    with huge.index(names=names, files=2) as url:
        code, peak = mirrored(tmp_path, url)
    count("upstream gone wrong: sizes")
    assert code == 0, (tmp_path / "output").read_text()[-2000:]
    assert files(tmp_path, "huge") == ["huge-2.0.tar.gz"]
    assert peak < 200 * MIB


@pytest.mark.parametrize("many", [500, pytest.param(250_000, marks=pytest.mark.faults)])
def test_a_large_page(many: int, tmp_path: Path, count: Count) -> None:
    """A page that is as long as one may be is read, and of its files those are taken that are wanted."""
    with huge.index(names=0, files=many) as url:
        code, peak = mirrored(tmp_path, url)
    count("upstream gone wrong: sizes")
    assert code == 0, (tmp_path / "output").read_text()[-2000:]
    assert files(tmp_path, "huge") == [f"huge-{many}.0.tar.gz"]
    assert peak < 1024 * MIB


@pytest.mark.faults
def test_a_million_files(tmp_path: Path, count: Count) -> None:
    """A page that is longer than any may be holds back its project alone, and is not kept while it is read."""
    with huge.index(names=0, files=1_000_000) as url:
        code, peak = mirrored(tmp_path, url)
    count("upstream gone wrong: sizes")
    assert code == 1
    assert "the most that is taken" in (tmp_path / "output").read_text()
    assert files(tmp_path, "small") == ["small-2.0.tar.gz"]
    assert peak < 350 * MIB
