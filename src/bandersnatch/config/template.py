"""The file that the first run writes: every key with its documentation and its default, commented out."""

from __future__ import annotations

import textwrap

from bandersnatch.config.option import Option
from bandersnatch.config.options import SECTIONS, of_section
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

_EXAMPLES = """\
# Some projects:          projects = ["six", "django>=5.2"]
# Everything on upstream: everything = true
"""


def render() -> str:
    """The file, in TOML; it says nothing that is not the default."""
    return "\n".join([_GUIDE, *(_section(section) for section in SECTIONS)])


def _section(section: str) -> str:
    examples = _EXAMPLES if section == "select" else ""
    entries = "\n".join(_entry(option) for option in of_section(section))
    return f"[{section}]\n{comment(SECTIONS[section])}{examples}\n{entries}"


def _entry(option: Option) -> str:
    return f"{comment(option.doc)}#{option.key} = {literal(option.default)}\n"


def comment(text: str) -> str:
    """*text* as lines of comment, "# " before each."""
    return textwrap.fill(text, WIDTH, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False) + "\n"
