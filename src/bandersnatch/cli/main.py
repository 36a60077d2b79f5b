"""The command line: reads the arguments, calls a verb, and turns what goes wrong into a message and an exit code."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from io import TextIOWrapper
from typing import Any, TextIO, cast

from bandersnatch import __version__
from bandersnatch.cli import (
    adopt,
    audit,
    backup,
    command,
    completion,
    config,
    delete,
    environment,
    exits,
    follow,
    gc,
    mirror,
    plan,
    prove,
    stats,
    status,
    trash,
    update_stats,
    verify,
    why,
)
from bandersnatch.cli.output import PATIENCE, Output, Unheard

EXAMPLES = ["mirror --directory ./mirror six", "config init /etc/bandersnatch.conf", "help mirror"]
HELP_EXIT = "exit status: 0 printed, 2 there is no such command"


def run(arguments: Sequence[str]) -> int:
    """Do what *arguments* say. Returns the exit code; see ``exits``."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a name that the terminal cannot show is no reason to stop
    out, err = Output(sys.stdout), Output(sys.stderr)
    with redirect_stdout(cast(TextIO, out)), redirect_stderr(cast(TextIO, err)):
        try:
            try:
                code = _do(arguments, out)
            except SystemExit as end:  # help was printed, or what is wrong with the arguments
                code = int(end.code or 0)
            return _settled(code, out, err)
        except KeyboardInterrupt:
            return exits.SIGNAL + signal.SIGINT


def _do(arguments: Sequence[str], out: Output) -> int:
    parser = build_parser()
    if not arguments:
        parser.print_help(sys.stderr)
        return exits.USAGE
    args = parser.parse_args(arguments)
    # Not before something is to be done: help has no use for them.
    from bandersnatch.errors import CatalogueError, Locked, Refused, StorageError, UpstreamError, UsageError

    out.goes_on = args.goes_on
    try:
        code: int = args.run(args, cast(TextIO, out))
    except Unheard:
        return exits.CLEAN  # or what is said of the output
    except UsageError as error:
        return _complain(exits.USAGE, *str(error).splitlines())
    except Locked as error:
        # Not worth a mail: from cron, a long run simply lasts longer than the interval.
        return _complain(exits.LOCKED, str(error)) if error.odd or sys.stderr.isatty() else exits.LOCKED
    except Refused as error:
        return _complain(exits.REFUSED, str(error))
    except (StorageError, CatalogueError) as error:
        return _complain(exits.DISK, str(error))
    except UpstreamError as error:
        return _complain(exits.BEHIND, str(error))
    except OSError as error:  # everything else that the system refuses has its own words by now
        return _complain(exits.DISK, f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except Exception as error:
        from traceback import format_exception

        from bandersnatch.cli.report import FAULT

        trace = "".join(format_exception(error)).splitlines()
        return _complain(exits.FAULT, *trace, f"unexpected {type(error).__name__}: {error}", FAULT)
    return code


def _settled(code: int, out: Output, err: Output) -> int:
    """The exit code, once it is known whether all that was printed has arrived."""
    given_up = out.close() + err.close()
    if isinstance(out.error, BrokenPipeError) and not out.goes_on:
        return exits.CLEAN  # whoever read it has heard what he wanted
    if given_up:
        _complain(code, f"what was printed last is lost: for {PATIENCE:.0f} seconds nobody read it")
    for name, stream in (("standard output", out), ("standard error", err)):
        if stream.error is None or isinstance(stream.error, BrokenPipeError):
            continue
        _complain(code, f"{name}: {stream.error.strerror}")
        if code in (exits.CLEAN, exits.BEHIND, exits.REFUSED):
            code = exits.DISK
    err.close()
    return code


def build_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = command.Parser(
        prog="bandersnatch",
        description="Make and keep a mirror of a Python package index.",
        epilog=command.epilog(exits.HELP, EXAMPLES),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version, and exit")
    command.add_config(parser)
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for module in (
        mirror, follow, plan, why, status, verify, delete, gc, trash, audit, backup, prove, adopt, update_stats, stats,
        environment, config,
    ):  # fmt: skip
        module.add_parser(commands)
    completion.add_parser(commands, build_parser)
    _add_help(commands, parser)
    return parser


def _add_help(commands: Any, parser: argparse.ArgumentParser) -> None:
    """Add ``help`` to *commands*, which *parser* has."""

    def run_help(args: argparse.Namespace, _: TextIO) -> int:
        parser.parse_args([*args.words, "--help"])
        raise AssertionError

    helping = command.add(
        commands, "help", run_help, "say what a command does, as its --help does", exits=HELP_EXIT, goes_on=False,
        examples=["help mirror", "help config check"],
    )  # fmt: skip
    helping.add_argument("words", nargs="*", metavar="COMMAND", help="the command (default: all of them)")


class _Version(argparse.Action):
    """Prints the version."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        print(f"bandersnatch {__version__}")
        parser.exit()


def _complain(code: int, *messages: str) -> int:
    from bandersnatch.cli.levels import Level, Printer

    printer = Printer(sys.stderr)
    for message in messages:
        printer.say(Level.ERROR, f"bandersnatch: {message}")
    return code
