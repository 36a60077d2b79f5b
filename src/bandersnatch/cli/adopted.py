"""What an adoption found and did, printed for people or for machines."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from typing import Protocol, TextIO

from bandersnatch.adopt.base import Fate, Found, Plan
from bandersnatch.adopt.former import Suggestion
from bandersnatch.cli import text

SHOWN = 50
"""So many things of one kind are printed for people."""

LISTED = {
    Fate.DAMAGED: "not what was promised; the next run fetches it, if it is wanted",
    Fate.STRANGER: "nothing here knows it, and it is left as it is",
}
"""What is named one by one."""

_DONE = {
    Fate.KEPT: "kept where they are",
    Fate.TAKEN: "taken to their places",
    Fate.DAMAGED: "damaged",
    Fate.STRANGER: "strange",
}


class Report(Protocol):
    """Hears of the plan, of everything that is found, and of the end."""

    @property
    def damaged(self) -> int: ...

    def plan(self, plan: Plan) -> None: ...
    def add(self, found: Found) -> None: ...
    def suggest(self, suggestion: Suggestion, written: str | None) -> None: ...
    def end(self, then: str) -> None:
        """*then*: the command to go on with; empty after a dry run."""


class JsonReport:
    """One JSON object a line: the plan, each thing as its fate is known, perhaps a suggestion, and the sum."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._counts: Counter[Fate] = Counter()
        self._bytes: Counter[Fate] = Counter()

    @property
    def damaged(self) -> int:
        return self._counts[Fate.DAMAGED]

    def plan(self, plan: Plan) -> None:
        self._print({
            "tool": plan.layout.tool,
            "facts": plan.layout.facts,
            "source": plan.source,
            "directory": plan.directory,
            "in-place": plan.in_place,
            "counts": plan.counts,
            "bytes": plan.bytes,
            "aside": plan.aside,
        })  # fmt: skip

    def add(self, found: Found) -> None:
        self._counts[found.fate] += 1
        self._bytes[found.fate] += found.size
        self._print({
            "fate": found.fate,
            "path": found.path,
            "key": found.key,
            "size": found.size,
            "reason": found.reason,
        })  # fmt: skip

    def suggest(self, suggestion: Suggestion, written: str | None) -> None:
        self._print({
            "configuration": suggestion.configuration,
            "written": written,
            "cron": suggestion.cron,
            "notes": suggestion.notes,
        })  # fmt: skip

    def end(self, then: str) -> None:
        self._print({"dry-run": not then, "then": then, "fates": self._counts, "bytes": self._bytes})

    def _print(self, facts: dict[str, object]) -> None:
        print(json.dumps(facts), file=self._out, flush=True)


class PeopleReport:
    """What it is and what will be done first; in the end what became of it, with names where somebody has to look."""

    def __init__(self, out: TextIO, shown: int | None) -> None:
        self._out = out
        self._shown = shown
        self._counts: Counter[Fate] = Counter()
        self._bytes = 0
        self._kept: defaultdict[Fate, list[Found]] = defaultdict(list)

    @property
    def damaged(self) -> int:
        return self._counts[Fate.DAMAGED]

    def plan(self, plan: Plan) -> None:
        facts = "".join(f", {fact}" for fact in plan.layout.facts)
        self._line("Found", f"{plan.layout.tool} in {plan.source}{facts}")
        self._line("Mirror", "the same folder" if plan.in_place else plan.directory)
        counts = plan.counts
        self._line("Files", f"{text.count(counts.get(Fate.FILE, 0), 'file')}, {text.size(plan.bytes)}, to be verified")
        if counts.get(Fate.PAGE):
            self._line("Pages", f"{counts[Fate.PAGE]:,} objects are served as they are until runs replace them")
        if counts.get(Fate.LEFTOVER):
            where = "stay, and verify names them after the first run" if plan.in_place else "are left as they are"
            self._line("Later", f"{counts[Fate.LEFTOVER]:,} objects that nothing here needs {where}")
        if counts.get(Fate.STRANGER):
            self._line("Strange", f"{text.count(counts[Fate.STRANGER], 'object')} that nothing here knows")
        if plan.aside:
            self._line("Aside", f"{', '.join(plan.aside)}: to state/former/, once the files are done")

    def add(self, found: Found) -> None:
        self._counts[found.fate] += 1
        if found.fate in (Fate.KEPT, Fate.TAKEN):
            self._bytes += found.size
        kept = self._kept[found.fate]
        if found.fate in LISTED and (self._shown is None or len(kept) < self._shown):
            kept.append(found)

    def suggest(self, suggestion: Suggestion, written: str | None) -> None:
        if written:
            self._print(f"The configuration in {written} is a suggestion: look it over.")
        for line in suggestion.cron:
            self._line("Cron", line)
        for note in suggestion.notes:
            self._line("Note", note)

    def end(self, then: str) -> None:
        if not then:
            self._print("Nothing was changed.")
            return
        for fate, meaning in LISTED.items():
            self._print_fate(fate, meaning)
        done = [
            f"{text.count(self._counts[fate], 'file')} {words}" for fate, words in _DONE.items() if fate not in LISTED
        ]
        rest = [f"{self._counts[fate]:,} {_DONE[fate]}" for fate in LISTED]
        self._print(f"{', '.join(done)} ({text.size(self._bytes)}); {', '.join(rest)}")
        self._line("Next", f"{then} (fetches no file again that was kept or taken)")

    def _print_fate(self, fate: Fate, meaning: str) -> None:
        count, kept = self._counts[fate], self._kept[fate]
        if not count:
            return
        self._print(f"{fate}: {count:,}: {meaning}")
        for one in kept:
            self._print(f"  {one.path}: {one.reason}" if one.reason else f"  {one.path}")
        if count > len(kept):
            self._print(f"  and {count - len(kept):,} more; --all prints them")

    def _line(self, name: str, what: str) -> None:
        self._print(f"{name + ':':<8} {what}")

    def _print(self, line: str) -> None:
        print(text.shown(line), file=self._out)


def choose(out: TextIO, *, as_json: bool, shown: int | None) -> Report:
    """The report that fits who reads it; *shown*: so many things of each kind, None for all."""
    return JsonReport(out) if as_json else PeopleReport(out, shown)
