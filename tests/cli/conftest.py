"""The program as its users run it: a process of its own, in an environment of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bandersnatch.testing import UpstreamServer


@dataclass
class Program:
    """Runs ``bandersnatch`` below *home*, where it also finds its configuration, if there is one."""

    home: Path
    upstream: UpstreamServer
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def directory(self) -> Path:
        return self.home / "mirror"

    def configure(self, text: str) -> Path:
        """Write a configuration with *text* after what every test needs."""
        path = self.home / "bandersnatch.conf"
        common = f'[mirror]\ndirectory = "{self.directory}"\nupstream = "{self.upstream.url}"\nreserve = "0"\n'
        path.write_text(common + text)
        self.environment["BANDERSNATCH_CONFIG"] = str(path)
        return path

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Begin a process; the caller waits for it."""
        return subprocess.Popen(
            [sys.executable, "-m", "bandersnatch", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.home,
            env={"PATH": os.environ["PATH"], "HOME": str(self.home), "LANG": "C.UTF-8", **self.environment},
        )

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a process to its end."""
        process = self.start(*arguments)
        out, err = process.communicate(timeout=60)
        assert "Traceback" not in err, err
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    """The program, an upstream with three projects, and no configuration that selects anything."""
    with UpstreamServer() as upstream:
        for name in ("alpha", "beta", "gamma"):
            upstream.index.upload(name, "1.0")
            upstream.index.upload(name, "2.0")
        yield Program(tmp_path, upstream)
