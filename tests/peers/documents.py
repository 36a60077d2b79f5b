"""The configurations of ``docs/how-to``, taken from the pages themselves: what is tested is what operators read."""

from __future__ import annotations

import re
from pathlib import Path

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to"


def blocks(page: str, language: str) -> list[str]:
    """The fenced blocks in *language* of a page, in their order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", (HOW_TO / page).read_text("utf-8"), re.M | re.S)


def fill(text: str, *changes: tuple[str, str]) -> str:
    """*text* with what an operator has to change: each first string stands in it exactly once."""
    for old, new in changes:
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in the page"
        text = text.replace(old, new)
    return text


def client(name: str, index: str) -> str:
    """What the page on clients tells one called *name* to write, for the mirror at *index*."""
    [block] = blocks("clients.md", name)
    return fill(block, ("https://pypi.example.org/simple/", index))
