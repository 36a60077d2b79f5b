"""The rule about advisories: which versions one is about, what makes it block, and what is let through."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import InvalidVersion, Version

from bandersnatch.errors import UsageError
from bandersnatch.model import File, Project
from bandersnatch.selection.advisories import AdvisoryRule
from bandersnatch.selection.affected import Advisory, Range, Severity
from bandersnatch.selection.base import Context, Rule, Subject, Verdict
from bandersnatch.selection.engine import Selection
from bandersnatch.values import replace


def read(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None


def judge(rule: Rule, release: str, name: str = "barometer") -> Verdict:
    """What *rule* says about a file of this *release*."""
    file = File(f"{name}-{release}.tar.gz", f"http://127.0.0.1/{name}-{release}.tar.gz", "0" * 64)
    return rule.judge(Subject(Project(name, (file,)), file, read(release), release, Context(0.0)))


def events(text: str) -> Range:
    """The events that are written as ``introduced 0, fixed 1.0``."""
    return tuple((kind, version) for kind, _, version in (one.partition(" ") for one in text.split(", ")))


HOLE = Advisory(
    "GHSA-bbbb-cccc-dddd",
    ranges=(events("introduced 1.0, fixed 1.4"),),
    aliases=("CVE-2099-0001", "PYSEC-2099-1"),
    summary="Pressure can be read by anybody",
    severity=Severity.HIGH,
    file="all.zip/GHSA-bbbb-cccc-dddd.json",
)
MALWARE = Advisory("MAL-2099-7", versions="1.2.1", severity=Severity.CRITICAL, malicious=True, file="mal.jsonl", line=3)
WORSE = replace(HOLE, id="GHSA-x", aliases=(), severity=Severity.CRITICAL)
UNGRADED = replace(HOLE, id="PYSEC-2099-2", aliases=(), severity=None)
BOTH = {"barometer": (HOLE, MALWARE)}


# --- which versions ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ranges", "inside", "outside"),
    [
        (["introduced 0"], "0.dev0 0 1 1!0 1.0+x not-a-version", ""),
        (["introduced 0, fixed 1.4"], "0.dev0 1.3.9 1.4rc1 1.4.dev0", "1.4 1.4.post1 2.0 not-a-version"),
        (["introduced 1.0, fixed 1.4"], "1.0 1.0.0 1.3 1.0+local", "0.9 1.0rc1 1.4 1.4+local"),
        (["introduced 1.0, last_affected 1.4"], "1.0 1.4 1.4.0 1.4+local", "1.4.post1 1.4.1 0.9"),
        (["introduced 1.0, last_affected 1.0"], "1.0", "0.9 1.1"),
        (["last_affected 1.0, introduced 1.0"], "1.0", "0.9 1.1"),
        (["introduced 0, fixed 1.0, introduced 2.0, fixed 2.5"], "0.5 2.0 2.4", "1.0 1.9 2.5"),
        (["introduced 2.0, fixed 2.5, introduced 0, fixed 1.0"], "0.5 2.0 2.4", "1.0 1.9 2.5"),
        (["introduced 0, fixed 1.0, introduced 1.0, fixed 2.0"], "0.5 1.0 1.9", "2.0"),
        (["introduced 0, fixed 1.0", "introduced 2.0"], "0.5 2.0 3", "1.0 1.9 not-a-version"),
        (["introduced 0, limit 2.0"], "0.5 1.9", "2.0 3 not-a-version"),
        (["introduced 0, limit *"], "0.5 3 not-a-version", ""),
        (["introduced 0, fixed 1.0, limit 3, limit *"], "0.5", "1.0 3"),
        (["introduced 1.0, limit 2.0, limit 3.0"], "1.0 2.5", "0.5 3.0"),
        (["introduced oops"], "0.5 3 not-a-version", ""),
        (["introduced oops, fixed 1.0"], "0.5", "1.0"),
        (["introduced 1.0, fixed oops"], "1.0 3", "0.5 not-a-version"),
        (["introduced 0, last_affected oops"], "1.0 not-a-version", ""),
        (["fixed 1.0"], "", "0.5 1.0"),
    ],
)
def test_ranges(ranges: list[str], inside: str, outside: str) -> None:
    """Ranges follow PEP 440's order; an event that cannot be compared makes a range larger, never smaller."""
    advisory = Advisory("X", ranges=tuple(map(events, ranges)))
    assert [one for one in inside.split() if not advisory.affects(read(one), one)] == []
    assert [one for one in outside.split() if advisory.affects(read(one), one)] == []


