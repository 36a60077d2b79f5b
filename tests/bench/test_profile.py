"""Where the time goes, from py-spy's raw form."""

from __future__ import annotations

from dataclasses import replace

from bench import profile, report
from bench.results import Profile
from tests.bench.test_report import RECORDED

MAIN = 'process 1:"python -m bandersnatch mirror"'
HELPER = 'process 2:"python -P -m bandersnatch.storage.helper 25 /x/web 26 /x/tmp"'
RUN = "run (bandersnatch/cli/main.py:40);_run_once (asyncio/base_events.py:1922)"
RAW = f"""\
{MAIN};{RUN};Client._send (bandersnatch/upstream/client.py:124) 5
{MAIN};{RUN};Client._send (bandersnatch/upstream/client.py:130);current_task (asyncio/tasks.py:38) 1
{MAIN};{RUN};select (selectors.py:468) 50
{MAIN};Thread.run (threading.py:982);_worker (concurrent/futures/thread.py:81) 70
{MAIN};Thread.run (threading.py:982);_worker (concurrent/futures/thread.py:83) 1
{MAIN};{HELPER};FileSystem.mkdir (bandersnatch/storage/fsops.py:101) 2
{MAIN} 1
"""


def test_summed() -> None:
    """A sample is the innermost function's of ours, the helper's apart; who waits has none."""
    found = profile.summed(RAW.splitlines())
    assert found == Profile(
        10,
        (
            ("`Client._send`, upstream/client.py", 0.6),
            ("helper: `FileSystem.mkdir`, storage/fsops.py", 0.2),
            ("`_worker`, concurrent/futures/thread.py", 0.1),
            ("the interpreter", 0.1),
        ),
    )


def test_reported() -> None:
    """The profile and what is to be said stand below the figures."""
    found = profile.summed(RAW.splitlines())
    page = report.render([replace(RECORDED, profile=found, remark="It is so.")]).splitlines()
    assert "It is so." in page
    assert "| `Client._send`, upstream/client.py | 60% |" in page
