#!/usr/bin/env python3
"""Write the tables of docs/reference/tried-with.md from what the suites with real programs noted.

``tools/tried_with.py REPORT [PAGE]``: REPORT has one JSON object on each line, as the fixture ``tried`` of tests/peers
writes them: table, row, column, and what came of it. Fails where nothing was noted; the page is then left as it was.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "tried-with.md"
BEGIN, END = "<!-- tried: begin -->", "<!-- tried: end -->"

Tables = dict[str, dict[str, dict[str, str]]]
"""By table, row and column: what came of it."""


def collected(lines: Iterable[str]) -> Tables:
    """The tables of a report; of two tries of one thing the later counts."""
    tables: Tables = {}
    for line in map(json.loads, lines):
        tables.setdefault(line["table"], {}).setdefault(line["row"], {})[line["column"]] = line["what"]
    return tables


def rendered(tables: Tables, when: datetime) -> Iterator[str]:
    """The lines of all tables in Markdown."""
    yield f"As of {when:%Y-%m-%d}."
    for title, rows in sorted(tables.items()):
        columns = sorted({column for row in rows.values() for column in row}, key=str.casefold)
        yield from ("", f"## {title}", "", f"| | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|")
        for name, row in sorted(rows.items()):
            yield f"| {name} | {' | '.join(row.get(column, '') for column in columns)} |"


def main(report: Path, page: Path) -> None:
    """Put the tables of *report* between the two marks on *page*."""
    tables = collected(report.read_text().splitlines() if report.exists() else ())
    if not tables:
        sys.exit(f"{report}: nothing was tried")
    before, _, rest = page.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    lines = "\n".join(rendered(tables, datetime.now(UTC)))
    page.write_text(f"{before}{BEGIN}\n{lines}\n{END}{after}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else PAGE)
