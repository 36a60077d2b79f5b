"""``bandersnatch stats``: what was downloaded from the mirror, by whatever is asked for."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any, TextIO

from bandersnatch.cli import command, exits, options, text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime, tzinfo

WAYS = (
    "project", "version", "file", "installer", "installer-version", "python", "implementation", "system", "day",
    "month", "year",
)  # fmt: skip
"""As ``stats.show`` has them; here so that help and completion need not load it."""

SHOWN = 20

EXIT = """\
exit status:
  0    there are statistics, of these days or of others
  1    a file of a day cannot be read
  2    wrong usage, or nothing was counted yet
  74   the statistics cannot be read
"""


def add_parser(commands: Any) -> None:
    """Add ``stats`` to *commands*, the result of ``add_subparsers``."""
    parser = command.add(
        commands,
        "stats",
        run_stats,
        "say what was downloaded from the mirror",
        description="Say what was downloaded from the mirror, as far as update-stats has counted it.",
        exits=EXIT,
        examples=["stats --since 7d", "stats --by file --project six --csv"],
        goes_on=False,
    )
    options.add_place(parser)
    parser.add_argument(
        "--since", metavar="WHEN", default="30d", help="from this day on, or from so long ago (default: 30d)"
    )
    parser.add_argument("--until", metavar="WHEN", default="0s", help="up to this day, or so long ago (default: today)")
    parser.add_argument(
        "--project", dest="projects", action="append", default=[], metavar="NAME",
        help="count this project only; can be repeated",
    )  # fmt: skip
    parser.add_argument("--by", choices=WAYS, default="project", help="what to sum up by (default: project)")
    parser.add_argument(
        "--limit", type=_limit, default=None, metavar="N",
        help=f"print so many lines at most, 0 is all (default: {SHOWN} for people, all for --json and --csv)",
    )  # fmt: skip
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--json", action="store_true", help="as one JSON object")
    output.add_argument("--csv", action="store_true", help="as CSV, with a header")


def _limit(given: str) -> int:
    number = int(given)
    if number < 0:
        raise argparse.ArgumentTypeError("0 or more")
    return number


def run_stats(args: argparse.Namespace, out: TextIO) -> int:
    """Print the sums."""
    from datetime import UTC, datetime

    from bandersnatch import names
    from bandersnatch.assemble import counting
    from bandersnatch.errors import LogError, UsageError
    from bandersnatch.stats.show import ordered

    config = options.load(args).config
    now = datetime.now(UTC)
    zone = counting.wish_of(config, now).zone
    first, last = _day(args.since, "--since", now, zone), _day(args.until, "--until", now, zone)
    try:
        projects = [names.normalise(name) for name in args.projects]
    except ValueError as error:
        raise UsageError(f"--project: {error}") from error
    try:
        with counting.statistics(config) as statistics:
            if not statistics.days():
                raise UsageError(
                    f"{config.mirror.directory}: nothing was counted yet; bandersnatch update-stats does that"
                )
            rows = ordered(statistics.sums(args.by, first, last, projects), args.by)
    except LogError as error:
        print(f"bandersnatch: {text.shown(str(error))}", file=sys.stderr)
        return exits.BEHIND
    _print(args, out, rows, (first, last))
    return exits.CLEAN


def _print(args: argparse.Namespace, out: TextIO, rows: Sequence[tuple[str, int]], span: tuple[date, date]) -> None:
    total, limit = sum(number for _, number in rows), args.limit
    if limit is None:
        limit = 0 if args.json or args.csv else SHOWN
    shown = rows[-limit:] if limit and args.by in ("day", "month", "year") else rows[: limit or None]
    if args.json:
        import json

        document = {
            "since": span[0].isoformat(), "until": span[1].isoformat(), "by": args.by, "total": total,
            "downloads": [{args.by: label, "downloads": number} for label, number in shown],
        }  # fmt: skip
        print(json.dumps(document, indent=2), file=out)
    elif args.csv:
        import csv

        csv.writer(out, lineterminator="\n").writerows([(args.by, "downloads"), *shown])
    else:
        _print_table(out, shown, total, len(rows) - len(shown), span)


def _print_table(out: TextIO, shown: Sequence[tuple[str, int]], total: int, more: int, span: tuple[date, date]) -> None:
    print(f"{text.count(total, 'download')} from {span[0].isoformat()} to {span[1].isoformat()}", file=out)
    width = max((len(f"{number:,}") for _, number in shown), default=0)
    for label, number in shown:
        print(f"  {number:>{width},}  {100 * number / total:5.1f} %  {text.shown(label)}", file=out)
    if more:
        print(f"  and {more:,} more; --limit 0 prints all", file=out)


def _day(given: str, option: str, now: datetime, zone: tzinfo) -> date:
    """The day of a time, or of so long ago."""
    from datetime import timedelta

    from bandersnatch.config import values
    from bandersnatch.errors import UsageError

    try:
        when = values.parse_moment(given)
        if not isinstance(when, timedelta):
            return when.date() if len(given) == len("YYYY-MM-DD") else when.astimezone(zone).date()
        return (now - when).astimezone(zone).date()
    except (ValueError, OverflowError) as error:
        raise UsageError(f'{option}: "{given}": {error}; a day, or how long ago, such as 7d') from error
