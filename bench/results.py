"""What a scenario found out, as values that are kept as JSON: the report is written from them alone."""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

Sample = Mapping[str, float]
"""Of one run, a figure for each measure; see ``UNITS``."""

UNITS = {
    "wall": "s",
    "cpu": "s",
    "peak": "MB",
    "written": "MB",
    "requests": "",
    "connections": "",
    "syncs": "",
    "first": "s",
    "commit": "s",
    "index": "s",
    "each": "µs",
    "each-written": "kB",
}
"""The measures, in the order of the report's columns, with their units."""


@dataclass(frozen=True, slots=True)
class Row:
    """One contestant."""

    name: str
    samples: tuple[Sample, ...]
    command: str = ""

    def values(self, measure: str) -> list[float]:
        """The figures of all runs."""
        return [sample[measure] for sample in self.samples if measure in sample]

    def median(self, measure: str) -> float | None:
        values = self.values(measure)
        return statistics.median(values) if values else None


@dataclass(frozen=True, slots=True)
class Bar:
    """What a figure has to be at most: by itself, or as a multiple of the same figure of another row."""

    text: str
    row: str
    measure: str
    most: float
    of: str | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """What part of the samples each function has, the largest first."""

    samples: int
    shares: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Result:
    """One scenario."""

    scenario: str
    title: str
    about: str
    """What was done, in sentences."""
    rows: tuple[Row, ...]
    bars: tuple[Bar, ...] = ()
    base: str = "bandersnatch"
    """The row that the others are a multiple of."""
    profile: Profile | None = None
    """Where the time of ours goes, where it was looked at."""
    remark: str = ""
    """What is to be said of the figures, in sentences: why a bar cannot be reached."""
    size: str = ""
    date: str = ""
    machine: Mapping[str, str] | None = None

    def row(self, name: str) -> Row | None:
        return next((row for row in self.rows if row.name == name), None)

    def reached(self, bar: Bar) -> float | None:
        """The figure to hold against *bar*; None where a row that it needs was not measured."""
        row, of = self.row(bar.row), self.row(bar.of or bar.row)
        figure = row.median(bar.measure) if row else None
        base = 1.0 if bar.of is None else of.median(bar.measure) if of else None
        return figure / base if figure is not None and base else None


def dated(result: Result, size: str, versions: Mapping[str, str]) -> Result:
    """*result* with when, where and with what it was measured."""
    return replace(result, size=size, date=datetime.now(UTC).date().isoformat(), machine=_machine() | dict(versions))


def save(result: Result, folder: Path) -> None:
    """Keep *result*, in place of an older one of the same scenario."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{result.scenario}.json").write_text(json.dumps(asdict(result), indent=1))


def load(path: Path) -> Result:
    """What ``save`` kept."""
    found: dict[str, Any] = json.loads(path.read_text())
    rows = tuple(Row(row["name"], tuple(row["samples"]), row["command"]) for row in found.pop("rows"))
    bars = tuple(Bar(**bar) for bar in found.pop("bars"))
    kept = found.pop("profile", None)
    profile = kept and Profile(kept["samples"], tuple((name, share) for name, share in kept["shares"]))
    return Result(rows=rows, bars=bars, profile=profile, **found)


def _machine() -> dict[str, str]:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cores": str(len(os.sched_getaffinity(0))),
        "memory": f"{memory / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "Python": platform.python_version(),
    }
