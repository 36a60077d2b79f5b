"""Options that several commands share, and the configuration that they lead to."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from bandersnatch.cli import text

if TYPE_CHECKING:
    from bandersnatch.config.load import Loaded


def add_place(parser: argparse.ArgumentParser) -> None:
    """Add ``--directory``."""
    parser.add_argument("--directory", metavar="DIR", help="the mirror's directory (in place of [mirror] directory)")


def load(args: argparse.Namespace, overrides: dict[str, object] | None = None) -> Loaded:
    """
    The configuration in force: the file, if there is one, the environment, and the command line over both.

    What a file of PyPA bandersnatch says and has another effect here, or none, is printed as a warning.
    Raises UsageError with everything that is wrong.
    """
    from bandersnatch.config.find import find
    from bandersnatch.config.load import load as load_file

    place = find(args.config, os.environ)
    overrides = dict(overrides or {})
    if args.directory is not None:
        overrides["mirror.directory"] = os.path.abspath(args.directory)
    loaded = load_file(place.path if os.path.lexists(place.path) else None, os.environ, overrides)
    for note in loaded.notes:
        print(f"bandersnatch: warning: {text.shown(str(note))}", file=sys.stderr)
    return loaded
