"""The file that the first run writes: every key with its documentation and its default, commented out."""

from __future__ import annotations

import textwrap

from bandersnatch.config.option import Option
from bandersnatch.config.options import NAMED, SECTIONS, of_section
from bandersnatch.config.write import literal

WIDTH = 100
"""Columns of a line of documentation."""

_GUIDE = """\
# The configuration of bandersnatch, a mirror of Python package indexes. The format is TOML.
#
# A line that begins with "#key = " shows a key and its default: take the "#" away to change it.
# To see whether the file is right, and what is in force:
#     bandersnatch config check
#     bandersnatch config show
"""


def render() -> str:
    """The file, in TOML; it says nothing that is not the default."""
    return "\n".join([_GUIDE, *(_section(section) for section in SECTIONS)])


def _section(section: str) -> str:
    entries = "\n".join(_entry(option) for option in of_section(section))
    return f"[{section}]\n{comment(SECTIONS[section])}{_of_named(section)}" + (f"\n{entries}" if entries else "")


def _of_named(section: str) -> str:
    """An example of a named table, which is no default and so stays a comment."""
    example = NAMED.get(section)
    return textwrap.indent(f"For example:\n{textwrap.indent(example, '    ')}", "# ") if example else ""


def _entry(option: Option) -> str:
    return f"{comment(option.doc)}{_example(option)}#{option.key} = {literal(option.default)}\n"


def _example(option: Option) -> str:
    """A line that shows how a value is written, where the default does not."""
    if option.default in ("", ()) or option.table:
        return f"# For example: {option.key} = {literal(option.example)}\n"
    return ""


def comment(text: str) -> str:
    """*text* as lines of comment, "# " before each."""
    return textwrap.fill(text, WIDTH, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False) + "\n"
