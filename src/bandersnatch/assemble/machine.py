"""The machine that this runs on, as a target environment."""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Sequence
from typing import Any

from bandersnatch.errors import UsageError
from bandersnatch.selection import environments
from bandersnatch.selection.environments import Environment


def this_machine(tags: Sequence[str]) -> Environment:
    """The Python that runs on the machine that accepts the platform *tags*. Raises UsageError as ``described``."""
    return environments.read("this-machine", running(tags))


def running(tags: Sequence[str]) -> dict[str, Any]:
    """The table for the Python that runs, which accepts the platform *tags*, its own first."""
    threads = "t" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""
    return {
        "implementation": sys.implementation.name,
        "python": [f"{sys.version_info[0]}.{sys.version_info[1]}{threads}"],
        "platforms": described(tags),
    }


def described(tags: Sequence[str]) -> list[str]:
    """
    The platforms of an environment that accepts *tags*, the platform tags of one machine. The newest come first.

    Raises UsageError for a Linux whose libc cannot be told: its plain tag would be read as a usual glibc.
    """
    libc = next((tag for tag in tags if tag.startswith(("manylinux_", "musllinux_"))), None)
    if libc is not None:
        return [libc]
    if "emscripten" in tags[0]:
        return list(tags)  # the platform of PEP 783 and the compiler's version, neither of which implies the other
    if tags[0].startswith("linux_") and tags[0] != "linux_armv6l":
        raise UsageError(
            f"neither glibc nor musl can be told from this Python, only {tags[0]}: "
            "write the platform yourself, such as manylinux_2_28_x86_64 or musllinux_1_2_x86_64"
        )
    return [tags[0]]
