"""The mirror, made by the program as operators run it."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.peers import programs


def mirror(home: Path, upstream: str, *arguments: str, settings: str = "") -> dict[str, Any]:
    """
    Mirror everything that *upstream* has into ``home/mirror``; the last event of the run.

    *settings* are more lines of the configuration, beginning with a section.
    """
    home.mkdir(parents=True, exist_ok=True)
    configuration = home / "bandersnatch.conf"
    configuration.write_text(
        f'[mirror]\ndirectory = "{home}/mirror"\nupstream = "{upstream}"\nreserve = "0"\n'
        f"[select]\neverything = true\n{settings}"
    )
    return ran(home, "-c", str(configuration), "mirror", *arguments)


def ran(home: Path, *arguments: str, env: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Run the program with ``--json``; it succeeds, and this is the last thing that it tells."""
    command = [sys.executable, "-m", "bandersnatch", *arguments, "--json"]
    done = programs.run(command, home, programs.environment(home) if env is None else env)
    assert done.returncode == 0, done.stdout + done.stderr
    finished: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert (finished["event"], finished["outcome"]) == ("finished", "clean"), done.stdout
    return finished


def tree(web: Path) -> dict[str, str]:
    """Every published object with its SHA-256."""
    return {
        path.relative_to(web).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(web.rglob("*"))
        if path.is_file()
    }


def page(web: Path, project: str) -> dict[str, Any]:
    """A project's page, the JSON form."""
    result: dict[str, Any] = json.loads((web / f"simple/{project}/index.v1_json").read_bytes())
    return result


def projects(web: Path) -> set[str]:
    """The folders of project pages."""
    return {path.name for path in (web / "simple").iterdir() if path.is_dir()}
