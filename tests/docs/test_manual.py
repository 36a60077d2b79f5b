"""What the manual and the completion of every command have to have; that there are any, test_reference.py says."""

from __future__ import annotations

import argparse
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from functools import cache
from pathlib import Path

import pytest

from bandersnatch.cli.completion import DIRECTORIES, FILES, SHELLS, actions
from bandersnatch.cli.main import build_parser
from tests.docs.markdown import ROOT
from tests.docs.test_reference import MANUAL, PARSERS


def read(prog: str) -> str:
    """The manual page of *prog* as a reader sees it: roff's own signs undone, requests left out."""
    path = MANUAL / f"{prog.replace(' ', '-')}.1"
    assert path.exists(), f"{prog} has no manual page; write it: make docs"
    text = re.sub(r"^\.(?:SH|B|TP \d+|nf|fi|PP|nh|ad l|TH) ?", "", path.read_text("utf-8"), flags=re.M)
    for sign, letter in (("\\-", "-"), ("\\(aq", "'"), ("\\(ga", "`"), ("\\(ha", "^"), ("\\(ti", "~"), ("\\&", "")):
        text = text.replace(sign, letter)
    return text.replace("\\e", "\\")


# --- manual pages --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prog", PARSERS)
def test_page_is_complete(prog: str) -> None:
    """The page of a command has every option and argument of it with its help, its exit codes, and its commands."""
    page = " ".join(read(prog).split())
    for action in PARSERS[prog]._actions:
        for option in action.option_strings:
            assert re.search(rf"(?<![\w-]){re.escape(option)}\b", page), f"{prog} {option}"
        if action.help and action.dest != "help":
            assert " ".join(action.help.split()) in page, f"{prog} {action.dest}"
        if isinstance(action, argparse._SubParsersAction):
            assert all(f"{prog.replace(' ', '-')}-{name}(1)" in page for name in action.choices)
    for section in (PARSERS[prog].epilog or "").split("\n\n"):
        head, _, rest = section.strip().partition(":")
        assert f"{head.upper()} {' '.join(rest.split())}" in page


def test_pages_are_roff() -> None:
    """No line of a page is taken for a request that is none, and the tools that are here have no complaint."""
    pages = sorted(MANUAL.glob("*.1"))
    known = re.compile(r"\.(?:TH|SH|B|TP|PP|nf|fi|nh|ad) ?")
    for page in pages:
        lines = page.read_text("utf-8").splitlines()
        assert [line for line in lines if line[:1] in ".'" and line and not known.match(line)] == [], page.name
        assert all(line.isascii() for line in lines), page.name
    for tool in (["groff", "-man", "-ww", "-z", "-Tascii"], ["mandoc", "-T", "lint", "-W", "warning"]):
        if shutil.which(tool[0]):
            done = subprocess.run([*tool, *map(str, pages)], capture_output=True, text=True, check=False)
            assert _serious(done.stdout + done.stderr) == [], tool[0]


def _serious(complaints: str) -> list[str]:
    """Pages without a date are meant: one would change with every commit. So are choices that are one long word."""
    meant = ("missing date", "referenced manual", "can't break line")
    return [line for line in complaints.splitlines() if not any(one in line for one in meant)]


def test_wheel_brings_the_manual(tmp_path: Path) -> None:
    """The wheel installs every page to share/man, where man looks, and the documentation where --help says it is."""
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, check=True, cwd=ROOT, capture_output=True)
    [wheel] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        assert any(name.endswith("/data/share/doc/bandersnatch/README.md") for name in archive.namelist())
        pages = [name for name in archive.namelist() if "/data/share/man/man1/" in name]
        archive.extractall(tmp_path, pages)
    assert {Path(name).name for name in pages} == {path.name for path in MANUAL.iterdir()}
    [share] = tmp_path.glob("*.data/data/share/man")
    if shutil.which("man"):
        command = ["man", "-M", str(share), "bandersnatch-mirror"]
        shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        assert "--accept-removals" in shown


# --- exit codes, completion, examples ------------------------------------------------------------------------------


@cache
def script(shell: str) -> str:
    command = [sys.executable, "-m", "bandersnatch", "completion", shell]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("shell", SHELLS)
def test_completion_knows_every_command(shell: str) -> None:
    """Every command is completed in every shell, and every option but in tcsh, which has none of commands."""
    for prog, parser in PARSERS.items():
        assert prog.split()[-1] in script(shell), prog
        for action in parser._actions if shell != "tcsh" else ():
            for option in action.option_strings:
                assert option.lstrip("-") in script(shell), f"{prog} {option}"


def complete(line: str, folder: Path) -> set[str]:
    """What bash offers at the end of *line*."""
    words = line.split(" ")
    driver = (
        f"{script('bash')}\nCOMP_WORDS=({' '.join(map(shlex.quote, words))}); COMP_CWORD={len(words) - 1}; "
        f"COMP_LINE={shlex.quote(line)}; COMP_POINT={len(line)}\n"
        "_shtab_bandersnatch 2>/dev/null; printf '%s\\n' \"${COMPREPLY[@]}\"\n"
    )
    done = subprocess.run(["bash", "-c", driver], capture_output=True, text=True, check=False, cwd=folder)
    return {word.strip() for word in done.stdout.splitlines() if word.strip()}


def test_completion_in_a_shell(tmp_path: Path) -> None:
    """bash offers commands, options, choices, files and folders where each may stand."""
    (tmp_path / "mirror.conf").touch()
    (tmp_path / "folder").mkdir()
    assert {"mirror", "status", "config"} <= complete("bandersnatch ", tmp_path)
    assert complete("bandersnatch mirror --accept-r", tmp_path) == {"--accept-removals"}
    assert complete("bandersnatch completion ", tmp_path) >= set(SHELLS)
    assert complete("bandersnatch -c mir", tmp_path) == {"mirror.conf"}
    assert complete("bandersnatch config init mir", tmp_path) == {"mirror.conf"}
    assert complete("bandersnatch mirror --directory fol", tmp_path) == {"folder"}


def test_paths_are_completed() -> None:
    """Every value whose placeholder speaks of a file or a folder is one that shells complete as such."""
    speaking = re.compile(r"[A-Z-]*(?:FILE|DIR|DIRECTORY|FOLDER|PATH|ARCHIVE|LOG)S?")
    for prog, parser in PARSERS.items():
        for action in parser._actions:
            placeholder = action.metavar if isinstance(action.metavar, str) else ""
            if speaking.fullmatch(placeholder):
                told = f"{prog}: {placeholder} is not in completion.FILES or DIRECTORIES"
                assert placeholder in (*FILES, *DIRECTORIES), told
    assert any(action.metavar in FILES for action in actions(build_parser()))
