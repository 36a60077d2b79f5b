"""The reference: complete, up to date, and true."""

from __future__ import annotations

import argparse
import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bandersnatch.cli import exits
from bandersnatch.cli.main import build_parser
from bandersnatch.config.options import OPTIONS
from bandersnatch.hooks.base import VARIABLES, Occasion
from bandersnatch.sync import events
from bandersnatch.testing import UpstreamServer
from tests.docs.markdown import PAGES, ROOT, anchors, blocks, name, prose

REFERENCE = ROOT / "docs" / "reference"
ABSENT = {"serve", "bundle", "sync", "diff"}
"""Commands that there are not, and that nobody shall be told to use."""

PYPROJECT = {"project.dependencies", "build-system.requires"}
"""Keys of pyproject.toml that pages speak of."""


def parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for child in action.choices.values():
                yield from parsers(child)


def made(page: str) -> str:
    """What the generator prints."""
    command = [sys.executable, str(ROOT / "tools" / "reference.py"), page]
    return subprocess.run(command, capture_output=True, check=True, cwd=ROOT).stdout.decode()


@pytest.mark.parametrize("page", ["command-line", "json-events"])
def test_made_pages_are_up_to_date(page: str) -> None:
    """The pages that are made from the code are those that it makes now."""
    assert (REFERENCE / f"{page}.md").read_text("utf-8") == made(page), "write it anew: make docs"


def test_every_command_and_option() -> None:
    """Every command has its heading, and below it every one of its options and arguments."""
    page = (REFERENCE / "command-line.md").read_text("utf-8")
    for parser in parsers(build_parser()):
        assert f"\n## {parser.prog}\n" in page
        section = page.split(f"\n## {parser.prog}\n")[1].split("\n## ")[0]
        for action in parser._actions:
            for option in action.option_strings:
                assert action.dest == "help" or re.search(rf"`[^`]*{option}\b[^`]*`", section), (parser.prog, option)


def test_every_option_that_a_page_names() -> None:
    """No page speaks of a command or an option of ours that there is not."""
    known = {
        option for parser in parsers(build_parser()) for action in parser._actions for option in action.option_strings
    }
    commands = {parser.prog.split()[1] for parser in parsers(build_parser()) if " " in parser.prog}
    for page in PAGES:
        for line in re.findall(r"`(bandersnatch [^`]+)`", prose(page)):
            words = line.split()
            options = {word for word in words if word.startswith("--")}
            assert options <= known, f"{name(page)}: {line}"
            assert set(words) & commands or options & {"--help", "--version"}, f"{name(page)}: {line}"
            assert not set(words) & ABSENT, f"{name(page)}: {line}"


def test_every_key_of_the_configuration() -> None:
    """Every key is in the reference; no page names a key that there is not."""
    page = (REFERENCE / "configuration.md").read_text("utf-8")
    assert all(f"### {option.key}\n" in page for option in OPTIONS)
    known = {option.name for option in OPTIONS} | PYPROJECT
    for other in PAGES:
        for section, key in re.findall(r"`\[([\w-]+)\] ([a-z][a-z-]*)", prose(other)):
            assert f"{section}.{key}" in known, f"{name(other)}: [{section}] {key}"


def test_every_variable() -> None:
    """No page names an environment variable of ours that there is not."""
    known = {option.variable for option in OPTIONS} | {"BANDERSNATCH_CONFIG"} | VARIABLES.keys()
    for page in PAGES:
        named = set(re.findall(r"\bBANDERSNATCH_[A-Z_]+", page.read_text("utf-8")))
        assert named <= known, name(page)


def test_every_variable_and_occasion_of_hooks() -> None:
    """What a hook finds in its environment, and when it is called, stands in the page about hooks, and no more."""
    page = (ROOT / "docs/how-to/hooks.md").read_text("utf-8")
    assert dict(re.findall(r"^\| `(BANDERSNATCH_HOOK\w*)` \| (.+) \|$", page, re.M)) == VARIABLES
    told = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", page.split("## Occasions")[1].split("\n## ")[0], re.M)
    assert {word for row in told for word in re.findall(r"\w+", row)} == set(Occasion)


def test_every_exit_code() -> None:
    """Every code that the program can exit with stands in the reference, in the help and on the front page."""
    codes = {
        exits.CLEAN,
        exits.BEHIND,
        exits.USAGE,
        exits.REFUSED,
        exits.DISK,
        exits.LOCKED,
        *exits.OF_OUTCOME.values(),
    }
    module = ast.parse(Path(exits.__file__).read_text("utf-8"))
    constants = {
        node.value.value
        for node in ast.walk(module)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
    }
    assert {code for code in constants if isinstance(code, int)} == codes | {exits.SIGNAL}
    for page in (REFERENCE / "exit-codes.md", ROOT / "README.md"):
        rows = re.findall(r"^\| ([\d, ]+|128 \+ signal) \|", page.read_text("utf-8"), re.M)
        told = {int(number) for row in rows for number in re.findall(r"\d+", row)}
        assert codes <= told, name(page)
    assert "130 after" in (REFERENCE / "exit-codes.md").read_text("utf-8")
    assert all(re.search(rf"^  {code}\b", build_parser().format_help(), re.M) for code in codes)


