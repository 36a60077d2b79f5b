"""The cool-down."""

from __future__ import annotations

import pytest

from bandersnatch.selection import Context, Selection
from bandersnatch.selection.cooldown import CoolDown
from bandersnatch.values import replace
from tests.selection.samples import CONTEXT, DAY, file, items, sdists, subject

WEEK = 7 * DAY
LINE = CONTEXT.now - 3 * DAY


@pytest.mark.parametrize(
    ("rule", "days", "wanted", "until"),
    [
        (CoolDown(age=WEEK), 6, False, 1),
        (CoolDown(age=WEEK), 7, True, None),
        (CoolDown(age=WEEK), -1, False, 8),
        (CoolDown(age=WEEK), None, False, None),
        (CoolDown(), None, True, None),
        (CoolDown(not_after=LINE), 3, True, None),
        (CoolDown(not_after=LINE), 2, False, None),
        (CoolDown(not_after=LINE), None, False, None),
        (CoolDown(age=DAY, not_after=LINE), 2, False, None),
        (CoolDown(age=WEEK, not_after=LINE), 4, False, 3),
        (CoolDown(age=WEEK, exempt=items("demo")), 0, True, None),
        (CoolDown(age=WEEK, exempt=items("demo")), None, True, None),
        (CoolDown(age=WEEK, exempt=items("demo>=2", "other")), 0, False, 7),
        (CoolDown(age=WEEK, not_after=LINE, exempt=items("demo")), 0, False, None),
        (CoolDown(age=WEEK, not_after=LINE, break_glass=items("demo==1.0")), 0, True, None),
        (CoolDown(age=WEEK, not_after=LINE, break_glass=items("demo==1.1")), 0, False, None),
    ],
)
def test_upload_clock(rule: CoolDown, days: float | None, wanted: bool, until: float | None) -> None:
    """A young file waits, a file from after the line never comes, an unknown time is refused; lists let through."""
    verdict = rule.judge(subject(file("demo-1.0.tar.gz", days)))
    assert verdict.wanted == wanted
    assert verdict.until == (None if until is None else CONTEXT.now + until * DAY)


@pytest.mark.parametrize(("seen", "wanted", "until"), [(None, False, 7), (6, False, 1), (7, True, None)])
def test_first_seen_clock(seen: float | None, wanted: bool, until: float | None) -> None:
    """By the other clock upstream's time counts for nothing, and what was never seen is seen now."""
    for one in (file("demo-1.0.tar.gz", 100), file("demo-1.0.tar.gz")):
        known = {} if seen is None else {one.sha256: CONTEXT.now - seen * DAY}
        rule = CoolDown(age=WEEK, clock="first-seen")
        verdict = rule.judge(subject(one, context=Context(CONTEXT.now, known)))
        assert verdict.wanted == wanted
        assert verdict.until == (None if until is None else CONTEXT.now + until * DAY)
        assert "first seen" in verdict.reason


def test_the_date_line_goes_by_the_same_clock() -> None:
    """With first-seen, what was first seen after the line is refused, whatever upstream says."""
    rule = CoolDown(not_after=LINE, clock="first-seen")
    assert not rule.judge(subject(file("demo-1.0.tar.gz", 100))).wanted


def test_maturing() -> None:
    """A file becomes wanted at the very moment that was announced."""
    selection = Selection(everything=True, rules=(CoolDown(age=WEEK),))
    page = replace(sdists(), files=(file("demo-1.tar.gz", 9), file("demo-2.tar.gz", 2), file("demo-3.tar.gz", 1)))
    selected = selection.apply(page, CONTEXT)
    assert selected.until == CONTEXT.now + 5 * DAY
    assert len(selected.project.files) == 1
    assert len(selection.apply(page, Context(selected.until)).project.files) == 2
    assert len(selection.apply(page, Context(selected.until - 0.001)).project.files) == 1


def test_breaking_the_glass_concerns_one_project() -> None:
    """An item for one project changes no other project's fingerprint, so nothing else has to be looked at."""
    before = Selection(everything=True, rules=(CoolDown(age=WEEK),))
    after = Selection(everything=True, rules=(CoolDown(age=WEEK, break_glass=items("demo==1.0")),))
    assert before.fingerprint("demo") != after.fingerprint("demo")
    assert before.fingerprint("other") == after.fingerprint("other")
    assert before.digest != after.digest


def test_what_is_asked_for() -> None:
    """Only the clock that counts from first sight asks for it."""
    assert Selection(rules=(CoolDown(clock="first-seen"),)).needs_first_seen
    assert not Selection(rules=(CoolDown(),)).needs_first_seen
