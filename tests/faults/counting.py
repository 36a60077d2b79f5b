"""The report of the fault suites: a line of JSON for whatever was tried, in the file that ``FAULTS_REPORT`` names."""

from __future__ import annotations

import json
import os
from typing import Protocol


class Count(Protocol):
    """
    Counts what a suite tried: so many *cells* of a *table*, and the *violations* among them.

    A table's name is ``area`` or ``area: row``; the rows of an area stand below each other in the report. Whatever else
    is worth a figure (kills, errnos, hostile_inputs …) goes by its name, and is added up.
    """

    def __call__(self, table: str, cells: int = 1, violations: int = 0, **figures: int) -> None: ...


def note(table: str, test: str, cells: int, violations: int, seconds: float, figures: dict[str, int]) -> None:
    """
    Append a line to the report; without one nothing is kept.

    One write to a file opened for appending: lines of other processes come before it or after it, never into it.
    """
    path = os.environ.get("FAULTS_REPORT")
    if not path:
        return
    line = {"table": table, "test": test, "cells": cells, "violations": violations}
    line |= {"seconds": round(seconds, 3), "figures": figures}
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(handle, f"{json.dumps(line)}\n".encode())
    finally:
        os.close(handle)
