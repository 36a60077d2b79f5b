"""The command line: reads the arguments, calls a verb, and turns what goes wrong into a message and an exit code."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from io import TextIOWrapper

from bandersnatch import __version__
from bandersnatch.cli import (
    adopt,
    audit,
    backup,
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


def run(arguments: Sequence[str]) -> int:
    """Do what *arguments* say. Returns the exit code; see ``exits``."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a name that the terminal cannot show is no reason to stop
    return _do(build_parser().parse_args(arguments))


def _do(args: argparse.Namespace) -> int:
    # Not before something is to be done: help has no use for them.
    from bandersnatch.errors import CatalogueError, Conflict, Locked, Refused, StorageError, UpstreamError, UsageError

    try:
        code: int = args.run(args, sys.stdout)
    except (UsageError, Conflict) as error:
        return _complain(exits.USAGE, *str(error).splitlines())
    except Locked as error:
        # Not worth a mail: from cron, a long run simply lasts longer than the interval.
        return _complain(exits.LOCKED, str(error)) if sys.stderr.isatty() else exits.LOCKED
    except Refused as error:
        return _complain(exits.REFUSED, str(error))
    except (StorageError, CatalogueError) as error:
        return _complain(exits.DISK, str(error))
    except UpstreamError as error:
        return _complain(exits.BEHIND, str(error))
    except KeyboardInterrupt:
        return exits.SIGNAL + signal.SIGINT
    except OSError as error:
        return _unheard(error)
    return code


def build_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = argparse.ArgumentParser(
        prog="bandersnatch",
        description="Make and keep a mirror of a Python package index.",
        epilog=exits.HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version, and exit")
    parser.add_argument(
        "-c",
        "--config",
        metavar="FILE",
        help="the configuration (default: $BANDERSNATCH_CONFIG, else /etc/bandersnatch.conf)",
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for command in (
        mirror, follow, plan, why, status, verify, delete, gc, trash, audit, backup, prove, adopt, update_stats, stats,
        environment, config,
    ):  # fmt: skip
        command.add_parser(commands)
    completion.add_parser(commands, build_parser)
    return parser


class _Version(argparse.Action):
    """Prints the version."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        print(f"bandersnatch {__version__}")
        parser.exit()


def _unheard(error: OSError) -> int:
    """Our output cannot be written: everything else that the system refuses has its own words by now."""
    if isinstance(error, BrokenPipeError):
        sys.stderr.close()  # whoever read it has left; there is nobody to tell
        return exits.CLEAN
    return _complain(exits.DISK, f"{error.filename or 'standard output'}: {error.strerror}")


def _complain(code: int, *messages: str) -> int:
    from bandersnatch.cli.levels import Level, Printer

    printer = Printer(sys.stderr)
    for message in messages:
        printer.say(Level.ERROR, f"bandersnatch: {message}")
    return code
