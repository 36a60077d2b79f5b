"""Where the time goes: what every running thread of a command is at, looked at a hundred times a second.

py-spy looks from outside, so the command is as it always is; the run that is looked at is not timed. A sample counts
for the innermost function of ours that is on the stack: what it calls, the system among it, is its own.
"""

from __future__ import annotations

import re
import shutil
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from bench import measure
from bench.measure import Command
from bench.results import Profile

RATE = 100
SHOWN = 12
"""Functions that are named."""

_FRAME = re.compile(r"(?P<function>\S+) \((?P<path>[^)]*):\d+\)")
_OURS = "bandersnatch/"
_IDLE = ("(selectors.py:", "(concurrent/futures/thread.py:81)")
"""A thread that waits for something to do: py-spy takes some of them for busy ones."""


def take(command: Command) -> Profile | None:
    """Run *command* once more and look; None where there is no py-spy, or it may not look. Raises Failed."""
    spy = shutil.which("py-spy", path=f"{Path(sys.executable).parent}")
    if spy is None:
        return None
    raw = command.home / "profile"
    watch = (spy, "record", "--subprocesses", "--rate", str(RATE), "--format", "raw", "--output", str(raw), "--")
    measure.run(replace(command, argv=(*watch, *command.argv)))
    return summed(raw.read_text().splitlines())


def summed(lines: Iterable[str]) -> Profile:
    """The profile in py-spy's raw form: a line for each stack, ``outermost;…;innermost COUNT``."""
    found: Counter[str] = Counter()
    for line in lines:
        stack, _, count = line.rpartition(" ")
        if not any(idle in stack.rpartition(";")[2] for idle in _IDLE):
            found[_name(stack)] += int(count)
    samples = sum(found.values())
    shares = [(name, count / samples) for name, count in found.most_common(SHOWN)]
    return Profile(samples, tuple(shares))


def _name(stack: str) -> str:
    """The innermost function of ours, with its module; else that of the library."""
    where = "helper: " if "bandersnatch.storage.helper" in stack else ""
    frames = [_FRAME.fullmatch(frame) for frame in reversed(stack.split(";"))]
    known = [frame for frame in frames if frame is not None]
    ours = next((frame for frame in known if frame["path"].startswith(_OURS)), None)
    if ours is not None:
        return f"{where}`{ours['function']}`, {ours['path'].removeprefix(_OURS)}"
    inner = next((frame for frame in known if not frame["path"].startswith("<")), None)
    return where + (f"`{inner['function']}`, {inner['path']}" if inner is not None else "the interpreter")
