"""``bandersnatch follow``: what the run that is under way tells, from another terminal."""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING, Any, TextIO

from bandersnatch.cli import command, exits, options

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from bandersnatch.cli.report import Report

DYING = 1.0
"""Seconds in which a run that was killed is surely not there any more."""

DESCRIPTION = """\
Show what the run that is under way tells: first where it stands, then everything as it happens, until it ends.
Any number of terminals may follow, and none of them holds up the run.
"""

EXIT = """\
exit status:
  0    the run was followed to its end, however it ended
  1    no run is under way, it was cut off, or it let this follower go
  2    wrong usage
"""


def add_parser(commands: Any) -> None:
    """Add ``follow`` to *commands*, the result of ``add_subparsers``."""
    parser = command.add(
        commands,
        "follow",
        run_follow,
        "show the progress of the run that is under way",
        description=DESCRIPTION,
        exits=EXIT,
        examples=["follow", "follow --json"],
        goes_on=False,
    )
    options.add_place(parser)
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--json", action="store_true", help="print one JSON object a line for each event")
    output.add_argument("-v", "--verbose", action="store_true", help="print a line for every file and project, too")


def run_follow(args: argparse.Namespace, out: TextIO) -> int:
    """Print what is told until the run ends."""
    from pathlib import Path

    from bandersnatch.assemble.reaching import STATE
    from bandersnatch.cli import broadcast

    directory = options.load(args).config.mirror.directory
    state = Path(directory, STATE)
    try:
        connection = broadcast.connect(state)
    except PermissionError as error:
        print(f"bandersnatch: {directory}: {error.strerror}; follow as the user of the mirror", file=sys.stderr)
        return exits.BEHIND
    except OSError:  # no folder, no socket, or nobody behind it
        print(f"bandersnatch: {directory}: no run is under way", file=sys.stderr)
        return exits.BEHIND
    with connection, connection.makefile("rb") as lines, _report(args, out) as report:
        if _pass_on(lines, report):
            return exits.CLEAN
    print(f"bandersnatch: {directory}: {_why_it_ended(state)}", file=sys.stderr)
    return exits.BEHIND


def _why_it_ended(state: Path) -> str:
    """Why the last word of the run did not come. A process that dies lets go of one thing after the other."""
    from bandersnatch.cli import broadcast

    until = time.monotonic() + DYING
    while time.monotonic() < until:
        try:
            broadcast.connect(state).close()
        except OSError:
            return "the run ended without a word: it was cut off"
        time.sleep(0.05)
    return (
        f"let go by the run, which goes on: {broadcast.MOST} follow it already, or this did not keep up; follow again"
    )


def _report(args: argparse.Namespace, out: TextIO) -> Report:
    from bandersnatch.cli import report
    from bandersnatch.cli.levels import Level, Printer

    if args.json:
        return report.JsonReport(out)
    if out.isatty() and not args.verbose:
        from bandersnatch.cli.progress import TerminalReport

        return TerminalReport()
    return report.PlainReport(Printer(out), Level.DEBUG if args.verbose else Level.INFO)


def _pass_on(lines: Iterable[bytes], report: Report) -> bool:
    """Whether the last word of the run came."""
    from bandersnatch.cli import wire
    from bandersnatch.sync import events

    ended = False
    for line in lines:
        event = wire.decode(line)
        if event is not None:
            report.tell(event)
            ended = ended or isinstance(event, events.Finished)
    return ended
