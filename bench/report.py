"""The report: a page of Markdown, from the kept results and nothing else."""

from __future__ import annotations

from collections.abc import Sequence

from bench.results import UNITS, Bar, Result, Row

HEAD = """\
<!-- Made from measured results by: python -m bench report -->

# Performance

Absolute figures are of one machine on one day; read the ratios. Everybody runs in turns on the same upstream: nginx on
the loopback interface, over TLS, with HTTP/2 for those who speak it, from a tree that is made from a seed. Each figure
is the median of all runs, with the lowest and the highest in brackets where they are not the same; × is how many times
the figure of the row in **bold**. bandersnatch runs with its defaults: durable, every file verified.

What the columns mean: wall and CPU are seconds of the whole process and its children; peak is the largest process's
memory; written is what the kernel was given for the disk; syncs are calls of fsync and the like, counted by strace in a
run that is not timed; requests and connections are what the server saw.
"""


_SHORT = "What is wanted is meant for the full size; this was the short form, which says little about it."


_PROFILE = """\
Where the time goes: {samples:,} samples of all threads that ran, by py-spy, in a run that is not timed; what a function
of ours calls, the system among it, is its own."""


def render(results: Sequence[Result]) -> str:
    """The whole page; *results* in the order of its sections."""
    parts = [HEAD, _circumstances(results), *map(_section, results)]
    return "\n".join(parts)


def _circumstances(results: Sequence[Result]) -> str:
    rows = sorted({(key, value) for result in results for key, value in (result.machine or {}).items()})
    sizes = ", ".join(sorted({result.size for result in results}))
    dates = ", ".join(sorted({result.date for result in results}))
    lines = [f"| {key} | {value} |" for key, value in rows]
    return "\n".join(["| | |", "|---|---|", f"| date | {dates} |", f"| size | {sizes} |", *lines, ""])


def _section(result: Result) -> str:
    parts = [f"## {result.title}", "", result.about, "", *_table(result), ""]
    if result.bars:
        if result.size == "short":
            parts += [_SHORT, ""]
        parts += ["| what is wanted | at most | reached | |", "|---|---|---|---|"]
        parts += [_bar(result, bar) for bar in result.bars] + [""]
    if result.remark:
        parts += [result.remark, ""]
    if result.profile:
        parts += [_PROFILE.format(samples=result.profile.samples), "", "| | |", "|---|---:|"]
        parts += [f"| {name} | {share:.0%} |" for name, share in result.profile.shares] + [""]
    parts += ["Measured by:", "", f"    python -m bench {result.scenario} --size {result.size}", ""]
    commands = [f"- {row.name}: `{row.command}`" for row in result.rows if row.command]
    return "\n".join([*parts, *(["Commands:", "", *commands, ""] if commands else [])])


def _table(result: Result) -> list[str]:
    measures = [name for name in UNITS if any(row.values(name) for row in result.rows)]
    head = [f"{_TITLES.get(name, name)}{f' ({unit})' if (unit := UNITS[name]) else ''}" for name in measures]
    base = result.row(result.base)
    compared = [name for name in ("wall", "cpu", "first", "each") if name in measures and base and base.values(name)]
    head += [f"{_TITLES.get(name, name)} ×" for name in compared]
    runs = max((len(row.samples) for row in result.rows), default=0)
    lines = [f"| {runs} run{'s' if runs != 1 else ''} | {' | '.join(head)} |", "|---" * (len(head) + 1) + "|"]
    for row in result.rows:
        cells = [_cell(row, name) for name in measures] + [_ratio(row, base, name) for name in compared]
        name = f"**{row.name}**" if row is base else row.name
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


_TITLES = {"cpu": "CPU", "each-written": "each, written", "first": "first page"}


def _cell(row: Row, measure: str) -> str:
    values = row.values(measure)
    median = row.median(measure)
    if median is None:
        return "–"
    low, high = _figure(min(values)), _figure(max(values))
    return _figure(median) if low == high else f"{_figure(median)} ({low}–{high})"


def _ratio(row: Row, base: Row | None, measure: str) -> str:
    of, figure = base and base.median(measure), row.median(measure)
    return f"{figure / of:.2f}" if of and figure is not None else "–"


def _bar(result: Result, bar: Bar) -> str:
    reached = result.reached(bar)
    times = " ×" if bar.of else ""
    verdict = "not measured" if reached is None else "yes" if reached <= bar.most else "**no**"
    figure = "–" if reached is None else f"{_figure(reached)}{times}"
    return f"| {bar.row}: {bar.text} | {_figure(bar.most)}{times} | {figure} | {verdict} |"


def _figure(value: float) -> str:
    """Three digits that count, and no more than two after the point."""
    if value >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 0.1 else f"{value:.3f}"
