"""Readers of a mirror that is written, cut off and written again: never a broken link."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bandersnatch.testing import Corrupt, Cut, Fault, Index, Reset, Status, UpstreamServer
from tests.faults.counting import Count
from tests.faults.readers import Poller, Seen, reading
from tests.peers import programs, servers

CHECKS = 100_000
MOST = 420.0
"""Seconds, on a machine that is slow."""

NAMES = [f"project-{number}" for number in range(12)]
STEADY = "steady"
FAULTS: list[Fault] = [Status(503), Status(404), Corrupt(), Reset(10), Cut(10), Status(429, 0)]

CONFIGURATION = """\
[mirror]
directory = "{home}/mirror"
upstream = "{url}"
reserve = "0"
[select]
everything = true
[upstream]
tries = 1
"""


def change(index: Index, random: random.Random, number: int) -> None:
    """One change of many kinds."""
    name = random.choice(NAMES)
    state = index.project(name)
    files = [file for file, _ in state.visible] if state else []
    match random.randrange(6):
        case 0 if files:
            index.remove_file(random.choice(files).filename)
        case 1 if files:
            index.yank(name, random.choice(files).version, "why not")
        case 2 if state:
            index.remove_project(name)
        case 3:
            index.upload(STEADY, f"1.{number}")
        case _:
            index.upload(name, f"1.{number}", kind=random.choice(["wheel", "sdist"]))


class Runs:
    """Runs of the program, of which some are killed; upstream changes and fails meanwhile."""

    def __init__(self, upstream: UpstreamServer, home: Path, seed: int) -> None:
        self.upstream, self.home = upstream, home
        self.random = random.Random(seed)
        self.kills = self.runs = self.faults = self.changes = 0
        (home / "configuration").write_text(CONFIGURATION.format(home=home, url=upstream.url))

    def once(self) -> None:
        """Change upstream, order a fault, run, and perhaps kill."""
        for _ in range(self.random.randrange(1, 5)):
            self.changes += 1
            change(self.upstream.index, self.random, 10 + self.changes)
        self.upstream.clear_faults()
        if self.random.random() < 0.7:
            self.faults += 1
            path = self.random.choice(["/packages/*", "/simple/?*", "/simple/", "*.metadata"])
            self.upstream.fault(path, self.random.choice(FAULTS), times=self.random.randrange(1, 6))
        self.run(kill_after=self.random.uniform(0.2, 1.2) if self.random.random() < 0.5 else None)

    def run(self, kill_after: float | None = None) -> None:
        """One run, killed after some seconds if it still runs then."""
        self.runs += 1
        command = [sys.executable, "-m", "bandersnatch", "-c", str(self.home / "configuration"), "mirror", "-q"]
        process = subprocess.Popen(
            command,
            cwd=self.home,
            env=programs.environment(self.home),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            process.wait(60 if kill_after is None else kill_after)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            self.kills += 1
            assert kill_after is not None, "a run did not end"


def installer(home: Path, site: str, *command: str) -> Callable[[], str | None]:
    """One installation by a real program, into a folder of its own."""

    def install() -> str | None:
        target = home / "target"
        home.mkdir(exist_ok=True)
        options = ("--no-deps", "--target", str(target), "--index-url", f"{site}/simple/", STEADY)
        done = programs.run([*command, *options], home, programs.environment(home))
        shutil.rmtree(target, ignore_errors=True)
        return None if done.returncode == 0 else f"{command[0]}: {done.stdout}{done.stderr}"

    return install


@pytest.mark.faults
def test_readers_of_a_mirror_in_trouble(tmp_path: Path, count: Count) -> None:
    """Pollers, pip and uv read through nginx, while runs fail, are killed, and follow an upstream that changes."""
    uv = (programs.find("uv"), "pip", "install", "--no-cache", "--quiet", "--python", sys.executable)
    pip = (sys.executable, "-m", "pip", "install", "--no-cache-dir", "--quiet", "--disable-pip-version-check")
    seen = Seen()
    with UpstreamServer() as upstream:
        for name in (STEADY, *NAMES):
            for version in range(6):
                upstream.index.upload(name, f"0.{version}")
        runs = Runs(upstream, tmp_path, seed=5)
        runs.run()
        with servers.nginx(tmp_path / "mirror/web", tmp_path / "nginx", servers.documented_nginx()) as site:
            loops = [installer(tmp_path / "uv", site.url, *uv), installer(tmp_path / "pip", site.url, *pip)]
            ends = time.monotonic() + MOST
            with reading(site.url, seen, loops):
                while seen.checks < CHECKS and time.monotonic() < ends:
                    runs.once()
    count(
        "readers",
        cells=runs.runs,
        violations=len(seen.wrong),
        checks=seen.checks,
        installs=seen.installs,
        kills=runs.kills,
        faults=runs.faults,
        changes=runs.changes,
    )
    assert seen.wrong == []
    assert min(seen.installs, runs.kills, runs.faults) > 0


def test_readers_find_what_is_wrong() -> None:
    """A reader notices a file that is not there, other bytes, and a listed project without a page."""
    with UpstreamServer() as upstream:
        file = upstream.index.upload("beta", "1.0")
        seen = Seen()
        poller = Poller(upstream.url, seen)
        for path, fault in ((file.path, Status(404)), (file.path, Corrupt()), ("/simple/beta/", Status(404))):
            poller.round(lambda: False)
            upstream.fault(path, fault)
            before = len(seen.wrong)
            poller.round(lambda: False)
            assert len(seen.wrong) == before + 1
        poller.close()
    assert seen.checks > len(seen.wrong) == 3
