"""Counting the downloads in a long access log."""

from __future__ import annotations

import json
from pathlib import Path

from bench import measure, peers
from bench.context import Bench
from bench.measure import Command, Contestant
from bench.results import Bar, Result

ABOUT = """\
A log of {lines} lines in nginx's combined format, a week of pages, core metadata and files: counted by day, file and
agent. bandersnatch reads the agents, keeps its place, writes the ledger durably and the files of days, and sums up for
a page of charts; awk adds up texts in memory, and prints how many it saw. "{few} lines" is a shorter log of the
same kind: memory is flat if it is as much there."""

_AWK = str(peers.PROGRAMS / "count.awk")


def run(bench: Bench) -> Result:
    """The log as it is, compressed, and a part of it."""
    count = bench.size(60_000, 5_000_000)
    few = count // 5
    room = bench.room("counting")
    whole, packed, part = room / "whole.log", room / "whole.log.gz", room / "part.log"
    for path, lines in ((whole, count), (packed, count), (part, few)):
        program = str(peers.PROGRAMS / "write_log.py")
        measure.run(peers.python(room / "writing", program, str(path), str(lines)))
    contestants = [
        _ours("bandersnatch", whole, count),
        _ours("bandersnatch, gz", packed, count),
        _ours(f"bandersnatch, {few} lines", part, few),
        _awk("awk", ("awk", '-F"', "-f", _AWK, str(whole)), count),
        _awk("zcat and awk", ("sh", "-c", """zcat "$0" | awk -F'"' -f "$1\"""", str(packed), _AWK), count),
    ]
    rows = measure.compare(bench.chosen(contestants), bench.runs, room / "turns", count_syncs=False)
    bars = (
        Bar("CPU beside awk", "bandersnatch", "cpu", 15.0, "awk"),
        Bar("memory beside a fifth of the lines", "bandersnatch", "peak", 1.5, f"bandersnatch, {few} lines"),
    )
    return Result("counting", "Counting downloads", ABOUT.format(lines=count, few=few), rows, bars, base="awk")


def _ours(name: str, log: Path, lines: int) -> Contestant:
    def prepare(home: Path) -> Command:
        (home / "mirror/state").mkdir(parents=True)
        return peers.python(
            home, "-m", "bandersnatch", "update-stats", "--json", "--directory", str(home / "mirror"), str(log)
        )

    def check(home: Path) -> str:
        facts = json.loads((home / "output").read_text())
        counted, read = facts["counted"], facts["lines"]
        return "" if (counted, read) == (lines // 3, lines) else f"counted {counted} in {read} lines"

    return Contestant(name, "ours", prepare, check)


def _awk(name: str, command: tuple[str, ...], lines: int) -> Contestant:
    def check(home: Path) -> str:
        total = int((home / "output").read_text().split()[0])
        return "" if total == lines // 3 else f"counted {total}"

    return Contestant(name, "others", lambda home: Command(command, peers.environment(home), home), check)
