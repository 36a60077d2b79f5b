"""Which published objects changed, on disk from the first moment on: a first sync changes millions.

A line is written before its change can be seen, so a run that is cut off anywhere leaves its lines to the next one:
what has changed is told once at least, and at times something that has not. Each hook has a queue of its own, which
holds what it has not been told with success.

A line is a sign and a key: ``+simple/six/index.html``, ``-packages/…``. A key with a line's end in it is not ours.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from threading import Lock

QUEUES = "hooks"
"""The folder below ``state/`` with what each hook has not been told yet."""

LARGEST = 1 << 30
"""Bytes of a queue from which on it is begun anew: so much gathers only while a hook fails for very long."""

DROPPED = "!"
"""A line that stands for what was dropped."""

_SIGNS = ("+", "-")


class ChangeLog:
    """The lines of the run that is under way, and of those before it that were cut off; safe for several threads."""

    def __init__(self, path: Path, ignored: Collection[str] = ()) -> None:
        self._path = path
        self._ignored = frozenset(ignored)
        self._lock = Lock()
        self._file = path.open("a", encoding="utf-8", errors="surrogateescape")
        if _ends_within_a_line(path):
            self._file.write("\n")
        self.problem = ""
        """Why lines may be missing, until the log itself says so; mostly the mirror has no room then either."""

    def changed(self, keys: Iterable[str]) -> None:
        """The objects *keys* are about to be new, or other ones."""
        self._write("+", keys)

    def removed(self, key: str) -> None:
        """The object *key* is about to be gone."""
        self._write("-", (key,))
        self.flush()

    def flush(self) -> None:
        """Give what was written to the system: a process that dies keeps it."""
        with self._lock:
            try:
                if self.problem:
                    self._file.write(f"\n{DROPPED}\n")
                self._file.flush()
                self.problem = ""
            except OSError as error:
                self.problem = str(error)

    def close(self) -> None:
        """Flush, and let go of the file."""
        self.flush()
        with suppress(OSError):
            self._file.close()

    def _write(self, sign: str, keys: Iterable[str]) -> None:
        lines = [f"{sign}{key}\n" for key in keys if key not in self._ignored and "\n" not in key]
        with self._lock:
            try:
                self._file.writelines(lines)
            except OSError as error:
                self.problem = str(error)


def _ends_within_a_line(path: Path) -> bool:
    """Whether a run was cut off while it wrote one."""
    if not path.is_file() or not path.stat().st_size:
        return False
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read() != b"\n"


def lines(path: Path) -> Iterator[tuple[str, str]]:
    """
    Sign and key of each line of *path*, streamed; nothing where there is no file.

    A last line that is not whole is left out. One that is none, as a power cut may leave it, stands for what was
    dropped.
    """
    try:
        with path.open(encoding="utf-8", errors="surrogateescape", newline="\n") as file:
            for line in file:
                if line.endswith("\n"):
                    sign, key = line[0], line[1:-1]
                    yield (sign, key) if sign in _SIGNS and _is_key(key) else (DROPPED, "")
    except FileNotFoundError:
        return


def _is_key(text: str) -> bool:
    return "\0" not in text and not any(part in ("", ".", "..") for part in text.split("/"))


def hand_out(log: Path, queues: Iterable[Path]) -> None:
    """
    Append *log* to each of *queues*, then remove it. Raises OSError.

    Cut off before the end, some queues get lines twice; none loses any.
    """
    if log.exists() and log.stat().st_size:
        for queue in queues:
            _append(queue, log)
    log.unlink(missing_ok=True)


def _append(queue: Path, log: Path) -> None:
    queue.parent.mkdir(exist_ok=True)
    too_large = queue.exists() and queue.stat().st_size > LARGEST
    with queue.open("wb" if too_large else "ab") as target, log.open("rb") as source:
        if too_large:
            target.write(f"{DROPPED}\n".encode())
        shutil.copyfileobj(source, target, 1 << 20)
        target.flush()
        os.fsync(target.fileno())
