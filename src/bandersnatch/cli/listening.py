"""Who hears of a run: whoever started it, the log, and those who follow."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Self, TextIO

from bandersnatch import assemble
from bandersnatch.catalogue.base import Catalogue
from bandersnatch.cli import options, output, text, wire
from bandersnatch.cli.broadcast import Broadcast
from bandersnatch.cli.levels import Level, Printer
from bandersnatch.cli.report import JsonReport, NewsReport, PlainReport, Report
from bandersnatch.config.schema import Config
from bandersnatch.errors import Problem
from bandersnatch.sync import events
from bandersnatch.upstream.address import conceal

SAID = "said"
"""The fact that holds the warnings of the last run."""


class Reports:
    """*here*, for who started the run, and *others*. One that cannot be written any more holds back no other."""

    def __init__(self, here: Report, *others: Report) -> None:
        self._reports = [here, *others]
        self._stack = ExitStack()
        self.wants_news = isinstance(here, NewsReport)
        """Whether who started the run wants to hear only what is new."""

    def __enter__(self) -> Self:
        with ExitStack() as entered:  # if one cannot be entered, those before it are left
            for report in self._reports:
                entered.enter_context(report)
            self._stack = entered.pop_all()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()

    def tell(self, event: events.Event) -> None:
        for report in self._reports[:]:
            try:
                report.tell(event)
            except (OSError, ValueError):  # a full disk below it, a pipe that nobody reads any more
                self._reports.remove(report)


def listener(args: argparse.Namespace, config: Config, out: TextIO, last_outcome: str) -> Reports:
    """Who hears of the run that *args* ask for."""
    directory, log = config.mirror.directory, config.log
    as_json = log.format == "json"
    here = _here(args, Level.named(log.level), out, last_outcome, as_json=args.json or as_json)
    others: list[Report] = [Broadcast(assemble.state_directory(config), directory, conceal(config.mirror.upstream))]
    if log.file is not None:
        from bandersnatch.cli.logfile import LogFile

        level = Level.named(log.file_level)
        file = LogFile(log.file, level, as_json=as_json, err=sys.stderr, mirror=directory)
        # What logrotate sends is no reason to stop for a run that has a log.
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, file.reopen)
        others.append(file)
    return Reports(here, *others)


def _here(args: argparse.Namespace, level: Level, out: TextIO, last_outcome: str, *, as_json: bool) -> Report:
    """The report for whoever started the run, which waits for no reader; *level*: where nobody sits at a terminal."""
    never_wait(out, sys.stderr, as_json=as_json)
    if as_json:
        return JsonReport(out)
    if args.quiet:
        return NewsReport(Printer(sys.stderr), last_outcome, min(level, Level.WARNING))
    if sys.stderr.isatty():
        from bandersnatch.cli.progress import TerminalReport

        return TerminalReport()
    if args.verbose or options.names_projects(args) or level > Level.WARNING:
        return PlainReport(Printer(out), max(level, Level.INFO))
    return NewsReport(Printer(sys.stderr), last_outcome, level)


def warn(warnings: Sequence[Problem], catalogue: Catalogue, listener: Reports) -> None:
    """Say what may be meant differently; to who wants only news, only if it was not said in the last run."""
    said = "\n".join(map(str, warnings))
    if listener.wants_news and catalogue.get(SAID) == said:
        return
    catalogue.set({SAID: said or None})
    for problem in warnings:
        listener.tell(events.Warned(str(problem)))


def never_wait(out: TextIO, err: TextIO, *, as_json: bool) -> None:
    """Let what is written from now on wait for no reader: a lock is held meanwhile."""
    output.never_wait(out, _missed_json if as_json else _missed)
    output.never_wait(err, _missed)


def _missed(count: int) -> str:
    """Said in place of lines that nobody read in time."""
    return f"({text.count(count, 'line')} left out here: nobody read so much in time)\n"


def _missed_json(count: int) -> str:
    """The same for a machine."""
    return f"{wire.encode(events.Missed(count), time.time())}\n"
