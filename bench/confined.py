"""A group of processes that may have only so much memory (cgroups, as Linux has them), for one command at a time."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from bench.measure import Command, Failed

ROOT = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True)
class Confined:
    """A group with a limit."""

    folder: Path
    _killed: Path
    """The file that counts those who were ended for want of memory, in a line ``oom_kill N``."""

    def command(self, command: Command) -> Command:
        """*command*, begun inside of the group."""
        script = f'echo $$ >{self.folder}/cgroup.procs && exec "$@"'
        return replace(command, argv=("sh", "-c", script, "sh", *command.argv))

    def killed(self) -> int:
        """How many processes were ended so far because there was no memory left."""
        lines = dict(line.rsplit(" ", 1) for line in self._killed.read_text().splitlines())
        return int(lines.get("oom_kill", 0))


@contextlib.contextmanager
def confined(megabytes: int) -> Iterator[Confined]:
    """A group that may have *megabytes* and no swap. Raises Failed where none can be made: it takes root's rights."""
    second = (ROOT / "cgroup.controllers").exists()
    folder = ROOT / ("" if second else "memory") / f"bandersnatch-bench-{os.getpid()}"
    limits = ("memory.max", "memory.swap.max") if second else ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes")
    try:
        folder.mkdir()
    except OSError as error:
        raise Failed(f"no group of processes can be limited here: {error}") from error
    try:
        size = megabytes * 1_000_000
        for name, value in zip(limits, (size, 0 if second else size), strict=True):
            if (folder / name).exists():  # a kernel need not be able to count swap
                (folder / name).write_text(str(value))
        if not shutil.which("sh"):
            raise Failed("there is no sh to begin a command in a group")
        yield Confined(folder, folder / ("memory.events" if second else "memory.oom_control"))
    except OSError as error:
        raise Failed(f"the memory of a group of processes cannot be limited here: {error}") from error
    finally:
        folder.rmdir()