@pytest.mark.parametrize(
    ("listed", "release", "affected"),
    [
        ("1.0", "1.0", True),
        ("1.0", "1.0.0", True),
        ("v1.0-rc1", "1.0rc1", True),
        ("1.0", "1.0+cpu", True),
        ("1.0+cpu", "1.0", False),
        ("1.0", "1.0.post1", False),
        ("0.9\n1.0-Dev-r5", "1.0_dev_r5", True),
        ("0.9\n1.0-dev-r5", "1.0-dev-r6", False),
        ("", "1.0", False),
        ("", "", False),
    ],
)
def test_listed_versions(listed: str, release: str, affected: bool) -> None:
    """A listed version is compared by PEP 440; one that is no version, to the letter."""
    assert Advisory("X", listed).affects(read(release), release) is affected


bounds = st.lists(st.integers(0, 30), min_size=1, max_size=8, unique=True).map(sorted)


@given(bounds, st.sampled_from(["fixed", "last_affected"]), st.integers(0, 31), st.randoms())
def test_ranges_are_intervals(turns: list[int], end: str, number: int, random: object) -> None:
    """Beginnings and ends in turn are intervals, in whatever order they are listed."""
    kinds = ["introduced" if index % 2 == 0 else end for index in range(len(turns))]
    listed = [(kind, f"1.{turn}") for kind, turn in zip(kinds, turns, strict=True)]
    getattr(random, "shuffle")(listed)  # noqa: B009 # hypothesis gives it no type
    inside = any(
        first <= number and (last is None or (number < last if end == "fixed" else number <= last))
        for first, last in zip(turns[::2], [*turns[1::2], None], strict=False)
    )
    assert Advisory("X", ranges=(tuple(listed),)).affects(Version(f"1.{number}"), "") is inside


texts = st.sampled_from(["0", "1.0", "1.5", "2.0", "oops", "*", "1.0+x", "2!0", ""])
anything = st.tuples(st.sampled_from(["introduced", "fixed", "last_affected", "limit"]), texts)


@given(st.lists(anything, max_size=6), st.lists(anything, max_size=6), texts, texts)
def test_more_is_never_less(
    some: list[tuple[str, str]], more: list[tuple[str, str]], listed: str, release: str
) -> None:
    """A further range or version never makes an advisory be about less."""
    less = Advisory("X", ranges=(tuple(some),))
    larger = Advisory("X", versions=listed, ranges=(tuple(some), tuple(more)))
    assert larger.affects(read(release), release) >= less.affects(read(release), release)


# --- what blocks ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("advisory", "severity", "malicious", "ids", "key"),
    [
        (HOLE, None, True, [], None),
        (HOLE, "low", True, [], "advisories.severity = low"),
        (HOLE, "high", True, [], "advisories.severity = high"),
        (HOLE, "critical", True, [], None),
        (replace(HOLE, severity=Severity.NONE), "low", True, [], None),
        (UNGRADED, None, True, [], None),
        (UNGRADED, "critical", True, [], "advisories.severity = critical"),
        (HOLE, None, True, ["ghsa-BBBB-cccc-dddd"], "advisories.ids = ghsa-BBBB-cccc-dddd"),
        (HOLE, None, True, ["GHSA-other", "CVE-2099-0001"], "advisories.ids = CVE-2099-0001"),
        (HOLE, None, True, ["CVE-2099-00"], None),
        (MALWARE, None, True, [], "advisories.malicious = true"),
        (MALWARE, None, False, [], None),
        (MALWARE, "low", False, [], "advisories.severity = low"),
        (replace(MALWARE, severity=None), "low", False, [], None),
        (replace(MALWARE, severity=None), None, False, ["MAL-2099-7"], "advisories.ids = MAL-2099-7"),
    ],
)
def test_what_blocks(
    advisory: Advisory, severity: str | None, malicious: bool, ids: list[str], key: str | None
) -> None:
    """Severity from a minimum on, malice, or an id; an unknown severity counts as the worst, unless it is malice's."""
    rule = AdvisoryRule.of({"barometer": (advisory,)}, severity=severity, malicious=malicious, ids=ids)
    verdict = judge(rule, "1.2.1")
    assert verdict.wanted is (key is None)
    assert str(verdict.origin).startswith(f"{key} (" if key else "None")
    assert judge(rule, "1.4").wanted
    assert judge(rule, "1.2.1", "thermometer").wanted


