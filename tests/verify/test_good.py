"""Mirrors that are as they should be: a verification is silent; and it agrees with runs about what is wanted."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bandersnatch.verify.engine import Wish
from tests.verify.histories import CHANGES, NARROWING, RULES, Change, Rules, empty, happen

STEPS = st.lists(st.tuples(st.lists(CHANGES, min_size=1, max_size=12), RULES, st.integers(0, 40)), min_size=1, max_size=3)
"""For each run: what happens before it, its rules, and how many hours go by."""

Steps = list[tuple[list[Change], Rules, int]]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("part", range(8))
def test_silent(part: int) -> None:
    """After runs with changing rules of a changing upstream, nothing is found in any mode (25 mirrors each time)."""

    @settings(settings.get_profile("mirrors"), max_examples=25)
    @given(STEPS)
    def silent(steps: Steps) -> None:
        with empty() as tree:
            for changes, rules, hours in steps:
                happen(tree, changes)
                tree.now += hours * 3600
                finished = tree.run(accept_removals=True, **_given(rules))
            if finished.outcome == "behind":  # a project that upstream removed is believed to be gone in a later run
                tree.now += 3600
                finished = tree.run(accept_removals=True, **_given(rules))
            assert finished.outcome == "clean", finished.reason
            assert tree.verify(Wish(), Wish(pages=True), Wish(contents=True), **_given(rules)) == []

    silent()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("part", range(4))
def test_unwanted_is_what_leaves(part: int) -> None:
    """Once the rules are narrowed, exactly the files are unwanted that the next run takes off its pages."""

    @settings(settings.get_profile("mirrors"), max_examples=25)
    @given(st.lists(CHANGES, min_size=4, max_size=15), NARROWING, NARROWING)
    def agree(changes: list[Change], before: Rules, more: Rules) -> None:
        changes = [one for one in changes if one[0] in ("upload", "yank")]
        with empty() as tree:
            happen(tree, changes)
            assert tree.run(accept_removals=True, **_given(before)).outcome == "clean"
            narrower = _given(_narrowed(before, more))
            held = tree.held()
            found = tree.unwanted(**narrower)
            assert tree.run(accept_removals=True, **narrower).outcome == "clean"
            assert found == held - tree.held()
            assert tree.unwanted(**narrower) == set()

    agree()


def _given(rules: Rules) -> dict[str, object]:
    return {key.replace(".", "__").replace("-", "_"): value for key, value in rules.items()}


def _narrowed(before: Rules, more: Rules) -> Rules:
    """The rules *before* with those of *more* that say nothing against them."""
    return {**more, **before}
