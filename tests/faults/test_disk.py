"""The disk refuses: each operation, for each reason, once or from then on. What is visible stays whole, the run says
what happened, and the next one makes of the mirror what an undisturbed run would have made.
"""

from __future__ import annotations

import errno
import itertools
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from bandersnatch.errors import BandersnatchError
from bandersnatch.sync import events
from bandersnatch.sync.engine import Wish
from tests.faults.counting import Count
from tests.faults.golden import (
    FAILING,
    Mirror,
    Result,
    Scenario,
    assert_same,
    broken_links,
    journal_of,
    reasons_in,
    result_of,
    tree_of,
)
from tests.faults.operations import Operations, fails, nothing_left_open, patched, system_error

ERRNOS = (
    errno.ENOSPC, errno.EIO, errno.EROFS, errno.EACCES, errno.EPERM, errno.EDQUOT, errno.EMFILE, errno.ENFILE,
    errno.ESTALE, errno.ENAMETOOLONG,
)  # fmt: skip
OPERATIONS = (
    "open", "write", "fsync", "rename", "fsync_directory", "mkdir", "unlink", "link", "rmdir",
    "look read", "look stat", "catalogue commit",
)  # fmt: skip
"""Of each kind of operation one in the middle of its kind fails. Nothing here sets times."""

FULL_TRASH = frozenset(ERRNOS) - {errno.EIO, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.ESTALE}
"""What the trash refuses for such a reason is deleted at once, and the journal says so."""


@dataclass(frozen=True)
class Fault:
    """Operation number *at* (of the kind *only*) fails with *number*, and all later ones if it is *sticky*."""

    at: int
    number: int
    sticky: bool
    only: str | None = None
    whole: bool = False
    """Whether the file system has a syncfs that can be trusted."""
    looks: bool = False
    """Whether the run looks at everything, and looking is counted."""

    def __str__(self) -> str:
        return f"{self.only or 'operation'} {self.at}: {errno.errorcode[self.number]}{', sticky' * self.sticky}"


@dataclass(frozen=True)
class Disturbed:
    """What became of a run that met a fault."""

    fault: Fault
    mirror: Mirror
    operations: Operations
    end: events.Finished | BandersnatchError
    reasons: dict[str, str]
    """Why each project fell behind, as the run told it."""

    @property
    def was_struck(self) -> bool:
        names = self.operations.names
        return len([one for one in names if self.fault.only in (None, one)]) >= self.fault.at

    @property
    def struck(self) -> str:
        """The kind of the operation that failed first."""
        return self.fault.only or self.operations.names[self.fault.at - 1]


def disturb(scenario: Scenario, fault: Fault, directory: Path) -> Disturbed:
    """One run that meets *fault*. Raises what nobody foresaw."""
    mirror = scenario.fresh(directory)
    strike = fails(system_error(fault.number), fault.at, sticky=fault.sticky, only=fault.only)
    operations = Operations(strike, whole=fault.whole)
    told: list[events.Event] = []
    end: events.Finished | BandersnatchError
    with nothing_left_open(), patched(operations, looks=fault.looks):
        try:
            end = scenario.disturb(mirror, operations, Wish(full=fault.looks), told.append)
        except BandersnatchError as error:
            end = error
    return Disturbed(fault, mirror, operations, end, reasons_in(told))


def assert_survived(scenario: Scenario, run: Disturbed) -> None:
    """What is promised of every run that the disk fails, and of the one after it."""
    assert broken_links(run.mirror.web) == []
    _assert_told_the_truth(scenario, run)
    _assert_nothing_was_synchronised_twice(run)
    assert scenario.rerun(run.mirror).outcome == "behind"
    assert broken_links(run.mirror.web) == []
    assert_same(_but_for(run, result_of(run.mirror), scenario.expected), scenario.expected)


def _assert_told_the_truth(scenario: Scenario, run: Disturbed) -> None:
    """A run that says that only the two are behind, for their own faults alone, has published what it should have."""
    if isinstance(run.end, events.Finished) and run.end.outcome != "disk":
        assert run.end.outcome == "behind"
        assert run.end.behind >= len(FAILING)
        assert run.end.behind == len(run.reasons)
        if run.reasons == scenario.reasons:
            web = _without_empty_folders(run, scenario, run.mirror)
            assert web == {key: digest for key, digest in scenario.first.web.items() if key in web or digest}


def _assert_nothing_was_synchronised_twice(run: Disturbed) -> None:
    """After a failed fsync nobody can say what is on the disk: that file is given up, and the run as well."""
    assert run.operations.lied == 0
    if run.operations.failed_syncs or run.struck == "fsync_directory":
        assert isinstance(run.end, BandersnatchError) or run.end.outcome == "disk", run.end


def _without_empty_folders(run: Disturbed, scenario: Scenario, mirror: Mirror) -> dict[str, str]:
    found = tree_of(mirror.web)
    left = found.keys() - scenario.first.web.keys() if run.struck == "rmdir" else set()
    return {key: digest for key, digest in found.items() if key not in left or digest}


