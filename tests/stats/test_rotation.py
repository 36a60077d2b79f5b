"""A log is read once, whatever becomes of it: every way of rotation, and logs that are alike."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from bandersnatch.errors import LogError
from bandersnatch.inputs import logs
from tests.stats.conftest import Statistics, lines, once

Write = Callable[[str, bytes], Path]

COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zstandard.ZstdCompressor().compress,
}


def test_only_what_is_new(statistics: Statistics, write: Write) -> None:
    """A second run reads the lines that were appended and no others; a third finds nothing to do."""
    write("access.log", lines(1, 2))
    assert statistics.update().bytes == len(lines(1, 2))
    write("access.log", lines(3))
    assert statistics.update().bytes == len(lines(3))
    last = statistics.update()
    assert (last.read, last.bytes, last.written) == (0, 0, [])
    assert statistics.counted() == once(1, 2, 3)


def test_a_line_that_is_not_whole_waits(statistics: Statistics, write: Write) -> None:
    """What the server has written of a line so far is left for the next run."""
    whole = lines(1, 2)
    write("access.log", whole[:-20])
    statistics.update()
    assert statistics.counted() == once(1)
    write("access.log", whole[-20:])
    statistics.update()
    assert statistics.counted() == once(1, 2)


def test_renamed(statistics: Statistics, write: Write) -> None:
    """A log that was renamed is read to its end, and the one in its place from the beginning."""
    path = write("access.log", lines(1, 2))
    statistics.update()
    write("access.log", lines(3))
    path.rename(statistics.log("access.log.1"))
    write("access.log", lines(4))
    statistics.update()
    assert statistics.counted() == once(1, 2, 3, 4)


@pytest.mark.parametrize("ending", COMPRESSIONS)
def test_renamed_and_compressed(ending: str, statistics: Statistics, write: Write) -> None:
    """A log that was compressed after it was read is known again; what it has more is counted."""
    path = write("access.log", lines(1, 2))
    statistics.update()
    path.unlink()
    statistics.log(f"access.log.1.{ending}").write_bytes(COMPRESSIONS[ending](lines(1, 2) + lines(3)))
    write("access.log", lines(4))
    statistics.update()
    statistics.update()
    assert statistics.counted() == once(1, 2, 3, 4)


def test_both_for_a_while(statistics: Statistics, write: Write) -> None:
    """A log and its compressed copy side by side are one log."""
    write("access.log.1", lines(1, 2))
    statistics.log("access.log.1.gz").write_bytes(gzip.compress(lines(1, 2)))
    statistics.update()
    statistics.update()
    assert statistics.counted() == once(1, 2)


def test_copied_and_truncated(statistics: Statistics, write: Write) -> None:
    """copytruncate: the copy is read from where the log was left, the log itself from its new beginning."""
    path = write("access.log", lines(1, 2))
    statistics.update()
    write("access.log", lines(3))
    shutil.copy(path, statistics.log("access.log.1"))
    os.truncate(path, 0)
    write("access.log", lines(4, second=30))
    statistics.update()
    assert statistics.counted() == once(1, 2, 3, 4)


@pytest.mark.parametrize("more", [1, 3])
def test_truncated(more: int, statistics: Statistics, write: Write) -> None:
    """A log that was emptied and begun anew is read from its beginning, shorter or longer than before."""
    path = write("access.log", lines(1, 2))
    statistics.update()
    os.truncate(path, 0)
    new = range(10, 10 + more)
    write("access.log", lines(*new, second=30))
    statistics.update()
    assert statistics.counted() == once(1, 2, *new)


def test_alike(statistics: Statistics, write: Write) -> None:
    """Logs that begin with the same lines and go on differently are two logs, read together or one after the other."""
    same = lines(*range(10))
    assert len(same) > logs.HEAD
    write("a.log", same + lines(20))
    statistics.update()
    write("b.log", same + lines(30, 31, 32))
    write("a.log", lines(21))
    statistics.update()
    statistics.update()
    assert statistics.counted() == once(*range(10), 20, 21) + once(*range(10), 30, 31, 32)


def test_a_first_line_in_common(statistics: Statistics, write: Write) -> None:
    """That holds for short logs as well, of which no more than the first line is the same."""
    write("a.log", lines(1, 2))
    write("b.log", lines(1, 3))
    statistics.update()
    assert statistics.counted() == once(1, 2) + once(1, 3)


def test_one_log_under_two_names(statistics: Statistics, write: Write) -> None:
    """Names that are links to one file are one log."""
    path = write("access.log", lines(1))
    os.link(path, statistics.log("hard.log"))
    statistics.log("soft.log").symlink_to(path)
    statistics.update()
    assert statistics.counted() == once(1)


@pytest.mark.parametrize("ending", ["gz", "bz2", "xz"])
def test_damaged(ending: str, statistics: Statistics) -> None:
    """Of a compressed log that ends too early the whole lines are counted, once; each run says that it is."""
    content = b"".join(lines(number) for number in range(3000))
    whole = bz2.compress(content, 1) if ending == "bz2" else COMPRESSIONS[ending](content)
    path = statistics.log(f"access.log.1.{ending}")
    path.write_bytes(whole[: len(whole) * 2 // 3])
    for _ in range(2):
        outcome = statistics.update()
        assert "damaged, or still being compressed" in outcome.problems[0]
        assert 1000 < sum(statistics.counted().values()) < 3000
    path.write_bytes(whole)
    assert statistics.update().problems == []
    assert statistics.counted() == once(*range(3000))


def test_what_is_no_log(statistics: Statistics, write: Write) -> None:
    """A pipe in the place of a log is named and not waited for; the other logs are read."""
    os.mkfifo(statistics.log("a.log"))
    write("b.log", lines(1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bandersnatch.inputs.globs.os.path.isfile", os.path.lexists)
        outcome = statistics.update()
    assert outcome.problems == [f"{statistics.log('a.log')}: it is no file"]
    assert statistics.counted() == once(1)


@pytest.mark.parametrize("half", ["a copy", "a compressed one"])
def test_half_a_copy(half: str, statistics: Statistics) -> None:
    """A log that was read, and is just being copied or compressed beside itself, is not counted again from its half."""
    content = b"".join(lines(number) for number in range(3000))
    statistics.log("access.log.1").write_bytes(content)
    statistics.update()
    whole = content if half == "a copy" else zstandard.ZstdCompressor().compress(content)
    copy = statistics.log("access.log.2")
    copy.write_bytes(whole[: len(whole) // 2])
    outcome = statistics.update()
    assert "still being copied" in outcome.problems[0]
    copy.write_bytes(whole)
    assert statistics.update().problems == []
    assert statistics.counted() == once(*range(3000))


def test_names_that_lead_nowhere(statistics: Statistics, write: Write) -> None:
    """A name that the system does not take, or a log behind a loop of links, is named; the other logs are read."""
    loop, endless = statistics.log("loop.log"), str(statistics.log("x" * 300))
    loop.symlink_to(loop)
    paths, missing = logs.find([str(loop), endless, str(statistics.log("none")), str(write("b.log", lines(1)))])
    assert paths == [loop, Path(endless), statistics.log("b.log")]
    assert missing == [str(statistics.log("none"))]
    with pytest.raises(LogError, match="File name too long"):
        logs.Log(Path(endless))


def test_a_disk_that_cannot_be_read() -> None:
    """A log that can be opened, and of which nothing can be read, is named."""
    with pytest.raises(LogError, match="Input/output error"):
        logs.Log(Path("/proc/self/mem"))  # the system answers EIO for its first bytes
