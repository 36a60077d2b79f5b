"""What the other tool was told to do, said in this program's words: a configuration and lines for cron, to be read."""

from __future__ import annotations

import configparser
import json
import re
from collections.abc import Iterator

from bandersnatch import names
from bandersnatch.adopt.base import Layout, Source
from bandersnatch.values import Struct

EVERYTHING = ("pep381client", "shadowmire", "PyPA bandersnatch", "a published tree", "a mirror with web/ in it")
"""Tools that mirror everything unless they were told otherwise."""

_COMMAND = re.compile(r"(?:\S*/)?(?P<tool>pep381run|bsn-mirror|bandersnatch)\b(?P<rest>[^|;&><]*)")
_STATISTICS = re.compile(r"(?:\S*/)?(?:processlogs|bsn-update-stats)\b|\bupdate-stats\b")
_SMALL = 1 << 20


class Suggestion(Struct, frozen=True):
    """What to go on with."""

    configuration: str
    """TOML."""
    cron: tuple[str, ...] = ()
    """Lines for cron in place of the old ones."""
    notes: tuple[str, ...] = ()


def suggest(source: Source, kind: Layout, directory: str, crontab: str, configuration: str) -> Suggestion:
    """
    What fits a tree of this *kind* and a mirror at *directory*.

    *crontab* has the lines that ran the other tool; *configuration* is where the new one is.
    """
    cron: list[str] = []
    notes: list[str] = []
    for line in crontab.splitlines():
        if line.lstrip().startswith("#"):
            continue
        if _STATISTICS.search(line):
            notes.append(f"bandersnatch update-stats counts downloads here; it takes the place of: {line.strip()}")
        elif _COMMAND.search(line):
            cron.append(_COMMAND.sub(f"bandersnatch -c {configuration} mirror ", line, count=1).rstrip())
    return Suggestion(_configuration(source, kind, directory), tuple(cron), tuple(notes))


def _configuration(source: Source, kind: Layout, directory: str) -> str:
    lines = [
        f"# Suggested by bandersnatch adopt, for the tree of {kind.tool}.",
        "",
        "[mirror]",
        f"directory = {_quoted(directory)}",
        "",
        "[select]",
        *_selection(source, kind),
    ]
    return "\n".join(lines) + "\n"


def _selection(source: Source, kind: Layout) -> Iterator[str]:
    if kind.tool == "morgan":
        yield "# What morgan.ini requires. For what that needs in turn, see docs/how-to/dependencies.md."
        yield f"projects = [{', '.join(map(_quoted, _required_by_morgan(source)))}]"
    elif kind.tool in EVERYTHING:
        yield f"# As {kind.tool} does unless it was told otherwise."
        yield "everything = true"
    else:
        yield "# Say here what to mirror."
        yield "projects = []"


def _required_by_morgan(source: Source) -> list[str]:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    try:
        parser.read_string((source.read("morgan.ini", _SMALL) or b"").decode("utf-8", "replace"))
    except configparser.Error:
        return []
    section = dict(parser["requirements"]) if "requirements" in parser else {}
    found = []
    for name, wanted in section.items():
        specifiers = wanted.split("\n") if wanted else [""]
        found += [f"{name}{one.strip()}" for one in specifiers if names.is_project_name(name.partition("[")[0])]
    return found


def _quoted(text: str) -> str:
    """*text* as TOML writes it."""
    return json.dumps(text, ensure_ascii=False)
