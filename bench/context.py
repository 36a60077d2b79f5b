"""What every scenario is given: how large, how often, against whom, and where."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from bench import peers
from bench.measure import Contestant
from bench.peers import Pypa
from bench.tree import Shape, Tree, make

PEERS = ("pypa", "curl", "sha256sum", "others")
"""Whom ours is compared with. ``others`` are what a scenario names itself, such as a bare interpreter."""

Size = TypeVar("Size")


@dataclass(frozen=True)
class Bench:
    """One call of the bench."""

    work: Path
    """Trees and environments that are kept for the next call, and the folders of runs, which are not."""
    full: bool = False
    runs: int = 5
    peers: frozenset[str] = field(default_factory=lambda: frozenset(PEERS))

    def size(self, short: Size, full: Size) -> Size:
        """One of two sizes."""
        return full if self.full else short

    def tree(self, shape: Shape) -> Tree:
        """A tree that nobody changes, made if it is not there."""
        return make(self.work / "trees", shape)

    def room(self, name: str) -> Path:
        """A folder for what a scenario leaves behind: empty now."""
        place = self.work / "runs" / name
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        return place

    def chosen(self, contestants: Iterable[Contestant]) -> list[Contestant]:
        """Those of *contestants* that are asked for; ours always."""
        return [one for one in contestants if one.peer == "ours" or one.peer in self.peers]

    @cached_property
    def pypa(self) -> Pypa:
        return peers.install_pypa(self.work / "peers")

    @property
    def versions(self) -> Mapping[str, str]:
        """What the peers are, for the report."""
        found = {}
        if "pypa" in self.peers:
            found["PyPA bandersnatch"] = self.pypa.version
        if "curl" in self.peers and peers.has("curl"):
            found["curl"] = peers.version_of_curl()
        return found
