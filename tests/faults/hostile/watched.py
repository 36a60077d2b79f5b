"""Runs the program as ``python -m bandersnatch`` does, and at its end writes down what memory it took at most."""

from __future__ import annotations

import atexit
import re
import runpy
import sys
from pathlib import Path


def main(report: str, *arguments: str) -> None:
    """The operating system's own figure of a child counts what its parent held before, so the child has to say."""
    atexit.register(lambda: Path(report).write_text(_peak()))
    sys.argv = ["bandersnatch", *arguments]
    runpy.run_module("bandersnatch", run_name="__main__", alter_sys=True)


def _peak() -> str:
    """MiB."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return str(int(found[1]) // 1024)


if __name__ == "__main__":
    main(*sys.argv[1:])
