"""``bandersnatch verify --upstream``: what is here, beside what upstream has now."""

from __future__ import annotations

import argparse
import os
import sys
import time
from typing import TYPE_CHECKING, TextIO

from bandersnatch.cli import exits, text, verified, verify
from bandersnatch.values import replace

if TYPE_CHECKING:
    from bandersnatch.config.load import Loaded
    from bandersnatch.verify.engine import Wish

MODE = "upstream"
"""What --resume goes on with, beside the verification's own place."""


def run_beside(args: argparse.Namespace, loaded: Loaded, wish: Wish, out: TextIO) -> int:
    """Compare with upstream, then with what is stored. Nothing is changed. Returns the exit code."""
    from bandersnatch.assemble import verifying
    from bandersnatch.assemble.selection import choose
    from bandersnatch.upkeep.comparing import Question, compare
    from bandersnatch.verify.engine import verify as find

    config, now = loaded.config, time.time()
    report = verified.choose(out, as_json=args.json, shown=None if args.all else verify.SHOWN)
    place = verifying.bookmark(config, MODE, "verify-upstream.json") if args.resume else None
    bookmark = verifying.bookmark(config, verify.mode_of(wish)) if args.resume else None
    with verifying.beside_upstream(config, os.environ, choose(loaded).selection) as (runner, mirror, ground):
        verify.prepare(ground, wish, loaded)
        question = Question(wish.projects, args.upstream == "pages", place.read() if place else "")
        done = place.write if place and question.pages else lambda _: None
        refused = runner.run(compare(mirror, question, now, report.add, done))
        if place:
            place.clear()
        if bookmark:
            wish = replace(wish, after=bookmark.read())
        with verify.listening(ground, wish, bookmark) as tell:
            for finding in find(ground, wish, now, tell=tell):
                report.add(finding)
        if bookmark:
            bookmark.clear()
    report.end()
    if refused:
        print(f"bandersnatch: {text.shown(refused)}", file=sys.stderr)
        return exits.REFUSED
    return verify.exit_code(report.counts, strict=args.strict)
