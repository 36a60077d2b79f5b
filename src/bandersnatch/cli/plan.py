"""``bandersnatch plan``: what a run would do; nothing is changed."""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

from bandersnatch.cli import command, exits, options, text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bandersnatch.config.load import Loaded
    from bandersnatch.sync import events
    from bandersnatch.sync.plans import Plan

DESCRIPTION = """\
Say what a run would do: fetch, keep and remove; projects, files and bytes; by rule, by cause and by month of upload.
It asks upstream as a run does, and changes nothing: it can be asked at any time, and before there is a mirror.
"""

EXIT = """\
exit status:
  0    this is what a run would do
  1    upstream could not be reached, of some project nothing can be said, a run would leave one behind, or
       what is needed cannot all be resolved
  2    the command line or the configuration is wrong
  3    a run would refuse to remove so much
  74   the catalogue cannot be read
"""

PAGES = 1000
"""Pages that a forecast reads unless it is told how many."""

FEW = 5000
"""Where more projects are due a plan is a forecast, unless it is told otherwise."""

ALL = sys.maxsize


def add_parser(commands: Any) -> None:
    """Add ``plan`` to *commands*, the result of ``add_subparsers``."""
    parser = command.add(
        commands,
        "plan",
        run_plan,
        "say what a run would fetch, keep and remove",
        description=DESCRIPTION,
        exits=EXIT,
        examples=["plan", "plan --full", "plan --directory ./mirror -r requirements.txt"],
        goes_on=False,
    )
    options.add_requirements(parser, "plan for")
    options.add_place(parser)
    parser.add_argument("--upstream", metavar="URL", help="the index to mirror (in place of [mirror] upstream)")
    parser.add_argument("--full", action="store_true", help="plan for a run that checks everything")
    parser.add_argument(
        "--forecast", metavar="PAGES", nargs="?", type=_pages, const=PAGES,
        help=f"read so many pages only, or all; of more than {FEW:,} that are due {PAGES:,}, unless told otherwise",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="as one JSON object")
    parser.set_defaults(accept_removals=False)


def _pages(given: str) -> int:
    if given == "all":
        return ALL
    if not (given.isdecimal() and int(given) >= 2):
        raise argparse.ArgumentTypeError(f"{given}: a number of pages, 2 or more, or all")
    return int(given)


def run_plan(args: argparse.Namespace, out: TextIO) -> int:
    """Print the plan. Returns the exit code. ``mirror --dry-run`` comes here as well."""
    import asyncio
    import signal

    overrides = options.requirements(args)
    if args.upstream:
        overrides["mirror.upstream"] = args.upstream
    loaded = options.load(args, overrides)
    if loaded.config.selects_nothing:
        return _complain(str(loaded.nothing_selected()))
    try:
        plan = asyncio.run(_plan(args, loaded))
    except asyncio.CancelledError:
        return exits.SIGNAL + signal.SIGTERM
    if args.json:
        import json

        print(json.dumps(collect(plan), indent=2), file=out)
    else:
        from bandersnatch.cli import planned

        print("\n".join(map(text.shown, planned.lines(plan, bars=out.isatty()))), file=out)
    return exit_code(plan)


def collect(plan: Plan) -> dict[str, Any]:
    """The plan as JSON has it."""
    from bandersnatch.values import to_builtins

    return {**to_builtins(plan), "missing": plan.missing}


def exit_code(plan: Plan) -> int:
    """The code that says how the plan is."""
    if plan.brake:
        return exits.REFUSED
    return exits.BEHIND if plan.failures or plan.untaken or plan.unresolved or plan.stopped else exits.CLEAN


async def _plan(args: argparse.Namespace, loaded: Loaded) -> Plan:
    import asyncio
    import signal
    import time

    from bandersnatch import assemble
    from bandersnatch.assemble.closing import close
    from bandersnatch.assemble.selection import choose
    from bandersnatch.sync.planning import plan

    now, config, forecast = time.time(), loaded.config, getattr(args, "forecast", None)
    chosen = choose(loaded)
    task = asyncio.current_task()
    assert task is not None
    # What was made for the time being, a copy of the catalogue above all, is to go when it is told to stop.
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    with _listening() as tell:
        async with assemble.rehearsal(config, os.environ, chosen.selection) as mirror:
            closed = await close(mirror, config, os.environ, now, constraints=chosen.constraints, anew=args.full)
            for problem in (*chosen.warnings, *closed.warnings):
                _complain(f"warning: {problem}")
            return await plan(
                closed.mirror,
                now,
                full=args.full,
                accept_removals=args.accept_removals,
                sample=forecast or PAGES,
                few=0 if forecast else FEW,
                tell=tell,
            )


@contextmanager
def _listening() -> Iterator[events.Tell]:
    """Says what an operator should know, what the figures are of, and how far the reading is."""
    from bandersnatch.cli.progress import PagesReport
    from bandersnatch.sync import events

    with PagesReport() as progress:

        def tell(event: events.Event) -> None:
            if isinstance(event, events.Warned):
                _complain(f"warning: {event.message}")
            if isinstance(event, events.Planned) and event.sample is not None:
                looked_at = f"{event.sample:,} of {text.count(event.projects, 'project')}"
                _complain(f"looking at {looked_at}, more of those that are large; --forecast all looks at every one")
            progress.tell(event)

        yield tell


def _complain(message: str) -> int:
    print(f"bandersnatch: {text.shown(message)}", file=sys.stderr)
    return exits.USAGE
