"""What every command has in common: the form of its help, its configuration, and what is said of unknown words."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NoReturn, TextIO

FORMER_COMMANDS = {"sync": "bandersnatch mirror NAME"}
"""What PyPA bandersnatch calls what is called otherwise here."""

FORMER_OPTIONS = {
    ("mirror", "--force-check"): "--full",
    ("mirror", "--cleanup-todo"): "not needed: a project that upstream no longer has is not asked for again",
    ("verify", "--delete"): "bandersnatch gc, or verify --repair --garbage",
    ("verify", "--json-update"): "verify --repair",
    ("verify", "--workers"): "--threads",
    ("delete", "--workers"): "not needed: a deletion is one transaction",
    ("delete", "--skip-json-fetch"): "not needed: upstream is not asked",
    ("", "--debug"): "mirror -v, or [log] file-level",
}
"""Options of PyPA bandersnatch by command; the one before the command by none."""


class Parser(argparse.ArgumentParser):
    """An argument parser that says what was probably meant."""

    def parse_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> Any:  # type: ignore[override]  # without its overloads
        parsed, rest = self.parse_known_args(args, namespace)
        if rest:
            parser: Parser = getattr(parsed, "parser", self)
            parser.error(parser.about(rest[0]))
        return parsed

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if isinstance(action, argparse._SubParsersAction) and value not in action.choices:
            self.error(self.about(value, action.choices))
        super()._check_value(action, value)

    def about(self, word: str, commands: Iterable[str] = ()) -> str:
        """What is said of a *word* that is unknown here, among *commands* or, without them, among our options."""
        from bandersnatch.config.spelling import nearest

        name, path = word.partition("=")[0], self.prog.partition(" ")[2]
        if commands:
            former, known, kind = FORMER_COMMANDS, list(commands), "command"
        elif word.startswith("-"):
            former = {option: ours for (of, option), ours in FORMER_OPTIONS.items() if of in ("", path)}
            known, kind = [one for one in self._option_string_actions if one.startswith("--")], "option"
        else:
            return f"{word}: more than this command takes"
        near = nearest(name, [*known, *former])
        if near in former:
            return f"{near} is of PyPA bandersnatch; here it is {former[near]}"
        return f"{name}: unknown {kind}" + (f"; did you mean {near}?" if near else "")

    def error(self, message: str) -> NoReturn:
        """Say *message*, and where more is said, and exit."""
        self.exit(2, f"{self.prog}: {message}\n{self.prog} --help says what there is\n")


def add(
    commands: Any,
    name: str,
    run: Callable[[argparse.Namespace, TextIO], int] | None,
    summary: str,
    *,
    exits: str,
    description: str = "",
    examples: Sequence[str] = (),
    goes_on: bool = True,
) -> Parser:
    """
    Add a command to *commands*, the result of ``add_subparsers``; one without *run* has commands itself.

    *examples*: what follows ``bandersnatch``. *goes_on*: also when nobody reads what it prints, since it does more.
    """
    parser: Parser = commands.add_parser(
        name,
        help=summary,
        description=description or f"{summary[0].upper()}{summary[1:]}.",
        epilog=epilog(exits, examples),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_config(parser, argparse.SUPPRESS)
    if run is not None:
        parser.set_defaults(run=run, goes_on=goes_on, parser=parser)
    return parser


def add_config(parser: argparse.ArgumentParser, default: str | None = None) -> None:
    """Add ``--config``, which may stand before the command or after it."""
    parser.add_argument(
        "-c", "--config", metavar="FILE", default=default,
        help="the configuration (default: $BANDERSNATCH_CONFIG, else /etc/bandersnatch.conf)",
    )  # fmt: skip


def epilog(exits: str, examples: Sequence[str]) -> str:
    """What stands below the options: sections with a blank line between them, whose heads end in a colon."""
    shown = "".join(f"  bandersnatch {one}\n" for one in examples)
    return "\n".join(
        part for part in (f"examples:\n{shown}" if shown else "", f"{_with_fault(exits)}\n", DOCUMENTATION) if part
    )


def _with_fault(exits: str) -> str:
    """*exits*, in the order of their codes, with the one that every command may end with."""
    head, *codes = exits.strip().splitlines()
    if not codes:
        return f"{head}, 70 an unexpected error"
    higher = (place for place, line in enumerate(codes) if (found := re.match(r" +(\d+)", line)) and int(found[1]) > 70)
    codes.insert(next(higher, len(codes)), "  70   an unexpected error: a fault of this program")
    return "\n".join([head, *codes])


DOCUMENTATION = """\
documentation:
  man bandersnatch, and docs/README.md of the source, installed as share/doc/bandersnatch
"""
