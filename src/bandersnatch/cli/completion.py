"""``bandersnatch completion``: what a shell needs to complete our commands, options, choices and files."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from typing import Any, TextIO

from bandersnatch.cli import command, exits

SHELLS = ("bash", "zsh", "tcsh", "fish")

FILES = ("FILE", "OLD", "NEW", "LOG")
DIRECTORIES = ("DIR", "FOLDER")
"""Placeholders of values that are paths: what stands for one is completed as one."""

EXIT = """\
where it belongs:
  bash   eval "$(bandersnatch completion bash)" in ~/.bashrc
  zsh    a file called _bandersnatch in a folder of $fpath
  tcsh   eval "`bandersnatch completion tcsh`" in ~/.tcshrc
  fish   ~/.config/fish/completions/bandersnatch.fish

exit status: 0 printed, 2 wrong usage
"""


def add_parser(commands: Any, build_parser: Callable[[], argparse.ArgumentParser]) -> None:
    """Add ``completion`` to *commands*, the result of ``add_subparsers``; *build_parser* makes all of the parser."""
    parser = command.add(
        commands,
        "completion",
        lambda args, out: run_completion(args, out, build_parser()),
        "print the completion script for a shell",
        description="Print the completion script for a shell: commands, options, choices and paths.",
        exits=EXIT,
        examples=["completion bash"],
        goes_on=False,
    )
    parser.add_argument("shell", choices=SHELLS, help="the shell that is to complete")


def run_completion(args: argparse.Namespace, out: TextIO, parser: argparse.ArgumentParser) -> int:
    """Print the script."""
    import shtab

    for action in actions(parser):
        if action.metavar in FILES:
            action.complete = shtab.FILE  # type: ignore[attr-defined]  # how shtab wants to be told
        elif action.metavar in DIRECTORIES:
            action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]  # as above
    print(shtab.complete(parser, shell=args.shell), file=out)
    return exits.CLEAN


def actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Everything that *parser* and its commands take."""
    for action in parser._actions:  # argparse has no public way to ask
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for child in action.choices.values():
                yield from actions(child)
