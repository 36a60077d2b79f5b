"""The rule that docs/how-to/write-a-rule.md shows: built, installed, configured and mirrored with."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bandersnatch.assemble.selection import choose
from bandersnatch.config.load import load
from bandersnatch.errors import UsageError
from bandersnatch.model import File, Project
from bandersnatch.selection import Context
from tests.docs.markdown import ROOT, Block, blocks
from tests.sync.conftest import World, world

__all__ = ["world"]

PAGE = ROOT / "docs" / "how-to" / "write-a-rule.md"
DAY = 86400.0


def block(language: str) -> Block:
    """The only block of the page in *language*."""
    [found] = blocks(PAGE, language)
    return found


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page's two files, built into a wheel, and unpacked as an installation of it would be."""
    project, site = tmp_path / "our-rules", tmp_path / "site-packages"
    project.mkdir()
    (project / "our_rules.py").write_text(block("python").text)
    (project / "pyproject.toml").write_text(block("ini").text)
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel"]
    subprocess.run(command, cwd=project, check=True, capture_output=True)
    [wheel] = (project / "dist").iterdir()
    zipfile.ZipFile(wheel).extractall(site)
    monkeypatch.syspath_prepend(site)
    monkeypatch.delitem(sys.modules, "our_rules", raising=False)


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    """The page's configuration."""
    path = tmp_path / "mirror.conf"
    path.write_text(block("toml").text)
    return path


def iso(moment: float) -> str:
    """As PEP 700 has it."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def uploaded(moment: float) -> Project:
    return Project("six", (File("six-1.0.tar.gz", "https://example.org/", "0" * 64, upload_time=iso(moment)),))


@pytest.mark.usefixtures("installed")
def test_it_is_mirrored_with(world: World, configuration: Path) -> None:
    """The young project is left out until it is old enough, though upstream has not changed since."""
    world.configuration = configuration
    for name, days in (("six", 400), ("idna", 10)):
        world.index.upload(name, "1.0", upload_time=iso(world.now - days * DAY))
    assert world.run("six", "idna").outcome == "clean"
    assert list(world.root()) == ["six"]
    world.now += 20 * DAY
    assert world.run("six", "idna").outcome == "clean"
    assert sorted(world.root()) == ["idna", "six"]


@pytest.mark.usefixtures("installed")
def test_it_explains_itself(configuration: Path) -> None:
    """The verdict names the rule, its reason, the line of its table, and when it ends."""
    selection = choose(load(configuration, {})).selection
    [one] = selection.explain(uploaded(100 * DAY), Context(now=101 * DAY))
    assert (one.wanted, one.deciding.rule, one.deciding.until) == (False, "rules.established", 130 * DAY)
    assert one.deciding.reason == "its first file is too young"
    assert str(one.deciding.origin) == f"rules.established ({configuration}:4)"
    [one] = selection.explain(uploaded(0.0), Context(now=101 * DAY))
    assert one.wanted


@pytest.mark.usefixtures("installed")
def test_its_mistake_is_told(configuration: Path) -> None:
    """What the page says of an option that is wrong is what is printed, with the line of the key."""
    configuration.write_text('[select]\nprojects = ["six"]\n[rules.established]\ndays = "many"\n')
    with pytest.raises(UsageError) as caught:
        choose(load(configuration, {}))
    assert f"`{caught.value}`".replace(str(configuration), "mirror.conf") in PAGE.read_text("utf-8")


def test_it_is_short() -> None:
    """About twenty lines of code, as the page says."""
    lines = [line for line in block("python").text.splitlines() if line.strip()]
    assert 15 <= len(lines) <= 25
