"""Files for readers, and what came of them in a form that is easily compared."""

from __future__ import annotations

from pathlib import Path

import pytest

from bandersnatch.errors import Problem, UsageError
from bandersnatch.inputs import files


def read(folder: Path, name: str, text: str, select: str = "") -> files.Read:
    """Write *text* to the file *name*, and read it."""
    path = folder / name
    path.write_text(text, "utf-8")
    return files.read(path, select=select)


def texts(found: files.Read) -> list[str]:
    return [one.text for one in found.items]


def lines(found: files.Read) -> list[int | None]:
    return [one.line for one in found.items]


def warned(found: files.Read) -> list[str]:
    """Each warning with the line before it."""
    return [f"{one.line}: {one.message}" for one in found.warnings]


def refused(folder: Path, name: str, text: str, select: str = "") -> list[Problem]:
    """The problems for which the file *name* with *text* is refused."""
    with pytest.raises(UsageError) as caught:
        read(folder, name, text, select)
    return list(caught.value.problems)
