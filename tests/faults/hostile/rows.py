"""What a row of a table of hostile input is, and what may come of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from bandersnatch.names import normalise
from tests.faults.hostile.scene import Ran, Scene

Outcome = Literal["behind", "partial", "skipped", "taken", "ignored", "held", "run"]
"""
behind
    ``bad`` is behind, and is published as it was before.
partial
    ``bad`` is behind for want of a file, and its page lists the others.
skipped
    The new file of ``bad`` cannot be taken: it is named, and ``bad`` is behind; all else of it is there.
taken
    It is harmless where it lands: the new file of ``bad`` is there.
ignored
    As if it had not been said: both projects are up to date, and there is no third.
held
    Nothing is removed, and the exit code says that an operator has to look; both projects are up to date.
run
    The whole run stops, and nothing at all has changed.
"""


@dataclass(frozen=True)
class Row:
    """One hostile input."""

    id: str
    """``table:name``"""
    arrange: Callable[[Scene], object]
    outcome: Outcome
    reason: str = ""
    """A regular expression that has to match what the run says about it."""
    ends: tuple[str, ...] = ()
    """For ``run``: the outcomes of the run that will do."""
    listed: tuple[int, ...] | None = None
    """The releases of ``bad`` on its page, where they are not those that the outcome says."""


def judge(row: Row, scene: Scene, ran: Ran) -> None:
    """The run came to what the row says."""
    if row.outcome == "run":
        _judge_run(row, scene, ran)
        return
    assert scene.world.filenames("good") == _files("good", (1, 2)), "an honest project has to get on"
    said = {
        "behind": [one["reason"] for one in ran.of("fell-behind", "bad")],
        "partial": [one["reason"] for one in ran.of("fell-behind", "bad")],
        "skipped": [one["reason"] for one in ran.of("skipped", "bad")],
    }.get(row.outcome)
    if said is not None:
        assert any(re.search(row.reason, one) for one in said), said or ran.events
    late = row.outcome in ("behind", "partial", "skipped")
    came_to = (3, "refused") if row.outcome == "held" else (1, "behind") if late else (0, "clean")
    assert (ran.code, ran.outcome) == came_to, ran.events
    listed = row.listed or ((1,) if late else (1, 2))
    assert scene.world.filenames("bad") == _files("bad", listed)
    assert set(map(normalise, scene.world.root())) == {"good", "bad"}
    if row.outcome == "behind":
        bad = {key: digest for key, digest in scene.world.tree().items() if key.startswith("simple/bad/")}
        assert bad.items() <= scene.old.items()


def _judge_run(row: Row, scene: Scene, ran: Ran) -> None:
    assert ran.outcome in row.ends, ran.events
    assert ran.code != 0
    assert re.search(row.reason, ran.of("finished")[0]["reason"]), ran.events
    assert scene.world.tree() == scene.old


def _files(project: str, releases: tuple[int, ...]) -> list[str]:
    return [f"{project}-{number}.0-py3-none-any.whl" for number in releases]
