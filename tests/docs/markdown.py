"""Pages taken apart: their fenced blocks, and whether and how a block is to be run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])

_BLOCK = re.compile(r"(?:^<!-- not run: (?P<reason>.+?) -->\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.M | re.S)


@dataclass(frozen=True)
class Block:
    """One fenced block of a page."""

    page: str
    """Its path below the checkout."""
    line: int
    language: str
    text: str
    not_run: str | None
    """The reason that the page gives, in a comment above the block."""

    @property
    def steps(self) -> list[tuple[str, str]]:
        """Each command of a ``console`` block, with what the page says that it prints."""
        steps: list[tuple[str, str]] = []
        for line in self.text.splitlines():
            if line.startswith(("$ ", "# ")):
                steps.append((line[2:], ""))
            elif line.startswith(">") and not steps[-1][1]:
                steps[-1] = (f"{steps[-1][0]}\n{line[2:]}", "")
            else:
                steps[-1] = (steps[-1][0], f"{steps[-1][1]}{line}\n")
        return steps


def name(page: Path) -> str:
    """*page* below the checkout."""
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path, *languages: str) -> Iterator[Block]:
    """The fenced blocks of *page* in one of *languages*."""
    text = page.read_text("utf-8")
    for found in _BLOCK.finditer(text):
        if found["language"] in languages:
            line = text.count("\n", 0, found.start("language")) + 1
            yield Block(name(page), line, found["language"], found["text"], found["reason"])


def prose(page: Path) -> str:
    """*page* without its fenced blocks."""
    return _BLOCK.sub("", page.read_text("utf-8"))


def anchors(page: Path) -> set[str]:
    """What a link into *page* can name behind its ``#``."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.M)
    plain = (re.sub(r"[^\w\- ]", "", heading.replace("`", "")).strip().lower() for heading in headings)
    return {heading.replace(" ", "-") for heading in plain}
