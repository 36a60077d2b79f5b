"""
Fuzz the parsers with atheris, which watches the code and looks for new ways through it.

``python -m tests.fuzz SECONDS [TARGET ...]``: each target for so long, in a process of its own; the first finding ends
it, its input is in .fuzz/TARGET/, and belongs among the seeds once it is mended. Needs the extra ``fuzz``.
"""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

from tests.fuzz.seeds import SEEDS
from tests.fuzz.targets import TARGETS

FOUND = Path(".fuzz")
LARGEST = 4096
"""Bytes of an input."""


def main(arguments: list[str]) -> int:
    """How many targets failed."""
    seconds, *chosen = arguments or ["60"]
    failed = 0
    for target in chosen or TARGETS:
        code = guided(target, float(seconds))
        sys.stdout.write(f"{target}: {'found something' if code else 'nothing found'}\n")
        failed += bool(code)
    return failed


def guided(target: str, seconds: float) -> int:
    """Fuzz one *target*; the exit code is not 0 if anything was found."""
    folder = FOUND / target
    (folder / "corpus").mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(SEEDS[target]):
        (folder / "corpus" / f"seed-{number}").write_bytes(seed)
    flags = [
        f"-max_total_time={math.ceil(seconds)}",
        f"-max_len={LARGEST}",
        "-timeout=20",
        "-rss_limit_mb=1024",
        f"-artifact_prefix={folder}/",
        "-verbosity=0",
    ]
    command = [sys.executable, "-m", "tests.fuzz.guided", target, *flags, str(folder / "corpus")]
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
