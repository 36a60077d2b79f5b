"""A mid-size application of the real PyPI for three environments, offline: about 190 MB, mirrored once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.peers import installers, mirrors, servers
from tests.peers.servers import Site

pytestmark = [pytest.mark.real, pytest.mark.timeout(900)]

APPLICATION = ("flask==3.1.2", "pandas==2.3.3", "boto3==1.40.60")

CONFIGURATION = """
[select]
from-files = ["requirements.txt"]
dependencies = true

[files]
environments = ["here", "mac", "windows"]

[environments.mac]
python = ["3.12"]
platforms = ["macosx_14_0_arm64"]

[environments.windows]
python = ["3.13"]
platforms = ["win_amd64"]

[upstream]
connections = 2
streams = 4
"""


def bandersnatch(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the program in the application's folder."""
    command = [sys.executable, "-m", "bandersnatch", "-c", "bandersnatch.conf", *arguments]
    return subprocess.run(command, cwd=home, env=os.environ, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a mirror of the application is, for this machine and two others."""
    home = tmp_path_factory.mktemp("closure")
    (home / "requirements.txt").write_text("\n".join(APPLICATION))
    (home / "bandersnatch.conf").write_text("")
    here = bandersnatch(home, "environment", "--name", "here").stdout
    (home / "bandersnatch.conf").write_text(CONFIGURATION + here)
    finished = mirrors.ran(home, "-c", "bandersnatch.conf", "mirror", "--directory", "mirror", env=os.environ)
    assert (finished["outcome"], finished["skipped"]) == ("clean", 0)
    return home


@pytest.fixture(scope="module")
def site(home: Path) -> Iterator[Site]:
    with servers.nginx(home / "mirror/web", home / "nginx", servers.documented_nginx()) as site:
        yield site


def test_proved(home: Path) -> None:
    """The mirror alone suffices for each environment, and every file in it is whole."""
    done = bandersnatch(home, "prove", "--directory", "mirror", "--hash", "--json")
    proof = json.loads(done.stdout)
    assert proof["proved"], proof
    assert {one["environment"]: one["outcome"] for one in proof["results"]} == dict.fromkeys(
        ("here", "mac", "windows"), "ok"
    )
    for one in proof["results"]:
        assert set(APPLICATION) <= set(one["pins"])


def test_nothing_more(home: Path) -> None:
    """Of each project only the versions are here that an environment needs: a few files, and no more."""
    pages = [mirrors.page(home / "mirror/web", name) for name in mirrors.projects(home / "mirror/web")]
    assert 15 <= len(pages) <= 25
    assert all(len(page["versions"]) <= 3 for page in pages)
    assert bandersnatch(home, "why", "flask==1.0", "--directory", "mirror").returncode == 1


def test_second_run(home: Path) -> None:
    """A second run fetches nothing."""
    finished = mirrors.ran(home, "-c", "bandersnatch.conf", "mirror", "--directory", "mirror", env=os.environ)
    assert (finished["outcome"], finished["files"], finished["removed"]) == ("clean", 0, 0)


@pytest.mark.parametrize("install", [installers.with_pip, installers.with_uv])
def test_offline(install: Callable[..., Path], home: Path, site: Site, tmp_path: Path) -> None:
    """pip and uv install the whole application from the mirror and from nowhere else, and it can be imported."""
    python = install(tmp_path, site.simple, *APPLICATION)
    check = "import flask, pandas, boto3; print(flask.Flask('x').name, pandas.DataFrame({'a': [1]}).shape)"
    assert subprocess.run([python, "-c", check], check=True, capture_output=True, text=True).stdout == "x (1, 1)\n"


def test_what_is_missing_is_named(home: Path) -> None:
    """Without one project the proof fails, for every environment, and names it."""
    page = home / "mirror/web/simple/jmespath"
    aside = page.rename(home / "jmespath")
    try:
        done = bandersnatch(home, "prove", "--directory", "mirror")
    finally:
        aside.rename(page)
    assert done.returncode == 1
    assert done.stdout.count("jmespath") >= 3
