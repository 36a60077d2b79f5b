"""``bandersnatch status``: how the mirror stands, from what it knows itself; upstream is not asked."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any, TextIO

from bandersnatch.cli import command, exits, options

if TYPE_CHECKING:
    from bandersnatch.catalogue.base import Catalogue
    from bandersnatch.config.schema import Config

SHOWN = 50
"""So many projects that are behind are printed for people; --json has all."""


def add_parser(commands: Any) -> None:
    """Add ``status`` to *commands*, the result of ``add_subparsers``."""
    parser = command.add(
        commands,
        "status",
        run_status,
        "say how the mirror stands, and what is behind",
        description="Say how the mirror stands, and name what is behind, with reasons. Upstream is not asked.",
        exits="exit status: 0 nothing is behind, 1 something is, or the last run did not end clean, 2 wrong usage, "
        "74 the catalogue cannot be read",
        examples=["status", "status --json"],
        goes_on=False,
    )
    options.add_place(parser)
    parser.add_argument("--json", action="store_true", help="as one JSON object")


def run_status(args: argparse.Namespace, out: TextIO) -> int:
    """Print how the mirror stands. Returns 1 if something is behind, or the last run knew no better."""
    import json
    import time

    from bandersnatch import assemble
    from bandersnatch.cli import text
    from bandersnatch.errors import UsageError

    config = options.load(args).config
    catalogue = assemble.catalogue_to_read(config)
    if catalogue is None:
        raise UsageError(f"{config.mirror.directory}: nothing was mirrored here yet; bandersnatch mirror does that")
    try:
        facts = collect(catalogue, time.time(), config)
    finally:
        catalogue.close()
    if args.json:
        print(json.dumps(facts, indent=2), file=out)
    else:
        print("\n".join(map(text.shown, lines(facts))), file=out)
    missed = [one for one in facts["behind"] if not (one["absent"] and config.select.everything)]
    return exits.BEHIND if missed or facts["waiting"] or facts["outcome"] not in (None, "clean") else exits.CLEAN


def collect(catalogue: Catalogue, now: float, config: Config) -> dict[str, Any]:
    """All that ``status`` says, as JSON has it. Times are seconds since the epoch, ages are seconds."""
    from bandersnatch.catalogue.base import REASON, RUNS_KEPT
    from bandersnatch.values import to_builtins

    totals = catalogue.totals()
    runs = catalogue.last_runs(RUNS_KEPT)
    last = runs[0] if runs else None
    clean = next((run for run in runs if run.outcome == "clean"), None)
    ended = next((run for run in runs if run.outcome not in ("", "stopped")), None)
    serial, upstream = catalogue.serial(), catalogue.get("list-serial")
    behind = [to_builtins(one) for one in catalogue.behind()]
    retries = sum(one["next_try"] <= now for one in behind)
    return {
        "directory": config.mirror.directory,
        "serial": serial,
        "upstream_serial": int(upstream) if upstream is not None else None,
        "serials_behind": int(upstream) - serial if upstream is not None and serial is not None else None,
        "last_run": to_builtins(last) if last else None,
        "last_clean_run": to_builtins(clean) if clean else None,
        "outcome": ended.outcome if ended else None,
        "reason": catalogue.get(REASON) if ended and ended is not clean else None,
        "age": round(now - clean.started, 1) if clean else None,
        "projects": totals.projects,
        "files": totals.files,
        "bytes": totals.bytes,
        "waiting": max(0, catalogue.count_due(now) - retries),
        "behind": behind,
    }


def lines(facts: dict[str, Any]) -> list[str]:
    """The same for people."""
    from bandersnatch.cli import text

    age = "never" if facts["age"] is None else f"{text.span(facts['age'])} ago"
    result = [
        f"Mirror:     {facts['directory']}",
        (
            f"Holds:      {text.count(facts['projects'], 'project')}, {text.count(facts['files'], 'file')}, "
            f"{text.size(facts['bytes'])}"
        ),
        f"Serial:     {_serial(facts)}",
        f"Last run:   {_last_run(facts['last_run'])}",
        *([f"            {facts['outcome']}: {facts['reason']}"] if facts["reason"] else []),
        f"Up to date: {age}",
    ]
    if facts["waiting"]:
        result.append(f"To do:      {text.count(facts['waiting'], 'project')}")
    behind = facts["behind"]
    nothing = "no project, but for what the last run says" if facts["outcome"] == "behind" else "nothing"
    result.append(f"Behind:     {text.count(len(behind), 'project') if behind else nothing}")
    for one in behind[:SHOWN]:
        tries = text.count(one["tries"], "try") if one["tries"] == 1 else f"{one['tries']} tries"
        result.append(f"  {one['name']}: {one['reason']}")
        result.append(f"    since {text.moment(one['since'])}, {tries}, next after {text.moment(one['next_try'])}")
    if len(behind) > SHOWN:
        result.append(f"  and {len(behind) - SHOWN:,} more; --json names all")
    return result


def _serial(facts: dict[str, Any]) -> str:
    if facts["serial"] is None:
        return "none (upstream has no serials in its list, or its list is not read)"
    behind = facts["serials_behind"]
    return f"{facts['serial']}" + (f", {behind:,} behind upstream's {facts['upstream_serial']}" if behind else "")


def _last_run(run: dict[str, Any] | None) -> str:
    from bandersnatch.cli import text

    if run is None:
        return "none"
    if run["finished"] is None:
        return f"began {text.moment(run['started'])}, under way or cut off"
    return f"{text.moment(run['started'])}, {text.span(run['finished'] - run['started'])}, {run['outcome']}"
