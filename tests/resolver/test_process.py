from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from bandersnatch.resolver import process
from bandersnatch.resolver.process import Done, TooLoud

CHATTER = 200_000


async def python(code: str, tmp_path: Path, stdin: str = "", *, seconds: float = 30, limit: int = 1 << 20) -> Done:
    command = [sys.executable, "-c", code]
    return await process.run(command, {"A": "b"}, str(tmp_path), stdin, seconds=seconds, limit=limit)


def test_both_outputs(tmp_path: Path) -> None:
    """A program gets its input, its environment and its folder, and all that it says comes back with its code."""
    code = f"import os, sys; print(os.environ['A'], os.getcwd(), len(sys.stdin.read())); sys.exit('x' * {CHATTER})"
    done = asyncio.run(python(code, tmp_path, "y" * CHATTER))
    assert done == Done(1, f"b {tmp_path} {CHATTER}\n", "x" * CHATTER + "\n")


def test_a_program_that_does_not_listen(tmp_path: Path) -> None:
    """Ending without reading the input is no error of ours."""
    assert asyncio.run(python("", tmp_path, "y" * CHATTER)).code == 0


FOREVER = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], stdout=subprocess.DEVNULL)
open("pids", "w").write(f"{os.getpid()} {child.pid}\\n")
"""


def gone(pid: int) -> bool:
    """Whether a process has ended; one that nobody has taken note of yet counts too."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return True


def begun(path: Path) -> list[int]:
    """The processes that FOREVER noted; none before it has."""
    text = path.read_text() if path.exists() else ""
    return [int(pid) for pid in text.split()] if text.endswith("\n") else []


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="looks at processes as Linux shows them")
def test_cancellation_ends_the_program_and_its_children(tmp_path: Path) -> None:
    """Nothing is left running when the caller is cancelled."""

    async def cancelled() -> list[int]:
        task = asyncio.create_task(python(f"{FOREVER}time.sleep(600)", tmp_path))
        while not (pids := begun(tmp_path / "pids")):
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        while not all(map(gone, pids)):
            await asyncio.sleep(0.01)
        return pids

    assert len(asyncio.run(cancelled())) == 2


def test_the_time_is_limited(tmp_path: Path) -> None:
    """A program that takes too long is ended."""
    with pytest.raises(TimeoutError):
        asyncio.run(python("import time; time.sleep(600)", tmp_path, seconds=0.2))


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_the_output_is_limited(tmp_path: Path, stream: str) -> None:
    """A program that never stops talking is ended."""
    with pytest.raises(TooLoud):
        asyncio.run(python(f"import sys\nwhile True: sys.{stream}.write('x' * 9999)", tmp_path, limit=100_000))
