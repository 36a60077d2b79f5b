"""The scenarios, by the names that the command line knows, in the order of the report."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bench.context import Bench
from bench.results import Result
from bench.scenarios import (
    bookkeeping,
    confined,
    counting,
    durability,
    first_sync,
    large_files,
    no_op,
    one_changed,
    planning,
    selecting,
    starting,
    whole,
)

SCENARIOS: Mapping[str, Callable[[Bench], Result]] = {
    "first-sync": first_sync.near,
    "first-sync-far": first_sync.far,
    "no-op": no_op.run,
    "planning": planning.run,
    "bookkeeping": bookkeeping.run,
    "one-changed": one_changed.run,
    "confined": confined.run,
    "large-files": large_files.run,
    "durability": durability.run,
    "whole": whole.run,
    "starting": starting.run,
    "selecting": selecting.run,
    "counting": counting.run,
}
