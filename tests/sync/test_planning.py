"""A plan says what the next run does, and why says what is then on the page: no more, no less."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bandersnatch import assemble
from bandersnatch.assemble.selection import choose
from bandersnatch.catalogue.base import Totals
from bandersnatch.sync import events
from bandersnatch.sync.explaining import Answer, explain
from bandersnatch.sync.planning import Plan, Sum, plan
from bandersnatch.testing import UpstreamServer
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
    before: dict[str, object],
    after: dict[str, object],
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


def _expected(world: World, items: Sequence[str], name: str, rules: dict[str, object]) -> list[str]:
    """The files that the project's page has after the next run, by what why says of each."""
    chosen = {"select__projects": list(items), "select__everything": not items}
    answer = answer_of(world, name, **chosen, **rules)
    return sorted(one.filename for one in answer.files if one.wanted or (one.fate and one.fate.stays))
