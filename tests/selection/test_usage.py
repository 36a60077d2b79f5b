"""The rules about use: what was watched all the time and nobody downloaded is refused, and nothing else."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandersnatch.selection import Selection
from bandersnatch.selection.usage import OfUse, Share, UnusedFor, covered_since, most_used
from tests.selection.samples import CONTEXT, file, items, sdists, subject, versions

TODAY = date(2026, 11, 29)
UNUSED = frozenset({"demo"})
RULES = [UnusedFor("180d", UNUSED), Share("90d", UNUSED, share="99%")]


@pytest.mark.parametrize("rule", RULES, ids=["unused-for", "share"])
def test_unused(rule: OfUse) -> None:
    """An unused project is refused with the time that this is about; any other passes."""
    refused = rule.judge(subject(file("demo-1.0.tar.gz")))
    assert not refused.wanted
    assert rule.span in refused.reason
    assert rule.judge(subject(file("six-1.0.tar.gz"), sdists("1.0", name="six"))).wanted


@pytest.mark.parametrize(
    "spared",
    [
        UnusedFor("180d", UNUSED, exempt=items("de*")),
        UnusedFor("180d", UNUSED, named=items("demo>=1")),
        UnusedFor("180d", UNUSED, "the statistics go back to yesterday"),
    ],
    ids=["exempt", "named", "resting"],
)
def test_spared(spared: UnusedFor) -> None:
    """What is exempt, or admitted by its own name, stays; while the statistics tell nothing, everything does."""
    assert spared.judge(subject(file("demo-1.0.tar.gz"))).wanted


def test_in_a_selection() -> None:
    """Together with others it takes the whole project away, and says why."""
    selection = Selection(everything=True, rules=(UnusedFor("180d", UNUSED),))
    assert versions(selection.apply(sdists("1.0", "2.0"), CONTEXT)) == []
    [first, _] = selection.explain(sdists("1.0", "2.0"), CONTEXT)
    assert first.deciding.rule == "usage.unused-for"


def test_what_changes_a_fingerprint() -> None:
    """Only a project whose answer changes is looked at again; the digest changes with any of them."""
    before, after = UnusedFor("180d", UNUSED), UnusedFor("180d", UNUSED | {"six"})
    assert before.digest != after.digest
    assert before.fingerprint("demo") == after.fingerprint("demo")
    assert before.fingerprint("six") != after.fingerprint("six")
    resting = UnusedFor("180d", UNUSED, "no statistics")
    assert resting.fingerprint("demo") == before.fingerprint("six")


def ago(*days: int) -> list[date]:
    return sorted(TODAY - timedelta(days=one) for one in days)


@pytest.mark.parametrize(
    ("days", "since"),
    [
        ([], None),
        ([1], 1),
        ([0, 1, 2, 3], 3),
        ([1, 8, 15], 15),
        ([1, 8, 16, 17], 8),
        ([8, 9], None),
        ([400], None),
    ],
)
def test_gaps(days: list[int], since: int | None) -> None:
    """Statistics go back to the last gap of more than a week; if that is now, they tell nothing."""
    assert covered_since(ago(*days), TODAY) == (None if since is None else TODAY - timedelta(days=since))


@pytest.mark.parametrize(
    ("share", "kept"),
    [(0.5, "a"), (0.6, "a"), (0.61, "abc"), (0.9, "abc"), (0.99, "abcd"), (1.0, "abcde"), (0.0, "a")],
)
def test_share(share: float, kept: str) -> None:
    """As many of the most used projects as it takes; of equals all or none."""
    downloads = [("a", 60), ("b", 15), ("c", 15), ("d", 9), ("e", 1)]
    assert most_used(downloads, share) == frozenset(kept)


@given(st.dictionaries(st.text(max_size=3), st.integers(1, 100)), st.floats(0, 1))
def test_the_share_is_reached(downloads: dict[str, int], share: float) -> None:
    """What is kept answers the share, and nothing that is left out was used more than what is kept."""
    kept = most_used(downloads.items(), share)
    assert sum(downloads[name] for name in kept) >= share * sum(downloads.values())
    out = [number for name, number in downloads.items() if name not in kept]
    assert max(out, default=0) < min((downloads[name] for name in kept), default=1)
