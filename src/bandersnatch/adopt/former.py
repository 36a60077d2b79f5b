"""What the other tool was told to do, said in this program's words: a configuration and lines for cron, to be read."""

from __future__ import annotations

import configparser
import json
import re
import shlex
from collections.abc import Iterator

from bandersnatch import names
from bandersnatch.adopt.base import Layout, Source
from bandersnatch.values import Struct

EVERYTHING = ("pep381client", "shadowmire", "PyPA bandersnatch", "a published tree", "a mirror with web/ in it")
"""Tools that mirror everything unless they were told otherwise."""

_STOPS = r"|;&><\"'`()"
_END = rf"\s{_STOPS}"
_COMMAND = re.compile(rf"(?<![^{_END}])(?:[^{_END}]*/)?(pep381run|bsn-mirror|bandersnatch)(?![^{_END}])([^{_STOPS}]*)")
"""A program, with or without its folder, and its arguments up to what ends a command of a shell."""
_TAKE_A_VALUE = ("-c", "--config", "--workers")
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
            cron.append(_COMMAND.sub(lambda found: _ours(found, configuration), line))
    return Suggestion(_configuration(source, kind, directory), tuple(cron), tuple(notes))


def _ours(found: re.Match[str], configuration: str) -> str:
    """How we call what the other tool was told to do; what is no command of its own stays."""
    tool, rest = found.groups()
    words = rest.split() if tool == "bandersnatch" else ["mirror"]
    given = [word for before, word in zip(["", *words], words, strict=False) if before not in _TAKE_A_VALUE]
    command, *named = [word for word in given if not word.startswith("-")] or [""]
    match command:
        case "mirror":
            ours = ["mirror", *(["--full"] if "--force-check" in given else [])]
        case "sync":
            ours = ["mirror", *named]
        case "verify" if "--dry-run" in given:
            ours = ["verify"]
        case "verify":
            ours = ["verify", "--repair", *(["--garbage"] if "--delete" in given else [])]
        case "delete":
            ours = ["delete", *named, "--dry-run" if "--dry-run" in given else "--yes"]
        case _:
            return found[0]
    after = rest[len(rest.rstrip()) :]
    return shlex.join(["bandersnatch", "-c", configuration, *ours]) + after


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
