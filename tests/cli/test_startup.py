"""What a start loads: most of the time of a run without news would else go into what it never uses."""

from __future__ import annotations

import subprocess
import sys

from tests.cli.conftest import Program

NEVER_FOR_HELP = (
    "asyncio", "bandersnatch.errors", "dataclasses", "datetime", "decimal", "importlib.metadata", "json", "msgspec",
    "packaging", "pathlib", "pyreqwest", "rich", "shlex", "sqlite3", "ssl", "subprocess", "tempfile", "urllib",
)  # fmt: skip
NEVER_WITHOUT_NEWS = (
    "bandersnatch.accesslog", "bandersnatch.assemble.counting", "bandersnatch.assemble.dependencies",
    "bandersnatch.assemble.requirements", "bandersnatch.assemble.third_party", "bandersnatch.cli.logfile",
    "bandersnatch.closure", "bandersnatch.config.hooks", "bandersnatch.config.pypa", "bandersnatch.config.template",
    "bandersnatch.hooks.base", "bandersnatch.hooks.command", "bandersnatch.hooks.engine", "bandersnatch.hooks.url",
    "bandersnatch.inputs.advisories", "bandersnatch.inputs.files", "bandersnatch.inputs.locks", "bandersnatch.ledger",
    "bandersnatch.resolver", "bandersnatch.selection.advisories", "bandersnatch.selection.configured",
    "bandersnatch.selection.cooldown", "bandersnatch.selection.environments", "bandersnatch.selection.files",
    "bandersnatch.selection.metadata", "bandersnatch.selection.platform_rules", "bandersnatch.selection.releases",
    "bandersnatch.selection.usage", "bandersnatch.simple.anchors", "bandersnatch.simple.html",
    "bandersnatch.simple.legacy", "bandersnatch.simple.listing", "bandersnatch.simple.metadata", "bandersnatch.stats",
    "bandersnatch.storage.foreign", "bandersnatch.storage.glance", "bandersnatch.storage.helper",
    "bandersnatch.upkeep", "bandersnatch.upstream.changelog", "bandersnatch.upstream.sender", "bandersnatch.verify",
    "configparser", "csv", "difflib", "email", "html", "http", "importlib.metadata", "importlib.resources", "netrc",
    "packaging", "pickle", "rich", "tarfile", "tempfile", "urllib.request", "xmlrpc", "zipfile", "zoneinfo",
)  # fmt: skip


def test_help(program: Program) -> None:
    """Help takes argparse, with what it loads itself, and the commands' own words, nothing of what they do."""
    code = "import argparse, sys; argparse.ArgumentParser().format_help(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(loaded(program, NEVER_FOR_HELP, "--help")) <= set(done.stdout.split())


def test_a_run_without_news(program: Program) -> None:
    """A run that finds nothing new loads nothing that only news, or other configurations, need."""
    program.configure("[select]\neverything = true\n")
    assert program.run("mirror").returncode == 0
    assert not loaded(program, NEVER_WITHOUT_NEWS, "mirror")


def loaded(program: Program, names: tuple[str, ...], *arguments: str) -> list[str]:
    """Those of the modules *names*, and below them, that a process with *arguments* imports."""
    program.environment["PYTHONPROFILEIMPORTTIME"] = "1"
    result = program.run(*arguments)
    assert result.returncode == 0, result.stderr
    imported = {line.rpartition("|")[2].strip() for line in result.stderr.splitlines() if "import time:" in line}
    assert "bandersnatch.cli.main" in imported
    return sorted(one for one in imported if any(one == name or one.startswith(f"{name}.") for name in names))
