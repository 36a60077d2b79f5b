"""What every fault suite tells the report."""

from __future__ import annotations

import json
import os
import time
from typing import Protocol

import pytest

HOUR = 3600


class Count(Protocol):
    """
    Counts what a suite tried: so many *cells* of a *table*, and the *violations* among them.

    A table's name is ``area`` or ``area: row``; the rows of an area stand below each other in the report. Whatever else
    is worth a figure (kills, errnos, hostile_inputs …) goes by its name, and is added up.
    """

    def __call__(self, table: str, cells: int = 1, violations: int = 0, **figures: int) -> None: ...


@pytest.fixture
def count(request: pytest.FixtureRequest) -> Count:
    """Appends lines to the file named by ``FAULTS_REPORT``; without it nothing is kept."""
    begun = time.monotonic()
    report = os.environ.get("FAULTS_REPORT")

    def counted(table: str, cells: int = 1, violations: int = 0, **figures: int) -> None:
        nonlocal begun
        now = time.monotonic()
        line = {"table": table, "test": request.node.nodeid, "cells": cells, "violations": violations}
        line |= {"seconds": round(now - begun, 3), "figures": figures}
        begun = now
        if report:
            _append(report, json.dumps(line) + "\n")

    return counted


def _append(path: str, line: str) -> None:
    """One write to a file opened for appending: lines of other processes come before it or after it, never into it."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(handle, line.encode())
    finally:
        os.close(handle)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A whole suite may take its time, where the sampled form of it may not."""
    for item in items:
        if item.get_closest_marker("faults") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(HOUR))