def test_the_reason() -> None:
    """A refusal names the worst advisory with its severity and summary, and the file and line of its record."""
    rule = AdvisoryRule.of({"barometer": (HOLE, WORSE, UNGRADED, MALWARE)}, severity="high")
    verdict = judge(rule, "1.2.1")
    assert (verdict.rule, verdict.reason) == ("advisories", "MAL-2099-7 (malicious) is about its version")
    assert str(verdict.origin) == "advisories.malicious = true (mal.jsonl:3)"
    assert judge(rule, "1.2").reason == "GHSA-x (critical) is about its version: Pressure can be read by anybody"
    alone = AdvisoryRule.of({"barometer": (UNGRADED,)}, severity="high")
    assert "PYSEC-2099-2 (severity not given)" in judge(alone, "1.2").reason


# --- what is let through -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("allow", "passing"),
    [
        ([], ""),
        (["GHSA-bbbb-cccc-dddd"], "1.2 1.2.5rc1"),
        (["pysec-2099-1"], "1.2 1.2.5rc1"),
        (["CVE-2099-0001", "MAL-2099-7"], "1.2 1.2.1 1.2.5rc1"),
        (["Barometer==1.2"], "1.2"),
        (["barometer ~= 1.2.1"], "1.2.1 1.2.5rc1"),
        (["barometer==1.2", "barometer>1.2.4,<2"], "1.2 1.2.5rc1"),
        (["barometer===1.2.1"], "1.2.1"),
        (["thermometer==1.2"], ""),
    ],
)
def test_what_is_allowed(allow: list[str], passing: str) -> None:
    """Any id of an advisory lets it through, a requirement lets its versions through whatever speaks against them."""
    rule = AdvisoryRule.of(BOTH, severity="low", allow=allow)
    for release in ("1.2", "1.2.1", "1.2.5rc1"):
        verdict = judge(rule, release)
        assert verdict.wanted is (release in passing.split())
        assert not verdict.wanted or "advisories.allow" in str(verdict.origin)


def test_a_version_that_is_none_can_be_allowed() -> None:
    """What PEP 440 does not know is let through by its letters alone."""
    everything = {"barometer": (Advisory("MAL-1", ranges=(events("introduced 0"),), malicious=True),)}
    assert judge(AdvisoryRule.of(everything, allow=["barometer===1.0-odd"]), "1.0-odd").wanted
    assert not judge(AdvisoryRule.of(everything, allow=["barometer>=0"]), "1.0-odd").wanted


def test_what_cannot_be_used() -> None:
    """Every problem of the options is reported at once, with its key."""
    with pytest.raises(UsageError) as caught:
        AdvisoryRule.of(
            {},
            severity="bad",
            ids=["CVE-1", "CVE-2"],
            allow=["cve-2", "foo==", "foo[x]==1", "foo==1; python_version<'3'", "foo @ file:///x", "-=="],
        )
    keys = [problem.key for problem in caught.value.problems]
    assert keys == ["advisories.severity", *["advisories.allow"] * 6]


