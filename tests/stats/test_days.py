"""The files of days: the form that was always written, the PEP's as well, and both read back; days that are over."""

from __future__ import annotations

import bz2
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandersnatch.errors import LogError
from bandersnatch.ledger.base import Row
from bandersnatch.stats import days
from tests.accesslog.samples import UV, combined
from tests.stats.conftest import TODAY, Statistics, lines, once

Write = Callable[[str, bytes], Path]
YESTERDAY = date(2026, 11, 28)


def stored(statistics: Statistics) -> list[str]:
    return sorted(path.name for path in (statistics.home / "web/local-stats/days").iterdir())


def content(statistics: Statistics, name: str = "2026-11-28.bz2") -> bytes:
    return bz2.decompress((statistics.home / "web/local-stats/days" / name).read_bytes())


def test_the_form(statistics: Statistics, write: Write) -> None:
    """No header, CRLF, sorted by file name, agent and project: as pep381client and bandersnatch 1.x wrote it."""
    write("access.log", combined(agent=UV) + b"\n" + combined() + b"\n" + combined() + b"\n" + lines(1))
    statistics.update()
    assert content(statistics) == (
        b"demo,demo-1.1.tar.gz,pip/26.3 CPython/3.13 Linux,1\r\n"
        b"six,six-1.17.0-py2.py3-none-any.whl,pip/26.3 CPython/3.13 Linux,2\r\n"
        b"six,six-1.17.0-py2.py3-none-any.whl,uv/0.13.9 PyPy Python/3.12 Darwin,1\r\n"
    )


def test_the_header(statistics: Statistics, write: Write) -> None:
    """With the option the first line is PEP 381's, and nothing else changes."""
    write("access.log", lines(1))
    statistics.update(header=True)
    assert content(statistics).startswith(b"# package,filename,useragent,count\r\ndemo,demo-1.1.tar.gz,pip/")


ROWS = st.lists(
    st.builds(
        Row,
        st.just(YESTERDAY),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
        st.integers(0, 10**9),
    ),
    max_size=20,
)


@given(ROWS, st.booleans())
def test_read_back(tmp_path_factory: pytest.TempPathFactory, rows: list[Row], header: bool) -> None:
    """Whatever is written is read back, with and without the header."""
    rows = [row for row in rows if header or not row.project.lstrip().startswith("#")]
    path = tmp_path_factory.mktemp("day") / "day.bz2"
    path.write_bytes(b"".join(days.compressed(rows, header=header)))
    assert list(days.read(path, YESTERDAY)) == rows


@pytest.mark.parametrize("damaged", [b"", b"no bz2", bz2.compress(b"a,b\r\n"), bz2.compress(b"a,b,c,many\r\n")])
def test_what_is_no_file_of_a_day(tmp_path: Path, damaged: bytes) -> None:
    """A file that is something else is named."""
    path = tmp_path / "day.bz2"
    path.write_bytes(damaged)
    with pytest.raises(LogError, match=r"day\.bz2"):
        list(days.read(path, YESTERDAY))


def test_a_running_day_is_marked(statistics: Statistics, write: Write) -> None:
    """The day that is not over has another name, until it is over: also if nothing more comes."""
    write("access.log", lines(1))
    statistics.update(today=YESTERDAY)
    assert stored(statistics) == ["2026-11-28.running.bz2"]
    write("access.log", lines(2))
    statistics.update(today=YESTERDAY)
    running = content(statistics, "2026-11-28.running.bz2")
    statistics.update(today=TODAY)
    assert stored(statistics) == ["2026-11-28.bz2"]
    assert content(statistics) == running


def test_lines_that_come_late(statistics: Statistics, write: Write) -> None:
    """A day that is over takes what is read of it later, and is written again."""
    write("access.log", lines(1))
    statistics.update()
    write("other.log", lines(2))
    assert statistics.update().written == [YESTERDAY]
    assert statistics.counted() == once(1, 2)


def test_days_of_a_zone(statistics: Statistics, write: Write) -> None:
    """A day begins when the configured zone says so."""
    write("access.log", combined(time="28/Nov/2026:23:30:00 +0000") + b"\n")
    statistics.update(zone=ZoneInfo("Europe/Berlin"), today=date(2026, 12, 1))
    assert stored(statistics) == ["2026-11-29.bz2"]


