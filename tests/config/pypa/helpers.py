"""What several tests of PyPA bandersnatch's configuration share."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import dedent

from bandersnatch.config import pypa
from bandersnatch.config.option import Written
from bandersnatch.config.pypa import Translation

FILE = "b.conf"


def ini(text: str) -> str:
    """A file with a directory and *text*, indented as the test has it; lines count from 3, after those of [mirror]."""
    return "[mirror]\ndirectory = /srv/pypi\n" + dedent(text).lstrip("\n")


def read(text: str) -> Translation:
    """The translation of ``ini(text)``."""
    return pypa.read(ini(text), FILE)


def values(text: str) -> Mapping[str, Written]:
    """What a file with *text* sets; nothing of it is refused."""
    found = read(text)
    assert not found.refused
    return {name: value for name, value in found.values.items() if name != "mirror.directory"}


def refused(text: str) -> list[str]:
    return [str(problem) for problem in read(text).refused]


def notes(text: str) -> list[str]:
    return [str(problem) for problem in read(text).notes]