def test_items_that_match_nothing() -> None:
    """Ids and requirements that no advisory has anything to do with can be warned of."""
    rule = AdvisoryRule.of(
        BOTH, ids=["CVE-2099-0001", "CVE-9"], allow=["MAL-2099-7", "barometer", "barometer==1", "hygrometer==1"]
    )
    assert [str(origin) for origin in rule.unmatched] == [
        "advisories.ids = CVE-9",
        "advisories.allow = barometer",
        "advisories.allow = hygrometer==1",
    ]


# --- what has to be looked at again --------------------------------------------------------------------------------


def test_fingerprints() -> None:
    """Only what decides changes a project's fingerprint, and only that one's; the rule's digest changes with any."""
    records = {**BOTH, "hygrometer": (WORSE,)}
    rule = AdvisoryRule.of(records, severity="high")
    reworded = (MALWARE, replace(HOLE, summary="Reworded", severity=Severity.CRITICAL))
    same = [
        AdvisoryRule.of(records, severity="medium"),
        AdvisoryRule.of({**records, "barometer": reworded}, severity="high"),
        AdvisoryRule.of({**records, "hygrometer": (WORSE, replace(UNGRADED, severity=Severity.LOW))}, severity="high"),
        AdvisoryRule.of(records, severity="high", allow=["thermometer==1", "CVE-2099-5"]),
    ]
    assert {one.digest for one in same} == {rule.digest}
    others = [
        AdvisoryRule.of(records, severity="critical"),
        AdvisoryRule.of(records, severity="high", allow=["barometer==1.2"]),
        AdvisoryRule.of(records, severity="high", allow=["MAL-2099-7"]),
        AdvisoryRule.of({**records, "barometer": (replace(HOLE, versions="0.1"),)}, severity="high"),
    ]
    assert len({rule.digest, *(one.digest for one in others)}) == 5
    assert len({rule.fingerprint("barometer"), *(one.fingerprint("barometer") for one in others)}) == 5
    assert {one.fingerprint("hygrometer") for one in others} == {rule.fingerprint("hygrometer")}
    assert rule.fingerprint("thermometer") == ""


def test_in_a_selection() -> None:
    """A new advisory changes the fingerprints of its projects and of no other."""
    before, after = (Selection(everything=True, rules=(AdvisoryRule.of(each),)) for each in ({}, BOTH))
    assert before.fingerprint("barometer") != after.fingerprint("barometer")
    assert before.fingerprint("hygrometer") == after.fingerprint("hygrometer")
    assert before.digest != after.digest


versions = st.sampled_from(["0.9", "1.0", "1.2", "1.2.1", "1.4", "odd"])
records = st.builds(
    Advisory,
    st.sampled_from(["GHSA-1", "PYSEC-2", "MAL-3"]),
    versions,
    st.lists(st.lists(anything, max_size=3).map(tuple), max_size=2).map(tuple),
    severity=st.none() | st.sampled_from(Severity),
    malicious=st.booleans(),
)
options = st.fixed_dictionaries(
    {
        "severity": st.none() | st.sampled_from(["low", "medium", "high", "critical"]),
        "malicious": st.booleans(),
        "ids": st.lists(st.sampled_from(["GHSA-1"]), max_size=1),
        "allow": st.lists(st.sampled_from(["PYSEC-2", "barometer==1.2"]), max_size=2),
    }
)


@given(st.lists(records, max_size=3), st.lists(records, max_size=3), options, versions)
def test_equal_fingerprints_mean_equal_verdicts(
    some: list[Advisory], others: list[Advisory], given: dict[str, object], release: str
) -> None:
    """Two sets of advisories with one fingerprint decide alike; a further advisory never lets anything through."""
    one, other, all_ = (AdvisoryRule.of({"barometer": tuple(each)}, **given) for each in (some, others, some + others))  # type: ignore[arg-type] # the options as they come
    if one.fingerprint("barometer") == other.fingerprint("barometer"):
        assert judge(one, release).wanted == judge(other, release).wanted
    assert judge(all_, release).wanted == (judge(one, release).wanted and judge(other, release).wanted)
