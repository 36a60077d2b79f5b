"""Files for others: which files a run brought, and how fresh the mirror is."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from bandersnatch.catalogue.base import RUNS_KEPT, Catalogue, RunRecord
from bandersnatch.hooks import changes
from bandersnatch.storage.base import Storage
from bandersnatch.sync.events import Finished

MIRRORED_FILES = "mirrored-files"
"""What PyPA bandersnatch calls the list where only its folder was named."""


def diff_file(path: str, epoch: int | None) -> Path:
    """
    Where the list of what a run brought is, if it is to be at *path*: in a folder, it is called ``mirrored-files``.

    *epoch* is appended to the name, so that each run has a file of its own.
    """
    place = Path(path, MIRRORED_FILES) if os.path.isdir(path) else Path(path)
    return place if epoch is None else place.with_name(f"{place.name}-{epoch}")


def is_diff(begin: bytes) -> bool:
    """Whether a file that begins like this is such a list."""
    first, _, _ = begin.partition(b"\n")
    return first.startswith(b"/") and b"/web/" in first


def brought(log: Path, web: Path, storage: Storage) -> Iterator[str]:
    """The absolute paths of what *log* says is new or replaced and still there. Raises OSError and StorageError."""
    last = ""
    for sign, key in changes.lines(log):
        if key != last and sign != changes.DROPPED and storage.stat(key) is not None:
            yield f"{web}/{key}"
            last = key


def is_freshness(begin: bytes) -> bool:
    """Whether a file that begins like this says how fresh a mirror is."""
    return begin.startswith(b"{") and b'"run_started_at"' in begin


def freshness(finished: Finished, now: float, catalogue: Catalogue) -> bytes:
    """
    How fresh the mirror is after a run that began at *now*, for whoever can read ``web/``; JSON.

    It says no more than a client may know: no path, no address, no reason.
    """
    runs = catalogue.last_runs(RUNS_KEPT)
    clean = next((run for run in runs if run.outcome == "clean"), None)
    reached = next((run for run in runs if run.outcome in ("clean", "behind", "refused")), None)
    upstream = catalogue.get("list-serial")
    facts = {
        "version": 1,
        "outcome": finished.outcome,
        "run_started": _moment(now),
        "run_started_at": round(now),
        "run_seconds": finished.seconds,
        "reached_upstream_at": _seconds(reached),
        "clean_at": _seconds(clean),
        "serial": finished.serial,
        "upstream_serial": int(upstream) if upstream is not None else None,
        "behind": finished.behind,
        "waiting": finished.waiting,
    }
    return json.dumps(facts, indent=2).encode() + b"\n"


def _seconds(run: RunRecord | None) -> int | None:
    """When *run* began: what was upstream's state then is here, so the age of the mirror counts from there."""
    return round(run.started) if run else None


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
