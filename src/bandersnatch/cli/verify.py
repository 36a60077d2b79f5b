"""``bandersnatch verify``: whether the mirror is what its catalogue says, and what its rules want."""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, TextIO

from bandersnatch.cli import command, exits, options

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
Compare what is stored with what the catalogue says is published, and with what the rules want. Unless --repair is
given nothing is changed, and a run may go on at the same time; upstream is asked only with --upstream. Without options
names and sizes are compared, the list of projects is read, and whatever else is stored is named.
"""

EXIT = """\
exit status:
  0    nothing was found, or nothing but what nobody knows (garbage) or wants (unwanted)
  1    something was found; with --strict, anything at all
  2    wrong usage, or nothing was mirrored yet
  3    with --upstream: upstream's list is not to be believed
  74   the catalogue, or the mirror's directory, cannot be read
with --repair, that of the run that repairs:
  0    everything that was found is mended, but for what is named as beyond repair
  1    something is behind upstream, and is tried again by a later run
  3    so much would leave that an operator has to look at it: --accept-removals
  74   the disk failed, or is full
  75   another run is under way
"""


def add_parser(commands: Any) -> None:
    """Add ``verify`` to *commands*, the result of ``add_subparsers``."""
    parser = command.add(
        commands,
        "verify",
        run_verify,
        "compare what is stored with what was published",
        description=DESCRIPTION,
        exits=EXIT,
        examples=["verify", "verify --hash --project six", "verify --repair --dry-run"],
    )
    options.add_place(parser)
    parser.add_argument("--pages", action="store_true", help="read every page, and compare what it links and promises")
    depth = parser.add_mutually_exclusive_group()
    depth.add_argument("--quick", action="store_true", help="compare the names and sizes of files (the default)")
    depth.add_argument("--hash", action="store_true", help="read every file, and compare its SHA-256")
    parser.add_argument(
        "--project", dest="projects", action="append", default=[], metavar="NAME",
        help="look at this project only; can be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--upstream", nargs="?", const="list", choices=("list", "pages"), metavar="list|pages",
        help="compare with upstream as well: with its list, or with every page; of named projects, with their pages",
    )  # fmt: skip
    parser.add_argument("--bandwidth", metavar="RATE", help="read no more than this, such as 50MiB/s")
    parser.add_argument(
        "--threads", type=options.threads, default=min(4, os.cpu_count() or 1), metavar="N",
        help="look at so many objects at once (default: one for each processor, 4 at most)",
    )  # fmt: skip
    parser.add_argument(
        "--resume", action="store_true", help="go on after the last project that a --resume before finished"
    )
    parser.add_argument(
        "--rolling", action="store_true",
        help="look at the next part of the mirror as [verify] says, and mark what is damaged; takes the lock",
    )  # fmt: skip
    parser.add_argument("--strict", action="store_true", help="exit with 1 for garbage and unwanted files as well")
    _add_repair(parser)
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--json", action="store_true", help="print one JSON object a line for each finding, and a sum")
    output.add_argument("--all", action="store_true", help=f"print every finding, not {SHOWN} of each kind at most")


def _add_repair(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--repair", action="store_true", help="and repair what is found, by a run of the mirror; takes its lock"
    )
    parser.add_argument("--garbage", action="store_true", help="with --repair: take away what nothing knows as well")
    parser.add_argument("--dry-run", action="store_true", help="with --repair: only say what would be done")
    parser.add_argument(
        "--accept-removals", action="store_true",
        help="with --repair: remove what is to be removed, however much it is",
    )  # fmt: skip


def run_verify(args: argparse.Namespace, out: TextIO) -> int:
    """Print what is found. Returns the exit code."""
    import time

    from bandersnatch.assemble import verifying
    from bandersnatch.assemble.selection import choose
    from bandersnatch.cli import verified
    from bandersnatch.upkeep.repairing import step_for
    from bandersnatch.values import replace
    from bandersnatch.verify.engine import verify

    loaded = options.load(args)
    wish = _wish(args)
    if args.rolling:
        from bandersnatch.cli import repair

        return repair.run_rolling(args, loaded, out)
    if args.upstream:
        from bandersnatch.cli import beside

        return beside.run_beside(args, loaded, wish, out)
    if args.repair and not args.dry_run:
        from bandersnatch.cli import repair

        return repair.run_repair(args, loaded, wish, out)
    report = verified.choose(out, as_json=args.json, shown=None if args.all else SHOWN)
    bookmark = verifying.bookmark(loaded.config, mode_of(wish)) if args.resume else None
    with verifying.ground(loaded.config, os.environ, choose(loaded).selection) as ground:
        prepare(ground, wish, loaded)
        if bookmark:
            wish = replace(wish, after=bookmark.read())
        with listening(ground, wish, bookmark) as tell:
            for finding in verify(ground, wish, time.time(), tell=tell):
                report.add(finding, step_for(finding, garbage=args.garbage) if args.repair else None)
        if bookmark:
            bookmark.clear()
    report.end()
    return exit_code(report.counts, strict=args.strict)


def prepare(ground: Ground, wish: Wish, loaded: Loaded) -> None:
    """Say what cannot be judged. Raises UsageError for projects that are not here."""
    _refuse_unknown(ground, wish.projects)
    if ground.selection is None:
        print(f"bandersnatch: {_why_unjudged(loaded)}", file=sys.stderr)


@contextmanager
def listening(ground: Ground, wish: Wish, bookmark: Bookmark | None) -> Iterator[Tell]:
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


def mode_of(wish: Wish) -> str:
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
    if not args.repair:
        problems += [
            Problem("it is about --repair, which is not given", key=key)
            for key, given in (
                ("--dry-run", args.dry_run), ("--garbage", args.garbage), ("--accept-removals", args.accept_removals)
            )
            if given
        ]  # fmt: skip
    if args.upstream and (args.repair or args.rolling):
        problems.append(Problem("a repair asks upstream anyway: without --repair and --rolling", key="--upstream"))
    if args.rolling and (args.repair or args.resume or projects):
        problems.append(Problem("it goes its own way: without --repair, --resume and --project", key="--rolling"))
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


def exit_code(counts: Counter[Kind], *, strict: bool) -> int:
    """What the findings come to."""
    found = any(number and (strict or kind.severity not in TOLERATED) for kind, number in counts.items())
    return exits.BEHIND if found else exits.CLEAN
