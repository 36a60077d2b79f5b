"""What is around the code: dependencies, exceptions to rules, decisions, the way to a first test."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "bandersnatch"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
OUTPUT = {"mirror", "pypi", "dist", "htmlcov", "__pycache__"}
"""Folders that are made, not written."""


def dependencies(*extras: str) -> set[str]:
    """The normalised names that pyproject.toml declares, for running and for *extras*."""
    project = PROJECT["project"]
    lines = [*project["dependencies"], *(line for extra in extras for line in project["optional-dependencies"][extra])]
    names: set[str] = {canonicalize_name(Requirement(line).name) for line in lines}
    return names - {"bandersnatch"}


def imports(path: Path) -> set[str]:
    """The libraries that a module imports, by their first name."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
    return {name.partition(".")[0] for name in names} - sys.stdlib_module_names - {"bandersnatch", "_typeshed"}


def modules(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*.py")) if not OUTPUT & set(path.parts))


def written_files() -> Iterator[Path]:
    """Every text that people wrote here; nothing that was installed, cached or mirrored."""
    for folder, folders, files in os.walk(ROOT):
        if "pyvenv.cfg" in files:  # somebody's own virtual environment
            folders.clear()
            continue
        folders[:] = [name for name in folders if name == ".ci" or not (name.startswith(".") or name in OUTPUT)]
        yield from (Path(folder, name) for name in files if not name.startswith(".coverage") and name != ".git")


# --- dependencies --------------------------------------------------------------------------------------------------


def test_runtime_imports() -> None:
    """The product imports exactly what it and its extras declare; the fake index may use an extra of its own."""
    product = {name for path in modules(SOURCE) if SOURCE / "testing" not in path.parents for name in imports(path)}
    fake = {name for path in modules(SOURCE / "testing") for name in imports(path)}
    assert product == dependencies("closure", "zstd")
    assert fake - dependencies() == dependencies("testing") - dependencies()


def test_every_dependency_has_a_reason() -> None:
    """docs/dependencies.md has a line for each direct dependency, and for no other."""
    page = (ROOT / "docs" / "dependencies.md").read_text("utf-8")
    assert set(re.findall(r"^\| `([^`]+)` \|", page, re.M)) == dependencies("closure", "fuzz", "testing", "zstd", "dev")


def test_every_dependency_is_pinned() -> None:
    """constraints.txt has one version of each direct dependency, each line with digests, and names no place."""
    text = (ROOT / "constraints.txt").read_text("utf-8")
    pins = re.findall(r"^([a-z0-9-]+)==\S+.*\\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", text, re.M)
    assert dependencies("closure", "fuzz", "testing", "zstd", "dev") <= {name for name, _ in pins}
    assert len(pins) == len(re.findall(r"^\S+==", text, re.M))
    assert "://" not in text


# --- exceptions ----------------------------------------------------------------------------------------------------


def test_every_exception_has_a_reason() -> None:
    """Whoever silences a tool on a line says why on that line."""
    silenced = re.compile(r"#\s*(?:noqa|type:\s*ignore|pragma:\s*no)\b(.*)")
    bare = [
        f"{path.relative_to(ROOT)}:{number}"
        for folder in ("src", "tests", "bench")
        for path in modules(ROOT / folder)
        if path != Path(__file__)
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if (found := silenced.search(line)) and "# " not in found[1]
    ]
    assert bare == []


def test_every_ignored_rule_has_a_reason() -> None:
    """Each code of ruff that pyproject.toml switches off has a comment beside it."""
    lines = (ROOT / "pyproject.toml").read_text("utf-8").splitlines()
    codes = [line for line in lines if re.match(r'\s+"[A-Z]+[0-9]*",\s*(#|$)', line)]
    lint = PROJECT["tool"]["ruff"]["lint"]
    assert len(codes) == len(lint["ignore"]) + sum(map(len, lint["per-file-ignores"].values()))
    assert [line for line in codes if not re.search(r"# .{5,}", line)] == []


def test_every_test_has_its_requirement() -> None:
    """The docstring of each test says what it checks."""
    silent = [
        f"{path.relative_to(ROOT)}::{node.name}"
        for path in modules(ROOT / "tests")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and not ast.get_docstring(node)
    ]
    assert silent == []


# --- texts ---------------------------------------------------------------------------------------------------------


def test_the_registry_is_named_once() -> None:
    """The host of PyPI stands in one place, the default of the configuration: nothing else asks it by accident."""
    hosts = re.compile(b"|".join((b"py" + rb"pi[.]org", b"python" + rb"hosted[.]org")))
    named = {path.relative_to(ROOT).as_posix() for path in written_files() if hosts.search(path.read_bytes())}
    assert named <= {"src/bandersnatch/config/defaults.py"}


def test_decisions_are_listed_and_have_one_form() -> None:
    """docs/adr has consecutive numbers, the headings of its first page, and a table of all of them."""
    folder = ROOT / "docs" / "adr"
    pages = sorted(folder.glob("[0-9]*.md"))
    table = (folder / "README.md").read_text("utf-8")
    for number, page in enumerate(pages, 1):
        text = page.read_text("utf-8")
        title = text.splitlines()[0]
        assert page.name.startswith(f"{number:04}-")
        assert title.startswith(f"# {number}. ")
        assert re.findall(r"^## (.+)$", text, re.M) == ["Context", "Decision", "Considered", "Consequences"]
        assert f"| [{number:04}]({page.name}) | {title.partition('. ')[2]} |" in table
    assert table.count("| [") == len(pages)


def test_links_between_pages() -> None:
    """No page links to a file that is not there."""
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
        for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text("utf-8"))
        if not (page.parent / target).exists()
    ]
    assert broken == []


