"""What a user may not do: root is forbidden nothing, so root's tests become somebody else for a while."""

from __future__ import annotations

import ctypes
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest

T = TypeVar("T")

_LIBC = ctypes.CDLL(None)

NOBODY = 65534
"""The user and the group who own nothing."""


def as_nobody(work: Callable[[], T]) -> T:
    """
    What *work* returns or raises when somebody without privileges does it.

    To the file system this thread is somebody else meanwhile, and so are those that it begins (setfsuid(2)).
    """
    if os.geteuid() != 0:
        return work()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", "/nonexistent")
        _LIBC.setfsgid(NOBODY)
        _LIBC.setfsuid(NOBODY)
        try:
            return work()
        finally:
            _LIBC.setfsuid(0)
            _LIBC.setfsgid(0)


@contextmanager
def folder_of_nobody() -> Iterator[Path]:
    """A folder that somebody without privileges can reach and owns."""
    with tempfile.TemporaryDirectory() as folder:
        give_away(Path(folder))
        yield Path(folder)


def give_away(folder: Path) -> None:
    """All of it is nobody's from now on."""
    if os.geteuid() == 0:
        for path in (folder, *folder.rglob("*")):
            shutil.chown(path, NOBODY, NOBODY)
