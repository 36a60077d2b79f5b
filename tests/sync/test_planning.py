"""A plan says what the next run does, and why says what is then on the page: no more, no less."""

from __future__ import annotations

import asyncio
import math
import random
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bandersnatch import assemble
from bandersnatch.assemble.selection import choose
from bandersnatch.catalogue.base import Due, Totals
from bandersnatch.config.schema import Config
from bandersnatch.sync import events
from bandersnatch.sync.engine import Wish, run
from bandersnatch.sync.explaining import Answer, Fate, explain
from bandersnatch.sync.nearest import ALIKE, Nearest
from bandersnatch.sync.planning import plan
from bandersnatch.sync.plans import Estimate, Plan, Sum, estimate
from bandersnatch.sync.sampling import draw
from bandersnatch.testing import Status, UpstreamServer
from tests.sync.conftest import World

SOON = 600.0
"""The next run is that much later."""


def plan_of(
    world: World,
    *projects: str,
    full: bool = False,
    accept_removals: bool = False,
    sample: int | None = None,
    told: list[events.Event] | None = None,
    **rules: object,
) -> Plan:
    """What the plan says that ``world.run`` would do with the same arguments."""

    async def ask() -> Plan:
        config = world.config(*projects, **rules)
        async with assemble.rehearsal(config, {}, choose(config).selection) as mirror:
            tell = (told if told is not None else []).append
            now = world.now + SOON
            return await plan(
                mirror, now, full=full, accept_removals=accept_removals, sample=sample, tell=tell
            )  # fmt: skip

    return asyncio.run(ask())


def answer_of(world: World, name: str, *, offline: bool = False, **rules: object) -> Answer:
    """Why, as the next run would have it."""

    async def ask() -> Answer:
        config = world.config(**rules)
        async with assemble.rehearsal(config, {}, choose(config).selection, copied=False) as mirror:
            return await explain(mirror, name, world.now + SOON, offline=offline)

    return asyncio.run(ask())


def totals(world: World) -> Totals:
    """What the mirror holds."""
    catalogue = assemble.catalogue_to_read(world.config())
    if catalogue is None:
        return Totals(0, 0, 0, 0, 0)
    found = catalogue.totals()
    catalogue.close()
    return found


def pages(world: World) -> dict[str, list[str]]:
    """What the page of each published project links."""
    return {
        page.parent.name: world.filenames(page.parent.name) for page in world.web.glob("simple/*/index.v1_json")
    }  # fmt: skip


@pytest.fixture
def two(world: World) -> World:
    """Upstream has two projects with three releases each; the mirror has all of them."""
    for name in ("alpha", "beta"):
        for version in ("1.0", "2.0", "3.0rc1"):
            world.index.upload(name, version, upload_time=f"202{version[0]}-05-01T00:00:00.000000Z")
    assert world.run().outcome == "clean"
    return world


# --- agreement -----------------------------------------------------------------------------------------------------

NAMES = ("alpha", "beta", "gamma")
VERSIONS = ("1.0", "1.1", "2.0", "3.0rc1")
POLICY = st.sampled_from(["follow", "hide", "keep"])

ITEMS = st.lists(
    st.sampled_from(["alpha", "alpha>=1.1", "beta", "b*", "gamma<2", "/.*a/", "/.*a/>=2", "delta"]),
    max_size=3,
    unique=True,
)
RULES = st.fixed_dictionaries(
    {},
    optional={
        "releases__prereleases": st.just(False),
        "releases__yanked": st.just(False),
        "releases__newest": st.integers(1, 2),
        "files__types": st.sampled_from([["sdist"], ["wheel"]]),
        "exclude__projects": ITEMS,
        "select__index_only": st.sampled_from([["alpha"], ["b*"]]),
        "cool_down__age": st.just("30d"),
        "removal__deleted": POLICY,
        "removal__quarantined": POLICY,
        "removal__yanked": POLICY,
        "removal__deselected": POLICY,
        "removal__max_projects": st.integers(0, 2),
    },
)

Change = Callable[[World], None]


