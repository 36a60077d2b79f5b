"""``bandersnatch config``: write, check and show the configuration.

Each ``run_…`` takes the parsed arguments (``config`` is the main parser's ``-c``) and where to print, and returns
the exit code: 0, or 2 for any problem with the configuration.
"""

from __future__ import annotations

import argparse
import os
import sys
from functools import partial
from typing import TYPE_CHECKING, Any, TextIO

from bandersnatch.cli import command, exits

if TYPE_CHECKING:
    from bandersnatch.config.load import Loaded
    from bandersnatch.errors import UsageError

EXIT = "exit status: 0 done, 2 wrong usage, or any problem with the configuration or its file"

# What needs the configuration is imported inside the functions, so that --help answers at once.


def add_parser(subparsers: Any) -> None:
    """Add ``config`` and its commands to *subparsers*, the result of ``add_subparsers``; each sets ``run``."""
    parser = command.add(
        subparsers,
        "config",
        None,
        "write, check and show the configuration",
        exits=EXIT,
        examples=["config init /etc/bandersnatch.conf", "config check"],
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    add = partial(command.add, commands, exits=EXIT)

    examples = ["config init bandersnatch.conf"]
    init = add("init", run_init, "write a new file with every key, commented out", examples=examples)
    init.add_argument("file", metavar="FILE", help="where to write it; an existing file is never touched")

    examples = ["config check", "config check -c bandersnatch.conf"]
    add("check", run_check, "say what is wrong with the configuration, all at once", examples=examples)

    summary = "print the values in force and where each comes from; no secrets"
    show = add("show", run_show, summary, examples=["config show --json"], goes_on=False)
    show.add_argument("--json", action="store_true", help="as one JSON object")

    add("path", run_path, "print which file is read", examples=["config path"], goes_on=False)

    examples = ["config convert --check /etc/bandersnatch.conf", "config convert old.conf new.conf"]
    convert = add(
        "convert", run_convert, "write the TOML for a configuration of PyPA bandersnatch (INI)", examples=examples
    )
    convert.add_argument("old", metavar="OLD", help="the configuration of PyPA bandersnatch, which is left as it is")
    convert.add_argument(
        "new", metavar="NEW", nargs="?", default="-", help="where to write it (default: -, print it); never overwritten"
    )
    convert.add_argument("--check", action="store_true", help="write nothing; say what is refused or different here")


def run_init(args: argparse.Namespace, out: TextIO) -> int:
    """Write the commented file at ``args.file``."""
    from pathlib import Path

    from bandersnatch.config.find import Outcome, first_run

    result = first_run(Path(args.file))
    written = result.outcome is Outcome.WRITTEN
    print(result.message, file=out if written else sys.stderr)
    return exits.CLEAN if written else exits.USAGE


def run_check(args: argparse.Namespace, out: TextIO) -> int:
    """Print every problem of the configuration, one on each line, or that there is none."""
    from bandersnatch.errors import UsageError

    try:
        loaded = _load(args)
    except UsageError as error:
        return _report(error, out)
    from bandersnatch.assemble.closing import notes
    from bandersnatch.assemble.outputs import problems
    from bandersnatch.config.exposed import exposed

    for note in (*loaded.notes, *notes(loaded.config)):
        print(note, file=out)
    found = [*problems(loaded), *exposed(loaded, os.environ)]
    if loaded.config.selects_nothing:
        found.append(loaded.nothing_selected())
    if found:
        return _report(UsageError(*found), out)
    print(f"{loaded.file or 'the environment'}: no problem found", file=out)
    return exits.CLEAN


def run_show(args: argparse.Namespace, out: TextIO) -> int:
    """Print the values in force."""
    from bandersnatch.errors import UsageError

    try:
        loaded = _load(args)
    except UsageError as error:
        return _report(error, sys.stderr)
    import json

    from bandersnatch.config import show

    out.write(json.dumps(show.as_data(loaded), indent=2) + "\n" if args.json else show.as_toml(loaded))
    return exits.CLEAN


def run_path(args: argparse.Namespace, out: TextIO) -> int:
    """Print the path of the file that counts, whether or not it is there yet."""
    from bandersnatch.config.find import find
    from bandersnatch.errors import UsageError

    try:
        print(find(args.config, os.environ).path, file=out)
    except UsageError as error:
        return _report(error, sys.stderr)
    return exits.CLEAN


def run_convert(args: argparse.Namespace, out: TextIO) -> int:
    """Write ``args.old`` in TOML, at ``args.new`` or to *out*; or only say what there is to know about it."""
    import shlex
    from pathlib import Path

    from bandersnatch.cli import converting
    from bandersnatch.errors import UsageError

    try:
        converted = converting.convert(Path(args.old))
    except UsageError as error:
        return _report(error, out if args.check else sys.stderr)
    for note in converted.notes:
        print(note, file=out if args.check else sys.stderr)
    if args.check:
        return exits.CLEAN
    if args.new == "-":
        out.write(converted.text)
        return exits.CLEAN
    try:
        converting.write(converted, Path(args.new))
    except UsageError as error:
        return _report(error, sys.stderr)
    print(f"wrote {args.new}; look it over, then run: bandersnatch -c {shlex.quote(args.new)} mirror", file=out)
    return exits.CLEAN


def _load(args: argparse.Namespace) -> Loaded:
    from bandersnatch.config.find import find
    from bandersnatch.config.load import load

    place = find(args.config, os.environ)
    return load(place.path if place.named or os.path.lexists(place.path) else None, os.environ)


def _report(error: UsageError, out: TextIO) -> int:
    print(error, file=out)
    return exits.USAGE
