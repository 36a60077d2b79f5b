"""The statistics of a mirror: where they are, opened for a run that counts, or to be read."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from bandersnatch import assemble
from bandersnatch.accesslog.formats import reader
from bandersnatch.assemble.reaching import STATE
from bandersnatch.config.schema import Config
from bandersnatch.errors import UsageError
from bandersnatch.ledger.base import Ledger
from bandersnatch.ledger.sqlite import SqliteLedger
from bandersnatch.selection.usage import covered_since, most_used
from bandersnatch.stats.base import Wish
from bandersnatch.stats.show import Statistics
from bandersnatch.stats.update import Tell, Update
from bandersnatch.storage.lock import Lock
from bandersnatch.storage.shelf import Shelf
from bandersnatch.values import Struct, replace

LEDGER = "statistics.sqlite"
LOCK = "statistics.lock"
STAGING = "statistics.new"
SHELF = "web/local-stats"

_DAY = 86400


@contextmanager
def update(config: Config, now: datetime, form: str | None = None, tell: Tell = lambda _: None) -> Iterator[Update]:
    """
    A run of ``update-stats`` at *now*, alone: another one that is under way raises Locked.

    *form* is the logs' format in place of the configuration's. Raises UsageError where there is no mirror.
    """
    home = _home(config)
    wish = replace(wish_of(config, now, form), offered=lambda: _pages(home / "web/simple"))
    with Lock(assemble.state_directory(config) / LOCK, now).acquire(config.mirror.wait):
        shelf = Shelf(home / SHELF, home / STATE / STAGING)
        with closing(SqliteLedger(home / STATE / LEDGER)) as ledger:
            yield Update(ledger, shelf, wish, tell)


@contextmanager
def statistics(config: Config) -> Iterator[Statistics]:
    """What is known of downloads, to be read; a run may go on meanwhile."""
    home = _home(config)
    shelf = Shelf(home / SHELF, home / STATE / STAGING)
    path = home / STATE / LEDGER
    if not path.exists():
        yield Statistics(None, shelf)
        return
    with closing(SqliteLedger(path, read_only=True)) as ledger:
        yield Statistics(ledger, shelf)


def wish_of(config: Config, now: datetime, form: str | None = None) -> Wish:
    """How lines are read and days written. Raises UsageError for a *form* that there is not."""
    chosen = config.statistics
    zone = UTC if chosen.timezone == "UTC" else ZoneInfo(chosen.timezone)
    return Wish(
        read=reader(form or chosen.format),
        zone=zone,
        today=now.astimezone(zone).date(),
        bots=chosen.bots,
        header=chosen.header,
        keep=math.ceil(chosen.keep / _DAY),
        page=chosen.page,
    )


def _pages(folder: Path) -> Iterator[str]:
    """The projects that have a folder among the pages."""
    if not folder.is_dir():
        return
    with os.scandir(folder) as entries:
        yield from (entry.name for entry in entries if entry.is_dir(follow_symlinks=False))


@contextmanager
def usage(config: Config, now: datetime) -> Iterator[Usage | None]:
    """What the rules about use are worked out from; None where nothing was ever counted."""
    path = Path(config.mirror.directory, STATE, LEDGER)
    if not path.exists():
        yield None
        return
    with closing(SqliteLedger(path, read_only=True)) as ledger:
        yield Usage(ledger, wish_of(config, now).today)


class Usage(Struct, frozen=True):
    """The downloads of a mirror up to *today*, as rules ask about them."""

    ledger: Ledger
    today: date

    def resting(self, span: timedelta) -> str:
        """Why the statistics say nothing about so long a time; empty if they do."""
        since = covered_since((one.day for one in self.ledger.days() if one.day < self.today), self.today)
        if since is None:
            return "there are no statistics of the last days, so it counts as used"
        if since > self.today - span:
            return f"the statistics go back to {since.isoformat()} without a gap, so it counts as used"
        if not any(number for _, number in self.ledger.sums(("day",), self.today - span, self.today)):
            return "by the statistics nobody downloaded anything at all, which is hard to believe, so it counts as used"
        return ""

    def unused(self, span: timedelta, share: float | None = None) -> frozenset[str]:
        """The projects that were offered all the time, and not downloaded, or not among those that make the *share*."""
        first = self.today - span
        sums = ((name, number) for (name,), number in self.ledger.sums(("project",), first, self.today))
        used = frozenset(name for name, _ in sums) if share is None else most_used(sums, share)
        return frozenset(name for name in self.ledger.offered(first) if name not in used)


def _home(config: Config) -> Path:
    home = Path(config.mirror.directory)
    if not home.is_dir():
        raise UsageError(f"{home}: there is no mirror; say where it is with --directory or [mirror] directory")
    return home
