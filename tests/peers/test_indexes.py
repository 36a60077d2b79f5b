"""Index servers that people run, as upstreams: what they show is mirrored, all of it, and followed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bandersnatch.testing import Index
from tests.peers import mirrors, programs
from tests.peers.indexes import KINDS, Kind, Packages, Shown

pytestmark = [pytest.mark.peers, pytest.mark.timeout(300)]

NAMES = ["demo-app", "zope.dots", "solo"]
"""The projects, as an operator may write them."""


def file(project: str, version: str, kind: str, **facts: Any) -> tuple[str, str, bytes]:
    """A distribution file of a project: the arguments of ``Packages.put``."""
    made = Index().upload(project, version, kind, **facts)
    return made.project, made.filename, made.content


@dataclass
class Follower:
    """A mirror of an index, made and kept by the program as an operator runs it."""

    home: Path
    upstream: str
    everything: bool

    @property
    def web(self) -> Path:
        return self.home / "mirror/web"

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the program with the mirror's configuration."""
        self.home.mkdir(exist_ok=True)
        select = "everything = true" if self.everything else f"projects = {json.dumps(NAMES)}"
        (self.home / "mirror.conf").write_text(
            f'[mirror]\ndirectory = "{self.home}/mirror"\nupstream = "{self.upstream}"\nreserve = "0"\n'
            f"[select]\n{select}\n"
        )
        command = [sys.executable, "-m", "bandersnatch", "-c", str(self.home / "mirror.conf"), *arguments]
        return programs.run(command, self.home, programs.environment(self.home))

    def run(self, *arguments: str, code: int = 0) -> dict[str, Any]:
        """A run, which ends with *code*; its last event."""
        done = self.command("mirror", "--json", *arguments)
        assert done.returncode == code, done.stdout + done.stderr
        finished: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return finished

    def files(self) -> dict[str, dict[str, bytes]]:
        """What the pages link, by project and file name."""
        return {
            name: {
                entry["filename"]: (self.web / "simple" / name / entry["url"]).resolve().read_bytes()
                for entry in mirrors.page(self.web, name)["files"]
            }
            for name in mirrors.projects(self.web)
        }


def fill(packages: Packages) -> None:
    """Put in the first files."""
    packages.put(*file("Demo-App", "1.0", "wheel"))
    packages.put(*file("Demo-App", "1.0", "sdist"))
    packages.put(*file("Demo-App", "2.0", "wheel"))
    packages.put(*file("Zope.Dots", "1.0", "sdist"))
    packages.put(*file("Zope.Dots", "1.1", "wheel"))
    packages.put(*file("solo", "1.0", "wheel", padding=300_000))


def expected(packages: Packages) -> dict[str, dict[str, bytes]]:
    """What a mirror of it has."""
    return {
        project: {name: data for name, data in files.items() if not name.endswith(".hash")}
        for project, files in packages.files.items()
    }


@pytest.mark.parametrize("everything", [False, True], ids=["named", "everything"])
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{kind.name}, {kind.digest or 'no digest'}")
def test_index(kind: Kind, everything: bool, tmp_path: Path, tried: Callable[[str, str, str, str], None]) -> None:
    """
    A mirror of it has every file, bytes and all; a second run fetches nothing; what is added, deleted or replaced there
    is so here.
    """
    packages = Packages(tmp_path / "packages")
    fill(packages)
    (tmp_path / "index").mkdir()
    with kind.show(packages, tmp_path / "index") as shown:
        mirror = Follower(tmp_path / "home", shown.url, everything)
        if everything and not kind.lists:
            assert mirror.command("mirror").returncode in (1, 2, 3)
            what = "refused: it has no list of projects"
        else:
            follow(mirror, packages, shown, kind)
            what = "right" if kind.replaces else "right; the old bytes of a replaced file are refused"
    tried("Index servers", f"{kind.name}, {kind.digest or 'no digest'}", "everything" if everything else "named", what)


def follow(mirror: Follower, packages: Packages, shown: Shown, kind: Kind) -> None:
    """The life of a mirror."""
    assert mirror.run()["outcome"] == "clean"
    assert mirror.files() == expected(packages)
    assert mirror.run()["files"] == 0

    packages.put(*file("Demo-App", "3.0", "wheel"))
    shown.changed()
    assert mirror.run()["files"] == 1
    assert mirror.files() == expected(packages)

    packages.remove("demo-app", "demo_app-1.0.tar.gz")
    shown.changed()
    mirror.run()
    assert mirror.files() == expected(packages)

    packages.put(*file("solo", "1.0", "wheel", padding=300_001))
    shown.changed()
    if not kind.replaces:
        mirror.run(code=1)  # the page promises other bytes than come
        return
    # Where nothing on a page tells that the bytes are others, they come when they are asked for.
    mirror.run(*([] if kind.digest else ["--accept-changed", "solo"]))
    assert mirror.files() == expected(packages)
    for command in ("verify", "audit"):
        done = mirror.command(command)
        assert done.returncode == 0, done.stdout + done.stderr
