"""Paths in which ``*``, ``?`` and ``[…]`` stand for something: the files that they stand for at the moment."""

from __future__ import annotations

import glob
import os
import re
from pathlib import Path

_SIGNS = re.compile(r"[*?[]")


def is_glob(path: str) -> bool:
    """Whether *path* can stand for several files."""
    return _SIGNS.search(path) is not None


def files(path: str) -> tuple[Path, ...]:
    """
    The files that *path* stands for, sorted by name: the one that is called so to the letter, or else all that match.

    No sign stands for a slash, nor for the dot that hides a file. What is no glob stands for itself, there or not.
    """
    if not is_glob(path) or os.path.lexists(path):
        return (Path(path),)
    return tuple(Path(found) for found in sorted(glob.glob(path)) if os.path.isfile(found))
