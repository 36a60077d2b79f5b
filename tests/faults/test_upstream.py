"""An upstream that answers, and is wrong: nothing is lost, and when it is right again the mirror is too."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

import pytest

from bandersnatch.testing import Body, Status
from tests.faults import checker, scenario
from tests.faults.clock import Timekeeper
from tests.faults.counting import Count
from tests.faults.network import JSON
from tests.faults.scenario import OTHERS, TARGET, Mirror, Scenario

DAY = 86_400.0
TABLE = "upstream gone wrong"


@pytest.fixture(scope="module")
def made(quick_catalogue: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scenario]:
    with scenario.made(tmp_path_factory.mktemp("upstream")) as made:
        yield made


def sampled(name: str, values: Iterable[object], *, few: tuple[object, ...]) -> pytest.MarkDecorator:
    """All *values* where all faults are tried, and a *few* of them in every run."""
    whole = [pytest.param(value, marks=pytest.mark.faults, id=f"{value}-of-all") for value in values]
    return pytest.mark.parametrize(name, [*(pytest.param(value, id=str(value)) for value in few), *whole])


def listing(projects: Mapping[str, object], serial: object) -> Body:
    """A list of projects as nobody should make it."""
    lines = [{"name": name, "_last-serial": its} for name, its in projects.items()]
    meta = {"api-version": "1.4", "_last-serial": serial}
    return Body(json.dumps({"meta": meta, "projects": lines}).encode(), JSON)


def unharmed(made: Scenario, mirror: Mirror) -> None:
    """Nothing of what was there is gone, and what is there is whole."""
    assert mirror.damage() == []
    assert mirror.ahead() == []
    staying = {key: digest for key, digest in made.before.items() if key in made.expected}
    assert scenario.lost(mirror, staying) == []


def heals(made: Scenario, mirror: Mirror) -> None:
    """Upstream is right again: one run, and all is as if nothing had been."""
    made.upstream.clear_faults()
    assert mirror.run().outcome == "clean", mirror.told
    assert checker.tree(mirror.web) == made.expected
    assert mirror.damage() == []


ALL = (TARGET, *OTHERS)


@sampled("serial", (None, 0, 1), few=(None,))
@pytest.mark.parametrize("projects", [0, 1], ids=["empty", "short"])
def test_short_list(made: Scenario, projects: int, serial: int | None, count: Count) -> None:
    """A list that lacks most of what is there, whatever serial it has, removes nothing."""
    with made.cell() as mirror:
        made.upstream.fault("/simple/", listing(dict.fromkeys(ALL[:projects], serial), serial), times=3)
        for _ in range(3):
            mirror.run()
            unharmed(made, mirror)
        heals(made, mirror)
    count(f"{TABLE}: empty and short lists")


@pytest.mark.faults
def test_serial_of_a_credible_list(made: Scenario, count: Count) -> None:
    """A list that is ahead by what is credible makes the right one look old: after a day an operator is asked."""
    with made.cell() as mirror:
        made.upstream.fault("/simple/", listing(dict.fromkeys(ALL, 10_000), 10_000))
        mirror.run()
        unharmed(made, mirror)
        made.upstream.clear_faults()
        mirror.run()
        assert mirror.run(later=2 * DAY).outcome == "refused"
        unharmed(made, mirror)
        assert mirror.run(full=True).outcome == "clean"
        heals(made, mirror)
    count(f"{TABLE}: absurd serials")


SERIALS = (-1, 0, 1, 2**31, 10**12, 2**62, 2**63, 2**64, 1.5, "x", None, True, [1])


@sampled("serial", SERIALS, few=(10**12,))
def test_serial_of_the_list(made: Scenario, serial: object, count: Count) -> None:
    """A list with an absurd serial, backwards or far forwards, keeps no later change from being seen."""
    with made.cell() as mirror:
        projects = dict.fromkeys((TARGET, "changed", "same", "shrunk"), 1)
        made.upstream.fault("/simple/", listing(projects, serial))
        mirror.run()
        unharmed(made, mirror)
        heals(made, mirror)
    count(f"{TABLE}: absurd serials")


@sampled("serial", SERIALS, few=(2**31,))
def test_serial_of_a_project(made: Scenario, serial: object, count: Count) -> None:
    """A project that the list promises an absurd serial is behind at most until the list is right again."""
    with made.cell() as mirror:
        projects = dict.fromkeys(ALL, made.upstream.index.serial) | {TARGET: serial}
        made.upstream.fault("/simple/", listing(projects, made.upstream.index.serial))
        mirror.run()
        unharmed(made, mirror)
        heals(made, mirror)
    count(f"{TABLE}: absurd serials")


@sampled("serial", SERIALS, few=(10**12,))
def test_serial_of_a_page(made: Scenario, serial: object, count: Count) -> None:
    """A page with an absurd serial holds back its project alone, and only as long as it has it."""
    with made.cell() as mirror:
        page = json.loads(scenario.ask(made.upstream, f"/simple/{TARGET}/"))
        page["meta"]["_last-serial"] = serial
        made.upstream.fault(f"/simple/{TARGET}/", Body(json.dumps(page).encode(), JSON))
        mirror.run()
        assert mirror.damage() == []
        tree = checker.tree(mirror.web)
        assert all(tree[key] == made.expected[key] for key in made.expected if key.startswith("simple/changed/"))
        heals(made, mirror)
    count(f"{TABLE}: absurd serials")


@pytest.mark.faults
def test_stale_for_hours(made: Scenario, count: Count) -> None:
    """A page that stays old for hours holds back its project alone, is asked for ever less often, and then comes."""
    asked = []
    with made.cell() as mirror:
        made.upstream.fault(f"/simple/{TARGET}/", Body(made.old[f"/simple/{TARGET}/"], JSON), times=None)
        for _ in range(24):
            made.upstream.reset()
            assert mirror.run(later=1800.0).outcome == "behind"
            asked.append(made.upstream.count(f"/simple/{TARGET}/"))
            unharmed(made, mirror)
        assert sum(asked[:6]) > sum(asked[-6:])
        made.upstream.clear_faults()
        mirror.now += 6 * 3600
        heals(made, mirror)
    count(f"{TABLE}: stale pages", cells=24)


@sampled("path", ("/simple/?*", "/packages/*", "*"), few=("/simple/?*",))
@pytest.mark.parametrize("status", [404, pytest.param(410, marks=pytest.mark.faults)])
def test_storm(made: Scenario, path: str, status: int, count: Count) -> None:
    """Where everything is suddenly not found, nothing is removed, however often the mirror runs."""
    with made.cell() as mirror:
        made.upstream.fault(path, Status(status), times=None)
        for _ in range(4):
            assert scenario.outcome_of(mirror, Timekeeper()) != "clean"
            unharmed(made, mirror)
        made.upstream.clear_faults()
        mirror.now += 6 * 3600
        heals(made, mirror)
    count(f"{TABLE}: storms of 404", cells=4)


@sampled("days", (-400, 400), few=(-400,))
def test_clock(made: Scenario, days: int, count: Count) -> None:
    """A machine whose clock was wrong for one run, which failed, goes on when it is right, and waits as asked."""
    with made.cell() as mirror:
        right, timekeeper = mirror.now, Timekeeper(skew=days * DAY)
        made.upstream.fault("/packages/*", Status(503), times=None)
        mirror.now += days * DAY
        assert mirror.run().outcome == "behind"
        unharmed(made, mirror)
        made.upstream.clear_faults()
        made.upstream.fault("/simple/", Status(429, 100))
        mirror.now = right
        assert mirror.run(later=6 * 3600, timekeeper=timekeeper).outcome == "clean"
        assert 95 <= max(timekeeper.waits) <= 101
        heals(made, mirror)
    count(f"{TABLE}: clocks")


@sampled("lag", range(1, 9), few=(3,))
def test_list_lags(made: Scenario, lag: int, count: Count) -> None:
    """A list that is some changes older than the pages holds nothing back for longer than it lags."""
    with made.cell() as mirror:
        made.upstream.behaviour = replace(made.upstream.behaviour, list_lag=lag)
        try:
            mirror.run()
            unharmed(made, mirror)
        finally:
            made.upstream.behaviour = replace(made.upstream.behaviour, list_lag=0)
        heals(made, mirror)
    count(f"{TABLE}: lists that lag")


@pytest.mark.faults
def test_changes_while_it_is_read(tmp_path_factory: pytest.TempPathFactory, count: Count) -> None:
    """Where upstream changes all the while that a run reads it, what is published is whole, and catches up."""
    with scenario.made(tmp_path_factory.mktemp("restless")) as made, made.cell() as mirror:
        index, done = made.upstream.index, threading.Event()

        def change() -> None:
            number = 0
            while not done.is_set():
                number += 1
                index.upload(ALL[number % 4], f"9.{number}")
                if number % 5 == 0:
                    index.remove_file(f"{ALL[(number - 2) % 4]}-9.{number - 2}-py3-none-any.whl")
                done.wait(0.005)

        changing = threading.Thread(target=change)
        changing.start()
        try:
            for _ in range(5):
                mirror.run()
                assert mirror.damage() == []
        finally:
            done.set()
            changing.join()
        assert mirror.run(later=6 * 3600).outcome == "clean"
        for name in ALL:
            state = index.project(name)
            assert state is not None
            page = json.loads((mirror.web / f"simple/{name}/index.v1_json").read_bytes())
            assert {file.filename for file, _ in state.visible} == {one["filename"] for one in page["files"]}
    count(f"{TABLE}: changes during a run", cells=5)
