"""``bandersnatch backup`` and ``bandersnatch restore``: the catalogue as a file of its own, and back."""

from __future__ import annotations

import argparse
from contextlib import nullcontext
from typing import Any, TextIO

from bandersnatch.cli import command, confirm, exits, options, text

BACKUP = """\
Copy the catalogue, all that the mirror remembers, to a file. A run may go on at the same time. The file is whole or
not there; an older copy is replaced. The pages and files of the mirror are not in it.
"""

RESTORE = """\
Put a copy of the catalogue back in its place; the present one is set aside. The copy is checked first. All pages are
read and all files looked at, so that what changed since the copy was made is mended by the next run.
"""

EXIT_BACKUP = """\
exit status:
  0    the copy is there
  2    wrong usage, nothing was mirrored yet, or the file is there and is something else
  74   the disk, or the catalogue, failed
"""

EXIT_RESTORE = """\
exit status:
  0    it is done
  1    you did not agree, so nothing was done
  2    wrong usage, or nobody could be asked
  74   the copy is damaged or no catalogue, or the disk failed
  75   another run is under way
"""


def add_parser(commands: Any) -> None:
    """Add ``backup`` and ``restore`` to *commands*, the result of ``add_subparsers``."""
    backup = command.add(
        commands,
        "backup",
        run_backup,
        "copy the catalogue to a file",
        description=BACKUP,
        exits=EXIT_BACKUP,
        examples=["backup /backup/catalogue.db"],
    )
    backup.add_argument("file", metavar="FILE", help="where to")
    restore = command.add(
        commands,
        "restore",
        run_restore,
        "put a copy of the catalogue back",
        description=RESTORE,
        exits=EXIT_RESTORE,
        examples=["restore --dry-run /backup/catalogue.db"],
    )
    restore.add_argument("file", metavar="FILE", help="what backup has made")
    confirm.add_options(restore)
    for parser in (backup, restore):
        options.add_place(parser)
        parser.add_argument("--json", action="store_true", help="print one JSON object")


def run_backup(args: argparse.Namespace, out: TextIO) -> int:
    """Copy the catalogue. Returns the exit code."""
    from pathlib import Path

    from bandersnatch.assemble import backing

    totals = backing.backup(options.load(args).config, Path(args.file))
    if args.json:
        print(text.as_json({"file": args.file, "projects": totals.projects, "files": totals.files}), file=out)
    else:
        print(f"{args.file}: {text.count(totals.projects, 'project')}, {text.count(totals.files, 'file')}", file=out)
    return exits.CLEAN


def run_restore(args: argparse.Namespace, out: TextIO) -> int:
    """Put the copy back. Returns the exit code."""
    import time
    from pathlib import Path

    from bandersnatch import assemble
    from bandersnatch.assemble import backing
    from bandersnatch.errors import UsageError

    config, source, now = options.load(args).config, Path(args.file), time.time()
    if not source.is_file():
        raise UsageError(f"{source}: there is no such file")
    with nullcontext() if args.dry_run else assemble.locked(config):
        when = backing.last_run(source)
        if not args.json:
            last = "no run yet" if when is None else f"last run at {text.moment(when)}"
            present = "; the present catalogue is set aside" if backing.there_is_one(config) else ""
            print(f"{args.file}: {last}{present}", file=out)
        if args.dry_run:
            if args.json:
                print(text.as_json({"last_run": when, "sets_aside": backing.there_is_one(config)}), file=out)
            return exits.CLEAN
        if not confirm.confirmed(args):
            return exits.BEHIND
        totals, steps = backing.restore(config, source, now)
    count = sum(steps.values())
    if args.json:
        print(
            text.as_json({"projects": totals.projects, "files": totals.files, "last_run": when, "steps": steps}),
            file=out,
        )
    else:
        known = f"{text.count(totals.projects, 'project')}, {text.count(totals.files, 'file')}"
        print(f"restored: {known}; {text.count(count, 'difference')} for the next run to look at", file=out)
    return exits.CLEAN
