"""A mirror that is kept up to date for hours while its upstream changes and fails: what it takes must not grow.

``python -m tests.faults.soak --hours 2``: on the loopback interface only, with a fault every ten seconds, and an end.
"""

from __future__ import annotations

import argparse
import gc
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from bandersnatch.testing import Bomb, Corrupt, Cut, Endless, Fault, Index, Redirect, Reset, Status, UpstreamServer
from tests.faults import checker
from tests.faults.clock import Timekeeper
from tests.faults.scenario import Mirror

PAUSE = 10.0
"""Seconds from one fault to the next."""
PROJECTS = 60
FAULTS: list[Fault] = [
    Status(503), Status(404), Status(429, 30), Corrupt(), Cut(10), Reset(10), Redirect("?again"), Bomb(1 << 20),
    Endless(1000),
]  # fmt: skip
PLACES = ["/simple/", "/simple/?*", "/packages/*", "*.metadata", "/integrity/*"]

FLAT = 1.15
"""How much more memory the last third of the time may take than the first; what is freed is not always given back."""
SLACK = 16 << 20


@dataclass
class Taken:
    """What the process took after each round, and what was wrong."""

    rounds: int = 0
    faults: int = 0
    memory: list[int] = field(default_factory=list)
    """Bytes resident."""
    handles: list[int] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def look(self) -> None:
        """Note what the process takes now."""
        gc.collect()
        fields = Path("/proc/self/statm").read_text().split()
        self.memory.append(int(fields[1]) * os.sysconf("SC_PAGESIZE"))
        self.handles.append(len(os.listdir("/proc/self/fd")))

    def growth(self) -> list[str]:
        """What grew over the time, after a first third in which everything is met for the first time."""
        found = []
        for name, values, slack in (("memory", self.memory, SLACK), ("handles", self.handles, 4)):
            first, last = _thirds(values)
            if last > first * FLAT + slack:
                found.append(f"{name} grew from {first} to {last}")
        return found


def _thirds(values: Sequence[int]) -> tuple[float, float]:
    """The medians of the second and of the last third."""
    third = max(len(values) // 3, 1)
    return median(values[third : 2 * third] or values), median(values[-third:])


class Soak:
    """One mirror, one upstream, and chance."""

    def __init__(self, upstream: UpstreamServer, folder: Path, seed: int, projects: int) -> None:
        self._upstream = upstream
        self._index: Index = upstream.index
        self._mirror = Mirror(upstream, folder / "mirror", settings={"mirror.grace": "1h"})
        self._random = random.Random(seed)
        self._number = 0
        self._projects = projects
        self.taken = Taken()
        for number in range(projects):
            self._index.upload(f"project-{number}", "1.0", provenance=number % 5 == 0)

    def round(self) -> None:
        """Some changes, perhaps a fault, and a run; then a look at the mirror and at what the process takes."""
        for _ in range(5):
            self._change()
        self._upstream.clear_faults()
        self._upstream.reset()
        if self._random.random() < 0.8:
            self.taken.faults += 1
            times = self._random.choice([1, 3, 20, None])
            self._upstream.fault(self._random.choice(PLACES), self._random.choice(FAULTS), times=times)
        self._mirror.run(timekeeper=Timekeeper())
        self._mirror.told = []
        self.taken.rounds += 1
        self.taken.wrong += checker.problems(self._mirror.directory)
        self.taken.look()

    def end(self) -> None:
        """Upstream is well: the mirror catches up."""
        self._upstream.clear_faults()
        finished = self._mirror.run(later=7 * 3600)
        if finished.outcome != "clean":
            self.taken.wrong.append(f"the last run, without a fault: {finished.outcome}: {finished.reason}")
        self.taken.wrong += self._mirror.damage()

    def _change(self) -> None:
        self._number += 1
        name = f"project-{self._random.randrange(self._projects)}"
        self._index.upload(name, f"2.{self._number}")
        state = self._index.project(name)
        visible = [file for file, _ in state.visible] if state else []
        # As many leave as come, so that the mirror has one size all the time.
        if len(visible) > 3:
            self._index.remove_file(visible[0].filename)


def soak(
    folder: Path,
    is_over: Callable[[int], bool],
    pause: Callable[[], None] = lambda: None,
    *,
    seed: int = 1,
    projects: int = PROJECTS,
) -> Taken:
    """Rounds until *is_over*, which is told how many there were, with a *pause* after each."""
    with UpstreamServer() as upstream:
        trial = Soak(upstream, folder, seed, projects)
        while not is_over(trial.taken.rounds):
            trial.round()
            pause()
        trial.end()
    return trial.taken


def main(arguments: Sequence[str]) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.soak")
    parser.add_argument("--hours", type=float, default=2.0)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args(arguments)
    ends = time.monotonic() + chosen.hours * 3600
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        taken = soak(Path(folder), lambda _: time.monotonic() > ends, lambda: time.sleep(PAUSE), seed=chosen.seed)
    wrong = [*taken.wrong, *taken.growth()]
    first, last = _thirds(taken.memory)
    sys.stdout.write(
        f"{taken.rounds} runs, {taken.faults} faults, {len(wrong)} violations; "
        f"memory {first / 1e6:.0f} MB, then {last / 1e6:.0f} MB; {median(taken.handles):.0f} handles\n"
    )
    sys.stdout.writelines(f"{one}\n" for one in wrong[:100])
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
