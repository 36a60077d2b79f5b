"""The commands that are compared, each in a folder of its own and with nothing of this machine's configuration."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.measure import Command
from bench.serve import Site

PROGRAMS = Path(__file__).with_name("programs")
ACCEPT = "Accept: application/vnd.pypi.simple.v1+json, */*;q=0.1"
WORKERS = 10
"""Of PyPA bandersnatch: the most that it takes, and the fastest."""


def environment(home: Path, **more: str) -> dict[str, str]:
    """An environment without proxies, tokens and configuration."""
    return {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(home), "LANG": "C.UTF-8", **more}


def python(home: Path, *arguments: str) -> Command:
    """The interpreter that has the product."""
    root = Path(__file__).parents[1]
    return Command((sys.executable, *arguments), environment(home, PYTHONPATH=str(root)), home)


def ours(
    home: Path,
    site: Site,
    *,
    mirror: Path | None = None,
    settings: str = "",
    select: str = "everything = true",
    arguments: Sequence[str] = (),
    program: Sequence[str] = ("-m", "bandersnatch"),
) -> Command:
    """
    The product. *mirror*: where the mirror is, if not in *home*; *settings*: more lines of section [upstream].

    Its defaults are what it is measured with: durable, with pages in HTML and JSON and the older JSON.
    """
    configuration = home / "bandersnatch.toml"
    configuration.write_text(
        f'[mirror]\ndirectory = "{mirror or home / "mirror"}"\nupstream = "{site.url}/simple/"\nreserve = "0"\n'
        f'[select]\n{select}\n[upstream]\nca-file = "{site.authority}"\n{settings}'
    )
    return python(home, *program, "-c", str(configuration), "mirror", *arguments)


@dataclass(frozen=True, slots=True)
class Pypa:
    """PyPA bandersnatch in an environment of its own."""

    venv: Path
    version: str

    def mirror(self, home: Path, site: Site, *, held: Path | None = None, plugins: str = "") -> Command:
        """The same mirror as ours: core metadata, pages in HTML and JSON, the older JSON."""
        configuration = home / "pypa.conf"
        configuration.write_text(
            f"[mirror]\ndirectory = {held or home / 'pypa'}\nmaster = {site.url}\njson = true\nsimple-format = ALL\n"
            f"workers = {WORKERS}\ntimeout = 60\nhash-index = false\nstop-on-error = false\ncore-metadata = true\n"
            f"release-files = true\n{plugins}"
        )
        program = (str(self.venv / "bin/bandersnatch"), "-c", str(configuration), "mirror")
        return Command(program, environment(home, SSL_CERT_FILE=str(site.authority)), home)

    def python(self, home: Path, *arguments: str) -> Command:
        """Its interpreter."""
        return Command((str(self.venv / "bin/python"), *arguments), environment(home), home)


def install_pypa(folder: Path) -> Pypa:
    """The newest PyPA bandersnatch that runs on a Python of this machine. Raises FileNotFoundError without any."""
    venv = folder / "pypa-bandersnatch"
    if not (venv / "complete").exists():
        newest = _newest_python()
        uv = _uv()
        if uv is None:
            steps = [[newest, "-m", "venv", "--clear", str(venv)]]
            steps += [[str(venv / "bin/python"), "-m", "pip", "install", "--quiet", "bandersnatch"]]
        else:
            steps = [[uv, "venv", "--quiet", "--clear", "--python", newest, str(venv)]]
            steps += [[uv, "pip", "install", "--quiet", "--python", str(venv / "bin/python"), "bandersnatch"]]
        for step in steps:
            subprocess.run(step, check=True, env={**os.environ, "UV_PYTHON_DOWNLOADS": "never"})
        (venv / "complete").touch()
    asked = "import importlib.metadata, platform as p;"
    asked += "print(importlib.metadata.version('bandersnatch'), 'on Python', p.python_version())"
    done = subprocess.run([str(venv / "bin/python"), "-c", asked], check=True, capture_output=True, text=True)
    return Pypa(venv, done.stdout.strip())


def curl(home: Path, site: Site, paths: Sequence[str], parallel: int = 64) -> Command:
    """curl, fetching *paths* to as many files."""
    lines = [f'url = "{site.url}{path}"\noutput = "{home}/got/{number}"' for number, path in enumerate(paths)]
    (home / "got").mkdir()
    (home / "curlrc").write_text("\n".join([*lines, ""]))
    options = ("-q", "--silent", "--show-error", "--fail", "--http2", "--parallel", "--parallel-max", str(parallel))
    known = ("--cacert", str(site.authority), "--header", ACCEPT, "--config", str(home / "curlrc"))
    return Command((_program("curl"), *options, *known), environment(home), home)


def curl_and_sha256sum(home: Path, site: Site, paths: Sequence[str]) -> Command:
    """curl, and then sha256sum of what it fetched: what a script would do."""
    fetch = curl(home, site, paths)
    script = '"$@" && cd got && sha256sum -- * >../sums'
    return Command((_program("sh"), "-c", script, "sh", *fetch.argv), fetch.env, home)


def sha256sum(home: Path, files: Sequence[Path]) -> Command:
    """Hashing alone, of files that are there."""
    return Command((_program("sha256sum"), *map(str, files)), environment(home), home)


def version_of_curl() -> str:
    """Such as 8.5.0."""
    done = subprocess.run([_program("curl"), "--version"], check=True, capture_output=True, text=True)
    return done.stdout.split()[1]


def has(name: str) -> bool:
    """Whether a program is installed."""
    return shutil.which(name) is not None


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise FileNotFoundError(f"{name} is not installed; leave it out with --peers")
    return found


def _uv() -> str | None:
    """uv, where the checkout or this environment or the PATH has it."""
    places = [Path(__file__).parents[1] / ".boot/bin", Path(sys.executable).parent]
    return shutil.which("uv", path=os.pathsep.join([*map(str, places), os.environ.get("PATH", os.defpath)]))


def _newest_python() -> str:
    names = [f"python3.{minor}" for minor in range(16, 10, -1)]
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    kept = {f"python{path.parts[-3].rpartition('.')[0]}": str(path) for path in sorted(pyenv.glob("3.*/bin/python"))}
    for candidate in (found for name in names for found in (shutil.which(name), kept.get(name)) if found):
        # A version manager's shim may be on the PATH for a Python that is not there.
        if subprocess.run([candidate, "-c", ""], capture_output=True, check=False).returncode == 0:
            return candidate
    return sys.executable
