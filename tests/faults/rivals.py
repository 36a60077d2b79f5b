"""Two programs in the same trouble: this one and PyPA bandersnatch, each run as its operators run it.

Four things are counted that can be counted of any mirror from outside, in the same way for both.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path

from bandersnatch import testing
from bandersnatch.testing import Fault, UpstreamServer
from tests.faults import checker, scenario
from tests.faults.network import JSON
from tests.faults.scenario import OTHERS, TARGET
from tests.peers import programs

OURS, PYPA = "bandersnatch", "PyPA bandersnatch 8.2"

TOML = """\
[mirror]
directory = "{directory}"
upstream = "{url}"
reserve = "0"
[select]
everything = true
[upstream]
tries = 2
timeout = "2s"
"""

INI = """\
[mirror]
directory = {directory}
master = {url}
allow-non-https = true
json = true
release-files = true
simple-format = ALL
core-metadata = true
hash-index = false
workers = 3
timeout = 2
global-timeout = 20
stop-on-error = false
"""
"""The same mirror, with all that the other program can do."""


@dataclass
class Counts:
    """What went wrong, of a program in one or many scenarios."""

    broken_references: int = 0
    """Links on pages to what is not there, or has other bytes."""
    temporary_files: int = 0
    """Files that a run left and that are no part of a mirror."""
    false_successes: int = 0
    """Runs that ended with exit code 0 while something that upstream offers is not offered."""
    projects_starved: int = 0
    """Projects that are not up to date though nothing was wrong with them."""

    @property
    def all(self) -> dict[str, int]:
        return {one.name: getattr(self, one.name) for one in fields(self)}


@dataclass(frozen=True)
class Program:
    """How one of the two is run."""

    name: str
    command: tuple[str, ...]
    configuration: str

    def run(self, home: Path, url: str) -> int:
        """One run over the mirror in ``home/mirror``; the exit code, 124 for one that does not end in time."""
        written = home / "configuration"
        written.write_text(self.configuration.format(directory=home / "mirror", url=url))
        try:
            done = subprocess.run(
                [*self.command, "-c", str(written), "mirror"],
                cwd=home,
                env=programs.environment(home),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=60,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return 124
        return done.returncode


def both() -> tuple[Program, Program]:
    """The two programs; the other one is installed where that is possible."""
    other = programs.tool("pypa-bandersnatch") / "bandersnatch"
    return Program(OURS, (sys.executable, "-m", "bandersnatch"), TOML), Program(PYPA, (str(other),), INI)


# --- what is wrong -------------------------------------------------------------------------------------------------

PLACES = {
    "list": ("/simple/",),
    "page": (f"/simple/{TARGET}/", f"/pypi/{TARGET}/*"),
    "file": ("/packages/*/target-1.1-*.whl",),
}
"""Where the fault is, wherever a program looks: one reads a project's page, the other its older JSON."""

TROUBLES: dict[str, Fault] = {
    "not-found": testing.Status(404),
    "server-error": testing.Status(503),
    "too-many": testing.Status(429, 1),
    "truncated": testing.Cut(20),
    "longer-than-said": testing.WrongLength(-5),
    "reset": testing.Reset(10),
    "wrong-bytes": testing.Corrupt(),
    "half-open": testing.Stall(10),
    "redirect-loop": testing.Redirect("?again"),
    "garbage": testing.Raw(b"\x00\xff SSH-2.0-what\r\n\r\n"),
    "login-page": testing.Body(b"<html><body><a href='/login'>Log in</a></body></html>", "text/html"),
    "empty": testing.Body(b"", JSON),
}


@dataclass
class Race:
    """One upstream, and a mirror of each program that was up to date before upstream changed."""

    upstream: UpstreamServer
    folder: Path
    programs: tuple[Program, Program]
    starts: dict[str, Path]
    number: int = 0

    def scenario(self, program: Program, trouble: str, place: str) -> Counts:
        """What becomes of a mirror whose upstream has changed and has one fault, in two runs with a change between."""
        self.number += 1
        home = self.folder / f"scenario-{self.number}"
        shutil.copytree(self.starts[program.name], home, symlinks=True)
        for path in PLACES[place]:
            self.upstream.fault(path, TROUBLES[trouble], times=None)
        counts = Counts()
        try:
            self._run(program, home, place, counts)
            self.upstream.index.upload("same", f"2.{self.number}")
            self._run(program, home, place, counts)
        finally:
            self.upstream.clear_faults()
            shutil.rmtree(home)
        return counts

    def _run(self, program: Program, home: Path, place: str, counts: Counts) -> None:
        code = program.run(home, self.upstream.url)
        web = home / "mirror/web"
        lacking = {name for name in (TARGET, *OTHERS) if self._offered(name) - checker.linked(web, name)}
        counts.broken_references += len(checker.broken(web))
        counts.temporary_files += len(temporary(home / "mirror"))
        counts.false_successes += code == 0 and bool(lacking)
        # Without a list nobody can know what changed: then no project is starved by another's fault.
        counts.projects_starved += len(lacking - {TARGET}) if place != "list" else 0

    def _offered(self, name: str) -> set[str]:
        state = self.upstream.index.project(name)
        return {file.filename for file, _ in state.visible} if state else set()


def temporary(directory: Path) -> set[str]:
    """
    What is in a mirror's folder and is neither published nor what a program keeps of its state.

    Downloads that were cut off count unless the next run takes them up again.
    """
    kept = {".lock", "generation", "status", "todo"}
    hidden = {
        path
        for path in directory.rglob("*")
        if path.is_file() and (path.name.startswith(".") or path.name.startswith("tmp")) and path.name not in kept
    }
    return {str(path) for path in hidden | set((directory / "state/tmp").glob("*"))}


@contextmanager
def race(folder: Path) -> Iterator[Race]:
    """Both programs at the start, and the upstream changed."""
    with UpstreamServer() as upstream:
        scenario.before(upstream.index)
        both_programs, starts = both(), {}
        for number, program in enumerate(both_programs):
            home = folder / f"start-{number}"
            home.mkdir()
            code = program.run(home, upstream.url)
            assert code == 0, program.name
            starts[program.name] = home
        scenario.change(upstream.index)
        yield Race(upstream, folder, both_programs, starts)