def test_every_exit_code_of_every_command() -> None:
    """What a command's help says that it exits with, its line in the table of exit codes says as well; 70 is of all."""
    page = (REFERENCE / "exit-codes.md").read_text("utf-8").split("## The other commands")[1]
    rows = dict.fromkeys(re.findall(r"^\| (`.+?) \| (.+) \|$", page, re.M))
    told = {word: set(re.findall(r"(?:^|[;.:] )(\d+)\b", codes)) for names, codes in rows for word in names.split(", ")}
    for parser in parsers(build_parser()):
        command = parser.prog.partition(" ")[2]
        if command and command != "mirror" and not any(True for child in parsers(parser) if child is not parser):
            codes = set(re.findall(r"(?:^  |status: |, )(\d+)\b", parser.epilog or "", re.M))
            if codes & {"130", "143"}:
                codes = codes - {"130", "143"} | {"128"}
            assert told[f"`{command}`"] | {"70"} == codes, command


def test_every_event(tmp_path: Path) -> None:
    """What a run prints with --json are events of the page, each with the fields of the page."""
    page = (REFERENCE / "json-events.md").read_text("utf-8")
    with UpstreamServer() as upstream:
        upstream.index.upload("six", "1.0")
        upstream.index.create("empty")
        command = [sys.executable, "-m", "bandersnatch", "mirror", "--json", "--directory", str(tmp_path / "mirror")]
        done = subprocess.run(
            [*command, "--upstream", upstream.url, "six", "missing"], capture_output=True, text=True, check=False
        )
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert {"started", "refreshed", "fell-behind", "finished"} <= {one["event"] for one in told}
    for one in told:
        section = page.split(f"\n## {one['event']}\n")[1].split("\n## ")[0]
        assert {"event", "time", *re.findall(r"^\| `(\w+)` \|", section, re.M)} == set(one)


def test_every_kind_of_event() -> None:
    """Every event has its section, but the bytes of single files, which are not printed."""
    headings = anchors(REFERENCE / "json-events.md") - {"json-events"}
    kinds = {re.sub(r"(?<!^)(?=[A-Z])", "-", kind.__name__).lower() for kind in events.Event.__subclasses__()}
    assert headings == kinds - {"progressed"}


# --- what every command has to have -------------------------------------------------------------------------------

MANUAL = ROOT / "docs" / "man"
PARSERS = {parser.prog: parser for parser in parsers(build_parser())}
LEAVES = {
    prog: parser
    for prog, parser in PARSERS.items()
    if not any(isinstance(one, argparse._SubParsersAction) for one in parser._actions)
}
"""The commands that do something, and not only have others."""


def test_manual_is_up_to_date(tmp_path: Path) -> None:
    """The manual is the one that the argument parser makes now, and has no page too many."""
    subprocess.run([sys.executable, str(ROOT / "tools/manual.py"), str(tmp_path)], check=True, cwd=ROOT)
    made = {path.name: path.read_text("utf-8") for path in tmp_path.iterdir()}
    there = {path.name: path.read_text("utf-8") for path in MANUAL.iterdir()}
    assert there == made, "write it anew: make docs"


@pytest.mark.parametrize("prog", PARSERS)
def test_exit_codes(prog: str) -> None:
    """The help of every command ends in its exit codes."""
    epilog = PARSERS[prog].epilog or ""
    assert "exit status:" in epilog, f'{prog}: give its parser an epilog with "exit status:"'
    assert re.search(r"\b0\b", epilog.partition("exit status:")[2]), f"{prog}: what does 0 mean?"


def _executed() -> Iterator[list[str]]:
    """The words of each of our commands in a block of the documentation that a test runs."""
    for page in PAGES:
        for block in blocks(page, "console", "sh", "bash", "shell"):
            for command, _ in block.steps if block.not_run is None else ():
                for part in re.split(r"[\n;|&]+|\bdo\b|\bthen\b", command):
                    words = part.split()
                    ours = next((at for at, word in enumerate(words) if re.search(r"(^|/)bandersnatch$", word)), None)
                    if ours is not None:
                        yield words[ours + 1 :]


def _is_example(words: list[str], path: list[str]) -> bool:
    """Whether *words* call the command at *path*; options of those above may stand between."""
    if not path:
        return True
    return path[0] in words and _is_example(words[words.index(path[0]) + 1 :], path[1:])


@pytest.mark.parametrize("prog", LEAVES)
def test_example(prog: str) -> None:
    """Every command stands in a console block of docs/ that a test runs."""
    path = prog.split()[1:]
    assert any(_is_example(words, path) for words in _executed()), (
        f"{prog}: no console block of docs/ that is run has it; write an example"
    )
