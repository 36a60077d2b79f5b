"""A run that goes on beside a verification: what it is in the middle of is no finding."""

from __future__ import annotations

from bandersnatch.catalogue.base import Catalogue

MARGIN = 10.0
"""Seconds that the clock of a file system may be behind ours."""


def moving_since(catalogue: Catalogue, began: float) -> float | None:
    """
    Since when the mirror has been changing, in seconds since the epoch; None if it has stood still since *began*.

    A run that was cut off has not ended: what it left is the next one's to finish.
    """
    runs = catalogue.last_runs(10)
    started = [run.started for run in runs[:1] if run.finished is None]
    started += [run.started for run in runs if run.finished is not None and run.finished >= began]
    return min(started) - MARGIN if started else None
