"""``bandersnatch environment``: the machine that it runs on, as a target environment of the configuration."""

from __future__ import annotations

import argparse
from typing import Any, TextIO

from bandersnatch.cli import command, exits

DESCRIPTION = """\
Print this machine and the Python that runs this command as a target environment: a table for the configuration.
Run it on the machines that the mirror is for, and name the tables in the configuration of the mirror.
"""


def add_parser(commands: Any) -> None:
    """Add ``environment`` to *commands*, the result of ``add_subparsers``."""
    parser = command.add(
        commands,
        "environment",
        run_environment,
        "print this machine as a target environment for the configuration",
        description=DESCRIPTION,
        exits="exit status: 0 printed, 2 wrong usage, or a machine that cannot be described",
        examples=["environment"],
        goes_on=False,
    )
    parser.add_argument("--name", metavar="NAME", help="what to call it (default: its system and processor)")
    parser.add_argument("--json", action="store_true", help="as one JSON object")


def run_environment(args: argparse.Namespace, out: TextIO) -> int:
    """Print the table. Raises UsageError for a name that cannot be used, and for a machine that is not known."""
    from packaging.tags import platform_tags

    from bandersnatch.assemble.machine import running
    from bandersnatch.selection import environments, platforms

    table = running(tuple(platform_tags()))
    first = platforms.parse(table["platforms"][0])
    name = f"{first.family}-{first.markers()['platform_machine'].lower()}" if args.name is None else args.name
    environment = environments.read(name, table)
    if args.json:
        import json

        print(json.dumps({"name": environment.name, **environment.table}, indent=2), file=out)
        return exits.CLEAN
    from bandersnatch.config import write

    print(f"[environments.{environment.name}]", file=out)
    for key, value in environment.table.items():
        print(f"{key} = {write.literal(value)}", file=out)
    return exits.CLEAN
