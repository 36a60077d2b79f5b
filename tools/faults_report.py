#!/usr/bin/env python3
"""Write the tables of docs/explanation/proof.md from what the fault suites counted.

``tools/faults_report.py REPORT [PAGE]``: REPORT has one JSON object on each line, as the fixture ``count`` of
tests/faults writes them. Fails if there is a violation, or nothing was counted; the page is then left as it was.
"""

from __future__ import annotations

import json
import os
import platform
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[1] / "docs" / "explanation" / "proof.md"
BEGIN, END = "<!-- counted: begin -->", "<!-- counted: end -->"


@dataclass
class Row:
    """The sums of one row of a table."""

    cells: int = 0
    violations: int = 0
    seconds: float = 0.0
    figures: Counter[str] = field(default_factory=Counter)

    def add(self, line: dict[str, Any]) -> None:
        self.cells += line["cells"]
        self.violations += line["violations"]
        self.seconds += line["seconds"]
        for name, value in line["figures"].items():
            self.figures[name] += value


Areas = dict[str, dict[str, Row]]


def summed(lines: Iterable[dict[str, Any]]) -> Areas:
    """The rows by area; ``area: row`` names both, ``area`` alone a row of its own name."""
    areas: Areas = {}
    for line in lines:
        area, _, row = line["table"].partition(": ")
        areas.setdefault(area, {}).setdefault(row or area, Row()).add(line)
    return {area: dict(sorted(rows.items())) for area, rows in sorted(areas.items())}


def tables(areas: Areas, when: datetime, machine: str) -> str:
    """All tables in Markdown, under a line that says when and where this was, and how much in all."""
    everything = [row for rows in areas.values() for row in rows.values()]
    cells, violations = sum(row.cells for row in everything), sum(row.violations for row in everything)
    minutes = sum(row.seconds for row in everything) / 60
    head = f"{when:%Y-%m-%d}, {machine}: {cells:,} cells, {violations:,} violations, {minutes:,.0f} minutes of tests."
    return "\n".join([head, *(line for area, rows in areas.items() for line in _table(area, rows))]) + "\n"


def _table(area: str, rows: dict[str, Row]) -> Iterator[str]:
    figures = list(dict.fromkeys(name for row in rows.values() for name in row.figures))
    titles = [area, "cells", *(name.replace("_", " ") for name in figures), "violations", "seconds"]
    yield from ("", f"### {area[:1].upper()}{area[1:]}", "")
    yield f"| {' | '.join(titles)} |"
    yield "|---|" + "---:|" * (len(titles) - 1)
    for name, row in rows.items():
        values = [row.cells, *(row.figures.get(one) for one in figures), row.violations, round(row.seconds)]
        yield f"| {name} | {' | '.join('' if value is None else f'{value:,}' for value in values)} |"


def machine() -> str:
    """This machine in a few words that name nobody."""
    return f"{platform.system()} on {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"


def written(page: str, text: str) -> str:
    """*page* with *text* between its marks. Raises ValueError without them."""
    before, _, rest = page.partition(BEGIN)
    _, mark, after = rest.partition(END)
    if not mark:
        raise ValueError(f"the page has no {BEGIN} … {END}")
    return f"{before}{BEGIN}\n{text}{END}{after}"


def main(report: Path, page: Path) -> int:
    """Write *page* anew from *report*; the exit code."""
    areas = summed(json.loads(line) for line in report.read_text("utf-8").splitlines())
    bad = [f"{area}: {name}" for area, rows in areas.items() for name, row in rows.items() if row.violations]
    text = tables(areas, datetime.now(UTC), machine())
    sys.stdout.write(text)
    if bad or not areas:
        sys.stderr.write(f"the page stays as it was: {', '.join(bad) + ' have violations' if bad else 'no cells'}\n")
        return 1
    page.write_text(written(page.read_text("utf-8"), text), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else PAGE))
