"""A mirror's folder for statistics, with a ledger and a shelf that can be made to fail."""

from __future__ import annotations

import bz2
import csv
import io
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, date
from pathlib import Path

import pytest

from bandersnatch.accesslog.formats import reader
from bandersnatch.inputs import logs
from bandersnatch.ledger import sqlite
from bandersnatch.ledger.sqlite import SqliteLedger
from bandersnatch.stats.base import Outcome, Wish
from bandersnatch.stats.update import Update
from bandersnatch.storage.fsops import FileSystem
from bandersnatch.storage.shelf import Shelf
from tests.storage.watched import Quick

TODAY = date(2026, 11, 29)
"""The samples are of the day before."""


class Statistics:
    """The statistics of one mirror below *home*."""

    def __init__(self, home: Path) -> None:
        self.home = home
        (home / "state").mkdir()
        (home / "logs").mkdir()

    @property
    def shelf(self) -> Shelf:
        return self.shelf_on(Quick())

    def shelf_on(self, fs: FileSystem) -> Shelf:
        return Shelf(self.home / "web/local-stats", self.home / "state/statistics.new", fs=fs)

    def ledger(self) -> SqliteLedger:
        return SqliteLedger(self.home / "state/statistics.sqlite")

    def log(self, name: str) -> Path:
        return self.home / "logs" / name

    def wish(self, **changed: object) -> Wish:
        settings: dict[str, object] = {"read": reader("auto"), "zone": UTC, "today": TODAY, **changed}
        return Wish(**settings)  # type: ignore[arg-type]  # what is changed has the types of the fields

    def update(self, pattern: str = "*", *, fs: FileSystem | None = None, **changed: object) -> Outcome:
        """One run over the logs that *pattern* stands for."""
        with closing(self.ledger()) as ledger:
            run = Update(ledger, self.shelf_on(fs or Quick()), self.wish(**changed))
            paths, _ = logs.find([str(self.log(pattern))])
            run.read_logs(paths)
            return run.finish()

    def counted(self) -> Counter[str]:
        """Downloads by file name, of all days' files."""
        total: Counter[str] = Counter()
        for path in (self.home / "web/local-stats/days").glob("*.bz2"):
            for _, filename, _, count in csv.reader(io.StringIO(bz2.decompress(path.read_bytes()).decode())):
                total[filename] += int(count)
        return total


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a power cut leaves is asked elsewhere: nothing is synchronised here."""
    monkeypatch.setattr(sqlite, "SETTINGS", sqlite.SETTINGS.replace("FULL", "OFF"))


@pytest.fixture
def statistics(tmp_path: Path) -> Statistics:
    return Statistics(tmp_path)


@pytest.fixture
def write(statistics: Statistics) -> Callable[[str, bytes], Path]:
    """Appends to a log."""

    def append(name: str, content: bytes) -> Path:
        path = statistics.log(name)
        with path.open("ab") as stream:
            stream.write(content)
        return path

    return append


def lines(*numbers: int, second: int = 0) -> bytes:
    """A line for each number, which asks for a file of its own."""
    from tests.accesslog.samples import combined

    content: Iterator[bytes] = (
        combined(f"/packages/source/d/demo/{filename(number)}", time=f"28/Nov/2026:10:15:{second:02} +0000") + b"\n"
        for number in numbers
    )
    return b"".join(content)


def filename(number: int) -> str:
    return f"demo-1.{number}.tar.gz"


def once(*numbers: int) -> Counter[str]:
    """Each of the files downloaded once."""
    return Counter(filename(number) for number in numbers)
