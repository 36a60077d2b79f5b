"""Installers, each installing one project into a new environment from one index."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from tests.peers import documents, programs


def fresh(home: Path) -> Path:
    """A new environment without anything in it; its Python."""
    place = home / "env"
    done = programs.run(
        [programs.find("uv"), "venv", "--quiet", "--no-config", "--python", sys.executable, str(place)],
        home,
        programs.environment(home),
    )
    assert done.returncode == 0, done.stderr
    return place / "bin" / "python"


def pip(tool: str, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the pip of *tool*, without this machine's configuration."""
    command = [str(programs.tool(tool) / "python"), "-m", "pip", "--isolated", "--disable-pip-version-check"]
    return programs.run([*command, *arguments], home, programs.environment(home))


def uv(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run uv, without this machine's configuration."""
    command = [programs.find("uv"), *arguments, "--no-config", "--no-python-downloads"]
    return programs.run(command, home, programs.environment(home))


def versions(python: Path, home: Path, modules: Iterable[str]) -> dict[str, str]:
    """What installed modules say that their versions are."""
    code = "import importlib, sys; print(*(importlib.import_module(name).__version__ for name in sys.argv[1:]))"
    names = list(modules)
    done = programs.run([str(python), "-c", code, *names], home, programs.environment(home))
    assert done.returncode == 0, done.stderr
    return dict(zip(names, done.stdout.split(), strict=True))


# --- one function for each: install *project* from *index*, and return the Python that has it ------------------------


def with_pip(home: Path, index: str, *projects: str) -> Path:
    """The newest pip; one project or several."""
    return _with_pip("pip", home, index, *projects)


def with_old_pip(home: Path, index: str, project: str) -> Path:
    """A pip of before JSON pages and core metadata."""
    return _with_pip("old-pip", home, index, project)


def _with_pip(tool: str, home: Path, index: str, *projects: str) -> Path:
    target = home / "installed"
    _succeeded(pip(tool, home, "install", "--target", str(target), "--index-url", index, *projects))
    python = fresh(home)
    # "--target" is what both pips can do from outside of the environment.
    [packages] = (home / "env/lib").glob("python*/site-packages")
    (packages / "installed.pth").write_text(f"{target}\n")
    return python


def with_uv(home: Path, index: str, *projects: str) -> Path:
    """uv pip install; one project or several."""
    python = fresh(home)
    _succeeded(uv(home, "pip", "install", "--python", str(python), "--default-index", index, *projects))
    return python


def with_poetry(home: Path, index: str, project: str) -> Path:
    """poetry install: it locks, and then checks against its lock."""
    python = fresh(home)
    (home / "pyproject.toml").write_text(
        f"{_project(project)}[tool.poetry]\npackage-mode = false\n{documents.client('poetry', index)}"
    )
    environment = programs.environment(home, VIRTUAL_ENV=str(home / "env"))
    _succeeded(programs.run([str(programs.tool("poetry") / "poetry"), "-n", "install"], home, environment))
    return python


def with_pdm(home: Path, index: str, project: str) -> Path:
    """pdm install: it locks, and then checks against its lock."""
    python = fresh(home)
    (home / "pyproject.toml").write_text(
        f"{_project(project)}[tool.pdm]\ndistribution = false\n{documents.client('pdm', index)}"
    )
    environment = programs.environment(home, VIRTUAL_ENV=str(home / "env"), PDM_CHECK_UPDATE="0")
    _succeeded(programs.run([str(programs.tool("pdm") / "pdm"), "install", "--no-self"], home, environment))
    return python


def _project(dependency: str) -> str:
    supported = f">={sys.version_info[0]}.{sys.version_info[1]},<3.90"
    return (
        f'[project]\nname = "user"\nversion = "1.0"\nrequires-python = "{supported}"\n'
        f"dependencies = {json.dumps([dependency])}\n"
    )


def _succeeded(done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 0, done.stdout + done.stderr


Install = Callable[[Path, str, str], Path]

INSTALLERS: dict[str, Install] = {
    "pip": with_pip,
    "old-pip": with_old_pip,
    "uv": with_uv,
    "poetry": with_poetry,
    "pdm": with_pdm,
}
