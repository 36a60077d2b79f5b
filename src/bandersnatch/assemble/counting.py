"""The statistics of a mirror: where they are, opened for a run that counts, or to be read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from bandersnatch.accesslog.formats import reader
from bandersnatch.assemble.reaching import STATE
from bandersnatch.config.schema import Config
from bandersnatch.errors import UsageError
from bandersnatch.ledger.sqlite import SqliteLedger
from bandersnatch.stats.base import Wish
from bandersnatch.stats.show import Statistics
from bandersnatch.stats.update import Tell, Update
from bandersnatch.storage.lock import Lock
from bandersnatch.storage.shelf import Shelf

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
    wish = wish_of(config, now, form)
    with Lock(home / STATE / LOCK, now).acquire(config.mirror.wait):
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
        keep=int(chosen.keep // _DAY),
        page=chosen.page,
    )


def _home(config: Config) -> Path:
    home = Path(config.mirror.directory)
    if not home.is_dir():
        raise UsageError(f"{home}: there is no mirror; say where it is with --directory or [mirror] directory")
    return home
