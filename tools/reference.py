#!/usr/bin/env python3
"""Write the pages of docs/reference/ that are made from the code.

``tools/reference.py command-line`` and ``tools/reference.py json-events`` print one page each; ``make docs`` puts them
in their places, and ``tests/docs/test_reference.py`` says when that is due.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from bandersnatch.cli.main import build_parser
from bandersnatch.sync import events

# --- the command line ----------------------------------------------------------------------------------------------

COMMAND_LINE = """\
<!-- Made from the argument parser by: tools/reference.py command-line -->

# Command line

Every command takes `-h` and `--help`.
`-c` may stand before the command or after it: `bandersnatch -c FILE mirror`, `bandersnatch mirror -c FILE`.
Values given here go before the environment, and the environment before the [configuration](configuration.md).
"""

Actions = list[argparse.Action]


def command_line() -> str:
    """The page with every command and option, in the order of the parser."""
    return COMMAND_LINE + "".join(_command(parser) for parser in parsers(build_parser()))


def parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """*parser* and those of its commands, which have commands themselves."""
    yield parser
    for action in parser._actions:  # argparse has no public way to ask
        if isinstance(action, argparse._SubParsersAction):
            for child in action.choices.values():
                yield from parsers(child)


def _command(parser: argparse.ArgumentParser) -> str:
    actions = [one for one in parser._actions if one.dest != "help"]
    parts = [f"\n## {parser.prog}\n"]
    if parser.description:
        parts.append(parser.description.strip() + "\n")
    parts.append(f"```text\n{_usage(parser, actions)}\n```\n")
    commands = [one for one in actions if isinstance(one, argparse._SubParsersAction)]
    if commands:
        parts.append(_table("command", [(f"`{one.dest}`", one.help or "") for one in commands[0]._choices_actions]))
    parts.append(_table("argument", [(f"`{spelling(one)}`", one.help or "") for one in actions if one not in commands]))
    if parser.epilog:
        parts.append(f"```text\n{parser.epilog.strip()}\n```\n")
    return "\n".join(part for part in parts if part)


def _usage(parser: argparse.ArgumentParser, actions: Actions) -> str:
    words = [parser.prog, *(["[OPTION]…"] if any(one.option_strings for one in actions) else [])]
    words += [positional(one) for one in actions if not one.option_strings]
    return " ".join(words)


def positional(action: argparse.Action) -> str:
    """How a usage line has an argument that is no option."""
    name = _values(action) or action.dest
    return {"*": f"[{name}]…", "?": f"[{name}]"}.get(str(action.nargs), name)


def spelling(action: argparse.Action) -> str:
    """An option in all its forms with its value, or an argument."""
    value = {0: "", "?": f" [{_values(action)}]"}.get(action.nargs, f" {_values(action)}")
    return ", ".join(action.option_strings) + value if action.option_strings else positional(action)


def _values(action: argparse.Action) -> str:
    if action.metavar is None and action.choices is not None:
        return "{" + ",".join(map(str, action.choices)) + "}"
    return str(action.metavar or action.dest.upper())


def _table(title: str, rows: list[tuple[str, str]]) -> str:
    lines = [f"| {first} | {_cell(second)} |" for first, second in rows]
    return "\n".join([f"| {title} | |", "|---|---|", *lines, ""]) if lines else ""


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


# --- the events ----------------------------------------------------------------------------------------------------

JSON_EVENTS = """\
<!-- Made from src/bandersnatch/sync/events.py by: tools/reference.py json-events -->

# JSON events

`bandersnatch mirror --json`, or `[log] format = "json"`, prints one JSON object on each line of standard output,
as things happen. The first is `started`, the last `finished`, unless the run could not even begin; only those of
[hooks](../how-to/hooks.md) come after it. `bandersnatch follow --json` prints the same, beginning with `so-far`.
Errors of that kind, such as a wrong configuration, are lines of text on standard error, as ever.

Every object has these two, and those of its event:

| field | type | |
|---|---|---|
| `event` | string | which event it is: the headings below |
| `time` | number | when it was told, in seconds since 1970 |

Fields may be added; those that are here keep their meaning.
"""

TYPES = {"str": "string", "int": "number", "float": "number", "bool": "true or false", "None": "null"}


def json_events() -> str:
    """The page with every event that ``--json`` prints, and its fields, in the order of the module."""
    tree = ast.parse(Path(events.__file__).read_text("utf-8"))
    told = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name not in ("Event", "Progressed")]
    return JSON_EVENTS + "".join(_event(node) for node in told)


def _event(node: ast.ClassDef) -> str:
    name = re.sub(r"(?<!^)(?=[A-Z])", "-", node.name).lower()
    rows = [f"| `{field}` | {kind} | {_cell(about)} |" for field, kind, about in _fields(node)]
    head = f"\n## {name}\n\n{ast.get_docstring(node)}\n"
    return "\n".join([head, "| field | type | |", "|---|---|---|", *rows, ""])


def _fields(node: ast.ClassDef) -> Iterator[tuple[str, str, str]]:
    """Each field with its type in JSON and what the string below it says."""
    for one, following in zip(node.body, [*node.body[1:], None], strict=True):
        if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name):
            kinds = ast.unparse(one.annotation).split(" | ")
            yield one.target.id, " or ".join(TYPES[kind] for kind in kinds), _text(following)


def _text(node: ast.stmt | None) -> str:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
        return node.value.value.replace("None", "null")
    return ""


PAGES = {"command-line": command_line, "json-events": json_events}

if __name__ == "__main__":
    sys.stdout.write(PAGES[sys.argv[1]]())
