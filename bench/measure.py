"""What a command costs, and several commands beside each other: A B A B, as often as it takes for a median.

=============  =======================================================================================================
wall           seconds from the start of the process to its end
cpu            seconds, user and system, of the process and all its children
peak           megabytes of the largest single process; about 10 is what the measuring itself has
written        megabytes that the kernel was given to write to the disk (``write_bytes`` in ``/proc/PID/io``); nothing
               on tmpfs
requests       lines in the server's log; ``connections`` are the different connections in it
syncs          calls of fsync, fdatasync, sync and syncfs, counted by strace in a run that is not timed
=============  =======================================================================================================
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path

from bench.results import Row
from bench.serve import Site

LIMIT = 3600.0
"""Seconds after which a command is ended."""

_SHOWN = 400
"""Letters of a command that is shown."""

_SYNCS = ("fsync", "fdatasync", "sync", "syncfs")


class Failed(Exception):
    """A command did not do what it was to do, so that its time means nothing."""


@dataclass(frozen=True, slots=True)
class Command:
    """A program with its arguments, and the whole environment that it is to have."""

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    home: Path = Path()
    """Where it runs, and where its output goes."""

    def __str__(self) -> str:
        """As one would type it, without the folders that things happen to be in, and not too much of it."""
        text = re.sub(r"""(?<![^\s='"])/\S*/""", "", " ".join(self.argv).replace(sys.executable, "python"))
        return text if len(text) <= _SHOWN else f"{text[:_SHOWN]} …"

    @property
    def output(self) -> Path:
        """What it printed, errors among it."""
        return self.home / "output"


@dataclass(frozen=True, slots=True)
class Contestant:
    """One of several who do the same."""

    name: str
    peer: str
    """What ``--peers`` calls it."""
    prepare: Callable[[Path], Command]
    """Gets everything ready in a new folder; the command that it returns is what is measured."""
    check: Callable[[Path], str] = lambda home: ""
    """What is wrong with what the command did; empty if nothing is."""
    facts: Callable[[Command], Mapping[str, float]] = lambda command: {}
    """More to note of a run that has ended."""


def run(command: Command, limit: float = LIMIT) -> dict[str, float]:
    """Run *command* to its end: wall, cpu, peak, written. Raises Failed with the end of its output."""
    command.home.mkdir(parents=True, exist_ok=True)
    report = command.home / "used.json"
    launcher = [sys.executable, "-I", "-S", str(Path(__file__).with_name("launch.py")), str(report), str(limit)]
    with command.output.open("w") as output:
        process = subprocess.Popen(
            [*launcher, *command.argv],
            cwd=command.home,
            env=dict(command.env),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            process.wait()
        except BaseException:
            process.terminate()  # and it ends what it started
            process.wait()
            raise
    used = json.loads(report.read_text())
    if used["code"] != 0:
        how = f"was ended after {limit:g} s" if used["code"] is None else f"ended with {used['code']}"
        raise Failed(f"{command} {how}: {command.output.read_text()[-2000:]}")
    sample = {"wall": used["wall"], "cpu": used["cpu"], "peak": used["peak"] * 1024 / 1e6}
    if used["written"] is not None:
        sample["written"] = used["written"] / 1e6
    return sample


def syncs(command: Command) -> float | None:
    """How often *command* asks for the disk; None where strace is not there or may not trace."""
    strace = shutil.which("strace")
    if strace is None:
        return None
    summary = command.home / "strace"
    command.home.mkdir(parents=True, exist_ok=True)
    tracer = (strace, "-f", "--seccomp-bpf", "-qq", "-c", "-o", str(summary), "-e", f"trace={','.join(_SYNCS)}")
    try:
        run(replace(command, argv=(*tracer, *command.argv)))
    except Failed:
        return None
    calls = re.findall(rf"^\s*\S+\s+\S+\s+\S+\s+(\d+)\s+(?:\d+\s+)?(?:{'|'.join(_SYNCS)})$", summary.read_text(), re.M)
    return float(sum(map(int, calls)))


def compare(
    contestants: Sequence[Contestant],
    runs: int,
    home: Path,
    site: Site | None = None,
    *,
    count_syncs: bool = True,
    tidy: bool = False,
) -> tuple[Row, ...]:
    """
    Let the *contestants* take turns, *runs* times each, every run in a new folder below *home*.

    *tidy*: remove each folder as soon as its run is over. Otherwise they stay, since the removal of thousands of small
    files slows a disk down for whoever writes next. Raises Failed.
    """
    folders = (home / str(number) for number in count())
    samples: dict[str, list[dict[str, float]]] = {one.name: [] for one in contestants}
    shown = {}
    for _ in range(runs):
        for one in contestants:
            folder, command, sample = _turn(one, folders, site)
            samples[one.name].append(sample)
            shown[one.name] = str(command)
            if tidy:
                shutil.rmtree(folder)
    if count_syncs:
        for one in contestants:
            folder = _new(folders)
            called = syncs(one.prepare(folder))
            if called is not None:
                samples[one.name] = [sample | {"syncs": called} for sample in samples[one.name]]
            if tidy:
                shutil.rmtree(folder)
    return tuple(Row(one.name, tuple(samples[one.name]), shown[one.name]) for one in contestants)


def _turn(one: Contestant, folders: Iterator[Path], site: Site | None) -> tuple[Path, Command, dict[str, float]]:
    folder = _new(folders)
    command = one.prepare(folder)
    os.sync()  # what was written before is nobody's to wait for
    if site is not None:
        site.forget()
    sample = run(command) | dict(one.facts(command))
    if site is not None:
        asked = site.asked()
        sample |= {"requests": len(asked), "connections": len({each.connection for each in asked})}
    wrong = one.check(folder)
    if wrong:
        raise Failed(f"{one.name}: {wrong}: {command.output.read_text()[-2000:]}")
    return folder, command, sample


def _new(folders: Iterator[Path]) -> Path:
    folder = next(folders)
    folder.mkdir(parents=True)
    return folder
