"""A plan for people to read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from bandersnatch.cli import text

if TYPE_CHECKING:
    from bandersnatch.sync.plans import Plan, Sum

SHOWN = 10
"""So many projects and failures are named; --json has all."""

MONTHS = 12
"""So many months, up to the newest upload, are told one by one; those before are told by the year."""

BAR = 30
"""Characters of the longest bar."""


def lines(plan: Plan, *, bars: bool) -> list[str]:
    """What a run would do, the most important first. *bars*: draw some, for a terminal."""
    parts = (
        _overview(plan),
        _form(plan),
        _leaving(plan),
        _table("Refused by the rules:", [(rule, _sum(one)) for rule, one in plan.refused.items()]),
        _largest(plan),
        _growth(plan, bars=bars),
        _untaken(plan),
        _failures(plan),
        _unresolved(plan),
        _brake(plan),
    )
    return [line for part in parts for line in part]


# --- how much ------------------------------------------------------------------------------------------------------


def _overview(plan: Plan) -> Iterator[str]:
    yield f"Mirror:  {text.count(plan.held.projects, 'project')}, {_of(plan.held.files, plan.held.bytes)}"
    if not plan.due:
        yield "Nothing is due: neither upstream nor the rules have changed what is wanted"
        return
    yield f"Due:     {_due(plan)}"
    yield f"Fetch:   {_fetch(plan)}"
    if plan.forecast is not None:
        yield f"Room:    {_room(plan)}"
        yield f"What follows is of the {text.count(plan.looked_at, 'project')} that were looked at, not of all:"
    if plan.found.files:
        yield f"Found:   {_sum(plan.found)}, in storage or in the trash already"
    gone = f"; {text.count(len(plan.gone), 'project')} altogether" if plan.gone else ""
    yield f"Remove:  {_sum(plan.leave)}{gone}"
    yield f"Keep:    {_sum(plan.keep)}"
    if plan.forecast is None:
        yield f"Room:    {_room(plan)}"


def _form(plan: Plan) -> Iterator[str]:
    if plan.anew:
        unmade = (
            f"; {text.count(plan.unmade, 'page')} of a kind that is not published any more go" if plan.unmade else ""
        )
        yield f"Form:    the pages of {text.count(plan.anew, 'project')} are made anew, without asking upstream{unmade}"


def _due(plan: Plan) -> str:
    parts = [text.count(plan.due, "project")]
    parts += [f"{plan.looked_at:,} of them looked at"] if plan.looked_at < plan.due else []
    parts += [f"{plan.new:,} new"] if plan.new else []
    parts += [f"{plan.unchanged:,} unchanged"] if plan.unchanged else []
    return ", ".join(parts)


def _fetch(plan: Plan) -> str:
    unsized = f", and the bytes of {plan.unsized:,} whose size is not known" if plan.unsized else ""
    if plan.forecast is None:
        return _sum(plan.fetch) + unsized
    guess = plan.forecast
    share = f"estimated from {text.count(plan.looked_at, 'project')}"
    return f"about {_of(guess.files, guess.bytes)} ± {text.size(guess.error)}, {share}{unsized}"


def _room(plan: Plan) -> str:
    if plan.free is None:
        return "not known"
    reserve = f", {text.size(plan.reserve)} to stay free" if plan.reserve else ""
    fits = f"{text.size(plan.missing)} too little" if plan.missing else "enough"
    return f"{text.size(plan.free)}{reserve}: {fits}"


def _sum(one: Sum) -> str:
    return _of(one.files, one.bytes)


def _of(files: int, size: int) -> str:
    return f"{text.count(files, 'file')}, {text.size(size)}"


# --- of what -------------------------------------------------------------------------------------------------------


def _leaving(plan: Plan) -> Iterator[str]:
    yield from _table("Removed, by cause:", [(cause, _sum(one)) for cause, one in plan.leaving.items()])
    if plan.gone:
        yield f"Projects that leave: {_some(plan.gone)}"


def _largest(plan: Plan) -> Sequence[str]:
    rows = [(one.project, _of(one.files, one.bytes)) for one in plan.largest[:SHOWN]]
    return _table("Most to fetch:", rows) if len(rows) > 1 else ()


def _growth(plan: Plan, *, bars: bool) -> Sequence[str]:
    """By the month, and before that by the year."""
    spans = spans_of(plan.growth)
    if len(spans) < 2:
        return ()
    most = max(spans.values())
    rows = [
        (span, f"{text.size(size):>10} {'█' * round(BAR * size / most) if bars and most else ''}".rstrip())
        for span, size in spans.items()
    ]
    undated = f" ({text.count(plan.undated.files, 'file')} without one left out)" if plan.undated.files else ""
    return _table(f"Bytes of what is due, by the time of upload{undated}:", rows)


def spans_of(growth: Mapping[str, int]) -> dict[str, int]:
    """*growth* by month, with what is older than ``MONTHS`` before the newest summed up by year; the oldest first."""
    if not growth:
        return {}
    year, month = map(int, max(growth).split("-"))
    number = year * 12 + month - MONTHS  # of the first month that is told alone, counted from January of year 0
    first = f"{number // 12:04}-{number % 12 + 1:02}"
    spans: dict[str, int] = {}
    for key, size in sorted(growth.items()):
        rest = f", before {first}" if key[:4] == first[:4] else ""
        span = key if key >= first else key[:4] + rest
        spans[span] = spans.get(span, 0) + size
    return spans


def _untaken(plan: Plan) -> Iterator[str]:
    if plan.untaken:
        yield f"Behind a run would leave {text.count(len(plan.untaken), 'project')}:"
        yield from _reasons(plan.untaken)


def _failures(plan: Plan) -> Iterator[str]:
    if plan.stopped:
        yield "Upstream stopped answering; this is what was found out until then"
    if plan.failures:
        yield f"Of {text.count(len(plan.failures), 'project')} nothing can be said:"
        yield from _reasons(plan.failures)
    if plan.absent:
        yield f"Upstream lists {text.count(plan.absent, 'project')} that it has no page for"


def _unresolved(plan: Plan) -> Iterator[str]:
    if plan.unresolved:
        yield "What is needed cannot all be resolved, so a run would be behind:"
        yield from (f"  {one}" for one in plan.unresolved)


def _reasons(reasons: Mapping[str, str]) -> Iterator[str]:
    for project, reason in list(reasons.items())[:SHOWN]:
        yield f"  {project}: {reason}"
    if len(reasons) > SHOWN:
        yield f"  and {len(reasons) - SHOWN:,} more; --json names all"


def _brake(plan: Plan) -> Iterator[str]:
    for reason in plan.brake:
        yield f"A run would refuse: {reason}"
    if plan.brake:
        yield "If that is right, run once with --accept-removals"


def _table(title: str, rows: Sequence[tuple[str, str]]) -> Sequence[str]:
    if not rows:
        return ()
    width = max(len(first) for first, _ in rows)
    return [title, *(f"  {first:<{width}}  {second}" for first, second in rows)]


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
