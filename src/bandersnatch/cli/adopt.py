"""``bandersnatch adopt``: take over what another tool has mirrored, so that nothing is fetched twice."""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

from bandersnatch.cli import command, exits, options, text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bandersnatch.adopt.base import Layout, Plan, Tell, Wish
    from bandersnatch.adopt.former import Suggestion
    from bandersnatch.config.load import Loaded
    from bandersnatch.storage.foreign import Foreign

DESCRIPTION = """\
Take over what is in DIR: the folder of PyPA bandersnatch or pep381client, of shadowmire, morgan or devpi, what pip has
downloaded, or any folder of wheels and sdists. Each file is read once and verified; one that is whole is kept where it
is, or linked to its place in the mirror. Nothing in DIR is deleted, and no page is changed: the next run does that.
Running it again goes on where it was stopped.
"""

EXIT = """\
exit status:
  0    all files are whole, and the mirror has them
  1    some files are damaged, which the next run fetches, or upstream could not be asked
  2    wrong usage
  74   the disk failed, or is full
  75   another run is under way, here or of the other tool
  130, 143   stopped by ^C or SIGTERM; running it again goes on from there
"""


def add_parser(commands: Any) -> None:
    """Add ``adopt`` to *commands*, the result of ``add_subparsers``."""
    parser = command.add(
        commands,
        "adopt",
        run_adopt,
        "take over what another tool has mirrored",
        description=DESCRIPTION,
        exits=EXIT,
        examples=["adopt --dry-run /srv/pypi", "adopt /srv/pypi --write-config bandersnatch.conf"],
    )
    parser.add_argument("source", metavar="DIR", help="the other tool's folder, or a folder of files")
    options.add_place(parser)
    parser.add_argument("--dry-run", action="store_true", help="only say what would be done; reads names and sizes")
    parser.add_argument(
        "--trust-size", action="store_true",
        help="do not read files whose size and time are those that DIR's own pages state",
    )  # fmt: skip
    parser.add_argument(
        "--ask-upstream", action="store_true",
        help="compare files that no digest in DIR vouches for with upstream's pages, and pass over what it lacks",
    )  # fmt: skip
    parser.add_argument(
        "--by", choices=("link", "copy", "move"), default="link",
        help="how a file gets to its place: by a hard link, or a copy where that cannot be (default); always by a "
        "copy; or by a link and then without its name in DIR",
    )  # fmt: skip
    parser.add_argument(
        "--places", choices=("blake2", "sha256"), default="blake2",
        help="what places are made from where nobody says: the BLAKE2b-256, as PyPI does (default), or the SHA-256, "
        "for an upstream whose addresses have another shape",
    )  # fmt: skip
    parser.add_argument(
        "--threads", type=options.threads, default=min(4, os.cpu_count() or 1), metavar="N",
        help="read so many files at once (default: one for each processor, 4 at most)",
    )  # fmt: skip
    parser.add_argument(
        "--crontab", metavar="FILE", help="the lines of cron that ran the other tool (-: standard input), to translate"
    )
    parser.add_argument(
        "--write-config", metavar="FILE", help="write the configuration that is suggested; never overwritten"
    )
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--json", action="store_true", help="print one JSON object a line for each thing, and a sum")
    output.add_argument("--all", action="store_true", help="print everything that is damaged or strange, not only some")


def run_adopt(args: argparse.Namespace, out: TextIO) -> int:
    """Take the tree over, or say how. Returns the exit code."""
    from bandersnatch.adopt import engine
    from bandersnatch.adopt.recognise import recognise
    from bandersnatch.assemble import adopting
    from bandersnatch.cli import adopted

    with adopting.tree(args.source) as source:
        kind = recognise(source)
        loaded = _load(args, source, is_mirror=kind.is_mirror)
        directory = os.path.realpath(loaded.config.mirror.directory)
        _refuse(args, source, directory)
        suggestion = _suggestion(args, source, kind, directory)
        plan = engine.plan(source, kind, directory)
        report = adopted.choose(out, as_json=args.json, shown=None if args.all else adopted.SHOWN)
        report.plan(plan)
        if not args.dry_run:
            _carry_out(args, loaded, source, plan, report)
    if suggestion is not None:
        report.suggest(suggestion, args.write_config)
    report.end("" if args.dry_run else _next(args, directory))
    return exits.BEHIND if report.damaged else exits.CLEAN


def _next(args: argparse.Namespace, directory: str) -> str:
    """The command that goes on."""
    import shlex

    configuration = args.write_config or args.config
    option = f" -c {shlex.quote(configuration)}" if configuration else ""
    place = f" --directory {shlex.quote(directory)}" if args.directory and not args.write_config else ""
    return f"bandersnatch{option} mirror{place}"


