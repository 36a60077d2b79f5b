"""The page of charts: HTML and SVG of our own, without any script, so that every web server and browser can show it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from html import escape

from bandersnatch.stats.show import Statistics, ordered

SPAN = 30
"""Days that the page is about."""
MOST = 20
"""Rows of a chart."""

_TOPICS = (
    ("project", "Projects"),
    ("installer", "Installers"),
    ("python", "Pythons"),
    ("system", "Systems"),
)

_HEAD = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Downloads</title>
<style>
:root { color-scheme: light dark; --ink: #1c1e21; --paper: #fff; --quiet: #5d6570; --bar: #2f6db3; --part: #9db9d8 }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8eaed; --paper: #16181b; --quiet: #a2abb6; --bar: #6ba6e8; --part: #3d5f86 }
}
body { font: 1rem/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  margin: 0 auto; padding: 1rem; max-width: 60rem }
h1, h2 { line-height: 1.2; font-weight: 600 }
p, figcaption, th[scope=col] { color: var(--quiet) }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .15rem .5rem .15rem 0; font-weight: normal }
th[scope=row] { overflow-wrap: anywhere; width: 40% }
td.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; width: 15% }
svg { display: block; width: 100% }
rect { fill: var(--bar) } rect.part { fill: var(--part) }
main { display: grid; gap: 0 2rem; grid-template-columns: repeat(auto-fit, minmax(20rem, 1fr)) }
figure { margin: 0 }
</style>
</head>
<body>
"""


def page(statistics: Statistics, today: date) -> Iterator[bytes]:
    """The page about the last ``SPAN`` days up to *today*, which is not over."""
    first = today - timedelta(days=SPAN - 1)
    by_day = statistics.sums("day", first, today)
    span = [first + timedelta(days=number) for number in range(SPAN)]
    total = sum(by_day.values())
    yield _HEAD.encode()
    yield (
        f"<h1>Downloads</h1>\n<p>{total:,} in {SPAN} days, from {first.isoformat()} to {today.isoformat()}. "
        "The last day is not over.</p>\n"
    ).encode()
    yield _columns([(day.isoformat(), by_day.get(day.isoformat(), 0)) for day in span]).encode()
    yield b"<main>\n"
    for by, title in _TOPICS:
        yield _bars(title, ordered(statistics.sums(by, first, today), by), total).encode()
    yield b"</main>\n</body>\n</html>\n"


def _columns(days: Sequence[tuple[str, int]]) -> str:
    """A chart of days; who hears or hovers gets each day's number."""
    highest = max((number for _, number in days), default=0) or 1
    columns = []
    for position, (day, number) in enumerate(days):
        height = 100 * number / highest
        part = ' class="part"' if position == len(days) - 1 else ""
        columns.append(
            f'<rect{part} x="{position * 10}" y="{100 - height:.1f}" width="8" height="{height:.1f}">'
            f"<title>{day}: {number:,}</title></rect>"
        )
    return (
        f'<figure><svg viewBox="0 0 {len(days) * 10} 100" height="160" preserveAspectRatio="none" role="img" '
        f'aria-label="Downloads per day, {highest:,} at most">{"".join(columns)}</svg>\n'
        f"<figcaption>Per day, from {days[0][0]} to {days[-1][0]}; {highest:,} at most</figcaption></figure>\n"
    )


def _bars(title: str, rows: Sequence[tuple[str, int]], total: int) -> str:
    highest = rows[0][1] if rows else 1
    lines = [
        f'<tr><th scope="row">{escape(label)}</th><td><svg viewBox="0 0 100 10" height="10" preserveAspectRatio="none" '
        f'aria-hidden="true"><rect width="{100 * number / highest:.1f}" height="10"/></svg></td>'
        f'<td class="n">{number:,}</td><td class="n">{100 * number / (total or 1):.1f} %</td></tr>'
        for label, number in rows[:MOST]
    ]
    more = f"<p>and {len(rows) - MOST:,} more</p>\n" if len(rows) > MOST else ""
    body = "\n".join(lines) or '<tr><td colspan="4">nothing yet</td></tr>'
    return f"<section><h2>{title}</h2>\n<table>\n{body}\n</table>\n{more}</section>\n"
