"""What the real tools write: each of their locks is read as they mean it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bandersnatch.inputs import files
from bandersnatch.testing import UpstreamServer
from tests.peers import installers, programs, samples

pytestmark = [pytest.mark.peers, pytest.mark.timeout(300)]

PINS = {"alpha": "1.0", "beta": "1.5", "capital": "1.0", "gamma-dots": "1.0"}
"""What ``samples`` comes to for a project that needs alpha."""

SUPPORTED = f">=3.{sys.version_info[1]},<3.90"


@pytest.fixture(scope="module")
def index() -> Iterator[str]:
    """The address of an index with ``samples``."""
    with UpstreamServer() as server:
        samples.fill(server.index)
        yield f"{server.url}/simple/"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project that needs alpha, and is of no index."""
    (tmp_path / "pyproject.toml").write_text(
        f'[project]\nname = "user"\nversion = "1.0"\nrequires-python = "{SUPPORTED}"\ndependencies = ["alpha"]\n'
    )
    return tmp_path


def uv(project: Path, index: str, *arguments: str) -> None:
    done = installers.uv(project, *arguments, "--default-index", index)
    assert done.returncode == 0, done.stderr


def lock_with_uv(project: Path, index: str) -> Path:
    uv(project, index, "lock")
    return project / "uv.lock"


def lock_script_with_uv(project: Path, index: str) -> Path:
    head = f'# /// script\n# requires-python = "{SUPPORTED}"\n# dependencies = ["alpha"]\n# ///\n'
    (project / "run.py").write_text(head)
    uv(project, index, "lock", "--script", "run.py")
    return project / "run.py.lock"


def export_with_uv(kind: str, name: str) -> Callable[[Path, str], Path]:
    def export(project: Path, index: str) -> Path:
        uv(project, index, "export", "--quiet", "--no-emit-project", "--format", kind, "--output-file", name)
        return project / name

    return export


def lock_with_pip(project: Path, index: str) -> Path:
    done = installers.pip("pip", project, "lock", "--index-url", index, "--output", "pylock.toml", "alpha")
    assert done.returncode == 0, done.stderr
    return project / "pylock.toml"


def lock_with_poetry(project: Path, index: str) -> Path:
    with (project / "pyproject.toml").open("a") as file:
        file.write(f'[[tool.poetry.source]]\nname = "mirror"\nurl = "{index}"\npriority = "primary"\n')
    command = [str(programs.tool("poetry") / "poetry"), "-n", "lock"]
    done = programs.run(command, project, programs.environment(project))
    assert done.returncode == 0, done.stderr
    return project / "poetry.lock"


def lock_with_pdm(project: Path, index: str) -> Path:
    with (project / "pyproject.toml").open("a") as file:
        file.write(f'[[tool.pdm.source]]\nname = "pypi"\nurl = "{index}"\nverify_ssl = true\n')
    installers.fresh(project)
    environment = programs.environment(project, VIRTUAL_ENV=str(project / "env"), PDM_CHECK_UPDATE="0")
    done = programs.run([str(programs.tool("pdm") / "pdm"), "lock"], project, environment)
    assert done.returncode == 0, done.stderr
    return project / "pdm.lock"


LOCKS: dict[str, Callable[[Path, str], Path]] = {
    "uv.lock": lock_with_uv,
    "uv.lock of a script": lock_script_with_uv,
    "pylock.toml of uv": export_with_uv("pylock.toml", "pylock.toml"),
    "requirements.txt of uv": export_with_uv("requirements.txt", "requirements.txt"),
    "CycloneDX of uv": export_with_uv("cyclonedx1.5", "bom.json"),
    "pylock.toml of pip": lock_with_pip,
    "poetry.lock": lock_with_poetry,
    "pdm.lock": lock_with_pdm,
}


@pytest.mark.parametrize("name", LOCKS)
def test_locks(name: str, project: Path, index: str) -> None:
    """Each lock gives what was locked, at the line where it stands, with hashes where the format has them."""
    path = LOCKS[name](project, index)
    found = files.read(path)
    assert sorted(one.text for one in found.items) == [f"{name}=={version}" for name, version in PINS.items()]
    written = path.read_text("utf-8").splitlines()
    for one in found.items:
        assert one.line is not None
        assert one.text.partition("==")[0] in "".join(written[one.line - 1 : one.line + 2]).lower().replace(".", "-")
        assert all(digest.startswith("sha256:") for digest in one.hashes)
        assert bool(one.hashes) is (path.name != "bom.json")
    assert all("user" in warning.message for warning in found.warnings)
