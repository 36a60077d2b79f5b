"""The two texts that are made from the table: the file of the first run, and the reference page."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from bandersnatch.config import reference, template
from bandersnatch.config.defaults import PYPI
from bandersnatch.config.load import load
from bandersnatch.config.options import OPTIONS, SECTIONS
from bandersnatch.config.write import literal
from tests.config.helpers import loaded

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "configuration.md"


def test_the_template_is_the_defaults(tmp_path: Path) -> None:
    """The file of the first run says nothing that is not the default, also with every key uncommented."""
    text = template.render()
    defaults = load(None, {}).config
    assert loaded(tmp_path, text).config == defaults
    live = "\n".join(line[1:] if line[:1] == "#" and line[1:2] not in ("", " ") else line for line in text.splitlines())
    got = loaded(tmp_path, live)
    assert got.config == defaults
    assert {origin.source for origin in got.origins.values()} == {"file"}


def test_the_template_has_every_key_and_begins_with_the_selection() -> None:
    """Each key is one commented line, each section is live, and what has to be changed comes first."""
    lines = template.render().splitlines()
    assert [line for line in lines if line.startswith("[")] == [f"[{section}]" for section in SECTIONS]
    keys = [line for line in lines if line.startswith("#") and not line.startswith("# ") and line != "#"]
    assert keys == [f"#{option.key} = {literal(option.default)}" for option in OPTIONS]
    assert next(line for line in lines if line.startswith("[")) == "[select]"
    assert max(map(len, lines)) <= template.WIDTH


def test_the_template_names_the_line_to_change(tmp_path: Path) -> None:
    """Who runs the untouched file is sent to the line of projects."""
    lines = template.render().splitlines()
    assert loaded(tmp_path, template.render()).selection_line == lines.index("#projects = []") + 1


def test_the_reference_page_is_up_to_date() -> None:
    """The page in the documentation is the one that the table makes; the command that writes it prints the same."""
    command = [sys.executable, "-m", "bandersnatch.config"]
    assert PAGE.read_text("utf-8") == reference.render(), f"write it anew: {' '.join(command[1:])} > {PAGE.name}"
    assert subprocess.run(command, capture_output=True, check=True).stdout.decode() == reference.render()


def test_the_reference_page_has_every_key_and_no_address_of_pypi() -> None:
    """Every key has its heading and variable; PyPI's address is spelt in one module only."""
    page = reference.render()
    assert [line[4:-1].removesuffix(".NAME") for line in page.splitlines() if line.startswith("## ")] == list(SECTIONS)
    for option in OPTIONS:
        assert f"### {option.key}\n" in page
        assert f"`{option.variable}`" in page
    assert PYPI not in page
