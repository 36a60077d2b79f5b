"""No download is lost because nobody had said yet how a log is written, and none is lost in silence."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bandersnatch.accesslog.formats import reader
from bandersnatch.inputs import logs
from tests.accesslog.samples import FILE, PIP
from tests.stats.conftest import Statistics, filename, lines, once

Write = Callable[[str, bytes], Path]

OTHER = '$request_time|$time_iso8601|$request|$status|"$http_user_agent"'


def others(*numbers: int) -> bytes:
    """The same downloads as ``lines`` makes, in a format that has to be described."""
    requests = (f"GET /packages/source/d/demo/{filename(number)} HTTP/1.1" for number in numbers)
    return b"".join(f'0.003|2026-11-28T10:00:00+00:00|{one}|200|"pip"\n'.encode() for one in requests)


def elsewhere(count: int) -> bytes:
    return b"0.003|2026-11-28T10:00:00+00:00|GET /simple/demo/ HTTP/1.1|200|pip\n" * count


@pytest.fixture(params=[40, logs.BLOCK], ids=["small blocks", "large blocks"])
def blocks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """In how large pieces a log is read."""
    monkeypatch.setattr(logs, "BLOCK", request.param)


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize("understood", [(), (1,), (1, 2, 3)])
@pytest.mark.parametrize("between", [b"", elsewhere(3)])
def test_format_told_later(understood: tuple[int, ...], between: bytes, statistics: Statistics, write: Write) -> None:
    """What comes after the last line that was understood is counted once the format is told, and nothing twice."""
    write("access.log", lines(*understood) + between + others(4) + between + others(5, 6))
    for _ in range(2):
        [problem] = statistics.update().problems
        assert "[statistics] format" in problem
        assert statistics.counted() == once(*understood)
    write("access.log", others(7))
    done = statistics.update(read=reader(OTHER))
    assert (done.problems, statistics.counted()) == ([], once(*understood, 4, 5, 6, 7))
    assert statistics.update(read=reader(OTHER)).bytes == 0


def test_rotated_meanwhile(statistics: Statistics, write: Write) -> None:
    """It is counted also if the log was rotated and compressed before the format was told."""
    path = write("access.log", lines(1) + others(2, 3))
    assert len(statistics.update().problems) == 1
    statistics.log("access.log.1.gz").write_bytes(gzip.compress(path.read_bytes()))
    path.write_bytes(others(4))
    assert statistics.update(read=reader(OTHER)).problems == []
    assert statistics.counted() == once(1, 2, 3, 4)


def test_broken_lines(statistics: Statistics, write: Write) -> None:
    """A broken line among others is passed over; more than one in twenty is told, also where the others are more."""
    write("a.log", b"GET /packages/ nonsense\n".join([lines(1), lines(*range(2, 42))]))
    assert statistics.update().problems == []
    write("b.log", b"GET /packages/ nonsense\n" * 3 + lines(*range(50, 80)))
    [problem] = statistics.update().problems
    assert "b.log: 3 of 33 lines about files cannot be understood, the first is line 1" in problem
    assert statistics.counted() == once(*range(1, 42), *range(50, 80))


@pytest.mark.parametrize("key", ["status", "status_code", "http_status"])
@pytest.mark.parametrize("value", [200, "200", 200.0])
def test_json(key: str, value: object, statistics: Statistics, write: Write) -> None:
    """JSON counts under each name that a status has, and where slashes are escaped, as some writers do."""
    facts = {"time": "2026-11-28T10:15:00Z", "method": "GET", "uri": FILE, key: value, "http_user_agent": PIP}
    write("access.log", json.dumps(facts).encode() + b"\n" + json.dumps(facts).replace("/", "\\/").encode() + b"\n")
    assert statistics.update().problems == []
    assert statistics.counted().total() == 2


@pytest.mark.parametrize("wrong", [{"answer": 200}, {"status": None}, {"status": "-"}, {"status": 2.5}, {}])
def test_json_without_a_status(wrong: dict[str, object], statistics: Statistics, write: Write) -> None:
    """A line that does not say how the request was answered cannot be understood, and is told."""
    facts = {"time": "2026-11-28T10:15:00Z", "method": "GET", "uri": FILE, **wrong}
    path = write("access.log", json.dumps(facts).encode() + b"\n")
    assert len(statistics.update().problems) == 1
    path.write_bytes(json.dumps(facts | {"status": 200}).encode() + b"\n")
    assert statistics.update().problems == []
    assert statistics.counted().total() == 1
