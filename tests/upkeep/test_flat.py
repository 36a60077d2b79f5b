"""Memory does not grow with the mirror: no list of all names or of all keys is ever held. Measured on rows alone."""

from __future__ import annotations

import io
import shutil
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

import pytest

from bandersnatch import layout
from bandersnatch.catalogue import database
from bandersnatch.catalogue.sqlite import SqliteCatalogue
from bandersnatch.cli.verified import PeopleReport
from bandersnatch.storage.base import Stat
from bandersnatch.upkeep import repairing
from bandersnatch.upkeep.auditing import Auditor
from bandersnatch.upkeep.garbage import garbage, look
from bandersnatch.upkeep.repairing import Marks, Step
from bandersnatch.upkeep.rolling import Rolling
from bandersnatch.verify.base import Ground
from bandersnatch.verify.engine import Wish, verify
from tests.catalogue.samples import commit, held

SMALL, LARGE = 400, 1_600
"""Projects; both are many more than any of the parts in which rows are read here."""


class Nowhere:
    """A disk that has lost every file, and holds as many strangers as the catalogue has projects."""

    def __init__(self, count: int) -> None:
        self._count = count

    def stat(self, key: str) -> Stat | None:
        return None

    def open(self, key: str) -> BinaryIO:
        return io.BytesIO(b"nothing of the kind")

    def survey(self, prefix: str = "") -> Iterator[tuple[str, Stat | None]]:
        for number in range(self._count):
            yield f"packages/ab/cd/{number:060}/stranger-{number}.zip", Stat(1, 1)

    def buried(self, key: str) -> Stat | None:
        return None

    def open_buried(self, key: str) -> BinaryIO:
        return io.BytesIO()

    def list_buried(self) -> Iterator[tuple[str, int, float]]:
        return iter(())

    def list_partial(self) -> Iterator[tuple[str, int, int]]:
        return iter(())


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A small catalogue and a large one."""
    folder = tmp_path_factory.mktemp("flat")
    for count in (SMALL, LARGE):
        with closing(SqliteCatalogue(folder / str(count))) as catalogue:
            for start in range(0, count, 400):
                names = [f"p{number:05}" for number in range(start, start + 400)]
                catalogue.commit([commit(name, 1, held(name)) for name in names])
    return folder / str(SMALL), folder / str(LARGE)


@pytest.fixture
def mirrors(rows: tuple[Path, Path], tmp_path: Path) -> Iterator[tuple[Ground, Ground]]:
    """Mirrors of these rows, and no disk."""
    opened = [SqliteCatalogue(Path(shutil.copy(path, tmp_path))) for path in rows]
    small, large = (
        Ground(Nowhere(count), one, None, lambda *_: False) for one, count in zip(opened, (SMALL, LARGE), strict=True)
    )
    yield small, large
    for one in opened:
        one.close()


def verified(ground: Ground) -> int:
    """A verification, its report, and the marks of a repair; every project is damaged."""
    with garbage() as found:
        marks = Marks(ground.catalogue, 1.0, found)
        report = PeopleReport(io.StringIO(), 50)
        for finding in verify(ground, Wish(threads=1), 1.0):
            report.add(finding, marks.add(finding))
        marks.finish()
        assert found.files.count == len_of(ground)
    return marks.steps[Step.FILES] // 3


def looked(ground: Ground) -> int:
    return sum(1 for _ in look(ground, 1.0))


def audited(ground: Ground) -> int:
    written: Counter[str] = Counter()
    audit = Auditor(ground, "here", lambda line: written.update({"lines": 1})).run(Wish(threads=1), 1.0)
    assert audit.incomplete == len_of(ground)
    return audit.projects


def rolled(ground: Ground) -> int:
    return Rolling(ground, 10**9, 1.0)(lambda _: None).projects


def len_of(ground: Ground) -> int:
    return ground.catalogue.totals().projects


def peak(act: Callable[[Ground], int], ground: Ground) -> int:
    """Bytes that Python held at most while *act* went on."""
    tracemalloc.start()
    try:
        assert act(ground) == len_of(ground)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is held at a time is the same for the small and for the large one, and no cache is still filling."""
    monkeypatch.setattr(database, "AT_ONCE", 64)
    monkeypatch.setattr(repairing, "AT_ONCE", 64)
    for name in ("path_digest", "_file_key"):
        monkeypatch.setattr(layout, name, getattr(layout, name).__wrapped__)


@pytest.mark.parametrize("act", [looked, rolled, verified, audited])
def test_flat(mirrors: tuple[Ground, Ground], act: Callable[[Ground], int]) -> None:
    """
    With four times the projects, damage and garbage it takes the same memory, but for the digests of known files that
    wait to be written down: at most 4 MiB for any mirror.

    A list of names would take 60 bytes for each, and what is known of it several times that.
    """
    small, large = (peak(act, ground) for ground in mirrors)
    waiting = 0 if act is rolled else 2 * 24 * (LARGE - SMALL)
    assert large < small + waiting + 40 * (LARGE - SMALL), (small, large)
