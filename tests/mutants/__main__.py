"""
Break the guards on purpose and see whether the tests notice: ``python -m tests.mutants``, or ``make mutants``.

``broken`` runs the mutants that people wrote, one for each promise; ``made`` those that are made of every line of the
modules that paths, commits and removals lean on; ``report`` writes docs/explanation/mutants.md out of the results.
What was noticed is kept in .mutants/ and not run again while module and tests are the same; a mutant that lived is.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.mutants import page
from tests.mutants.catalogue import LIST, Broken, Catalogue, Guarded
from tests.mutants.making import mutants, replaced
from tests.mutants.running import ROOT, Verdict, preload, run

KEPT = ROOT / ".mutants" / "results.jsonl"
SLOWEST = 20.0
"""Seconds that a mutant may take beyond three times what the tests take without one."""


@dataclass(frozen=True, slots=True)
class Task:
    """One mutant with what it takes to run it."""

    kind: str
    path: str
    name: str
    source: str
    tests: tuple[str, ...]

    @property
    def key(self) -> str:
        """Changes when the mutant changes."""
        return hashlib.sha256(repr((self.kind, self.path, self.name, self.source)).encode()).hexdigest()[:20]


def main() -> int:
    """Run what was asked for. Returns 1 if a mutant lives that has no reason to."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("what", choices=("broken", "made", "report"), nargs="+")
    parser.add_argument("--module", help="only modules whose path contains this")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after so long; go on another time")
    args = parser.parse_args()
    catalogue = Catalogue.read(LIST)
    results = Results(KEPT)
    tasks = [task for task in _tasks(catalogue, args.what) if not args.module or args.module in task.path]
    able = [task for task in tasks if not catalogue.excuse(task.path, task.name)]
    able.sort(key=lambda task: results.known(task) is None)  # those that lived are tried first
    _run(able, results, time.monotonic() + args.seconds)
    lives = [task for task in able if not results.by(task.key)]
    for task in lives:
        sys.stdout.write(f"lives: {task.path}: {task.name}\n")
    if "report" in args.what:
        everything = [*_tasks(catalogue, ("broken", "made"))]
        found = {(task.kind, task.path, task.name): results.known(task) for task in everything}
        (ROOT / "docs" / "explanation" / "mutants.md").write_text(page.render(catalogue, found), "utf-8")
    return int(bool(lives))


def _tasks(catalogue: Catalogue, kinds: list[str] | tuple[str, ...]) -> Iterator[Task]:
    if "broken" in kinds:
        yield from map(_broken, catalogue.broken)
    if "made" in kinds:
        for guarded in catalogue.guarded:
            yield from _made(guarded)


def _broken(one: Broken) -> Task:
    source = replaced((ROOT / one.path).read_text("utf-8"), one.function, one.before, one.after)
    return Task("broken", one.path, one.name, source, one.tests)


def _made(guarded: Guarded) -> Iterator[Task]:
    source = (ROOT / guarded.path).read_text("utf-8")
    for mutant in mutants(source, guarded.only):
        yield Task("made", guarded.path, str(mutant), mutant.source, guarded.tests)


class Results:
    """What became of mutants so far, in a file that is only added to."""

    def __init__(self, place: Path) -> None:
        self._place = place
        place.parent.mkdir(exist_ok=True)
        lines = place.read_text("utf-8").splitlines() if place.exists() else []
        told = [json.loads(line) for line in lines]
        self._by: dict[str, str] = {one["key"]: one["by"] for one in told}
        self._last: dict[tuple[str, str], str] = {(one["path"], one["name"]): one["by"] for one in told}

    def by(self, key: str) -> str:
        """What killed the mutant; empty for one that lives or was not run."""
        return self._by.get(key, "")

    def known(self, task: Task) -> str | None:
        """The same, and None for one that was not run; where the module changed around the mutant, its last verdict."""
        return self._by.get(task.key, self._last.get((task.path, task.name)))

    def note(self, task: Task, verdict: Verdict) -> None:
        """Keep a verdict."""
        self._by[task.key] = verdict.by
        line: Mapping[str, object] = {"key": task.key, "by": verdict.by, "path": task.path, "name": task.name}
        with self._place.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


def _run(tasks: list[Task], results: Results, until: float) -> None:
    preload()
    todo = [task for task in tasks if not results.by(task.key)]
    limits: dict[tuple[str, ...], float] = {}
    for number, task in enumerate(todo, 1):
        if time.monotonic() > until:
            sys.stdout.write(f"{len(todo) - number + 1} mutants are left for another time\n")
            return
        if task.tests not in limits:
            healthy = run(task.path, None, task.tests, 600)
            if healthy.killed:
                raise SystemExit(f"the tests fail without any mutant: {healthy.by}")
            limits[task.tests] = 3 * healthy.seconds + SLOWEST
        verdict = run(task.path, task.source, task.tests, limits[task.tests])
        results.note(task, verdict)
        word = f"killed by {verdict.by}" if verdict.killed else "LIVES"
        sys.stdout.write(f"{number}/{len(todo)} {verdict.seconds:.1f} s {task.path}: {task.name}: {word}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
