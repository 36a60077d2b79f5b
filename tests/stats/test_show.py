"""What the statistics say, and the page of charts."""

from __future__ import annotations

import bz2
from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path

import html5lib
import pytest

from bandersnatch.cli import stats as command
from bandersnatch.ledger.base import Row
from bandersnatch.ledger.sqlite import SqliteLedger
from bandersnatch.stats import show
from bandersnatch.stats.page import page
from tests.accesslog.samples import UV, combined
from tests.stats.conftest import TODAY, Statistics, lines

Write = Callable[[str, bytes], Path]
FIRST = date(2026, 11, 1)


def sums(statistics: Statistics, by: str, *projects: str) -> dict[str, int]:
    with closing(statistics.ledger()) as ledger:
        found = show.Statistics(ledger, statistics.shelf).sums(by, FIRST, TODAY, projects)
    return dict(show.ordered(found, by))


@pytest.fixture
def filled(statistics: Statistics, write: Write) -> Statistics:
    """Three downloads of six, two of demo, and a day of old that somebody else counted."""
    write("access.log", combined() + b"\n" + combined() + b"\n" + combined(agent=UV) + b"\n" + lines(1, 2))
    folder = statistics.home / "web/local-stats/days"
    folder.mkdir(parents=True)
    old = b"# package,filename,useragent,count\r\nZope.Interface,zope.interface-5.0.tar.gz,setuptools/0.6,7\r\n"
    (folder / "2026-11-02.bz2").write_bytes(bz2.compress(old))
    statistics.update()
    return statistics


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("project", {"zope-interface": 7, "six": 3, "demo": 2}),
        ("file", {"zope.interface-5.0.tar.gz": 7, "six-1.17.0-py2.py3-none-any.whl": 3,
                  "demo-1.1.tar.gz": 1, "demo-1.2.tar.gz": 1}),
        ("version", {"zope-interface 5.0": 7, "six 1.17.0": 3, "demo 1.1": 1, "demo 1.2": 1}),
        ("installer", {"setuptools": 7, "pip": 4, "uv": 1}),
        ("installer-version", {"setuptools 0.6": 7, "pip 26.3": 4, "uv 0.13.9": 1}),
        ("python", {"unknown": 7, "3.13": 4, "PyPy 3.12": 1}),
        ("implementation", {"unknown": 7, "CPython": 4, "PyPy": 1}),
        ("system", {"unknown": 7, "Linux": 4, "Darwin": 1}),
        ("day", {"2026-11-02": 7, "2026-11-28": 5}),
        ("month", {"2026-11": 12}),
        ("year", {"2026": 12}),
    ],
)  # fmt: skip
def test_ways(by: str, expected: dict[str, int], filled: Statistics) -> None:
    """Each way to sum up, over the ledger and over days that others have written."""
    assert list(sums(filled, by).items()) == list(expected.items())


def test_every_way_is_offered() -> None:
    """The command line offers the ways that there are."""
    assert tuple(show.WAYS) == command.WAYS


def test_of_some_projects(filled: Statistics) -> None:
    """Only the projects that are asked for count, in the ledger and in files."""
    assert sums(filled, "installer", "six", "zope-interface") == {"setuptools": 7, "pip": 2, "uv": 1}


def test_a_span(filled: Statistics) -> None:
    """Both ends of the span belong to it, and nothing else does."""
    with closing(filled.ledger()) as ledger:
        found = show.Statistics(ledger, filled.shelf)
        assert found.sums("project", date(2026, 11, 28), date(2026, 11, 28)) == {"six": 3, "demo": 2}
        assert found.sums("project", date(2026, 11, 3), date(2026, 11, 27)) == {}
        assert found.days() == (date(2026, 11, 2), date(2026, 11, 28))


def parsed(statistics: Statistics) -> str:
    with closing(statistics.ledger()) as ledger:
        text = b"".join(page(show.Statistics(ledger, statistics.shelf), TODAY)).decode()
    html5lib.HTMLParser(strict=True).parse(text)
    return text


def test_the_page(filled: Statistics) -> None:
    """The page is valid HTML with all numbers as text, without script, and asks no other address for anything."""
    text = parsed(filled)
    assert "12 in 30 days" in text
    for label in ("zope-interface", "setuptools", "PyPy 3.12", "Darwin", "2026-11-28: 5"):
        assert label in text
    assert "<script" not in text
    assert "http://" not in text
    assert (filled.home / "web/local-stats/index.html").read_text() == text


def test_an_empty_page(statistics: Statistics) -> None:
    """Without any download it says so."""
    assert "nothing yet" in parsed(statistics)


def test_hostile_names(statistics: Statistics) -> None:
    """A name in somebody's file of a day cannot become markup."""
    folder = statistics.home / "web/local-stats/days"
    folder.mkdir(parents=True)
    (folder / "2026-11-20.bz2").write_bytes(bz2.compress(b'"<script>alert(1)</script>",x,"<b>/1",7\r\n'))
    text = parsed(statistics)
    assert "<script" not in text
    assert "&lt;script&gt;" in text


def test_many_rows(statistics: Statistics) -> None:
    """A chart has its most important rows only, and says how many more there are."""
    rows = (Row(TODAY, f"p{number}", f"p{number}-1.0.tar.gz", "pip", number) for number in range(1, 51))
    with closing(statistics.ledger()) as ledger, ledger.entry() as entry:
        entry.add(rows)
        entry.add_lines({TODAY: 50})
    text = parsed(statistics)
    assert ">p50<" in text
    assert ">p1<" not in text
    assert "and 30 more" in text


def test_a_damaged_day_of_others(statistics: Statistics, write: Write) -> None:
    """Somebody else's file that cannot be read keeps the page from being made, and nothing else."""
    write("access.log", lines(1))
    folder = statistics.home / "web/local-stats/days"
    folder.mkdir(parents=True)
    (folder / "2026-11-20.bz2").write_bytes(b"no bzip2")
    outcome = statistics.update(offered=lambda: ["demo"])
    assert "it is damaged" in outcome.problems[0]
    assert outcome.written == [date(2026, 11, 28)]
    with closing(statistics.ledger()) as ledger:
        assert list(ledger.offered(TODAY)) == ["demo"]


def test_counts_of_nothing(statistics: Statistics) -> None:
    """A file that others wrote may count a file zero times: that is no row, of the page neither."""
    folder = statistics.home / "web/local-stats/days"
    folder.mkdir(parents=True)
    (folder / "2026-11-20.bz2").write_bytes(bz2.compress(b"six,six-1.0.tar.gz,pip,0\r\n"))
    assert sums(statistics, "project") == {}
    assert "nothing yet" in parsed(statistics)


def test_read_by_others(filled: Statistics, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who may not write to the mirror may read its statistics: nothing is made beside the ledger."""
    before = sorted(filled.home.glob("state/*"))
    monkeypatch.setattr("bandersnatch.ledger.sqlite.os.access", lambda *_: False)
    with closing(SqliteLedger(filled.home / "state/statistics.sqlite", read_only=True)) as ledger:
        assert ledger.days()
        assert sorted(filled.home.glob("state/*")) == before
