"""``bandersnatch trash``: what is in the trash, back from it, and away for good."""

from __future__ import annotations

import argparse
import os
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, TextIO

from bandersnatch.cli import command, confirm, exits, options, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from bandersnatch.sync.mirror import Mirror
    from bandersnatch.upkeep.trash import Item
    from bandersnatch.verify.base import Ground

    Act = Callable[[Mirror, Ground], object]

DESCRIPTION = """\
Files that left the mirror are kept in the trash for [removal] trash, or for hidden-for what a policy hides.
"""

LIST = "Print what is in the trash: when it came, until when it is kept, its size, why it left, and its key."

RESTORE = """\
Put files back on their pages. Their bytes are compared with the digest in their name before anything links them.
If the next run would take a file away again, that is said, with the line of the configuration that keeps it.
"""

EMPTY = "Delete what is in the trash for good, all of it or what is named."

EXIT = """\
exit status:
  0    it is done
  1    you did not agree, so nothing was done
  2    wrong usage, nothing of that name is in the trash, or nobody could be asked
  3    a file must not come back: it is damaged, or its project is in quarantine
  74   the disk, or the catalogue, failed
  75   another run is under way
"""

NAMES = "NAME[==VERSION]|FILE"


def add_parser(commands: Any) -> None:
    """Add ``trash`` to *commands*, the result of ``add_subparsers``."""
    parser = command.add(
        commands,
        "trash",
        None,
        "see what is in the trash, restore it, or empty it",
        description=DESCRIPTION,
        exits=EXIT,
        examples=["trash list six", "trash restore --dry-run six==1.16.0"],
    )
    verbs = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add(verbs, "list", run_list, "print what is in the trash", LIST, many="*", goes_on=False)
    confirm.add_options(_add(verbs, "restore", run_restore, "put files back on their pages", RESTORE, many="+"))
    confirm.add_options(_add(verbs, "empty", run_empty, "delete what is in the trash for good", EMPTY, many="*"))


def _add(
    verbs: Any, name: str, run: Callable[..., int], summary: str, description: str, *, many: str, goes_on: bool = True
) -> argparse.ArgumentParser:
    parser = command.add(
        verbs,
        name,
        run,
        summary,
        description=description,
        exits=EXIT,
        examples=[f"trash {name} six"],
        goes_on=goes_on,
    )
    parser.add_argument("names", nargs=many, metavar=NAMES, help="a project, one version of it, or a file's name")
    options.add_place(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")
    return parser


def run_list(args: argparse.Namespace, out: TextIO) -> int:
    """Print what is in the trash. Returns the exit code."""
    from bandersnatch.assemble import verifying
    from bandersnatch.assemble.selection import choose
    from bandersnatch.upkeep.trash import listed

    loaded = options.load(args)
    count = size = 0
    with verifying.ground(loaded.config, os.environ, choose(loaded).selection) as ground:
        for item in listed(ground, args.names):
            count, size = count + 1, size + (item.size or 0)
            _print(item, out, as_json=args.json)
    if not args.json:
        print(f"{text.count(count, 'object')}, {text.size(size)}", file=out)
    return exits.CLEAN


def _print(item: Item, out: TextIO, *, as_json: bool) -> None:
    one = item.buried
    if as_json:
        facts = {"key": one.key, "project": one.project, "reason": one.reason, "since": one.since, "until": one.until}
        print(text.as_json({**facts, "size": item.size}), file=out)
        return
    size = "lost" if item.size is None else text.size(item.size)
    since, until = text.moment(one.since), text.moment(one.until)
    print(text.shown(f"{since}  until {until}  {size:>10}  {one.reason}: {one.key}"), file=out)


def run_restore(args: argparse.Namespace, out: TextIO) -> int:
    """Verify, say what comes back, ask, and put it back. Returns the exit code."""
    from bandersnatch.upkeep.trash import listed, plan_return, restore

    def look(ground: Ground, now: float) -> Act:
        returns = plan_return(ground, list(listed(ground, args.names)), now)
        _refuse_nothing(args, bool(returns))
        for one in returns:
            if args.json:
                facts = {"project": one.project, "key": one.item.buried.key, "leaves_again": one.warning}
                print(text.as_json(facts), file=out)
                continue
            print(text.shown(f"{one.project}: {one.item.filename}: {one.item.size:,} bytes, verified"), file=out)
            if one.warning:
                print(f"  the next run takes it away again: {text.shown(one.warning)}", file=out)
        return lambda mirror, _: restore(mirror, returns, now)

    return _agreed(args, look)


def run_empty(args: argparse.Namespace, out: TextIO) -> int:
    """Say how much goes, ask, and delete it. Returns the exit code."""
    from bandersnatch.upkeep.trash import empty, listed

    def look(ground: Ground, now: float) -> Act | None:
        count = size = 0
        for item in listed(ground, args.names):
            count, size = count + 1, size + (item.size or 0)
        _refuse_nothing(args, bool(count or not args.names))
        if args.json:
            print(text.as_json({"objects": count, "bytes": size}), file=out)
        else:
            print(f"{text.count(count, 'object')}, {text.size(size)}: deleted for good", file=out)
        return (lambda mirror, ground: empty(mirror, listed(ground, args.names), now)) if count else None

    return _agreed(args, look)


def _refuse_nothing(args: argparse.Namespace, found: bool) -> None:
    from bandersnatch.errors import UsageError

    if not found:
        raise UsageError(f"{', '.join(args.names)}: nothing of that name is in the trash; trash list says what is")


def _agreed(args: argparse.Namespace, look: Callable[[Ground, float], Act | None]) -> int:
    """Look, ask, and do what *look* says; a dry run needs no lock, and changes nothing. Returns the exit code."""
    import time

    from bandersnatch import assemble
    from bandersnatch.assemble import keeping, verifying
    from bandersnatch.assemble.selection import choose

    loaded = options.load(args)
    config, chosen, now = loaded.config, choose(loaded).selection, time.time()
    verifying.refuse_nothing(config)
    with nullcontext() if args.dry_run else assemble.locked(config):
        with verifying.ground(config, os.environ, chosen) as ground:
            act = look(ground, now)
        if args.dry_run or act is None:
            return exits.CLEAN
        if not confirm.confirmed(args):
            return exits.BEHIND
        with keeping.kept(config, os.environ, now, chosen) as (mirror, ground):
            act(mirror, ground)
    return exits.CLEAN
