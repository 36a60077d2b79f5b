"""From a configuration of PyPA bandersnatch to the TOML file that says the same."""

from __future__ import annotations

from pathlib import Path

from bandersnatch.config import pypa
from bandersnatch.config.document import is_pypa_ini, read_text
from bandersnatch.config.find import create
from bandersnatch.config.load import load
from bandersnatch.config.options import BY_NAME
from bandersnatch.config.pypa.convert import render
from bandersnatch.errors import Problem, UsageError
from bandersnatch.values import Struct


class Converted(Struct, frozen=True):
    """A new configuration."""

    text: str
    """TOML."""
    notes: tuple[Problem, ...]
    """What has no effect here, or a different one."""
    private: bool
    """Whether there is a secret in it."""


def convert(old: Path) -> Converted:
    """The configuration at *old* in TOML. Raises UsageError with everything of it that cannot be taken over."""
    text = read_text(old)
    if not is_pypa_ini(text):
        raise UsageError(
            Problem("this is no configuration of PyPA bandersnatch; there is nothing to convert", str(old))
        )
    notes = load(old, {}).notes
    translation = pypa.read(text, str(old))
    private = any(BY_NAME[name].secret for name in translation.values)
    return Converted(render(translation), notes, private)


def write(converted: Converted, new: Path) -> None:
    """Write *converted* to a file that is not there yet. Raises UsageError."""
    try:
        create(new, converted.text.encode(), private=converted.private)
    except FileExistsError as error:
        raise UsageError(Problem("is there already; nothing was changed", str(new))) from error
    except OSError as error:
        raise UsageError(Problem(f"cannot be written: {error.strerror}", str(new))) from error
