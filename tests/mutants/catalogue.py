"""The list of mutants, ``list.toml``: what to guard, what was broken on purpose, and what may live and why."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Self

LIST = Path(__file__).with_name("list.toml")


@dataclass(frozen=True, slots=True)
class Guarded:
    """A module of which mutants are made."""

    path: str
    tests: tuple[str, ...]
    """Those that matter, the quickest first."""
    only: tuple[str, ...] = ()
    """Functions and classes; all of the module where none is named."""


@dataclass(frozen=True, slots=True)
class Broken:
    """A promise broken by hand."""

    promise: str
    """The number of the invariant in docs/explanation/design.md, or what else is promised."""
    name: str
    """What the mutant does."""
    path: str
    function: str
    before: str
    after: str
    tests: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Excuse:
    """Why some mutants may live: no test could tell them from the original, or none should."""

    path: str
    mutants: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All of it."""

    guarded: tuple[Guarded, ...]
    broken: tuple[Broken, ...]
    excuses: tuple[Excuse, ...]

    @classmethod
    def read(cls, path: Path) -> Self:
        """The list at *path*."""
        data = tomllib.loads(path.read_text("utf-8"))
        guarded = (Guarded(one["path"], tuple(one["tests"]), tuple(one.get("only", ()))) for one in data["guarded"])
        broken = (Broken(**{**one, "tests": tuple(one["tests"])}) for one in data["broken"])
        excuses = (Excuse(one["path"], tuple(one["mutants"]), one["reason"]) for one in data.get("excuse", ()))
        return cls(tuple(guarded), tuple(broken), tuple(excuses))

    def excuse(self, path: str, name: str) -> str:
        """Why this mutant may live; empty if it may not."""
        return next((one.reason for one in self.excuses if one.path == path and name in one.mutants), "")
