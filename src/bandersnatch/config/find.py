"""Which file is the configuration, and how the first one comes to be."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from enum import Enum
from pathlib import Path

from bandersnatch.config import defaults
from bandersnatch.errors import Problem, UsageError
from bandersnatch.values import Struct

VARIABLE = "BANDERSNATCH_CONFIG"
"""The environment variable that names the file."""


class Place(Struct, frozen=True):
    """The file that counts."""

    path: Path
    named: bool
    """By ``-c`` or the environment: then it is there. The default file may be missing."""


class Outcome(Enum):
    """What became of the attempt to write a first file."""

    WRITTEN = "written"
    EXISTS = "exists"
    FAILED = "failed"


class FirstRun(Struct, frozen=True):
    """What happened, and what the operator does next."""

    path: Path
    outcome: Outcome
    message: str


def find(named: str | None, env: Mapping[str, str]) -> Place:
    """The file *named* by ``-c``, else by *env*, else the default. Raises UsageError if a named one is not there."""
    sources = {"-c": named, VARIABLE: env.get(VARIABLE)}
    for source, name in sources.items():
        if name:
            path = Path(name)
            if not os.path.lexists(path):
                import shlex

                message = (
                    f"named by {source}, but not there; write it with: bandersnatch config init {shlex.quote(name)}"
                )
                raise UsageError(Problem(message, name))
            return Place(path, named=True)
    return Place(defaults.FILE, named=False)


def first_run(path: Path) -> FirstRun:
    """
    Write the commented file at *path* if nothing is there, whole or not at all; never raises OSError.

    The message names the commands that go on from here, also where *path* cannot be written.
    """
    from bandersnatch.config import template

    try:
        create(path, template.render().encode())
    except FileExistsError:
        return FirstRun(path, Outcome.EXISTS, f"{path} is there already; nothing was changed")
    except OSError as error:
        return FirstRun(path, Outcome.FAILED, _failed(path, error))
    message = f"wrote {path}; say under [select] what to mirror, then run: bandersnatch{_option(path)} mirror"
    return FirstRun(path, Outcome.WRITTEN, message)


def create(path: Path, content: bytes, *, private: bool = False) -> None:
    """
    Write a new file, whole or not at all; one that is *private* is for its owner only.

    Raises FileExistsError if there is one (O_EXCL: also where two runs write it at once), and OSError.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600 if private else 0o644)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        with contextlib.suppress(OSError):
            path.unlink()
        raise


def _failed(path: Path, error: OSError) -> str:
    return (
        f"cannot write {path}: {error.strerror}. Write it where you may, with: "
        "bandersnatch config init FILE, and then run: bandersnatch -c FILE mirror"
    )


def _option(path: Path) -> str:
    import shlex

    return "" if path == defaults.FILE else f" -c {shlex.quote(str(path))}"