def test_files_of_others_stay(statistics: Statistics, write: Write) -> None:
    """A day's file that this ledger has not made is never written: what is read of that day is not counted."""
    folder = statistics.home / "web/local-stats/days"
    folder.mkdir(parents=True)
    theirs = bz2.compress(b"demo,demo-1.1.tar.gz,setuptools/0.6,7\r\n")
    (folder / "2026-11-28.bz2").write_bytes(theirs)
    write("access.log", lines(1, 2) + combined(status=404) + b"\n")
    outcome = statistics.update()
    assert (outcome.late, outcome.written, outcome.lines) == (2, [], 3)
    assert (folder / "2026-11-28.bz2").read_bytes() == theirs


def test_old_details_are_forgotten(statistics: Statistics, write: Write) -> None:
    """After the time to keep, a day's file stays, its details are gone, and nothing is added to it any more."""
    write("access.log", lines(1))
    statistics.update()
    statistics.update(today=TODAY + timedelta(days=30), keep=10)
    with closing(statistics.ledger()) as ledger:
        assert (ledger.days(), ledger.closed()) == ((), TODAY + timedelta(days=19))
    write("access.log", lines(2))
    assert statistics.update(today=TODAY + timedelta(days=30), keep=10).late == 1
    assert statistics.counted() == once(1)


def test_no_address_is_kept(statistics: Statistics, write: Write) -> None:
    """Neither the ledger nor any file below web/ has a client's address, whatever the client says of itself."""
    agent = "pip/26.3 (192.0.2.7) 192.0.2.7/1.0 ip-192.0.2.7/3"
    write("access.log", combined(agent=agent) + b"\n" + combined(agent="192.0.2.7") + b"\n" + combined() + b"\n")
    statistics.update()
    for path in [*statistics.home.glob("state/*"), *statistics.home.glob("web/**/*")]:
        if path.is_file():
            data = path.read_bytes()
            assert b"192.0.2" not in (bz2.decompress(data) if path.suffix == ".bz2" else data), path
            assert b"10.0.0.7" not in data


def test_memory_is_flat(statistics: Statistics, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many different files there are, the ledger takes over before more than so many are in memory."""
    from bandersnatch.stats import tally

    monkeypatch.setattr(tally, "MOST", 50)
    monkeypatch.setattr("bandersnatch.inputs.logs.BLOCK", 8000)
    most = 0
    add = tally.Tally.add

    def watched(self: tally.Tally, given: list[bytes]) -> None:
        nonlocal most
        add(self, given)
        most = max(most, len(self._counts), len(self._targets))

    monkeypatch.setattr(tally.Tally, "add", watched)
    write("access.log", lines(*range(400)))
    statistics.update()
    assert statistics.counted() == once(*range(400))
    assert 50 <= most < 80


def test_a_pipe_has_a_bound_too(statistics: Statistics, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of what comes through a pipe the ledger takes over after so many bytes, in the one transaction."""
    from bandersnatch.stats import update

    monkeypatch.setattr(update, "AT_ONCE", 1000)
    content = [lines(number) for number in range(40)]
    with closing(statistics.ledger()) as ledger:
        run = update.Update(ledger, statistics.shelf, statistics.wish())
        most = 0

        def watched() -> Iterator[bytes]:
            nonlocal most
            for block in content:
                yield block
                most = max(most, len(run._tally._counts))

        run.read_pipe(watched(), "a pipe")
        run.finish()
    assert most < 20
    assert statistics.counted() == once(*range(40))


@given(st.integers(0, 40), st.integers(0, 40))
def test_where_runs_end_changes_nothing(tmp_path_factory: pytest.TempPathFactory, first: int, second: int) -> None:
    """In however many parts a log is read, at whatever bytes these end, the totals are the same."""
    home = tmp_path_factory.mktemp("home")
    statistics = Statistics(home)
    whole = lines(*range(5)) + combined("/simple/six/") + b"\n" + lines(*range(3))
    cuts = sorted({len(whole) * first // 40, len(whole) * second // 40, len(whole)})
    begin = 0
    for cut in cuts:
        with statistics.log("access.log").open("ab") as stream:
            stream.write(whole[begin:cut])
        begin = cut
        statistics.update()
    assert statistics.counted() == once(*range(5)) + once(*range(3))
