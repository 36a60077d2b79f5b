"""The one thing in a translation that the disk has to tell: which requirement files a glob stands for today."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator
from dataclasses import replace

from bandersnatch.config.locate import Lines
from bandersnatch.config.pypa.translation import Translation
from bandersnatch.errors import Problem

_NAME = "select.from-files"
_PATH = ("select", "from-files")


def expand(translation: Translation) -> Translation:
    """*translation* with the files that its globs stand for; a glob without any is a problem."""
    written = translation.values.get(_NAME)
    if not isinstance(written, tuple) or not any(map(_is_glob, written)):
        return translation
    lines = translation.lines
    found: dict[str, int | None] = {}
    empty: list[Problem] = []
    for position, place in enumerate(written):
        line = lines.of(*_PATH, position)
        files = list(_files(place, os.path.dirname(translation.ini.file)))
        found |= dict.fromkeys((file for file in files if file not in found), line)
        if not files:
            key = translation.sources[_NAME][0].name
            empty.append(Problem(f'no file is called like "{place}"', translation.ini.file, line, key))
    known = {path: line for path, line in lines.known.items() if path[:2] != _PATH or len(path) == 2}
    known |= {(*_PATH, position): line for position, line in enumerate(found.values()) if line is not None}
    return replace(
        translation,
        values={**translation.values, _NAME: tuple(found)},
        lines=Lines(known),
        refused=(*translation.refused, *empty),
    )


def _is_glob(place: str) -> bool:
    return "*" in place


def _files(place: str, folder: str) -> Iterator[str]:
    """Only the star means anything in a name there, and a name without one stands for itself."""
    if not _is_glob(place):
        yield place
        return
    pattern = "*".join(map(glob.escape, os.path.join(folder, place).split("*")))
    yield from sorted(os.path.abspath(file) for file in glob.glob(pattern) if os.path.isfile(file))
