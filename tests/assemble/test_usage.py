"""From the statistics of a mirror to its rules about use: what is refused, and when nothing is."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bandersnatch.assemble import counting
from bandersnatch.assemble.selection import choose
from bandersnatch.config.load import load
from bandersnatch.ledger.base import Row
from bandersnatch.ledger.sqlite import SqliteLedger
from bandersnatch.selection import Context, Selection
from tests.selection.samples import sdists

TODAY = datetime.now(UTC).date()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "state").mkdir()
    return tmp_path


def count(home: Path, *, offered: int, days: Iterable[int], downloads: dict[str, tuple[int, int]]) -> None:
    """Statistics: since when everything was offered, of which days, and by project how many days ago how often."""
    with closing(SqliteLedger(home / "state/statistics.sqlite")) as ledger:
        ledger.note_offered(["new"], TODAY - timedelta(days=5))
        ledger.note_offered(["demo", "six", "idna"], TODAY - timedelta(days=offered))
        with ledger.entry() as entry:
            entry.add(
                Row(TODAY - timedelta(days=ago), name, f"{name}-1.0.tar.gz", "pip", number)
                for name, (ago, number) in downloads.items()
            )
            entry.add_lines({TODAY - timedelta(days=ago): 1 for ago in days})


def chosen(home: Path, text: str) -> Selection:
    path = home / "bandersnatch.conf"
    path.write_text(f'[select]\neverything = true\n[mirror]\ndirectory = "{home}"\n{text}')
    return choose(load(path, {})).selection


def refused(selection: Selection) -> set[str]:
    now = Context(datetime.now(UTC).timestamp())
    names = ("demo", "six", "idna", "new")
    return {name for name in names if not selection.apply(sdists("1.0", name=name), now).project.files}


UNUSED = '[usage]\nunused-for = "30d"\n'
SHARE = '[usage]\nshare = "90%"\nshare-over = "30d"\n'
DOWNLOADS = {"six": (3, 90), "idna": (20, 10), "demo": (31, 50)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (UNUSED, {"demo"}),
        (SHARE, {"demo", "idna"}),
        (UNUSED + 'exempt = ["de*"]\n', set()),
        ("[log]\n", set()),
    ],
)
def test_what_is_refused(text: str, expected: set[str], home: Path) -> None:
    """What was offered all the time and not downloaded, or not enough; what is new has time."""
    count(home, offered=40, days=range(60), downloads=DOWNLOADS)
    assert refused(chosen(home, text)) == expected


@pytest.mark.parametrize("text", [UNUSED, SHARE])
@pytest.mark.parametrize(
    "days",
    [range(25), [*range(10), *range(20, 60)], range(10, 60), []],
    ids=["young", "with a gap", "stopped", "empty"],
)
def test_nothing_leaves_for_want_of_statistics(text: str, days: Iterable[int], home: Path) -> None:
    """Statistics that are young, have a gap, have stopped or are empty refuse nothing."""
    count(home, offered=100, days=days, downloads=DOWNLOADS)
    assert refused(chosen(home, text)) == set()


@pytest.mark.parametrize("text", [UNUSED, SHARE])
def test_no_statistics(text: str, home: Path) -> None:
    """Without any, or with a file that is none, nothing is refused; of the latter somebody is told."""
    assert refused(chosen(home, text)) == set()
    (home / "state/statistics.sqlite").write_bytes(b"no database" * 1000)
    assert refused(chosen(home, text)) == set()
    [warning] = choose(load(home / "bandersnatch.conf", {})).warnings
    assert "everything counts as used" in str(warning)


def test_what_was_offered_a_short_time(home: Path) -> None:
    """Nobody can have downloaded what was not there: it counts as used until it was there so long."""
    count(home, offered=20, days=range(60), downloads=DOWNLOADS)
    assert refused(chosen(home, UNUSED)) == set()


def test_what_is_named_stays(home: Path) -> None:
    """Who names a project wants it, used or not."""
    count(home, offered=40, days=range(60), downloads=DOWNLOADS)
    path = home / "bandersnatch.conf"
    path.write_text(f'[select]\nprojects = ["demo>=1", "idn*"]\n[mirror]\ndirectory = "{home}"\n{SHARE}')
    selection = choose(load(path, {})).selection
    assert refused(selection) - {"six", "new"} == {"idna"}


@pytest.mark.parametrize("text", [UNUSED, SHARE])
def test_logs_without_any_download(text: str, home: Path) -> None:
    """Logs of pages only, as behind a cache that answers for files by itself, say nothing about use."""
    count(home, offered=100, days=range(60), downloads={"six": (40, 5)})
    assert refused(chosen(home, text)) == set()


@pytest.mark.parametrize(("keep", "days"), [("0s", 0), ("12h", 1), ("1d", 1), ("36h", 2), ("400d", 400)])
def test_days_to_keep(keep: str, days: int) -> None:
    """A part of a day is a day: only 0s means for ever."""
    config = load(None, {}, {"select.everything": True, "statistics.keep": keep}).config
    assert counting.wish_of(config, datetime.now(UTC)).keep == days
