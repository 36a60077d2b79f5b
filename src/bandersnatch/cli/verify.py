"""``bandersnatch verify``: whether the mirror is what its catalogue says, and what its rules want."""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TextIO

from bandersnatch.cli import exits, options

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bandersnatch.config.load import Loaded
    from bandersnatch.storage.bookmark import Bookmark
    from bandersnatch.verify.base import Ground, Kind
    from bandersnatch.verify.engine import Tell, Wish

SHOWN = 50
"""So many findings of one kind are printed for people; --all and --json print all."""

EVERY = 10.0
"""Seconds of work that --resume may have to do again."""

TOLERATED = ("garbage", "unwanted")
"""Severities that make an exit code of 1 with --strict only: nobody who installs from the mirror meets them."""

DESCRIPTION = """\
Compare what is stored with what the catalogue says is published, and with what the rules want. Nothing is changed,
upstream is not asked, and a run may go on at the same time. Without options names and sizes are compared, the list of
projects is read, and whatever else is stored is named.
"""

EXIT = """\
exit status:
  0    nothing was found, or nothing but what nobody knows (garbage) or wants (unwanted)
  1    something was found; with --strict, anything at all
  2    wrong usage, or nothing was mirrored yet
  74   the catalogue, or the mirror's directory, cannot be read
"""


def add_parser(commands: Any) -> None:
    """Add ``verify`` to *commands*, the result of ``add_subparsers``."""
    parser = commands.add_parser(
        "verify",
        help="compare what is stored with what was published",
        description=DESCRIPTION,
        epilog=EXIT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    options.add_place(parser)
    parser.add_argument("--pages", action="store_true", help="read every page, and compare what it links and promises")
    parser.add_argument("--hash", action="store_true", help="read every file, and compare its SHA-256")
    parser.add_argument(
        "--project", dest="projects", action="append", default=[], metavar="NAME",
        help="look at this project only; can be repeated",
    )  # fmt: skip
    parser.add_argument("--bandwidth", metavar="RATE", help="read no more than this, such as 50MiB/s")
    parser.add_argument(
        "--threads", type=_threads, default=min(4, os.cpu_count() or 1), metavar="N",
        help="look at so many objects at once (default: one for each processor, 4 at most)",
    )  # fmt: skip
    parser.add_argument(
        "--resume", action="store_true", help="go on after the last project that a --resume before finished"
    )
    parser.add_argument("--strict", action="store_true", help="exit with 1 for garbage and unwanted files as well")
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--json", action="store_true", help="print one JSON object a line for each finding, and a sum")
    output.add_argument("--all", action="store_true", help=f"print every finding, not {SHOWN} of each kind at most")
    parser.set_defaults(run=run_verify)


def _threads(given: str) -> int:
    number = int(given)
    if not 1 <= number <= 64:
        raise argparse.ArgumentTypeError("from 1 to 64")
    return number


def run_verify(args: argparse.Namespace, out: TextIO) -> int:
    """Print what is found. Returns the exit code."""
    import time

    from bandersnatch.assemble import verifying
    from bandersnatch.assemble.selection import choose
    from bandersnatch.cli import verified
    from bandersnatch.verify.engine import verify

    loaded = options.load(args)
    wish = _wish(args)
    report = verified.choose(out, as_json=args.json, shown=None if args.all else SHOWN)
    bookmark = verifying.bookmark(loaded.config, _mode(wish)) if args.resume else None
    with verifying.ground(loaded.config, os.environ, choose(loaded).selection) as ground:
        _refuse_unknown(ground, wish.projects)
        if ground.selection is None:
            print(f"bandersnatch: {_why_unjudged(loaded)}", file=sys.stderr)
        if bookmark:
            wish = replace(wish, after=bookmark.read())
        with _listening(ground, wish, bookmark) as tell:
            for finding in verify(ground, wish, time.time(), tell=tell):
                report.add(finding)
        if bookmark:
            bookmark.clear()
    report.end()
    return _exit_code(report.counts, strict=args.strict)


@contextmanager
def _listening(ground: Ground, wish: Wish, bookmark: Bookmark | None) -> Iterator[Tell]:
    """Keeps the place where a later verification can go on, and shows on a terminal how far this one is."""
    import time

    from bandersnatch.sync import events

    done, due = wish.after, time.monotonic() + EVERY
    with ExitStack() as stack:
        progress = None
        if sys.stderr.isatty():
            from bandersnatch.cli.progress import PagesReport

            progress = stack.enter_context(PagesReport(doing="verifying"))
            count = len(wish.projects) or ground.catalogue.totals().projects
            progress.tell(events.Planned(count, None, None, None))

        def tell(name: str, _read: int) -> None:
            nonlocal done, due
            done = name
            if progress is not None:
                progress.tell(events.Confirmed(name))
            if bookmark is not None and time.monotonic() >= due:
                bookmark.write(done)
                due = time.monotonic() + EVERY

        try:
            yield tell
        finally:
            if bookmark is not None:
                bookmark.write(done)


def _mode(wish: Wish) -> str:
    """What --resume goes on with: who asks for more has to begin again."""
    return " ".join(word for word, asked in (("pages", wish.pages), ("hash", wish.contents)) if asked)


def _wish(args: argparse.Namespace) -> Wish:
    from bandersnatch import names
    from bandersnatch.config import values
    from bandersnatch.errors import Problem, UsageError
    from bandersnatch.verify.engine import Wish

    problems: list[Problem] = []
    projects = set()
    for name in args.projects:
        try:
            projects.add(names.normalise(name))
        except ValueError as error:
            problems.append(Problem(str(error), key="--project"))
    bandwidth = 0
    try:
        bandwidth = values.parse_rate(args.bandwidth) if args.bandwidth else 0
    except ValueError as error:
        problems.append(Problem(str(error), key="--bandwidth"))
    if args.resume and projects:
        problems.append(
            Problem("it goes through all projects, and --project names some: use one of them", key="--resume")
        )
    if problems:
        raise UsageError(*problems)
    return Wish(
        pages=args.pages,
        contents=args.hash,
        projects=tuple(sorted(projects)),
        threads=args.threads,
        bandwidth=float(bandwidth),
    )


def _refuse_unknown(ground: Ground, projects: Sequence[str]) -> None:
    from bandersnatch.errors import Problem, UsageError

    unknown = [name for name in projects if ground.record(name) is None]
    if unknown:
        raise UsageError(*(Problem(f"{name}: nothing of it is published here", key="--project") for name in unknown))


def _why_unjudged(loaded: Loaded) -> str:
    if loaded.config.selects_nothing:
        return "the configuration selects nothing, so nothing is called unwanted"
    return "the dependencies were not found yet for these requirements, so nothing is called unwanted"


def _exit_code(counts: Counter[Kind], *, strict: bool) -> int:
    found = any(number and (strict or kind.severity not in TOLERATED) for kind, number in counts.items())
    return exits.BEHIND if found else exits.CLEAN