def _uploads(name: str, version: str, kind: str, days: int) -> Change:
    def change(world: World) -> None:
        moment = datetime.fromtimestamp(world.now - days * 86400, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        world.index.upload(name, version, kind=kind, upload_time=moment)

    return change


def _of_version(action: str) -> Callable[[str, str], Change]:
    return lambda name, version: lambda world: getattr(world.index, action)(name, version)


def _of_project(action: str) -> Callable[[str], Change]:
    return lambda name: lambda world: getattr(world.index, action)(name)


CHANGES = st.lists(
    st.one_of(
        st.builds(
            _uploads,
            st.sampled_from(NAMES),
            st.sampled_from(VERSIONS),
            st.sampled_from(["wheel", "sdist"]),
            st.integers(0, 60),
        ),
        st.builds(_of_version("yank"), st.sampled_from(NAMES), st.sampled_from(VERSIONS)),
        st.builds(_of_version("remove_release"), st.sampled_from(NAMES), st.sampled_from(VERSIONS)),
        st.builds(_of_project("remove_project"), st.sampled_from(NAMES)),
        st.builds(_of_project("quarantine"), st.sampled_from(NAMES)),
        st.builds(_of_project("create"), st.sampled_from(NAMES)),
    ),
    max_size=12,
)


def change(world: World, changes: Sequence[Change]) -> None:
    """Make those of *changes* that the index lets happen: nobody uploads a file twice, or yanks what is not there."""
    for one in changes:
        try:
            one(world)
        except (KeyError, ValueError):
            continue


@contextmanager
def fresh_world() -> Iterator[World]:
    with UpstreamServer() as upstream, tempfile.TemporaryDirectory() as folder:
        yield World(upstream, Path(folder) / "mirror")


# Each example is a whole mirror with two runs: there is no time to look for the smallest one that fails.
@pytest.mark.timeout(300)
@settings(
    max_examples=25,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
@given(first=CHANGES, then=CHANGES, before=RULES, after=RULES, items=ITEMS, accept=st.booleans(), full=st.booleans())
def test_plan_says_what_the_run_does(
    first: Sequence[Change],
    then: Sequence[Change],
    before: dict[str, Any],
    after: dict[str, Any],
    items: Sequence[str],
    accept: bool,
    full: bool,
) -> None:
    """
    Whatever changed upstream and in the rules, the plan has the files and bytes that the next run fetches, finds and
    takes off their pages, the projects that come and go, and whether it refuses; and why has what is on the pages.
    """
    with fresh_world() as world:
        change(world, first)
        world.run(accept_removals=True, **before)
        change(world, then)
        held, published = totals(world), pages(world)
        planned = plan_of(world, *items, full=full, accept_removals=accept, **after)
        expected = {name: _expected(world, items, name, after) for name in NAMES}

        finished = world.run(*items, full=full, accept_removals=accept, **after)

        arrived = [(one.size, one.fetched > 0) for one in world.of(events.Arrived)]
        assert planned.fetch == _sum(size for size, is_fetched in arrived if is_fetched)
        assert planned.found == _sum(size for size, is_fetched in arrived if not is_fetched)
        assert planned.held.files == held.files
        assert bool(planned.brake) == (finished.outcome == "refused"), (planned.brake, finished)
        if not planned.brake:
            now = totals(world)
            assert planned.keep.files + planned.fetch.files + _taken(planned, held, now) == now.files
            assert set(planned.gone) == published.keys() - pages(world).keys()
            assert planned.new == len(pages(world).keys() - published.keys())
            if not planned.failures:
                assert {name: sorted(files) for name, files in pages(world).items() if files} == {
                    name: files for name, files in expected.items() if files
                }


def _sum(sizes: Iterator[int]) -> Sum:
    every = list(sizes)
    return Sum(len(every), sum(every))


def _taken(planned: Plan, held: Totals, now: Totals) -> int:
    """Files that were found and that the mirror did not hold; the others were looked at for their companions."""
    taken = now.files - (held.files - planned.leave.files) - planned.fetch.files
    assert 0 <= taken <= planned.found.files
    return taken


def _expected(world: World, items: Sequence[str], name: str, rules: dict[str, Any]) -> list[str]:
    """The files that the project's page has after the next run, by what why says of each."""
    chosen: dict[str, Any] = {"select__projects": list(items), "select__everything": not items}
    answer = answer_of(world, name, **chosen, **rules)
    return sorted(one.filename for one in answer.files if one.wanted or (one.fate and one.fate.stays))


# --- what it says --------------------------------------------------------------------------------------------------


def test_by_rule_by_cause_and_by_month(two: World) -> None:
    """Each refusal is counted with its rule, each departure with its cause, each file with its month."""
    two.index.yank("beta", "2.0")
    [gone] = [name for name in two.filenames("beta") if "1.0" in name]
    two.index.remove_file(gone)
    planned = plan_of(two, releases__prereleases=False, releases__yanked=False)
    assert {rule: one.files for rule, one in planned.refused.items()} == {
        "releases.prereleases": 2, "releases.yanked": 1,
    }  # fmt: skip
    assert {cause: one.files for cause, one in planned.leaving.items()} == {"deleted": 1, "deselected": 2, "yanked": 1}
    assert planned.leave.files == 4
    assert planned.gone == ("beta",)
    assert list(planned.growth) == ["2021-05", "2022-05"]


def test_largest(world: World) -> None:
    """The projects with the most to fetch are named, the largest first, twenty at most."""
    for number in range(30):
        world.index.upload(f"project-{number:02}", "1.0", padding=number * 1000)
    planned = plan_of(world)
    assert [one.project for one in planned.largest] == [f"project-{number:02}" for number in range(29, 9, -1)]
    assert all(one.files == 1 and one.bytes > 1000 for one in planned.largest)


def test_projects_that_would_lose_everything(two: World) -> None:
    """A project of which nothing would be left counts as one that leaves: for the run, and so for the plan."""
    rules: dict[str, Any] = {"exclude__projects": ["alpha>=0.1"], "removal__max_projects": 0}
    refused = ("nothing would be left of 1 of 2 projects, more than [removal] allows",)
    assert plan_of(two, **rules).brake == refused
    assert two.run(**rules).outcome == "refused"
    assert plan_of(two, full=True, **rules).brake == refused, "what was held back is counted once"
    assert plan_of(two, accept_removals=True, **rules).brake == ()


def test_what_was_held_back_counts(two: World) -> None:
    """What an earlier run held back counts in the plan as it does in the run, also while it waits for its next try."""
    two.run(exclude__projects=["alpha>=0.1"], removal__max_projects=0)
    rules: dict[str, Any] = {"exclude__projects": ["alpha>=0.1", "beta>=0.1"], "removal__max_projects": 1}
    assert plan_of(two, **rules).brake == ("nothing would be left of 2 of 2 projects, more than [removal] allows",)
    assert two.run(**rules).outcome == "refused"


def test_why_of_an_excluded_project_that_is_kept(two: World) -> None:
    """Its files stay, also where those of its like would only be linked."""
    rules: dict[str, Any] = {
        "removal__deselected": "keep", "exclude__projects": ["beta"], "select__index_only": ["b*"],
    }  # fmt: skip
    fates = [one.fate for one in answer_of(two, "beta", **rules).files]
    two.run(**rules)
    assert [fate.stays for fate in fates if fate] == [True] * len(two.filenames("beta")) == [True] * 3


def test_state_is_lost(two: World) -> None:
    """Files that lie in storage are found, not fetched, also where nothing is known of them any more."""
    for path in sorted(two.state.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    planned = plan_of(two)
    assert (planned.fetch.files, planned.found.files, planned.held.files) == (0, 6, 0)


def test_projects_without_a_page(world: World) -> None:
    """What upstream lists and has no page for is counted; what the operator named is a failure."""
    world.index.upload("alpha", "1.0")
    world.index.upload("beta", "1.0")
    world.upstream.fault("/simple/beta/", Status(404), times=None)
    everything, named = plan_of(world), plan_of(world, "alpha", "beta")
    assert (everything.absent, everything.failures) == (1, {})
    assert named.absent == 0
    assert "no page" in named.failures["beta"]


def test_upstream_stops_answering(world: World) -> None:
    """A plan that upstream cut short says so, and what it found until then."""
    for number in range(40):
        world.index.upload(f"project-{number:02}", "1.0")
    world.upstream.fault("/simple/*/", Status(503), times=None)
    planned = plan_of(world, mirror__workers=1)
    assert planned.stopped
    assert planned.looked_at < planned.due == 40
    assert planned.forecast is None


def test_behind_and_not_due_yet(two: World) -> None:
    """What is behind and waits for its next try is named with its reason; once it is due, it is looked at."""
    two.index.upload("beta", "4.0")
    two.upstream.fault("/simple/beta/", Status(500), times=None)
    two.now += SOON
    asyncio.run(_run(two, two.config()))
    two.upstream.clear_faults()
    later = plan_of(two)
    two.now -= SOON - 10
    waiting = plan_of(two)
    assert (waiting.due, list(waiting.untaken), "500" in waiting.untaken["beta"]) == (0, ["beta"], True)
    assert (later.due, later.untaken, later.fetch.files) == (1, {}, 1)


def test_forecast(world: World) -> None:
    """A sample gives the sum for all with its error; where all are alike it is exact, and of all there is no sample."""
    for number in range(12):
        world.index.upload(f"project-{number:02}", "1.0")
    every = plan_of(world)
    sample = plan_of(world, sample=6)
    assert (sample.due, sample.looked_at) == (12, 6)
    assert sample.forecast is not None
    assert sample.forecast.files == every.fetch.files
    assert abs(sample.forecast.bytes - every.fetch.bytes) <= max(100, 2 * sample.forecast.error)
    assert plan_of(world, sample=12).forecast is None


def test_forecast_looks_at_all_that_leaves(two: World) -> None:
    """What is not selected any more needs no page to be judged, so a sample knows all of it."""
    planned = plan_of(two, sample=2, exclude__projects=["alpha", "beta"])
    assert planned.gone == ("alpha", "beta")


@pytest.mark.parametrize(
    ("groups", "forecast"),
    [
        ([], None),
        ([(5, [])], None),
        ([(5, [Sum(1, 10)])], None),
        ([(4, [Sum(1, 10), Sum(1, 10)])], Estimate(4, 40, 0)),
        ([(2, [Sum(0, 0), Sum(2, 20)])], Estimate(2, 20, 0)),
        ([(4, [Sum(0, 0), Sum(2, 20)])], Estimate(4, 40, 57)),
        ([(4, [Sum(1, 10), Sum(1, 10)]), (2, [Sum(9, 900), Sum(9, 900)])], Estimate(22, 1840, 0)),
        ([(4, [Sum(0, 0), Sum(2, 20)]), (1, [Sum(5, 10)])], Estimate(9, 50, 57)),
        ([(4, [Sum(1, 10), Sum(1, 10)]), (4, [])], Estimate(8, 80, 0)),
        ([(2, [Sum(0, 0), Sum(2, 20)]), (2, [Sum(1, 10)])], Estimate(4, 40, 28)),
    ],
)
def test_estimate(groups: Sequence[tuple[int, Sequence[Sum]]], forecast: Estimate | None) -> None:
    """The error is that of the groups' means, less what was drawn already; from one alone nothing can be told."""
    assert estimate(groups) == forecast


def _due(sizes: Iterable[int], serials: Iterable[int | None]) -> list[Due]:
    return [
        Due(f"project-{number:06}", True, bool(size), size, serial)
        for number, (size, serial) in enumerate(zip(sizes, serials, strict=True))
    ]


@given(
    st.lists(st.tuples(st.integers(0, 3), st.one_of(st.none(), st.integers(0, 9))), min_size=1, max_size=300),
    st.integers(2, 80),
)
def test_every_draw(due: list[tuple[int, int | None]], count: int) -> None:
    """Whatever is known, so many are drawn as were asked for, none twice, and the groups are all that is due."""
    rows = _due([size for size, _ in due], [serial for _, serial in due])
    groups = draw(lambda: iter(rows), count)
    names = [name for group in groups for name in group.names]
    assert sum(group.size for group in groups) == len(rows)
    assert len(set(names)) == len(names)
    assert min(count, len(rows)) <= len(names) <= max(count, 2 * len(groups))
    assert all(min(group.size, 2) <= len(group.names) <= group.size for group in groups)


@pytest.mark.parametrize("held", [True, False])
def test_those_that_weigh_most_are_drawn_most(held: bool) -> None:
    """The hundredth of all projects that has the most bytes, or changed last, is drawn several times as often."""
    weights = [number * 37 % 6400 + 1 for number in range(6400)]
    rows = _due(weights if held else [0] * 6400, [None] * 6400 if held else weights)
    drawn = {name for group in draw(lambda: iter(rows), 400) for name in group.names}
    assert len(drawn) == 400
    heavy = {one.name for one, weight in zip(rows, weights, strict=True) if weight > 6336}
    assert len(drawn & heavy) >= 16  # blindly: 4


def test_weighted_is_nearer() -> None:
    """Where those that weigh most have most of the bytes, a weighted sample is about twice as near as a blind one."""
    weighted = blind = 0.0
    for seed in range(20):
        dice = random.Random(seed)
        truth = [round(math.exp(dice.gauss(0, 1.0) + 9 * number / 5000)) for number in range(5000)]
        rows = _due([0] * 5000, dice.sample(range(5000), 5000))
        by_name = {one.name: Sum(1, truth[one.promised or 0]) for one in rows}
        groups = draw(rows.__iter__, 400)
        guess = estimate([(one.size, [by_name[name] for name in one.names]) for one in groups])
        other = estimate([(5000, dice.sample(list(by_name.values()), 400))])
        assert guess is not None
        assert other is not None
        weighted += (guess.bytes / sum(truth) - 1) ** 2
        blind += (other.bytes / sum(truth) - 1) ** 2
    assert 3 * weighted < blind


# --- names that match nothing --------------------------------------------------------------------------------------


def test_items_that_match_nothing(two: World) -> None:
    """Each item about no project is a warning, with the names that are most like it; in a run as in a plan."""
    told: list[events.Event] = []
    rules: dict[str, Any] = {
        "select__projects": ["alhpa", "beta", "nothing-*"],
        "exclude__projects": ["beat==1.0"],
        "select__index_only": ["/gam.*/"],
        "cool_down__age": "1d",
        "cool_down__exempt": ["betta"],
    }
    plan_of(two, told=told, **rules)
    warned = [one.message for one in told if isinstance(one, events.Warned)]
    assert warned == [
        "select.projects = alhpa: upstream has no project of this name; did you mean alpha?",
        "select.projects = nothing-*: no project of upstream has a name that matches",
        "exclude.projects = beat==1.0: upstream has no project of this name; did you mean beta?",
        "select.index-only = /gam.*/: no project of upstream has a name that matches",
        "cool-down.exempt = betta: upstream has no project of this name; did you mean beta?",
    ]
    two.run(**rules)
    assert [one.message for one in two.of(events.Warned)] == warned
    two.run(**rules)
    assert two.of(events.Warned) == [], "once is enough, as long as the rules are the same"


def test_many_items_that_match_nothing(two: World) -> None:
    """A block list of names that are long gone is one line."""
    two.run(exclude__projects=[f"gone-{number}" for number in range(30)])
    assert [one.message for one in two.of(events.Warned)] == [
        "30 items of the selection match no project of upstream, such as gone-0, gone-1, gone-2"
    ]


NAME = st.text("abcde-", min_size=1, max_size=8).filter(lambda name: name[0] != "-" != name[-1])


@given(names=st.sets(NAME, max_size=20), sought=st.sets(NAME, max_size=4), batch=st.integers(1, 5))
def test_nearest_is_near(names: set[str], sought: set[str], batch: int) -> None:
    """However the list is cut, the nearest are of the list, alike enough, the most alike first, and never the name."""
    nearest, every = Nearest(sought), sorted(names)
    for first in range(0, len(every), batch):
        nearest.offer(every[first : first + batch])
    for name in sought:
        found = nearest.of(name)
        ratios = [SequenceMatcher(None, one, name, autojunk=False).ratio() for one in found]
        assert set(found) <= names - {name}
        assert len(found) <= 3
        assert ratios == sorted(ratios, reverse=True)
        assert all(ratio >= ALIKE for ratio in ratios)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("reqeusts", "requests"), ("numpi", "numpy"), ("nmpy", "numpy"), ("djnago", "django"), ("padnas", "pandas"),
        ("flaks", "flask"), ("scikitlearn", "scikit-learn"), ("beautifulsoup", "beautifulsoup4"),
    ],
)  # fmt: skip
def test_what_was_meant(typed: str, meant: str) -> None:
    """The mistakes that people make are understood."""
    nearest = Nearest([typed])
    nearest.offer(["requests", "numpy", "django", "pandas", "flask", "scikit-learn", "beautifulsoup4", "six", "boto3"])
    assert list(nearest.of(typed))[:1] == [meant]


# --- why -----------------------------------------------------------------------------------------------------------


def test_why_a_file_is_held_though_not_wanted(two: World) -> None:
    """What is held and not wanted has the policy that decides, and whether it stays."""
    [gone] = [name for name in two.filenames("beta") if "1.0" in name]
    two.index.remove_file(gone)
    two.index.yank("beta", "2.0", "broken")
    rules: dict[str, Any] = {"releases__prereleases": False, "releases__yanked": False, "removal__yanked": "keep"}
    fates = {one.version: one.fate for one in answer_of(two, "beta", removal__deleted="hide", **rules).files}
    assert fates == {
        "1.0": Fate("deleted", "hide", False, ""),
        "2.0": Fate("yanked", "keep", True, "it is yanked: broken"),
        "3.0rc1": Fate("deselected", "follow", False, "3.0rc1 is a pre-release"),
    }


def test_why_without_upstream(two: World) -> None:
    """Offline, and where upstream gives no answer, the held files are judged; offline it is not even asked."""
    two.upstream.fault("/simple/alpha/", Status(500), times=None)
    away = answer_of(two, "alpha", releases__prereleases=False)
    assert "500" in away.unreachable
    two.upstream.reset()
    offline = answer_of(two, "alpha", offline=True, releases__prereleases=False)
    assert two.upstream.count("*") == 0
    assert (offline.exists, offline.unreachable) == (None, "")
    assert [(one.version, one.wanted, one.held, one.upstream) for one in offline.files] == [
        ("1.0", True, True, False), ("2.0", True, True, False), ("3.0rc1", False, True, False),
    ]  # fmt: skip
    assert offline.files == away.files


def test_why_a_project_that_is_gone(two: World) -> None:
    """A project that only the mirror has is known, and its files leave by the policy for what upstream deleted."""
    two.index.remove_project("beta")
    answer = answer_of(two, "beta")
    assert (answer.exists, answer.is_known) == (False, True)
    assert {one.fate for one in answer.files} == {Fate("deleted", "follow", False, "")}
    assert answer_of(two, "nobody").is_known is False


def test_why_a_project_that_is_behind(two: World) -> None:
    """A project that is behind has its reason and its next try."""
    two.index.upload("beta", "4.0")
    two.upstream.fault("/simple/beta/", Status(500), times=None)
    config = two.config()
    two.now += SOON
    asyncio.run(_run(two, config))
    two.upstream.reset()
    behind = answer_of(two, "beta").behind
    assert behind is not None
    assert "500" in behind.reason
    assert behind.next_try > two.now


async def _run(world: World, config: Config) -> None:
    """A run that leaves the faults in place."""
    with assemble.locked(config):
        async with assemble.mirror(config, {}, world.now) as mirror:
            await run(mirror, Wish(), world.now, lambda _: None)
