"""Asking the selection about every name of a long list."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

from bench import draws, measure, peers
from bench.context import Bench
from bench.measure import Command, Contestant
from bench.results import Bar, Result

ABOUT = """\
Is a project wanted? Asked for {count} names, a half and a quarter of them, with {excluded} exclusions; once where
everything else is wanted, once where {allowed} projects are listed. PyPA bandersnatch's own plugins are asked as its
runs ask them, name by name, plugin by plugin, about the first {few} names only: they look through their lists from the
beginning for each. "each" is the time for one name, the making of the selection left out."""

SEED = 1


def run(bench: Bench) -> Result:
    """Each in a process of its own."""
    count, few = bench.size(200_000, 900_000), bench.size(200, 5_000)
    excluded, allowed = bench.size(20_000, 100_000), 1_000
    room = bench.room("selecting")
    lists = _Lists(room, count, excluded, allowed)
    contestants = [
        *(_ours(lists, which, part) for which in _WHICH for part in (count // 4, count // 2, count)),
        *(_pypa(bench, lists, which, few) for which in _WHICH),
    ]
    rows = measure.compare(bench.chosen(contestants), bench.runs, room / "turns", count_syncs=False)
    about = ABOUT.format(count=count, excluded=excluded, allowed=allowed, few=few)
    quarter, last = rows[0].name, rows[2].name
    bars = (
        Bar("time for each of a quarter of the names", last, "each", 1.2, quarter),
        Bar("time for each in PyPA bandersnatch", last, "each", 1.0, "PyPA bandersnatch, everything else"),
    )
    return Result("selecting", "Selecting by name", about, rows, bars, base=last)


_WHICH = ("everything else", "listed projects")


class _Lists:
    """The files that both read."""

    def __init__(self, room: Path, count: int, excluded: int, allowed: int) -> None:
        self.names = room / "names"
        self.excluded = room / "excluded"
        self.nothing = room / "nothing"
        self.allowed = room / "allowed"
        _write(self.names, (draws.project(SEED, number).name for number in range(count)))
        # Every ninth name, so that some questions are answered with yes and some with no.
        _write(self.excluded, islice((draws.project(SEED, 9 * number).name for number in range(count)), excluded))
        _write(self.nothing, iter(()))
        _write(self.allowed, (draws.project(SEED, 5 * number).name for number in range(allowed)))

    def of(self, which: str) -> Path:
        return self.nothing if which == "everything else" else self.allowed


def _write(path: Path, lines: Iterator[str]) -> None:
    with path.open("w") as stream:
        stream.writelines(f"{line}\n" for line in lines)


def _ours(lists: _Lists, which: str, count: int) -> Contestant:
    program = str(peers.PROGRAMS / "our_selection.py")
    arguments = (program, str(lists.names), str(lists.of(which)), str(lists.excluded), str(count))
    return Contestant(
        f"bandersnatch, {which}, {count} names",
        "ours",
        lambda home: peers.python(home, *arguments),
        facts=lambda command: _each(command, count),
    )


def _pypa(bench: Bench, lists: _Lists, which: str, count: int) -> Contestant:
    def prepare(home: Path) -> Command:
        allowed = lists.of(which).read_text().splitlines()
        plugins = ["blocklist_project", *(["allowlist_project"] if allowed else [])]
        excluded = lists.excluded.read_text().splitlines()
        sections = {"plugins": ("enabled", plugins), "blocklist": ("packages", excluded)}
        if allowed:
            sections["allowlist"] = ("packages", allowed)
        configuration = home / "pypa.conf"
        configuration.write_text("".join(_section(name, *section) for name, section in sections.items()))
        program = str(peers.PROGRAMS / "pypa_selection.py")
        return bench.pypa.python(home, program, str(configuration), str(lists.names), str(count))

    return Contestant(f"PyPA bandersnatch, {which}", "pypa", prepare, facts=lambda command: _each(command, count))


def _section(name: str, key: str, lines: list[str]) -> str:
    return "\n    ".join([f"[{name}]\n{key} =", *lines]) + "\n"


def _each(command: Command, count: int) -> Mapping[str, float]:
    return {"each": json.loads(command.output.read_text().splitlines()[-1])["ask"] / count * 1e6}
