"""Running a mutant: the tests that matter for its module, in a process that loads the mutant in the module's place.

A mutant costs a fork and one run of pytest that ends with the first failure. Nothing of the product is loaded before
the fork, so that whoever imports the mutated module gets it whole, constants and all.
"""

from __future__ import annotations

import contextlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, ModuleType

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = ("asyncio", "ctypes", "email.parser", "h11", "html5lib", "hypothesis", "msgspec", "packaging.metadata",
         "packaging.requirements", "packaging.utils", "packaging.version", "pyreqwest.client", "sqlite3",
         "urllib.request", "zipfile")  # fmt: skip
"""What the product and its tests load of others: once, before all forks."""

_OPTIONS = ("-q", "-x", "-p", "no:cacheprovider", "-p", "no:randomly", "-p", "no:xdist", "--hypothesis-seed=0",
            "-W", "ignore::pytest.PytestAssertRewriteWarning")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a mutant."""

    by: str
    """The test that failed first, ``time`` where it ran out, ``load`` where it could not be loaded; empty: it lives."""
    seconds: float

    @property
    def killed(self) -> bool:
        """Whether the tests noticed."""
        return bool(self.by)


def preload() -> None:
    """Load what every run needs and no mutant changes."""
    for name in HEAVY:
        importlib.import_module(name)
    if any(name.partition(".")[0] == "bandersnatch" for name in sys.modules):
        raise RuntimeError("the product is loaded already: no mutant would take its place")


def run(path: str, source: str | None, tests: Sequence[str], limit: float) -> Verdict:
    """
    Run *tests* with *source* in place of the module at *path*, relative to the repository; None: as it is.

    After *limit* seconds it counts as noticed: a loop without an end is a failure, too.
    """
    began = time.monotonic()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _child(path, source, tests, writing)
    os.close(writing)
    by = _wait(child, reading, began + limit)
    return Verdict(by, time.monotonic() - began)


def _wait(child: int, reading: int, until: float) -> str:
    """What the child says before it ends, or ``time``; without a word, how it ended."""
    try:
        while time.monotonic() < until:
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                said = os.read(reading, 4096).decode()
                return said or ("" if status == 0 else "load")
            time.sleep(0.02)
        os.killpg(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return "time"
    finally:
        os.close(reading)


def _child(path: str, source: str | None, tests: Sequence[str], writing: int) -> None:
    """Never returns."""
    code = 1
    try:
        os.setpgid(0, 0)
        os.chdir(ROOT)
        silence = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(silence, descriptor)
        if source is not None:
            sys.meta_path.insert(0, Finder(path, source))
        with contextlib.suppress(SystemExit):
            code = int(pytest.main([*_OPTIONS, *tests], plugins=[_First(writing)]))
    finally:
        os._exit(code)


class _First:
    """Tells through a pipe which test failed first."""

    def __init__(self, writing: int) -> None:
        self._writing = writing

    @pytest.hookimpl
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            os.write(self._writing, report.nodeid.encode()[:1000])

    @pytest.hookimpl
    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            os.write(self._writing, b"load")


class Finder(importlib.abc.MetaPathFinder):
    """Finds one module of the product elsewhere."""

    def __init__(self, path: str, source: str) -> None:
        self._path = path
        self._name = path.removeprefix("src/").removesuffix(".py").replace("/", ".")
        self._source = source

    def find_spec(
        self, fullname: str, path: object = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Our own loader for that module, nothing for others."""
        if fullname != self._name:
            return None
        loader = _Loader(fullname, str(ROOT / self._path), self._source)
        return importlib.util.spec_from_file_location(fullname, ROOT / self._path, loader=loader)


class _Loader(importlib.machinery.SourceFileLoader):
    def __init__(self, fullname: str, path: str, source: str) -> None:
        super().__init__(fullname, path)
        self._mutated = source

    def get_code(self, fullname: str) -> CodeType:
        return compile(self._mutated, self.path, "exec", dont_inherit=True)
