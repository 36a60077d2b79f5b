"""``bandersnatch verify --repair``: what is found is marked, and a run of the mirror mends it."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, TextIO

from bandersnatch.cli import exits, listening, mirror, text, verified, verify
from bandersnatch.values import replace, to_builtins

if TYPE_CHECKING:
    from bandersnatch.config.load import Loaded
    from bandersnatch.upkeep.garbage import Garbage
    from bandersnatch.verify.engine import Wish


UNSELECTED = (
    "the configuration selects nothing, so what is to be repaired is only marked: "
    "the next run of bandersnatch mirror, with the projects that you mirror, does it"
)


def run_repair(args: argparse.Namespace, loaded: Loaded, wish: Wish, out: TextIO) -> int:
    """Verify, mark, run, and take away what nothing knows if that is asked for. Returns the exit code."""
    from bandersnatch import assemble
    from bandersnatch.assemble.keeping import adopted
    from bandersnatch.assemble.verifying import refuse_nothing
    from bandersnatch.upkeep.garbage import garbage

    refuse_nothing(loaded.config)
    listening.never_wait(out, sys.stderr, as_json=args.json)
    with assemble.locked(loaded.config), ExitStack() as stack:
        spooled = stack.enter_context(garbage(stack.enter_context(adopted(loaded.config)))) if args.garbage else None
        found = _find_and_mark(args, loaded, wish, spooled, out)
        if loaded.config.selects_nothing:
            print(f"bandersnatch: {UNSELECTED}", file=sys.stderr)
            return exits.BEHIND
        wanted = argparse.Namespace(
            json=args.json, verbose=found > 0, quiet=False, full=False, accept_removals=args.accept_removals,
            accept_changed=[],
            requirements=[], files=[],
        )  # fmt: skip
        code = mirror.run_locked(wanted, loaded, out)
        if spooled is not None and spooled.count and code in (exits.CLEAN, exits.BEHIND):
            _tidy(args, loaded, spooled, out)
    return code


def _find_and_mark(args: argparse.Namespace, loaded: Loaded, wish: Wish, spooled: Garbage | None, out: TextIO) -> int:
    """How many differences were found."""
    from bandersnatch.assemble import verifying
    from bandersnatch.assemble.keeping import kept
    from bandersnatch.assemble.selection import choose
    from bandersnatch.upkeep.repairing import Marks
    from bandersnatch.verify.engine import verify as find

    now = time.time()
    found = verified.choose(out, as_json=args.json, shown=None if args.all else verify.SHOWN)
    bookmark = verifying.bookmark(loaded.config, verify.mode_of(wish)) if args.resume else None
    with kept(loaded.config, os.environ, now, choose(loaded).selection) as (opened, ground):
        verify.prepare(ground, wish, loaded)
        if bookmark:
            wish = replace(wish, after=bookmark.read())
        marks = Marks(opened.catalogue, now, spooled)
        with verify.listening(ground, wish, bookmark) as tell:
            for finding in find(ground, wish, now, tell=tell):
                found.add(finding, marks.add(finding))
        marks.finish()
        if bookmark:
            bookmark.clear()
    found.end()
    return found.counts.total()


def _tidy(args: argparse.Namespace, loaded: Loaded, spooled: Garbage, out: TextIO) -> None:
    from bandersnatch.assemble.keeping import kept
    from bandersnatch.assemble.selection import choose
    from bandersnatch.upkeep.garbage import take_away

    now = time.time()
    with kept(loaded.config, os.environ, now, choose(loaded).selection) as (opened, _):
        taken = take_away(opened, spooled, now, accepted=args.accept_removals)
    if not args.json:
        print(
            f"garbage: {text.count(taken.pages, 'page')} deleted; {text.count(taken.files, 'file')} will leave storage "
            f"after {text.span(loaded.config.mirror.grace)}; {taken.kept:,} kept",
            file=out,
        )


def run_rolling(args: argparse.Namespace, loaded: Loaded, out: TextIO) -> int:
    """The next part of the rolling verification, outside a run. Returns the exit code."""
    from bandersnatch import assemble
    from bandersnatch.assemble.keeping import kept
    from bandersnatch.assemble.selection import choose
    from bandersnatch.assemble.verifying import refuse_nothing, rolling
    from bandersnatch.errors import UsageError
    from bandersnatch.sync import events

    config, now = loaded.config, time.time()
    refuse_nothing(config)

    def tell(event: events.Event) -> None:
        if isinstance(event, events.Warned):
            print(f"bandersnatch: {text.shown(event.message)}", file=sys.stderr)

    with (
        assemble.locked(config),
        kept(config, os.environ, now, choose(loaded).selection) as (opened, _),
        rolling(opened, config, now) as part,
    ):
        if part is None:
            raise UsageError("[verify] says of no file that it is to be looked at: files-per-day, share-per-day")
        found = part(tell)
    if args.json:
        print(json.dumps(to_builtins(found)), file=out)
    else:
        what = f"{text.count(found.projects, 'project')}, {text.count(found.files, 'file')}, {text.size(found.bytes)}"
        end = "; the round is over" if found.whole_round else ""
        print(f"looked at {what}; {found.damaged:,} damaged{end}", file=out)
    return exits.BEHIND if found.damaged else exits.CLEAN
