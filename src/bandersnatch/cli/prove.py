"""``bandersnatch prove``: whether requirements can be installed from the mirror alone."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING, Any, TextIO

from bandersnatch.cli import command, exits, options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bandersnatch.closure.base import Interpreter
    from bandersnatch.closure.prove import Proof, Proved
    from bandersnatch.config.load import Loaded
    from bandersnatch.config.schema import Config
    from bandersnatch.selection.environments import Environment

DESCRIPTION = """\
Resolve requirements against the mirror alone, with no other index and no cache, for every Python on every platform of
the configured environments, and look at each file that an installation would need. Needs uv.
"""

EXIT = """\
exit status:
  0    proved: all of it can be installed from the mirror
  1    not proved: the output says what is missing, by environment
  2    the command line or the configuration is wrong, or uv is not installed
"""


def add_parser(commands: Any) -> None:
    """Add ``prove`` to *commands*, the result of ``add_subparsers``."""
    parser = command.add(
        commands,
        "prove",
        run_prove,
        "prove that requirements can be installed from the mirror alone",
        description=DESCRIPTION,
        exits=EXIT,
        examples=["prove", "prove 'idna>=3.7' --environment server"],
    )
    parser.add_argument(
        "requirements", nargs="*", type=options.requirement, metavar="REQUIREMENT",
        help="prove these, such as 'idna>=3.7' (default: what the configuration names)",
    )  # fmt: skip
    parser.add_argument(
        "-r", "--requirement", dest="files", action="append", default=[], metavar="FILE",
        help="prove what FILE requires: requirements.txt, pyproject.toml, a lock file; can be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--environment", dest="environments", action="append", default=[], metavar="NAME",
        help="only for this environment of the configuration; can be repeated (default: all, or this machine)",
    )  # fmt: skip
    options.add_place(parser)
    parser.add_argument("--url", metavar="URL", help="prove the mirror that is served at URL, not the directory")
    parser.add_argument(
        "--build", action="store_true", help="let source distributions count; this runs their code on this machine"
    )
    parser.add_argument("--hash", action="store_true", help="read every file that is needed, and check its SHA-256")
    parser.add_argument("--json", action="store_true", help="as one JSON object")


def run_prove(args: argparse.Namespace, out: TextIO) -> int:
    """Print how it stands for each environment. Returns 1 if something cannot be installed."""
    import asyncio

    from bandersnatch.cli import text
    from bandersnatch.closure.interpreters import interpreters

    loaded = options.load(args)
    config = loaded.config
    requirements, constraints = _wanted(args, loaded)
    places = interpreters(_environments(config, args.environments))
    proof = asyncio.run(_prove(args, config, requirements, constraints, places))
    if args.json:
        import json

        from bandersnatch.values import to_builtins

        print(json.dumps({"proved": proof.proved, "results": [to_builtins(one) for one in proof.results]}), file=out)
    else:
        print("\n".join(map(text.shown, lines(proof))), file=out)
    return exits.CLEAN if proof.proved else exits.BEHIND


async def _prove(
    args: argparse.Namespace,
    config: Config,
    requirements: Sequence[str],
    constraints: Sequence[str],
    places: Sequence[Interpreter],
) -> Proof:
    from bandersnatch.assemble.proving import stand
    from bandersnatch.closure.prove import prove

    async with stand(config, os.environ, url=args.url, constraints=constraints, build=args.build) as ready:
        return await prove(requirements, places, ready.question, ready.mirror, digests=args.hash)


def _wanted(args: argparse.Namespace, loaded: Loaded) -> tuple[list[str], list[str]]:
    """The requirements and the constraints: the configuration's, where none are named. Raises UsageError for none."""
    from pathlib import Path

    from bandersnatch.assemble.dependencies import requirements_of
    from bandersnatch.assemble.selection import choose
    from bandersnatch.cli import text
    from bandersnatch.errors import UsageError
    from bandersnatch.inputs import files

    read = [files.read(Path(name)) for name in args.files]
    for warning in (warning for one in read for warning in one.warnings):
        print(f"bandersnatch: {text.shown(str(warning))}", file=sys.stderr)
    requirements = [*args.requirements, *(item.text for one in read for item in one.items)]
    requirements = requirements or requirements_of(choose(loaded).selection)[0]
    if not requirements:
        raise UsageError(
            "there is nothing to prove: name requirements, or a file that does with -r; the configuration names none"
        )
    return requirements, [item.text for one in read for item in one.constraints]


def _environments(config: Config, chosen: Sequence[str]) -> list[Environment]:
    """Those that were asked for; without a choice all, and without any the machine that this runs on."""
    from bandersnatch.errors import Problem, UsageError

    known = config.environments
    unknown = [name for name in chosen if name not in known]
    if unknown:
        has = ", ".join(known) or "none"
        raise UsageError(*(Problem(f"the configuration has no environment {name}; it has {has}") for name in unknown))
    if chosen:
        return [known[name] for name in chosen]
    from bandersnatch.assemble.selection import environments

    return list(environments(config)) or [_this_machine()]


def _this_machine() -> Environment:
    from packaging.tags import platform_tags

    from bandersnatch.assemble.machine import this_machine

    return this_machine(tuple(platform_tags()))


def lines(proof: Proof) -> list[str]:
    """The answers for people."""
    from bandersnatch.cli import text

    result = []
    for one in proof.results:
        result.append(f"{one.environment}: Python {one.python} on {one.platform}: {_verdict(one)}")
        result += [f"  {line}" for line in one.message.splitlines()]
        for missing in one.missing:
            result.append(f"  {missing.project} {missing.version}: {missing.file or 'no file'}: {missing.why}")
    wrong = sum(one.outcome != "ok" for one in proof.results)
    total = text.count(len(proof.results), "interpreter")
    return [*result, f"not proved for {wrong} of {total}" if wrong else f"proved for {total}"]


def _verdict(one: Proved) -> str:
    from bandersnatch.cli import text

    match one.outcome:
        case "ok":
            return f"ok, {text.count(len(one.pins), 'project')}"
        case "missing":
            return f"{text.count(len(one.missing), 'thing')} missing"
        case "conflict":
            return "the mirror has no versions that fit together"
        case _:
            return "the mirror could not be read"