def test_make_lists_its_targets() -> None:
    """Every target that can be asked for has its line of help, and CONTRIBUTING.md invents none."""
    text = (ROOT / "Makefile").read_text("utf-8")
    offered = set(re.findall(r"^([a-z-]+):.*## .", text, re.M))
    assert offered == set(re.findall(r"^\.PHONY: (.+)$", text, re.M))
    told = re.findall(r"`make ([a-z -]+)", (ROOT / "CONTRIBUTING.md").read_text("utf-8"))
    assert {target for words in told for target in words.split()} <= offered


def test_make_mirror_can_resolve() -> None:
    """What ``make mirror`` installs has uv, so that closures work."""
    recipe = (ROOT / "Makefile").read_text("utf-8").split("\n.venv/.runtime:")[1].split("\n\n")[0]
    assert "--extra closure" in recipe


# --- finding a Python ----------------------------------------------------------------------------------------------

OLD = "echo 'it is Python 3.9'; exit 1"
BARE = "echo 'it has no venv: apt-get install python3-venv (or python3.11-venv)'; exit 1"
SHIM = "echo 'command not found' >&2; exit 127"
GOOD = "echo /opt/good/python"


def ask(wanted: str, path: str) -> subprocess.CompletedProcess[str]:
    """What find-python answers where *path* is the PATH."""
    command = ["/bin/sh", str(ROOT / "tools" / "find-python"), wanted]
    return subprocess.run(command, env={"PATH": path}, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("pythons", "wanted", "answer"),
    [
        ({"python3.12": GOOD}, "", "/opt/good/python"),
        ({"python3.13": SHIM, "python3.12": BARE, "python3.11": GOOD}, "", "/opt/good/python"),
        ({"python3": OLD, "mine": GOOD}, "mine", "/opt/good/python"),
        ({}, "", "no Python was found: install Python 3.11 or newer"),
        ({"python3.13": SHIM}, "", "no Python was found: install Python 3.11 or newer"),
        ({"python3.13": SHIM, "python3": OLD}, "", "it is Python 3.9, and 3.11 or newer is needed"),
        ({"python3": BARE}, "", "apt-get install python3-venv"),
        ({"python3": GOOD}, "mine", "mine cannot be run"),
        ({"python3": GOOD, "mine": SHIM}, "mine", "mine cannot be run: command not found"),
    ],
)
def test_finding_a_python(tmp_path: Path, pythons: dict[str, str], wanted: str, answer: str) -> None:
    """The first Python that works is taken, shims without a Python are passed over, and what is missing is said."""
    for name, does in pythons.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{does}\n")
        (tmp_path / name).chmod(0o755)
    (tmp_path / "tail").symlink_to("/usr/bin/tail")
    found = ask(wanted, str(tmp_path))
    assert found.returncode == (0 if answer.startswith("/") else 1)
    assert answer in (found.stdout or found.stderr)


def test_this_python_is_found() -> None:
    """The question that find-python asks is one that a real Python answers with its own path."""
    found = ask(sys.executable, os.defpath)
    assert found.stdout.strip() == sys.executable or "it has no venv" in found.stderr
