"""The page on clients: what it tells pip and uv. What it tells poetry and pdm, their other tests write."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.peers import documents, installers, programs, samples
from tests.peers.servers import Site

pytestmark = [pytest.mark.peers, pytest.mark.timeout(300)]

ADDRESS = "https://pypi.example.org/simple/"
PAGE = (documents.HOW_TO / "clients.md").read_text("utf-8")


def exported(name: str, site: Site) -> dict[str, str]:
    """The variable *name*, as the page exports it."""
    [value] = re.findall(rf"^    export {name}=(\S+)$", PAGE, re.M)
    return {name: documents.fill(value, (ADDRESS, site.simple))}


def run(home: Path, *command: str, **more: str) -> None:
    done = programs.run([*command], home, programs.environment(home, **more))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("by", ["file", "variable"])
def test_pip(by: str, site: Site, tmp_path: Path) -> None:
    """pip finds the mirror by its file, and by its variable."""
    if by == "file":
        path = tmp_path / ".config/pip/pip.conf"
        path.parent.mkdir(parents=True)
        path.write_text(documents.client("ini", site.simple))
    variable = exported("PIP_INDEX_URL", site) if by == "variable" else {}
    python = str(programs.tool("pip") / "python")
    run(tmp_path, python, "-m", "pip", "download", "--no-cache-dir", "--dest", "files", "beta<2", **variable)
    assert [path.name for path in (tmp_path / "files").iterdir()] == ["beta-1.5-py3-none-any.whl"]


@pytest.mark.parametrize("by", ["file", "variable"])
def test_uv(by: str, site: Site, tmp_path: Path) -> None:
    """uv finds the mirror by its file, and by its variable."""
    python = installers.fresh(tmp_path)
    if by == "file":
        path = tmp_path / ".config/uv/uv.toml"
        path.parent.mkdir(parents=True)
        path.write_text(documents.client("uv", site.simple))
    variable = exported("UV_DEFAULT_INDEX", site) if by == "variable" else {}
    run(tmp_path, programs.find("uv"), "pip", "install", "--python", str(python), "alpha", **variable)
    assert installers.versions(python, tmp_path, samples.INSTALLED) == samples.INSTALLED