def _carry_out(args: argparse.Namespace, loaded: Loaded, source: Foreign, plan: Plan, report: Any) -> None:
    import time

    from bandersnatch.adopt.engine import adopt
    from bandersnatch.assemble import adopting

    wish = _wish(args)
    with (
        adopting.ground(loaded.config, os.environ, source, plan.layout, ask=args.ask_upstream) as ground,
        _listening(plan) as tell,
    ):
        for found in adopt(ground, plan, wish, time.time(), tell):
            report.add(found)


def _wish(args: argparse.Namespace) -> Wish:
    from bandersnatch.adopt.base import Wish

    return Wish(trust_size=args.trust_size, by=args.by, places=args.places, threads=args.threads)


def _load(args: argparse.Namespace, source: Foreign, *, is_mirror: bool) -> Loaded:
    """The configuration; what is a mirror already stays where it is, unless --directory says where it is to be."""
    from dataclasses import replace as with_other

    from bandersnatch.config.find import find
    from bandersnatch.config.option import PREFIX
    from bandersnatch.errors import Problem, UsageError
    from bandersnatch.values import replace

    named = f"{PREFIX}MIRROR_DIRECTORY" in os.environ or os.path.lexists(find(args.config, os.environ).path)
    if args.directory is None and not named and not is_mirror:
        raise UsageError(Problem("say with --directory, or in a configuration, where the mirror is to be"))
    loaded = options.load(args)
    mirror = loaded.config.mirror
    if args.directory is not None or not is_mirror or os.path.realpath(mirror.directory) == source.place:
        return loaded
    if named and not args.write_config:
        print(
            f"bandersnatch: warning: the configuration names {text.shown(mirror.directory)}, and "
            f"{text.shown(source.place)} is adopted where it is: change [mirror] directory, or say --directory to have "
            "the files there",
            file=sys.stderr,
        )
    args.directory = source.place
    return with_other(loaded, config=replace(loaded.config, mirror=replace(mirror, directory=source.place)))


def _refuse(args: argparse.Namespace, source: Foreign, directory: str) -> None:
    """Raises UsageError for trees that lie in each other, and for what would break pages that are served."""
    from bandersnatch.errors import Problem, UsageError

    place = source.place
    if place.startswith((f"{directory}/web/", f"{directory}/state/")) or place in (
        f"{directory}/web",
        f"{directory}/state",
    ):
        raise UsageError(Problem(f"is a part of the mirror; name the mirror's folder itself: {directory}", args.source))
    if directory.startswith(f"{place.rstrip('/')}/"):
        raise UsageError(Problem(f"the mirror lies in it ({directory}); put it beside, or into {place} itself", place))
    if args.by == "move" and place == directory:
        raise UsageError(Problem("pages are served from here, whose links would break; leave it out", key="--by move"))


def _suggestion(args: argparse.Namespace, source: Foreign, kind: Layout, directory: str) -> Suggestion | None:
    """What to go on with, if it was asked for, and written where it was to be."""
    if args.crontab is None and args.write_config is None:
        return None
    from pathlib import Path

    from bandersnatch.adopt.former import suggest
    from bandersnatch.config.find import create
    from bandersnatch.errors import Problem, UsageError

    try:
        crontab = "" if args.crontab is None else _read(args.crontab)
    except OSError as error:
        raise UsageError(Problem(f"cannot be read: {error.strerror}", args.crontab)) from error
    configuration = os.path.abspath(args.write_config or "/etc/bandersnatch.conf")
    suggestion = suggest(source, kind, directory, crontab, configuration)
    if args.write_config and not args.dry_run:
        try:
            create(Path(args.write_config), suggestion.configuration.encode())
        except FileExistsError as error:
            raise UsageError(Problem("is there already; nothing was changed", args.write_config)) from error
        except OSError as error:
            raise UsageError(Problem(f"cannot be written: {error.strerror}", args.write_config)) from error
    return suggestion


def _read(name: str) -> str:
    if name == "-":
        return sys.stdin.read()
    with open(name, encoding="utf-8", errors="replace") as file:
        return file.read()


@contextmanager
def _listening(plan: Plan) -> Iterator[Tell]:
    """Shows on a terminal how far it is."""
    if not sys.stderr.isatty():
        yield lambda _bytes: None
        return
    from bandersnatch.cli.progress import BytesReport

    with BytesReport("reading", total=plan.bytes) as progress:
        yield progress.tell
