"""Mirrors that are as they should be: a verification is silent; and it agrees with runs about what is wanted."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bandersnatch.testing import UpstreamServer
from bandersnatch.verify.engine import Wish
from tests.verify.histories import CHANGES, NARROWING, RULES, Change, Rules, empty, happen

STEPS = st.lists(
    st.tuples(st.lists(CHANGES, min_size=1, max_size=12), RULES, st.integers(0, 40)), min_size=1, max_size=3
)
"""For each run: what happens before it, its rules, and how many hours go by."""

Steps = list[tuple[list[Change], Rules, int]]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("part", range(4))
def test_silent(part: int, upstream: UpstreamServer) -> None:
    """After runs with changing rules of a changing upstream, nothing is found in any mode (25 mirrors each time)."""
    try_good_mirrors(upstream, 25)


def try_good_mirrors(upstream: UpstreamServer, count: int) -> None:
    """Make so many mirrors by random histories, and verify each in every mode."""

    @settings(settings.get_profile("mirrors"), max_examples=count)
    @given(STEPS)
    def silent(steps: Steps) -> None:
        with empty(upstream) as tree:
            tree.index.upload("keeper", "1.0")  # an upstream that has nothing at all is not believed
            outcome = ""
            for changes, rules, hours in steps:
                happen(tree, changes)
                tree.now += hours * 3600
                tree.settings = rules
                outcome = tree.run(accept_removals=True).outcome
            assert outcome == "clean"
            found = tree.verify(Wish(), Wish(pages=True), Wish(contents=True))
            assert found == []

    silent()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("part", range(2))
def test_unwanted_is_what_leaves(part: int, upstream: UpstreamServer) -> None:
    """Once the rules are narrowed, exactly the files are unwanted that the next run takes off its pages."""

    @settings(settings.get_profile("mirrors"), max_examples=25)
    @given(st.lists(CHANGES, min_size=4, max_size=15), NARROWING, NARROWING)
    def agree(changes: list[Change], before: Rules, more: Rules) -> None:
        with empty(upstream) as tree:
            happen(tree, [one for one in changes if one[0] in ("upload", "yank")])
            tree.settings = before
            assert tree.run(accept_removals=True).outcome == "clean"
            tree.settings = {**more, **before}
            held, found = tree.held(), tree.unwanted()
            assert tree.run(accept_removals=True).outcome == "clean"
            assert found == held - tree.held()
            assert tree.unwanted() == set()

    agree()
