"""Hooks that are commands, and everything that a command can do to who calls it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
import tracemalloc
from pathlib import Path

import pytest

from bandersnatch.hooks import command as module
from bandersnatch.hooks.base import OUTPUT, VARIABLES, Hook, Lists, Result, Told
from bandersnatch.hooks.command import CommandCaller
from tests.hooks.samples import command, told


def call(hook: Hook, what: Told | None = None, lists: Lists | None = None, directory: str = "/") -> Result:
    caller = CommandCaller({"PATH": os.environ["PATH"]}, directory)
    return asyncio.run(caller.call(hook, what or told(), lists))


def python(code: str, timeout: float = 20.0) -> Hook:
    return command(sys.executable, "-c", code, timeout=timeout)


def is_gone(number: int) -> bool:
    """Whether the process has ended, or is only waiting to be buried by its parent."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_what_it_gets(tmp_path: Path) -> None:
    """A command gets a document on standard input, variables, the lists' paths, and works in the mirror's directory."""
    lists = Lists(tmp_path / "c", tmp_path / "r", 3, 1)
    code = "import json, os, sys; print(json.dumps([json.load(sys.stdin), dict(os.environ), os.getcwd()]))"
    result = call(python(code), told("refused", "too much"), lists, str(tmp_path))
    assert result.problem == ""
    document, variables, folder = json.loads(result.output)
    assert document["run"]["outcome"] == "refused"
    assert document["changes"] == {"changed": 3, "removed": 1, "complete": True}
    assert document["files"] == {"changed": str(tmp_path / "c"), "removed": str(tmp_path / "r")}
    assert variables.keys() >= VARIABLES.keys()
    assert variables["BANDERSNATCH_HOOK_REASON"] == "too much"
    assert variables["BANDERSNATCH_HOOK_CHANGED"] == str(tmp_path / "c")
    assert folder == str(tmp_path)


def test_no_shell() -> None:
    """What a shell would understand is an argument like any other."""
    result = call(command("echo", "$HOME;", "*", "`id`"))
    assert result.output == "$HOME; * `id`\n"


@pytest.mark.parametrize(
    ("hook", "problem"),
    [
        (command("false"), "it exited with 1"),
        (command("/nowhere/purge"), "/nowhere/purge cannot be started: No such file or directory"),
        (command("/etc/passwd"), "/etc/passwd cannot be started: Permission denied"),
        (python("import os; os.kill(os.getpid(), 11)"), "it was ended by SIGSEGV"),
        (python("import os, signal; os.kill(os.getpid(), signal.SIGRTMIN + 1)"), "it was ended by "),
    ],
)
def test_failures(hook: Hook, problem: str) -> None:
    """A command that fails, is missing, is none, or dies is a result that says so."""
    assert call(hook).problem.startswith(problem)


def test_no_folder() -> None:
    """Where the mirror's directory is not there, as on a disk that failed, the command is run all the same."""
    assert call(command("pwd"), directory="/nowhere/at/all").output == "/\n"


def test_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that hangs, deaf to SIGTERM, is ended with all that it started when its time is over."""
    monkeypatch.setattr(module, "GRACE", 0.2)
    code = (
        "import os, signal, subprocess, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
        f"open({str(tmp_path / 'pids')!r}, 'w').write(f'{{os.getpid()}} {{child.pid}}'); print('here', flush=True);"
        "time.sleep(600)"
    )
    result = call(python(code, timeout=2.0))
    assert result == Result("it took longer than 2 s and was ended", "here\n")
    pids = list(map(int, (tmp_path / "pids").read_text().split()))
    # A signal is sent before it is delivered: on a busy machine a process that was killed runs for a moment longer.
    until = time.monotonic() + 10
    while not all(map(is_gone, pids)) and time.monotonic() < until:
        time.sleep(0.01)
    assert all(map(is_gone, pids))


def test_floods() -> None:
    """Of a command that prints without end only the last is kept, and it can print as long as its time lasts."""
    code = "import sys\nfor n in range(1_000_000): sys.stdout.write('line %d\\n' % n)\nprint('the end')"
    tracemalloc.start()
    try:
        result = call(python(code))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2_000_000, "ten times as much was printed"
    assert result.problem == ""
    assert result.output.endswith("line 999999\nthe end\n")
    assert len(result.output.encode()) <= OUTPUT


@pytest.mark.parametrize("code", ["pass", "import os; os.close(0); print('closed')"])
def test_does_not_read(code: str) -> None:
    """A command need not read what it is given, however much more that is than a pipe holds."""
    what = told(behind=100)
    assert len(json.dumps(what.document(python(code), None))) > 1 << 17
    assert call(python(code), what).problem == ""


def test_does_not_read_and_hangs() -> None:
    """Nor does a full pipe keep its time from passing."""
    assert "took longer" in call(python("import time; time.sleep(600)", timeout=0.5), told(behind=100)).problem


def test_leaves_something_running(tmp_path: Path) -> None:
    """What a command leaves in the background, its output still open, is not waited for, and left alone."""
    code = (
        "import subprocess, sys; child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'],"
        f" start_new_session=True); open({str(tmp_path / 'pid')!r}, 'w').write(str(child.pid)); print('done')"
    )
    began = time.monotonic()
    result = call(python(code))
    number = int((tmp_path / "pid").read_text())
    try:
        assert result == Result("", "done\n")
        assert time.monotonic() - began < 15
        assert not is_gone(number)
    finally:
        os.kill(number, signal.SIGKILL)


def test_cancelled(tmp_path: Path) -> None:
    """When the run is stopped meanwhile, the command goes with it."""
    place = tmp_path / "pid"
    hook = python(f"import os, time; open({str(place)!r}, 'w').write(str(os.getpid())); time.sleep(600)")

    async def stop() -> None:
        task = asyncio.create_task(CommandCaller(dict(os.environ), "/").call(hook, told(), None))
        while not (place.exists() and place.read_text()):
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(stop())
    number = int(place.read_text())
    deadline = time.monotonic() + 10
    while not is_gone(number):
        assert time.monotonic() < deadline


def test_no_descriptor_leaks() -> None:
    """Calls leave nothing open, whether they can be started or not."""

    async def several() -> tuple[int, int]:
        caller = CommandCaller({"PATH": os.environ["PATH"]}, "/")
        await caller.call(command("true"), told(), None)
        before = len(os.listdir("/proc/self/fd"))
        for hook in (command("true"), command("/nowhere"), command("false")):
            await caller.call(hook, told(), None)
        return before, len(os.listdir("/proc/self/fd"))

    before, after = asyncio.run(several())
    assert after <= before


def test_cancelled_while_it_is_ended(tmp_path: Path) -> None:
    """A command whose time is over, and which is deaf to SIGTERM, goes with the run if that is stopped just then."""
    place = tmp_path / "pid"
    code = (
        "import os, signal, time; signal.signal(signal.SIGTERM, lambda *_: os.rename(name + '.new', name));"
        f"name = {str(place)!r}; open(name + '.new', 'w').write(str(os.getpid()))\n"
        "while True: time.sleep(600)"
    )

    async def stop() -> None:
        task = asyncio.create_task(CommandCaller(dict(os.environ), "/").call(python(code, timeout=1.0), told(), None))
        while not place.exists():
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(stop())
    number = int(place.read_text())
    try:
        deadline = time.monotonic() + 5
        while not is_gone(number):
            assert time.monotonic() < deadline
    finally:
        if not is_gone(number):
            os.kill(number, signal.SIGKILL)
