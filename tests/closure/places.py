"""Interpreters to install on."""

from __future__ import annotations

from bandersnatch.closure.base import Interpreter
from bandersnatch.closure.interpreters import interpreters
from bandersnatch.selection import environments


def place(python: str = "3.12", platform: str = "manylinux_2_28_x86_64", name: str = "") -> Interpreter:
    """One Python on one platform."""
    [found] = interpreters([environments.read(name or "some", {"python": [python], "platforms": [platform]})])
    return found


LINUX = place(name="linux")
OLD = place("3.9", name="old")
WINDOWS = place(platform="win_amd64", name="windows")
