"""Options that several commands share, and the configuration that they lead to."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from bandersnatch.cli import text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bandersnatch.config.load import Loaded


LISTS = (".txt", ".in", ".toml", ".lock", ".json", ".xml", ".py")
"""How files end that say what is required."""


def add_place(parser: argparse.ArgumentParser) -> None:
    """Add ``--directory``."""
    parser.add_argument("--directory", metavar="DIR", help="the mirror's directory (in place of [mirror] directory)")


def threads(given: str) -> int:
    """What ``--threads`` says."""
    if not (given.isdecimal() and 1 <= int(given) <= 64):
        raise argparse.ArgumentTypeError("a number from 1 to 64")
    return int(given)


def add_requirements(parser: argparse.ArgumentParser, verb: str) -> None:
    """Add what says on the command line which projects are meant, in place of the configuration's selection."""
    parser.add_argument(
        "requirements", nargs="*", type=requirement, metavar="REQUIREMENT",
        help=f"{verb} these, such as six or 'idna>=3.7'",
    )  # fmt: skip
    parser.add_argument(
        "-r", "--requirement", dest="files", action="append", default=[], metavar="FILE",
        help=f"{verb} what FILE names: requirements.txt, pyproject.toml, a lock file, an SBOM; can be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--with-dependencies", action="store_true", help="and all that it needs, on every environment (uses uv)"
    )


def requirement(given: str) -> str:
    """A requirement of the command line, and not a file of some by mistake: its name might well be a project's."""
    is_path = os.sep in given and not given.endswith(os.sep)  # which would be a regular expression
    if "@" not in given and (is_path or given.endswith(LISTS)):
        raise argparse.ArgumentTypeError(f"{given} looks like a file; for what it requires say -r {given}")
    return given


def names_projects(args: argparse.Namespace) -> bool:
    """Whether the command line says which projects are meant."""
    return bool(args.requirements or args.files)


def requirements(args: argparse.Namespace) -> dict[str, object]:
    """
    The overrides that the options of ``add_requirements`` mean.

    Who names projects on the command line wants them as well: whatever else is mirrored stays.
    """
    overrides = naming(args.requirements, args.files) if names_projects(args) else {}
    if args.with_dependencies:
        overrides["select.dependencies"] = True
    return overrides


def naming(projects: Sequence[str], files: Sequence[str] = ()) -> dict[str, object]:
    """The overrides of a run whose command line names *projects* and *files*."""
    return {
        "select.projects": list(projects),
        "select.from-files": [os.path.abspath(name) for name in files],
        "select.whole-from-files": [],
        "select.index-only": [],
        "select.everything": False,
        "removal.deselected": "keep",
    }


def load(args: argparse.Namespace, overrides: dict[str, object] | None = None) -> Loaded:
    """
    The configuration in force: the file, if there is one, the environment, and the command line over both.

    What a file of PyPA bandersnatch says and has another effect here, or none, is printed for who sits at a terminal.
    Raises UsageError with everything that is wrong.
    """
    from bandersnatch.config.find import find
    from bandersnatch.config.load import load as load_file

    place = find(args.config, os.environ)
    overrides = dict(overrides or {})
    if args.directory is not None:
        overrides["mirror.directory"] = os.path.abspath(args.directory)
    loaded = load_file(place.path if os.path.lexists(place.path) else None, os.environ, overrides)
    # cron would mail them after every run; "config check" has them for everybody.
    for note in loaded.notes if sys.stderr.isatty() else ():
        print(f"bandersnatch: warning: {text.shown(str(note))}", file=sys.stderr)
    return loaded
