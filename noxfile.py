"""The tests on each supported Python that is installed: ``make pythons``, or ``nox -s tests-3.12`` for one."""

import os
import shutil
import subprocess
import sys

import nox

PYTHONS = ("3.11", "3.12", "3.13", "3.14")
OTHERS = [python for python in PYTHONS if python != "{}.{}".format(*sys.version_info)]
"""All but the one that runs this."""
SYSTEM = "/usr/bin/python3"
"""Distributions patch theirs."""
PARTS = ("tests/simple", "tests/inputs", "tests/cli", "tests/config")
"""The tests of what others wrote and of what users see, where Pythons and libraries differ."""

nox.options.sessions = ["tests"]
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.download_python = "never"
nox.options.error_on_missing_interpreters = False


def _offer_pyenv_versions() -> None:
    """Let pyenv's shims find all of our Pythons: they answer only for versions that PYENV_VERSION names."""
    if "PYENV_VERSION" in os.environ or shutil.which("pyenv") is None:
        return
    listed = subprocess.run(["pyenv", "versions", "--bare"], capture_output=True, text=True, check=False).stdout.split()
    ours = [version for version in listed if version.rpartition(".")[0] in PYTHONS]
    if ours:
        os.environ["PYENV_VERSION"] = ":".join(ours)


_offer_pyenv_versions()


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the suite against the built wheel, with the pinned dependencies."""
    _install(session)
    session.run("python", "-m", "pytest", "-q", "-n", "auto", *session.posargs)


@nox.session(python=[*OTHERS, SYSTEM], default=False)
def parts(session: nox.Session) -> None:
    """Run the tests of what differs, on all Pythons but this one, with the newest packaging: its words are its own."""
    _install(session)
    session.install("--upgrade", "packaging")
    session.run("python", "-m", "pytest", "-q", "-n", "auto", *PARTS, *session.posargs)


def _install(session: nox.Session) -> None:
    session.install("--require-hashes", "--requirement", "constraints.txt")
    session.install("--no-deps", "--no-build-isolation", ".")
