#!/usr/bin/env python3
"""Write the manual pages, one for each command, from the argument parser: ``tools/manual.py FOLDER``.

``make docs`` writes docs/man/, which the wheel installs to share/man/man1; ``tests/docs/test_manual.py`` says when that
is due. Pages of commands that are no more are removed.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from reference import parsers, positional, spelling

from bandersnatch.cli.main import build_parser

INDENT = 4
"""Columns of an entry below its option."""


def pages() -> dict[str, str]:
    """Every page by the name of its file."""
    every = list(parsers(build_parser()))
    return {f"{name(parser)}.1": page(parser, every) for parser in every}


def name(parser: argparse.ArgumentParser) -> str:
    """The page's name, which ``man`` is asked for."""
    return parser.prog.replace(" ", "-")


def page(parser: argparse.ArgumentParser, every: list[argparse.ArgumentParser]) -> str:
    """One page in the macros of man(7)."""
    actions = [one for one in parser._actions if one.dest != "help"]
    commands = [one for one in actions if isinstance(one, argparse._SubParsersAction)]
    options = [one for one in actions if one not in commands]
    parts = [
        f'.TH {_quoted(name(parser).upper())} 1 "" bandersnatch "bandersnatch manual"\n.nh\n.ad l',
        f".SH NAME\n{_text(name(parser))} \\- {_text(_summary(parser, every))}",
        f".SH SYNOPSIS\n.B {_text(parser.prog)}\n{_text(' '.join(_arguments(actions)))}",
        f".SH DESCRIPTION\n{_prose(parser.description or _summary(parser, every))}",
        *(_entries("COMMANDS", _rows_of_commands(parser, one)) for one in commands),
        _entries("ARGUMENTS", [(spelling(one), one.help or "") for one in options if not one.option_strings]),
        _entries("OPTIONS", _rows_of_options(options)),
        _epilog(parser.epilog or ""),
        _entries("FILES", FILES if parser.prog == "bandersnatch" else []),
        _above(parser),
    ]
    return "\n".join(part for part in parts if part) + "\n"


FILES = [
    ("/etc/bandersnatch.conf", "the configuration, where no other is named"),
    ("DIRECTORY/web", "what is mirrored, for a web server"),
    ("DIRECTORY/state", "what the program remembers"),
]


def _rows_of_commands(
    parser: argparse.ArgumentParser, commands: argparse._SubParsersAction[argparse.ArgumentParser]
) -> list[tuple[str, str]]:
    return [(one.dest, f"{one.help}; see {name(parser)}-{one.dest}(1)") for one in commands._choices_actions]


def _rows_of_options(options: list[argparse.Action]) -> list[tuple[str, str]]:
    rows = [(spelling(one), one.help or "") for one in options if one.option_strings]
    return [("-h, --help", "print a summary, and exit"), *rows]


def _summary(parser: argparse.ArgumentParser, every: list[argparse.ArgumentParser]) -> str:
    """The line of the command in the list of commands."""
    for one in every:
        for action in one._actions:
            if isinstance(action, argparse._SubParsersAction):
                for choice in action._choices_actions:
                    if f"{one.prog} {choice.dest}" == parser.prog:
                        return choice.help or ""
    return "make and keep a mirror of a Python package index"


def _arguments(actions: list[argparse.Action]) -> Iterator[str]:
    if any(one.option_strings for one in actions):
        yield "[OPTION]..."
    for one in actions:
        if not one.option_strings:
            yield positional(one).replace("…", "...")


def _above(parser: argparse.ArgumentParser) -> str:
    """The page above this one; those below stand among the commands."""
    above = parser.prog.rpartition(" ")[0]
    return f".SH SEE ALSO\n{_text(above.replace(' ', '-'))}(1)" if above else ""


def _entries(title: str, rows: list[tuple[str, str]]) -> str:
    """A section of tagged paragraphs."""
    if not rows:
        return ""
    return f".SH {title}\n" + "\n".join(f".TP {INDENT}\n.B {_text(tag)}\n{_prose(about)}" for tag, about in rows)


def _epilog(text: str) -> str:
    """What stands below the options of ``--help``: a section for each of its own."""
    return "\n".join(_section(part) for part in re.split(r"\n\s*\n", text.strip()))


def _section(text: str) -> str:
    head, _, rest = text.partition(":")
    if "\n" not in rest.strip():
        return f".SH {head.upper()}\n{_prose(rest)}"
    lines = "\n".join(_text(line) for line in rest.strip("\n").splitlines())
    return f".SH {head.upper()}\n.nf\n{lines}\n.fi"


def _prose(text: str) -> str:
    paragraphs = re.split(r"\n\s*\n", text.strip())
    return "\n.PP\n".join(_text(" ".join(one.split())) for one in paragraphs)


def _quoted(text: str) -> str:
    return '"' + text.replace('"', "\\(dq") + '"'


def _text(text: str) -> str:
    """*text* as roff reads it back: its own signs escaped, and no line that begins a request."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga")
    escaped = escaped.replace("^", "\\(ha").replace("~", "\\(ti").replace("…", "...")
    return f"\\&{escaped}" if escaped.startswith((".", "\\(aq")) else escaped


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    made = pages()
    for filename, content in made.items():
        (folder / filename).write_text(content, "utf-8")
    for old in folder.glob("*.1"):
        if old.name not in made:
            old.unlink()
