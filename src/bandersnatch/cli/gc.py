"""``bandersnatch gc``: take away what takes room and nobody needs."""

from __future__ import annotations

import argparse
import os
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, TextIO

from bandersnatch.cli import command, confirm, exits, options, text

if TYPE_CHECKING:
    from bandersnatch.upkeep.collecting import Waste
    from bandersnatch.upkeep.garbage import Garbage, Taken
    from bandersnatch.verify.base import Finding

SHOWN = 50

DESCRIPTION = """\
Take away what nothing in the catalogue knows (what verify calls garbage), what has left its last page long enough ago,
what has been in the trash long enough, and downloads that were interrupted more than a week ago. Everything is looked
at first; if anything cannot be, nothing is taken away. Pages go before files, and no file goes that a page links.
What lies in the web server's root outside simple/, packages/, pypi/ and integrity/ is not touched.
"""

EXIT = """\
exit status:
  0    it is done, or there was nothing to do
  1    you did not agree, so nothing was done
  2    wrong usage, nothing was mirrored yet, or nobody could be asked
  3    it is not certain what is garbage, or too much is: the message says what to do
  74   the disk, or the catalogue, failed
  75   another run is under way
"""


def add_parser(commands: Any) -> None:
    """Add ``gc`` to *commands*, the result of ``add_subparsers``."""
    parser = command.add(
        commands,
        "gc",
        run_gc,
        "take away what takes room and nobody needs",
        description=DESCRIPTION,
        exits=EXIT,
        examples=["gc --dry-run", "gc --yes"],
    )
    options.add_place(parser)
    confirm.add_options(parser)
    parser.add_argument(
        "--accept-removals", action="store_true", help="take away what nothing knows, however much it is"
    )
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--json", action="store_true", help="print one JSON object a line for each object, and a sum")
    output.add_argument("--all", action="store_true", help=f"print every object, not {SHOWN} at most")


def run_gc(args: argparse.Namespace, out: TextIO) -> int:
    """Look, ask, and take away. Returns the exit code."""
    import time

    from bandersnatch import assemble
    from bandersnatch.assemble import keeping, verifying
    from bandersnatch.assemble.selection import choose
    from bandersnatch.upkeep.collecting import collect, survey
    from bandersnatch.upkeep.garbage import garbage, refuse

    loaded = options.load(args)
    config, chosen, now = loaded.config, choose(loaded).selection, time.time()
    verifying.refuse_nothing(config)
    with (
        nullcontext() if args.dry_run else assemble.locked(config),
        keeping.adopted(config) as spares,
        garbage(spares) as found,
    ):
        told = _Told(args, out)
        with verifying.ground(config, os.environ, chosen) as ground:
            grace = config.mirror.grace
            waste = survey(ground, found, now, grace=grace, keep_partial=assemble.KEEP_PARTIAL, tell=told.tell)
            told.sum(found, waste)
            if not (found.count or waste.partial or waste.leaving or waste.expired):
                return exits.CLEAN
            if args.dry_run:
                refuse(ground.catalogue, None if args.accept_removals else assemble.brake(config), found)
                return exits.CLEAN
        if not confirm.confirmed(args):
            return exits.BEHIND
        with keeping.kept(config, os.environ, now, chosen) as (mirror, _):
            taken = collect(mirror, found, now, accepted=args.accept_removals)
        told.done(taken, grace)
    return exits.CLEAN


class _Told:
    """What was found and what was done, for people or for machines."""

    def __init__(self, args: argparse.Namespace, out: TextIO) -> None:
        self._out = out
        self._json = args.json
        self._most = None if args.all else SHOWN
        self._count = 0

    def tell(self, finding: Finding) -> None:
        """One object that nothing knows."""
        self._count += 1
        if self._json:
            facts = {"kind": finding.kind, "key": finding.key, "what": finding.what or finding.kind.meaning}
            print(text.as_json(facts), file=self._out)
        elif self._most is None or self._count <= self._most:
            print(text.shown(f"  {finding.key}: {finding.what or finding.kind.meaning}"), file=self._out)
        elif self._count == self._most + 1:
            print("  and more; --all prints them", file=self._out)

    def sum(self, found: Garbage, waste: Waste) -> None:
        """What there is to be taken away."""
        facts = {
            "pages": found.pages.count,
            "files": found.files.count,
            "unknown_in_trash": found.buried.count,
            "not_ours": found.left,
            "adopted": found.spared,
            "leaving": waste.leaving,
            "expired": waste.expired,
            "partial": waste.partial,
            "partial_bytes": waste.partial_bytes,
        }
        if self._json:
            print(text.as_json(facts), file=self._out)
            return
        for number, words in (
            (found.pages.count, "that nothing knows: deleted"),
            (found.files.count, "that nothing knows: leave after the grace time, by way of the trash"),
            (found.buried.count, "in the trash that nothing knows: kept there for as long as anything else"),
            (found.left, "that nothing knows, and not ours: left alone"),
            (found.spared, "adopted, or perhaps served since: left alone until a run has ended with 0"),
            (waste.leaving, "that no page has linked for long enough: swept"),
            (waste.expired, "in the trash for long enough: deleted"),
            (waste.partial, f"interrupted long ago ({text.size(waste.partial_bytes)}): deleted"),
        ):
            if number:
                print(f"{text.count(number, 'object')} {words}", file=self._out)
        if not any(facts.values()):
            print("there is nothing to take away", file=self._out)

    def done(self, taken: Taken, grace: float) -> None:
        """What was taken away."""
        if self._json:
            facts = {"deleted": taken.pages, "left": taken.files, "noted": taken.buried, "kept": taken.kept}
            print(text.as_json({"done": facts}), file=self._out)
            return
        kept = f"; {text.count(taken.kept, 'object')} kept, since a page may link them" if taken.kept else ""
        later = f", after {text.span(grace)}," if taken.files else ""
        print(
            f"done{kept}. Later runs{later} take away what left now" if taken.files else f"done{kept}", file=self._out
        )
