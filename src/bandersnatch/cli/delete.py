"""``bandersnatch delete``: take projects, versions or files off the mirror by hand."""

from __future__ import annotations

import argparse
import os
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, TextIO

from bandersnatch.cli import command, confirm, exits, options, text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bandersnatch.upkeep.deleting import Doomed

DESCRIPTION = """\
Take projects, versions or single files off the mirror: off their page first, off the list of projects right
afterwards, out of storage after the grace time and by way of the trash. What the configuration still wants is
fetched again by the next run, so the line is printed that would keep it away.
"""

EXIT = """\
exit status:
  0    it is done
  1    you did not agree, so nothing was done
  2    wrong usage, nothing of that name is published, or nobody could be asked
  74   the disk, or the catalogue, failed
  75   another run is under way
"""


def add_parser(commands: Any) -> None:
    """Add ``delete`` to *commands*, the result of ``add_subparsers``."""
    parser = command.add(
        commands,
        "delete",
        run_delete,
        "take projects, versions or files off the mirror",
        description=DESCRIPTION,
        exits=EXIT,
        examples=["delete --dry-run six==1.16.0", "delete --yes six"],
    )
    parser.add_argument(
        "names", nargs="+", metavar="NAME[==VERSION]|FILE", help="a project, one version of it, or a file's name"
    )
    options.add_place(parser)
    confirm.add_options(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object a line for each project")


def run_delete(args: argparse.Namespace, out: TextIO) -> int:
    """Say what is to be deleted, ask, and do it. Returns the exit code."""
    import time

    from bandersnatch import assemble
    from bandersnatch.assemble import keeping, verifying
    from bandersnatch.assemble.selection import choose
    from bandersnatch.upkeep.deleting import delete, find

    loaded = options.load(args)
    config, chosen, now = loaded.config, choose(loaded).selection, time.time()
    verifying.refuse_nothing(config)
    with nullcontext() if args.dry_run else assemble.locked(config):
        with verifying.ground(config, os.environ, chosen) as ground:
            doomed = find(ground, args.names, now)
        _tell(doomed, out, as_json=args.json)
        if args.dry_run:
            return exits.CLEAN
        if not confirm.confirmed(args):
            return exits.BEHIND
        with keeping.kept(config, os.environ, now, chosen) as (mirror, _):
            delete(mirror, doomed, now)
    if not args.json:
        files = text.count(sum(len(one.held) for one in doomed), "file")
        print(f"done; {files} will leave storage after {text.span(config.mirror.grace)}, with a later run", file=out)
    return exits.CLEAN


def _tell(doomed: Sequence[Doomed], out: TextIO, *, as_json: bool) -> None:
    from bandersnatch.upkeep.deleting import described

    for one in doomed:
        if as_json:
            facts = {
                "project": one.record.name,
                "whole": one.whole,
                "files": [held.file.filename for held in one.held],
                "bytes": one.bytes,
                "comes_back": bool(one.lines),
                "keep_away": list(one.lines),
            }
            print(text.as_json(facts), file=out)
            continue
        for line in described(one):
            print(text.shown(line), file=out)
