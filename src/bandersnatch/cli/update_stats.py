"""``bandersnatch update-stats``: download statistics from the web server's access logs."""

from __future__ import annotations

import argparse
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, TextIO

from bandersnatch.cli import command, exits, options, text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bandersnatch.stats.base import Outcome
    from bandersnatch.stats.update import Tell, Update

DESCRIPTION = """\
Count the downloads in the web server's access logs, and write a file for each day (PEP 381) and a page of charts below
web/local-stats/. Run it as often as you like: only what is new is read, also after logs were rotated. No address of a
client is kept.
"""

EXIT = """\
exit status:
  0    everything that is new was counted, or no logs are named
  1    some log could not be read, or not be understood; the others were counted
  2    wrong usage
  74   the disk failed, or is full; run it again, nothing is counted twice
  75   another update-stats is under way
"""


def add_parser(commands: Any) -> None:
    """Add ``update-stats`` to *commands*, the result of ``add_subparsers``."""
    parser = command.add(
        commands,
        "update-stats",
        run_update,
        "count downloads in the web server's logs",
        description=DESCRIPTION,
        exits=EXIT,
        examples=["update-stats", "update-stats --format combined /var/log/nginx/access.log"],
    )
    options.add_place(parser)
    parser.add_argument(
        "logs", nargs="*", metavar="LOG",
        help="read these, in place of [statistics] logs; - is standard input, which is counted whole",
    )  # fmt: skip
    parser.add_argument("--format", metavar="FORMAT", help="how they are written, in place of [statistics] format")
    parser.add_argument("--json", action="store_true", help="say what was done as one JSON object")


def run_update(args: argparse.Namespace, out: TextIO) -> int:
    """Count what is new. Returns 1 if something could not be read."""
    from datetime import UTC, datetime

    from bandersnatch.assemble import counting

    config = options.load(args).config
    names = args.logs or config.statistics.logs
    if not names:
        if sys.stderr.isatty():  # cron would mail it every hour
            print("bandersnatch: no access logs are named: give them here, or set [statistics] logs", file=sys.stderr)
        return exits.CLEAN
    with ExitStack() as stack:
        tell = _progress(stack)
        update = stack.enter_context(counting.update(config, datetime.now(UTC), args.format, tell))
        _read(update, names)
        outcome = update.finish()
    if args.json:
        import json

        print(json.dumps(facts(outcome)), file=out)
    elif out.isatty() or args.logs or config.log.level == "info":
        print("\n".join(lines(outcome)), file=out)
    for problem in outcome.problems:
        print(f"bandersnatch: {text.shown(problem)}", file=sys.stderr)
    return exits.BEHIND if outcome.problems else exits.CLEAN


def _read(update: Update, names: Sequence[str]) -> None:
    from bandersnatch.errors import UsageError
    from bandersnatch.inputs import logs

    if "-" in names and sys.stdin is None:
        raise UsageError("-: standard input is closed")
    paths, missing = logs.find(name for name in names if name != "-")
    update.outcome.problems += [f"{pattern}: no log is called like this" for pattern in missing]
    update.read_logs(paths)
    if "-" in names:
        update.read_pipe(logs.standard_input(sys.stdin.buffer), "standard input")


def _progress(stack: ExitStack) -> Tell:
    """Shows on a terminal how much was read."""
    if not sys.stderr.isatty():
        return lambda _: None
    from bandersnatch.cli.progress import BytesReport

    return stack.enter_context(BytesReport("reading logs")).tell


def facts(outcome: Outcome) -> dict[str, Any]:
    """What was done, as JSON has it."""
    return {
        "logs": outcome.logs,
        "logs_with_news": outcome.read,
        "bytes": outcome.bytes,
        "lines": outcome.lines,
        "counted": _counted(outcome),
        "not_counted": {verdict.name.lower(): number for verdict, number in _others(outcome)}
        | {"late": outcome.late, "unreadable": outcome.bad},
        "days_written": [day.isoformat() for day in outcome.written],
        "problems": outcome.problems,
    }


def lines(outcome: Outcome) -> list[str]:
    """The same for people."""
    result = [
        (
            f"Read:     {text.count(outcome.lines, 'line')}, {text.size(outcome.bytes)}, "
            f"of {outcome.read} of {text.count(outcome.logs, 'log')}"
        ),
        f"Counted:  {text.count(_counted(outcome), 'download')}",
    ]
    others = [f"{number:,} {verdict.value}" for verdict, number in _others(outcome) if number]
    others += [f"{outcome.late:,} of days that are closed"] if outcome.late else []
    others += [f"{outcome.bad:,} that cannot be understood"] if outcome.bad else []
    result += [f"Not:      {', '.join(others)}"] if others else []
    result.append(f"Written:  {', '.join(day.isoformat() for day in outcome.written) or 'nothing new'}")
    return result


def _counted(outcome: Outcome) -> int:
    from bandersnatch.accesslog.counting import Verdict

    return outcome.verdicts[Verdict.COUNTED]


def _others(outcome: Outcome) -> list[tuple[Any, int]]:
    from bandersnatch.accesslog.counting import Verdict

    return [(verdict, outcome.verdicts[verdict]) for verdict in Verdict if verdict is not Verdict.COUNTED]
