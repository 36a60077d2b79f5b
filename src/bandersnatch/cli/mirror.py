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
    from bandersnatch.cli.logfile import LogFile
    from bandersnatch.cli.report import Report, Reports
    from bandersnatch.config.load import Loaded
    from bandersnatch.config.schema import Config
    from bandersnatch.errors import Problem
    from bandersnatch.sync.events import Finished

SAID = "said"
"""The fact that holds the warnings of the last run."""

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
    from bandersnatch.errors import BandersnatchError, CatalogueError, Locked, StorageError, UpstreamError

    try:
        with assemble.locked(loaded.config):
            code = run_locked(args, loaded, out)
    except (StorageError, CatalogueError) as error:
        _alarm(loaded, "disk", error)
        raise
    except UpstreamError as error:
        _alarm(loaded, "unreachable", error)
        raise
    except Locked as error:
        if error.odd:
            _alarm(loaded, "disk", error)
        raise
    except Exception as error:
        if not isinstance(error, BandersnatchError):
            _alarm(loaded, "failed", error)
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


def _alarm(loaded: Loaded, outcome: str, error: Exception) -> None:
    """The run could not even begin: who wants to hear of that hears of it."""
    import asyncio
    import time

    if loaded.config.hooks:
        from bandersnatch.assemble.notifying import alarm
        from bandersnatch.cli.levels import Printer
        from bandersnatch.cli.report import NewsReport

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
    from bandersnatch.sync.engine import Wish, run

    now, config = time.time(), loaded.config
    chosen = choose(loaded)
    _listen_for_signals(stopped)
    async with assemble.mirror(config, os.environ, now, chosen=chosen.selection, anew=args.full) as mirror:
        runs = mirror.catalogue.last_runs(1)
        listener = _listener(args, config, out, runs[0].outcome if runs else "")
        with listener:
            closed = await close(mirror, config, os.environ, now, constraints=chosen.constraints, anew=args.full)
            _warn((*chosen.warnings, *closed.warnings), mirror.catalogue, listener)
            accepted, attended = _accepted(args.accept_changed, mirror.catalogue), sys.stderr.isatty()
            wish = Wish(args.full, args.accept_removals, accepted, attended)
            previous, news = notifying.previous_outcome(mirror.catalogue), notifying.News(listener.tell)
            with rolling(closed.mirror, config, now) as last:
                finished = await run(closed.mirror, wish, now, news.tell, last)
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


def _listener(args: argparse.Namespace, config: Config, out: TextIO, last_outcome: str) -> Reports:
    """Who hears of the run: whoever started it, the log, and those who follow."""
    from bandersnatch import assemble
    from bandersnatch.cli import report
    from bandersnatch.cli.broadcast import Broadcast
    from bandersnatch.cli.levels import Level
    from bandersnatch.upstream.address import conceal

    log = config.log
    here = report.choose(
        as_json=args.json or log.format == "json",
        verbose=args.verbose or options.names_projects(args),
        quiet=args.quiet,
        level=Level.named(log.level),
        out=out,
        err=sys.stderr,
        last_outcome=last_outcome,
    )
    others: list[Report] = [
        Broadcast(assemble.state_directory(config), config.mirror.directory, conceal(config.mirror.upstream))
    ]
    if log.file is not None:
        from bandersnatch.cli.logfile import LogFile

        file = LogFile(
            log.file,
            Level.named(log.file_level),
            as_json=log.format == "json",
            err=sys.stderr,
            mirror=config.mirror.directory,
        )
        _reopen_on_hangup(file)
        others.append(file)
    return report.Reports(here, *others)


def _reopen_on_hangup(file: LogFile) -> None:
    """What logrotate sends is no reason to stop for a run that has a log."""
    import asyncio
    import signal

    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, file.reopen)


def _warn(warnings: Sequence[Problem], catalogue: Catalogue, listener: Reports) -> None:
    """Say what may be meant differently; to who wants only news, only if it was not said in the last run."""
    from bandersnatch.sync import events

    said = "\n".join(map(str, warnings))
    if listener.wants_news and catalogue.get(SAID) == said:
        return
    catalogue.set({SAID: said or None})
    for problem in warnings:
        listener.tell(events.Warned(str(problem)))


def _listen_for_signals(stopped: list[int]) -> None:
    import asyncio
    import signal

    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    assert task is not None

    def stop(number: int) -> None:
        stopped.append(number)
        by = "^C" if number == signal.SIGINT else signal.Signals(number).name
        task.cancel(f"by {by}; what is whole is kept, and the next run goes on from there")

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop, int(number))
