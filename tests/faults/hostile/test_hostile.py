"""Each row of the tables of hostile input, as a whole run of the program against an upstream that says it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bandersnatch.testing import UpstreamServer
from tests.faults.counting import Count
from tests.faults.hostile import attacks, documents, headers, names, urls
from tests.faults.hostile.rows import Row, judge
from tests.faults.hostile.scene import Scene

ROWS = (*names.ROWS, *urls.ROWS, *documents.ROWS, *headers.ROWS, *attacks.ROWS)
SAMPLE = ("names:absolute", "urls:encoded-dots", "urls:redirect-to-other-host", "json:bomb", "headers:two-lengths",
          "attacks:planted-link")  # fmt: skip


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with UpstreamServer() as upstream, UpstreamServer() as evil:
        yield Scene(upstream, evil, tmp_path)


def _try(row: Row, scene: Scene) -> None:
    row.arrange(scene)
    ran = scene.run()
    scene.check(ran)
    judge(row, scene, ran)


@pytest.mark.parametrize("row", [row for row in ROWS if row.id in SAMPLE], ids=lambda row: row.id)
def test_sample(row: Row, scene: Scene) -> None:
    """One of each table: it names nothing outside the mirror, and no honest project suffers."""
    _try(row, scene)


@pytest.mark.faults
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_row(row: Row, scene: Scene, count: Count) -> None:
    """Every row: nothing outside the mirror, no honest project behind, memory bounded, pages clean."""
    _try(row, scene)
    count(f"security: {row.id.partition(':')[0]}", hostile_inputs=1)
