"""What a verification found, printed for people or for machines."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from typing import Protocol, TextIO

from bandersnatch.cli import text
from bandersnatch.upkeep.repairing import Step
from bandersnatch.verify.base import Finding, Kind, Severity


class Report(Protocol):
    """Hears of every finding, and then of the end."""

    counts: Counter[Kind]

    def add(self, finding: Finding, repair: Step | None = None) -> None:
        """*repair*: what is to be done about it, where it is to be repaired."""

    def end(self) -> None: ...


class JsonReport:
    """One JSON object a line for each finding, as it is made; the last line is the sum."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._steps: Counter[Step] = Counter()
        self.counts: Counter[Kind] = Counter()

    def add(self, finding: Finding, repair: Step | None = None) -> None:
        self.counts[finding.kind] += 1
        facts = {
            "kind": finding.kind,
            "severity": finding.kind.severity,
            "project": finding.project,
            "key": finding.key,
            "what": finding.what or finding.kind.meaning,
            "todo": finding.kind.todo,
        }
        if repair is not None:
            self._steps[repair] += 1
            facts["repair"] = repair
        print(json.dumps(facts), file=self._out, flush=True)

    def end(self) -> None:
        severities: Counter[Severity] = Counter()
        for kind, number in self.counts.items():
            severities[kind.severity] += number
        facts: dict[str, object] = {
            "findings": self.counts.total(),
            "severities": severities,
            "kinds": self.counts,
        }
        if self._steps:
            facts["steps"] = self._steps
        print(json.dumps(facts), file=self._out)


class PeopleReport:
    """By kind, the worst first, at the end; of each kind no more than *shown*, or all."""

    def __init__(self, out: TextIO, shown: int | None) -> None:
        self._out = out
        self._shown = shown
        self._kept: defaultdict[Kind, list[Finding]] = defaultdict(list)
        self._steps: Counter[Step] = Counter()
        self.counts: Counter[Kind] = Counter()

    def add(self, finding: Finding, repair: Step | None = None) -> None:
        self.counts[finding.kind] += 1
        if repair is not None:
            self._steps[repair] += 1
        kept = self._kept[finding.kind]
        if self._shown is None or len(kept) < self._shown:
            kept.append(finding)

    def end(self) -> None:
        for kind in Kind:  # in the order of severity
            if self.counts[kind]:
                self._print_kind(kind)
        print(summary(self.counts), file=self._out)
        for step in Step:  # in the order in which they are done
            if self._steps[step]:
                found = text.count(self._steps[step], "finding")
                print(f"repair: {step}: {found}: {step.meaning}", file=self._out)

    def _print_kind(self, kind: Kind) -> None:
        count, kept = self.counts[kind], self._kept[kind]
        todo = "" if self._steps else f"; {kind.todo}"
        print(f"{kind.severity}: {kind}: {count:,}: {kind.meaning}{todo}", file=self._out)
        for one in kept:
            print(text.shown(f"  {_line(one)}"), file=self._out)
        if count > len(kept):
            print(f"  and {count - len(kept):,} more; --all prints them", file=self._out)


def _line(finding: Finding) -> str:
    """What it is about, and the facts. The key of a page names its project itself."""
    about = [] if f"/{finding.project}/" in finding.key else [finding.project]
    return ": ".join(part for part in (*about, finding.key, finding.what) if part)


def summary(counts: Counter[Kind]) -> str:
    """The sum, in one line."""
    if not counts.total():
        return "nothing was found"
    severities: Counter[Severity] = Counter()
    for kind, number in counts.items():
        severities[kind.severity] += number
    parts = (f"{severities[one]:,} {one}" for one in Severity if severities[one])
    return f"{text.count(counts.total(), 'finding')}: {', '.join(parts)}"


def choose(out: TextIO, *, as_json: bool, shown: int | None) -> Report:
    """The report that fits who reads it; *shown*: so many of each kind, None for all."""
    return JsonReport(out) if as_json else PeopleReport(out, shown)
