"""``bandersnatch mirror``: make the mirror, or bring it up to date."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING, Any, TextIO

from bandersnatch.cli import command, exits, options, plan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bandersnatch.catalogue.base import Catalogue
    from bandersnatch.config.load import Loaded
    from bandersnatch.sync.events import Finished

ALL_OF_PYPI = "about 930,000 projects with over 10 million files: tens of terabytes"

DESCRIPTION = """\
Make the mirror, or bring it up to date: fetch what the selection wants of upstream and the mirror has not got.
With requirements on the command line no configuration is needed. Running it again is always safe.
"""


def add_parser(commands: Any) -> None:
    """Add ``mirror`` to *commands*, the result of ``add_subparsers``."""
    parser = command.add(
        commands,
        "mirror",
        run_mirror,
        "make the mirror, or bring it up to date",
        description=DESCRIPTION,
        exits=exits.HELP,
        examples=[
            'mirror --directory ./mirror six "idna>=3.7"',
            "mirror -r requirements.txt --with-dependencies",
            "mirror --dry-run",
        ],
    )
    options.add_requirements(parser, "mirror")
    options.add_place(parser)
    parser.add_argument("--upstream", metavar="URL", help="the index to mirror (in place of [mirror] upstream)")
    parser.add_argument(
        "--full", action="store_true", help="check everything against upstream, and every file in storage"
    )
    parser.add_argument(
        "--accept-removals", action="store_true", help="remove what upstream's list lacks, however much it is"
    )
    parser.add_argument(
        "--accept-changed", metavar="NAME", action="append", default=[],
        help="take the files of this project as they are now where upstream states no digest; can be repeated",
    )  # fmt: skip
    parser.add_argument("--dry-run", action="store_true", help="only say what would be done, as plan does")
    parser.add_argument("--wait", metavar="TIME", help="wait so long for another run to end, such as 10m")
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--json", action="store_true", help="print one JSON object a line for each event")
    output.add_argument("-v", "--verbose", action="store_true", help="print plan and summary also without a terminal")
    output.add_argument("-q", "--quiet", action="store_true", help="print bad news only, also on a terminal")


def run_mirror(args: argparse.Namespace, out: TextIO) -> int:
    """Bring the mirror up to date. Returns the exit code."""
    if args.dry_run:
        return plan.run_plan(args, out)
    if _is_first_run(args):
        return _write_first_configuration()
    loaded = options.load(args, _overrides(args))
    if loaded.config.selects_nothing:
        return explain_empty_selection(loaded)
    refused = _refused_outputs(loaded)
    from bandersnatch import assemble

    try:
        with assemble.locked(loaded.config):
            code = run_locked(args, loaded, out)
    except Exception as error:
        if loaded.config.hooks:
            _alarm(loaded, error)
        raise
    return code or (exits.USAGE if refused else exits.CLEAN)


def _refused_outputs(loaded: Loaded) -> bool:
    """Whether the configuration names a file that must not be written, said: the mirror is worth more than the file."""
    config = loaded.config
    if not (config.mirror.diff_file or config.publish.freshness_file or config.log.file):
        return False
    from bandersnatch.assemble.outputs import problems
    from bandersnatch.cli import text

    found = problems(loaded)
    for problem in found:
        print(f"bandersnatch: {text.shown(str(problem))}", file=sys.stderr)
    return bool(found)


def _alarm(loaded: Loaded, error: Exception) -> None:
    """The run could not even begin: who wants to hear of that hears of it."""
    import asyncio
    import time

    from bandersnatch.assemble.notifying import alarm
    from bandersnatch.cli.levels import Printer
    from bandersnatch.cli.report import NewsReport
    from bandersnatch.errors import BandersnatchError, CatalogueError, Locked, StorageError, UpstreamError

    match error:
        case StorageError() | CatalogueError() | Locked(odd=True):
            outcome = "disk"
        case UpstreamError():
            outcome = "unreachable"
        case BandersnatchError():
            return
        case _:
            outcome = "failed"
    tell = NewsReport(Printer(sys.stderr), "").tell
    asyncio.run(alarm(loaded.config, os.environ, outcome, error, time.time(), tell))


def _overrides(args: argparse.Namespace) -> dict[str, object]:
    overrides = options.requirements(args)
    if args.upstream:
        overrides["mirror.upstream"] = args.upstream
    if args.wait:
        overrides["mirror.wait"] = args.wait
    return overrides


# --- before there is anything to do --------------------------------------------------------------------------------


def _is_first_run(args: argparse.Namespace) -> bool:
    """No configuration anywhere, and nothing on the command line or in the environment that says what to mirror."""
    from bandersnatch.config.find import find
    from bandersnatch.config.option import PREFIX

    if options.names_projects(args) or any(name.startswith(f"{PREFIX}SELECT_") for name in os.environ):
        return False
    return not os.path.lexists(find(args.config, os.environ).path)


def _write_first_configuration() -> int:
    from bandersnatch.config.find import find, first_run

    print(f"bandersnatch: {first_run(find(None, os.environ).path).message}", file=sys.stderr)
    return exits.USAGE


def explain_empty_selection(loaded: Loaded) -> int:
    """Which line to change, how big everything would be, and how much room there is."""
    directory = loaded.config.mirror.directory
    for line in (
        str(loaded.nothing_selected()),
        f"all of PyPI is {ALL_OF_PYPI}",
        f"{directory} has room for {_room(directory)}",
    ):
        print(f"bandersnatch: {line}", file=sys.stderr)
    return exits.USAGE


def _room(directory: str) -> str:
    import shutil

    from bandersnatch.cli import text

    while not os.path.isdir(directory):
        directory = os.path.dirname(directory)
    return text.size(shutil.disk_usage(directory).free)


# --- the run -------------------------------------------------------------------------------------------------------


def run_locked(args: argparse.Namespace, loaded: Loaded, out: TextIO) -> int:
    """One run, whose lock is held. Returns the exit code."""
    import asyncio

    stopped: list[int] = []
    try:
        finished = asyncio.run(_mirror(args, loaded, out, stopped))
    except asyncio.CancelledError:
        return exits.SIGNAL + stopped[0]
    return exits.OF_OUTCOME[finished.outcome]


async def _mirror(args: argparse.Namespace, loaded: Loaded, out: TextIO, stopped: list[int]) -> Finished:
    """One run that a signal can stop: the first asks it to end in good order, a second one ends it at once."""
    import time

    from bandersnatch import assemble
    from bandersnatch.assemble import notifying
    from bandersnatch.assemble.closing import close
    from bandersnatch.assemble.selection import choose
    from bandersnatch.assemble.verifying import rolling
    from bandersnatch.cli import listening
    from bandersnatch.sync.engine import Wish, run

    now, config = time.time(), loaded.config
    chosen = choose(loaded)
    _listen_for_signals(stopped)
    async with assemble.mirror(config, os.environ, now, chosen=chosen.selection, anew=args.full) as mirror:
        runs = mirror.catalogue.last_runs(1)
        with listening.listener(args, config, out, runs[0].outcome if runs else "") as listener:
            closed = await close(mirror, config, os.environ, now, constraints=chosen.constraints, anew=args.full)
            listening.warn((*chosen.warnings, *closed.warnings), mirror.catalogue, listener)
            accepted, attended = _accepted(args.accept_changed, mirror.catalogue), sys.stderr.isatty()
            wish = Wish(args.full, args.accept_removals, accepted, attended)
            previous, news = notifying.previous_outcome(mirror.catalogue), notifying.News(listener.tell)
            with rolling(closed.mirror, config, now) as last:
                finished = await run(closed.mirror, wish, now, news.tell, last, lambda: _by(stopped))
            await notifying.notify(mirror, config, os.environ, news, finished, now=now, previous=previous)
            return finished


def _accepted(given: Sequence[str], catalogue: Catalogue) -> frozenset[str]:
    """The projects of --accept-changed. Raises UsageError for what is not published here."""
    from bandersnatch import names
    from bandersnatch.errors import Problem, UsageError

    problems, accepted = [], set()
    for name in given:
        entry = catalogue.entry(names.canonical(name))
        if entry is None or not entry.published:
            problems.append(Problem(f"{name}: nothing of it is published here", key="--accept-changed"))
        else:
            accepted.add(entry.name)
    if problems:
        raise UsageError(*problems)
    return frozenset(accepted)


def _listen_for_signals(stopped: list[int]) -> None:
    import asyncio
    import signal

    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    assert task is not None

    def stop(number: int) -> None:
        stopped.append(number)
        task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop, int(number))


def _by(stopped: Sequence[int]) -> str:
    """Who stopped the run, and what comes of it. A cancellation cannot carry it: the HTTP library drops the words."""
    import signal

    by = "^C" if stopped[0] == signal.SIGINT else signal.Signals(stopped[0]).name
    return f"by {by}; what is whole is kept, and the next run goes on from there"
