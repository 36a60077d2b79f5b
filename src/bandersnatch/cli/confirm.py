"""Asking before anything is destroyed."""

from __future__ import annotations

import argparse
import sys


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--dry-run`` and ``--yes``."""
    parser.add_argument("--dry-run", action="store_true", help="only say what would be done")
    parser.add_argument("--yes", action="store_true", help="do not ask; needed where there is no terminal to ask on")


def confirmed(args: argparse.Namespace) -> bool:
    """Whether the operator agrees. Raises UsageError where nobody can be asked and *args* do not say so."""
    from bandersnatch.errors import UsageError

    if args.yes:
        return True
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError("nothing was done: there is no terminal to ask on; look with --dry-run, then say --yes")
    print("bandersnatch: do it? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")
