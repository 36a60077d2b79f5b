"""What holds for all tests."""

from __future__ import annotations

from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings

from tests.faults.counting import note

# How long an example takes says something about the machine and its other work, and nothing about the program.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """
    Name a case with binary bytes by its argument.

    An archive holds the second in which it was made: two workers that collect the tests in different seconds would
    not agree on what there is to run.
    """
    return argname if isinstance(val, bytes) and not val.decode("latin-1").isprintable() else None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that fails is a violation in the report of the fault suites."""
    report = yield
    if report.failed:
        note("failed tests", item.nodeid, 1, 1, call.duration, {})
    return report
