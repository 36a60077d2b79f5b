"""pyproject.toml and the heads of scripts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.inputs.sheets import lines, read, refused, texts, warned

PYPROJECT = """\
[build-system]
requires = ["hatchling>=1"]

[project]
name = "Demo.App"
dependencies = [
    "six",
    "idna>=3 ; python_version < \\"3.12\\"",
]

[project.optional-dependencies]
Web_UI = ['flask[async]']
all = ["demo-app[web.ui]", "rich; extra == 'x'"]

[dependency-groups]
test = ["pytest", {include-group = "Base"}]
base = ["coverage"]
docs = ["demo_app[all]", "sphinx"]
"""

IDNA = 'idna>=3; python_version < "3.12"'


@pytest.mark.parametrize(
    ("select", "wanted"),
    [
        ("", {"six", IDNA, "hatchling>=1", "flask[async]", "rich", "pytest", "coverage", "sphinx"}),
        ("dependencies", {"six", IDNA}),
        ("build", {"hatchling>=1"}),
        ("extra:web-ui", {"flask[async]"}),
        ("extra:WEB.ui", {"flask[async]"}),
        ("extra:all", {"flask[async]", "rich"}),
        ("group:base", {"coverage"}),
        ("group:test", {"pytest", "coverage"}),
        ("group:docs", {"sphinx", "flask[async]", "rich"}),
        ("build, group:base", {"hatchling>=1", "coverage"}),
    ],
)
def test_parts(select: str, wanted: set[str], tmp_path: Path) -> None:
    """Each part has what it lists, the groups that it includes, and the project's own extras that it names."""
    found = read(tmp_path, "pyproject.toml", PYPROJECT, select)
    assert (set(texts(found)), found.warnings) == (wanted, ())


def test_lines(tmp_path: Path) -> None:
    """Each requirement has its line, escaped quotes or not."""
    found = read(tmp_path, "pyproject.toml", PYPROJECT)
    assert {one.text: one.line for one in found.items} == {
        "hatchling>=1": 2, "six": 7, IDNA: 8, "flask[async]": 12, "rich": 13,
        "pytest": 16, "coverage": 17, "sphinx": 18,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        ('[project]\ndynamic = ["dependencies", "version"]', "the build backend makes the dependencies"),
        ('[project]\nname = "a"\ndependencies = ["a[b]"]', "wants this project's extra:b"),
        ('[project]\ndependencies = ["a @ https://example.org/a.whl"]', "a comes from a URL"),
        ("[tool.poetry.dependencies]\nsix = '*'", "names no project"),
        ("", "names no project"),
    ],
)
def test_passed_over(text: str, warning: str, tmp_path: Path) -> None:
    """What cannot be read here is a warning; tables of tools are not looked at."""
    found = read(tmp_path, "pyproject.toml", text)
    assert warning in "\n".join(warned(found))
    assert found.items == ()


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ('[project]\ndependencies = ["six", "b@d one"]', "'b@d one' is not a requirement", 2),
        ('[project]\ndependencies = "six"', "Expected `array`", None),
        ("[project]\n= 1", "is not TOML", 2),
        ("[project", "is not TOML", 1),
        ("[dependency-groups]\na = [{include-group = 'b'}]", "group:b is included, and is not in this file", None),
        ("[dependency-groups]\na = [{include-group = 'a'}]", "dependency groups include each other", None),
        ("[dependency-groups]\na = [{other = 'b'}]", "[dependency-groups]: Invalid dependency group item", None),
        ("[dependency-groups]\na = 'six'", "contained a string", None),
        ("[dependency-groups]\na-b = []\nA_B = []", "Duplicate dependency group names", None),
        (f'[dependency-groups]\na = ["six; {"(" * 3000}"]', "nested", None),
        (f'[project]\ndependencies = ["six; {"(" * 3000}"]', "nested", 2),
        ("a = " + "[" * 20_000, "is nested too deeply", None),
        ("a = " + "1" * 20_000, "is not as its format has it", None),
    ],
)
def test_refused(text: str, message: str, line: int | None, tmp_path: Path) -> None:
    """What is wrong is told, with the line where it is known."""
    [problem] = refused(tmp_path, "pyproject.toml", text)
    assert message in problem.message
    assert problem.line == line


def test_groups_that_include_each_other_a_lot(tmp_path: Path) -> None:
    """Groups that include the one before twice, and are many, are read in no time: each part counts once."""
    chain = "".join(
        f'g{n} = [{{include-group = "g{n - 1}"}}, {{include-group = "g{n - 1}"}}]\n' for n in range(1, 3000)
    )
    found = read(tmp_path, "pyproject.toml", f'[dependency-groups]\ng0 = ["six"]\n{chain}', "group:g2999")
    assert texts(found) == ["six"]


def test_parts_that_are_not_there(tmp_path: Path) -> None:
    """A part that the file has not is a problem that names those it has; other files have no parts."""
    problems = refused(tmp_path, "pyproject.toml", PYPROJECT, "extra:no, group:web-ui")
    assert [problem.message.partition(" ")[0] for problem in problems] == ["'extra:no'", "'group:web-ui'"]
    assert "extra:web-ui, extra:all, group:test" in problems[0].message
    [problem] = refused(tmp_path, "requirements.txt", "six", "build")
    assert "only a pyproject.toml has parts" in problem.message


# --- scripts -------------------------------------------------------------------------------------------------------

HEAD = '# /// script\n# requires-python = ">=3.11"\n# dependencies = [\n#   "six<2",\n#\n#   "rich",\n# ]\n# ///\n'


@pytest.mark.parametrize("name", ["run.py", "run"])
def test_script(name: str, tmp_path: Path) -> None:
    """The block of a script is read, by the file's ending or by the block itself; lines are the script's."""
    found = read(tmp_path, name, f"#!/usr/bin/env python\n{HEAD}import six\n# /// other\n# x\n# ///\n")
    assert (texts(found), lines(found)) == (["six<2", "rich"], [5, 7])


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("import six\n", "has no block", None),
        ("# /// script\n# dependencies = []\n\n# ///\n", "has no block", None),
        (f"{HEAD}\n{HEAD}", "has more than one block", None),
        ("\n# /// script\n# dependencies = [=]\n# ///\n", "is not TOML", 3),
        ('# /// script\n# dependencies = ["six", "no such"]\n# ///\n', "'no such' is not a requirement", 2),
    ],
)
def test_script_refused(text: str, message: str, line: int | None, tmp_path: Path) -> None:
    """A script without exactly one block, or with one that cannot be read, is refused."""
    [problem] = refused(tmp_path, "run.py", text)
    assert message in problem.message
    assert problem.line == line


def test_the_last_end_of_a_block_counts(tmp_path: Path) -> None:
    """As PEP 723 has it, a block ends at the last end mark of its comment."""
    text = '# /// script\n# dependencies = ["six"]\n# x = """\n# ///\n# """\n# ///\nimport six\n'
    assert texts(read(tmp_path, "run.py", text)) == ["six"]
