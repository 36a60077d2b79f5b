"""Parse a list of projects (PEP 691) in the fastest way that there is: into typed values, all at once."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec


class Line(msgspec.Struct):
    """A project."""

    name: str
    serial: int = msgspec.field(name="_last-serial")


class List(msgspec.Struct):
    """The list; its head is not looked at."""

    projects: list[Line]


if __name__ == "__main__":
    print(len(msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=List).projects))
