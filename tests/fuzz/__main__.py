"""
Fuzz the parsers with atheris, which watches the code and looks for new ways through it.

``python -m tests.fuzz SECONDS [TARGET ...]``: each target for so long, in a process of its own; the first finding ends
it, its input is in .fuzz/TARGET/, and belongs among the seeds once it is mended. Needs the extra ``fuzz``.
"""

from __future__ import annotations

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
    if arguments[:1] == ["--one"]:
        _fuzz(arguments[1], arguments[2:])
    seconds, *chosen = arguments or ["60"]
    failed = 0
    for target in chosen or TARGETS:
        folder = FOUND / target
        (folder / "corpus").mkdir(parents=True, exist_ok=True)
        for number, seed in enumerate(SEEDS[target]):
            (folder / "corpus" / f"seed-{number}").write_bytes(seed)
        flags = [f"-max_total_time={seconds}", f"-max_len={LARGEST}", "-timeout=20", "-rss_limit_mb=1024",
                 f"-artifact_prefix={folder}/", "-verbosity=0", "-print_final_stats=1"]  # fmt: skip
        command = [sys.executable, "-m", "tests.fuzz", "--one", target, *flags, str(folder / "corpus")]
        done = subprocess.run(command, check=False)
        sys.stdout.write(f"{target}: {'found something' if done.returncode else 'nothing found'}\n")
        failed += bool(done.returncode)
    return failed


def _fuzz(target: str, flags: list[str]) -> None:
    """Never returns."""
    import atheris  # type: ignore[import-not-found,import-untyped,unused-ignore]  # the extra "fuzz"

    atheris.instrument_all()
    atheris.Setup(["fuzz", *flags], TARGETS[target])
    atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
