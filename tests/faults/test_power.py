"""The power goes: at any operation of a run, in each of the states that a file system may then leave behind."""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import pytest

from tests.faults.counting import Count
from tests.faults.golden import Mirror, Scenario
from tests.faults.operations import Death, nothing_left_open
from tests.faults.power import STATES, Disk, Recorder, State, by_chance, recorded, state_of

Objects = dict[str, bytes | None]


@lru_cache(maxsize=4096)
def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@lru_cache(maxsize=4096)
def _linked(page: bytes) -> tuple[tuple[str, str], ...]:
    """Address and digest of all that a page promises."""
    if not page.startswith(b"{"):
        return tuple(re.findall(r'href="([^"#]+)#sha256=([0-9a-f]{64})"', page.decode()))
    found = []
    for file in json.loads(page)["files"]:
        found.append((file["url"], file["hashes"]["sha256"]))
        if file["core-metadata"]:
            found.append((f"{file['url']}.metadata", file["core-metadata"]["sha256"]))
    return tuple(found)


def broken(objects: Objects) -> Iterator[str]:
    """What a web server would promise and not have: list, page, file."""
    index = objects.get("web/simple/index.v1_json")
    if index is not None:
        for one in json.loads(index)["projects"]:
            if f"web/simple/{one['name'].lower().replace('.', '-')}/index.v1_json" not in objects:
                yield f"the list names {one['name']}"
    for path, data in objects.items():
        if data is not None and re.fullmatch(r"web/simple/[^/]+/index.*", path):
            for address, digest in _linked(data):
                file = objects.get(posixpath.normpath(f"{posixpath.dirname(path)}/{address}"))
                if file is None or _digest(file) != digest:
                    yield f"{path} links {address}"


@dataclass
class Cuts:
    """Looks at the states after each *stride*-th operation, and keeps each *every*-th new one to recover from."""

    every: int
    chances: int = 1
    stride: int = 1
    kept: list[tuple[str, State]] = field(default_factory=list)
    seen: set[int] = field(default_factory=set)
    states: int = 0
    operations: int = 0

    def look(self, disk: Disk, name: str) -> None:
        self.operations += 1
        if self.operations % self.stride:
            return
        named = {**STATES, **{f"by chance {n}": by_chance(self.operations * 7 + n) for n in range(self.chances)}}
        for what, (chosen, content) in named.items():
            state = state_of(disk, chosen, content, torn=what.startswith("torn"))
            self.states += 1
            if state.identity in self.seen:
                continue
            self.seen.add(state.identity)
            where = f"operation {self.operations}, {name}: {what}"
            assert list(broken(state.objects)) == [], where
            if len(self.seen) % self.every == 0:
                self.kept.append((where, state))


def record(scenario: Scenario, directory: Path, cuts: Cuts, *, whole: bool) -> None:
    """One run, with the power going at each of its operations."""
    mirror = scenario.fresh(directory)
    recorder = Recorder(mirror.directory, whole=whole)
    recorder.each = cuts.look
    with recorded(recorder):
        scenario.disturb(mirror, recorder)


def recover(scenario: Scenario, cuts: Cuts, directory: Path) -> None:
    """From each state that was kept, one run makes what an undisturbed one would have made."""
    for number, (where, state) in enumerate(cuts.kept):
        place = directory / str(number)
        state.materialise(place)
        try:
            scenario.assert_recovers(Mirror(place))
        except BaseException as error:
            error.add_note(where)
            raise
        shutil.rmtree(place)


@pytest.mark.parametrize("name", ["first", "later"])
def test_some_cuts(scenarios: dict[str, Scenario], name: str, tmp: Path) -> None:
    """A sample of what follows: some states are looked at, a few are recovered from."""
    cuts = Cuts(60, chances=0, stride=11)
    record(scenarios[name], tmp / "run", cuts, whole=True)
    recover(scenarios[name], cuts, tmp)
    assert cuts.operations > 400
    assert len(cuts.kept) > 1


@pytest.mark.faults
@pytest.mark.parametrize("whole", [False, True], ids=["fsync", "syncfs"])
@pytest.mark.parametrize("name", ["first", "later"])
def test_every_cut(scenarios: dict[str, Scenario], name: str, whole: bool, tmp: Path, count: Count) -> None:
    """After each operation nine states: none shows a reader anything broken, and each can be recovered from."""
    cuts = Cuts(12, chances=1)
    record(scenarios[name], tmp / "run", cuts, whole=whole)
    recover(scenarios[name], cuts, tmp)
    figures = {"power_states": cuts.states, "states_recovered": len(cuts.kept)}
    count(f"power: {name} run, {'syncfs' if whole else 'fsync'}", cuts.states, **figures)


def cut_after_kill(scenario: Scenario, directory: Path, at: int, cuts: Cuts) -> None:
    """A run is killed, and the power goes while the next one, which found what the first had named, goes on."""
    mirror = scenario.fresh(directory)
    recorder = Recorder(mirror.directory)
    left = at

    def die(disk: Disk, name: str) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise Death

    recorder.each = die
    with nothing_left_open(), recorded(recorder):
        try:
            scenario.disturb(mirror, recorder)
        except Death:
            pass
        except BaseExceptionGroup as group:
            assert group.subgroup(Death), group
    recorder.each = cuts.look
    with recorded(recorder):
        scenario.rerun(mirror, recorder)


@pytest.mark.parametrize("at", [340, 500])
def test_some_cuts_after_a_kill(scenarios: dict[str, Scenario], at: int, tmp: Path) -> None:
    """A sample of what follows."""
    cuts = Cuts(1 << 30, chances=0, stride=5)
    cut_after_kill(scenarios["later"], tmp / "run", at, cuts)
    assert cuts.operations > 50


@pytest.mark.faults
def test_cuts_after_a_kill(scenarios: dict[str, Scenario], tmp: Path, count: Count) -> None:
    """What a killed run named and had not synchronised is safe before the next one vouches for it."""
    states = 0
    for at in range(20, 620, 20):
        cuts = Cuts(1 << 30, chances=1)
        cut_after_kill(scenarios["later"], tmp / str(at), at, cuts)
        states += cuts.states
    count("power: in the run after a kill", states, power_states=states)
