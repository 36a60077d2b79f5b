"""Installers, each installing one project into a new environment from one index."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterable
from functools import partial
from importlib.metadata import version
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


def with_this_pip(tool: str) -> Install:
    """An older pip; those before 22.2 read no JSON, those before 23 no core metadata."""
    return partial(_with_pip, tool)


def _with_pip(tool: str, home: Path, index: str, *projects: str) -> Path:
    target = home / "installed"
    _succeeded(pip(tool, home, "install", "--target", str(target), "--index-url", index, *projects))
    python = fresh(home)
    # "--target" is what both pips can do from outside of the environment.
    [packages] = (home / "env/lib").glob("python*/site-packages")
    (packages / "installed.pth").write_text(f"{target}\n")
    return python


def with_pip_tools(home: Path, index: str, project: str) -> Path:
    """pip-compile writes a lock with hashes, pip installs what it says and nothing else."""
    (home / "requirements.in").write_text(f"{project}\n")
    program = str(programs.tool("pip-tools") / "pip-compile")
    command = [program, "--quiet", "--no-config", "--generate-hashes", "--index-url", index, "requirements.in"]
    _succeeded(programs.run(command, home, programs.environment(home)))
    return _with_pip("pip", home, index, "--require-hashes", "--requirement", str(home / "requirements.txt"))


def with_pipenv(home: Path, index: str, project: str) -> Path:
    """pipenv install: it locks, and then installs by its lock."""
    environment = programs.environment(
        home,
        PIPENV_PYPI_MIRROR=index,
        PIPENV_VENV_IN_PROJECT="1",
        PIPENV_NOSPIN="1",
        PIPENV_DEFAULT_PYTHON_VERSION=sys.executable,
    )
    _succeeded(programs.run([str(programs.tool("pipenv") / "pipenv"), "install", project], home, environment))
    return home / ".venv/bin/python"


def with_hatch(home: Path, index: str, project: str) -> Path:
    """hatch makes an environment of a project, without the project itself, and pip fills it."""
    (home / "pyproject.toml").write_text(
        f'{_project(project)}[tool.hatch.envs.default]\nskip-install = true\ndependencies = ["{project}"]\n'
        f'python = "{sys.executable}"\npath = "env"\n'
    )
    environment = programs.environment(home, PIP_INDEX_URL=index)
    hatch = str(programs.tool("hatch") / "hatch")
    _succeeded(programs.run([hatch, "env", "create"], home, environment))
    return home / "env/bin/python"


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
    "pip-25": with_this_pip("pip-25"),
    "pip-24": with_this_pip("pip-24"),
    "pip-23": with_this_pip("pip-23"),
    "pip-22": with_this_pip("pip-22"),
    "pip-21": with_this_pip("pip-21"),
    "old-pip": with_this_pip("old-pip"),
    "pip-tools": with_pip_tools,
    "pipenv": with_pipenv,
    "hatch": with_hatch,
    "uv": with_uv,
    "poetry": with_poetry,
    "pdm": with_pdm,
}


def shown(name: str) -> str:
    """A name of ``INSTALLERS`` as the page of what was tried has it: with the version."""
    if name == "uv":
        return f"uv {version('uv')}"
    return programs.TOOLS[name].split()[0].replace("[locked]", "").replace("==", " ")