def _but_for(run: Disturbed, got: Result, expected: Result) -> Result:
    """
    What is allowed to differ: an empty folder that could not be removed; and, where the trash itself could not take
    an object, that the object is gone, with its line in the journal.
    """
    if run.struck == "rmdir":
        for one, other in ((got.web, expected.web), (got.trash, expected.trash)):
            for key in [key for key, digest in one.items() if not digest and key not in other]:
                del one[key]
    if run.fault.number in FULL_TRASH:
        deleted = {key for action, key in journal_of(run.mirror.state) if action == "deleted"}
        trash = got.trash | {key: digest for key, digest in expected.trash.items() if _belongs(key, deleted)}
        kept = [one for one in expected.remembered["trash"] if one[0] in deleted]
        remembered = got.remembered | {"trash": sorted({*got.remembered["trash"], *kept}, key=repr)}
        return replace(got, trash=trash, remembered=remembered)
    return got


def _belongs(key: str, lost: set[str]) -> bool:
    """Whether it is one of them, or a folder that one would be in."""
    return key in lost or (key.endswith("/") and any(one.startswith(key) for one in lost))


# --- the loop: operation n fails, for every n ------------------------------------------------------------------------


def loop(scenario: Scenario, directory: Path, step: int, *, whole: bool, looks: bool) -> tuple[int, Counter[int]]:
    """Fail operation number 1, 1 + *step* … until a run passes; returns how many runs that were, and the errnos."""
    tried: Counter[int] = Counter()
    reasons = itertools.cycle(itertools.product((False, True), ERRNOS))
    for count, at in enumerate(itertools.count(1, step), 1):
        sticky, number = next(reasons)
        fault = Fault(at, number, sticky, whole=whole, looks=looks)
        run = disturb(scenario, fault, directory / str(at))
        if not run.was_struck:
            return count, tried
        try:
            assert_survived(scenario, run)
        except AssertionError as error:
            error.add_note(f"{fault} ({run.struck}): {run.end}")
            raise
        shutil.rmtree(run.mirror.directory)
        tried[number] += 1
    raise AssertionError


@pytest.mark.parametrize("looks", [False, True], ids=["", "looking"])
@pytest.mark.parametrize("name", ["first", "later"])
def test_some_operations_fail(scenarios: dict[str, Scenario], name: str, looks: bool, tmp: Path) -> None:
    """A sample of the loop below."""
    count, _ = loop(scenarios[name], tmp, 199, whole=looks, looks=looks)
    assert count > 3


@pytest.mark.faults
@pytest.mark.parametrize("whole", [False, True], ids=["fsync", "syncfs"])
@pytest.mark.parametrize("name", ["first", "later"])
def test_each_operation_fails(scenarios: dict[str, Scenario], name: str, whole: bool, tmp: Path, count: Count) -> None:
    """Operation number n of a later run fails, n = 1, 2 … until it passes; of the others every fourth."""
    step = 1 if name == "later" and not whole else 4
    tried, errnos = loop(scenarios[name], tmp, step, whole=whole, looks=False)
    count(f"disk: operation n fails, {name} run, {'syncfs' if whole else 'fsync'}", tried, errnos=sum(errnos.values()))
    assert tried > 150


@pytest.mark.faults
@pytest.mark.parametrize("name", ["first", "later"])
def test_each_look_fails(scenarios: dict[str, Scenario], name: str, tmp: Path, count: Count) -> None:
    """The same for a run that reads all that it has, with what it reads among the operations."""
    tried, errnos = loop(scenarios[name], tmp, 10, whole=True, looks=True)
    count(f"disk: operation n fails, {name} run, everything read", tried, errnos=sum(errnos.values()))
    assert tried > 50


# --- the table: reasons and operations -------------------------------------------------------------------------------


def cells(operation: str, numbers: tuple[int, ...]) -> Iterator[Fault]:
    """Both ways to fail for each reason."""
    looks = operation.startswith("look")
    for number, sticky in itertools.product(numbers, (False, True)):
        yield Fault(0, number, sticky, operation, looks=looks)


def try_cells(scenario: Scenario, faults: Iterator[Fault], directory: Path) -> int:
    """Try each in the middle of its kind; returns how many that were."""
    tried = middle = 0
    for fault in faults:
        if not middle:
            clean = disturb(scenario, replace(fault, at=1 << 30), directory / "clean")
            middle = 1 + clean.operations.names.count(fault.only or "") // 2
        run = disturb(scenario, replace(fault, at=middle), directory / str(tried))
        assert run.was_struck
        try:
            assert_survived(scenario, run)
        except AssertionError as error:
            error.add_note(f"{run.fault}: {run.end}")
            raise
        shutil.rmtree(run.mirror.directory)
        tried += 1
    return tried


@pytest.mark.parametrize("operation", OPERATIONS)
def test_some_reasons(scenarios: dict[str, Scenario], operation: str, tmp: Path) -> None:
    """A sample of the table below: another reason for each operation."""
    number = ERRNOS[OPERATIONS.index(operation) % len(ERRNOS)]
    assert try_cells(scenarios["later"], cells(operation, (number,)), tmp) == 2


@pytest.mark.faults
@pytest.mark.parametrize("operation", OPERATIONS)
def test_all_reasons(scenarios: dict[str, Scenario], operation: str, tmp: Path, count: Count) -> None:
    """Ten reasons, twelve operations, once and from then on: 240 cells."""
    tried = try_cells(scenarios["later"], cells(operation, ERRNOS), tmp)
    assert tried == 20
    count(f"disk: {operation}", tried, errnos=tried)
