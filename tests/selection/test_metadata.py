"""The rule about core metadata: patterns, classifiers, licence expressions, and what is not said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from bandersnatch.errors import UsageError
from bandersnatch.model import File, Project
from bandersnatch.selection.base import Context, Rule, Subject, Verdict
from bandersnatch.selection.licences import MAX_EXPRESSION, satisfied
from bandersnatch.selection.metadata import MetadataRule

Facts = dict[str, tuple[str, ...]]

MIT = "License :: OSI Approved :: MIT License"
FACTS: Facts = {
    "classifier": (MIT, "Programming Language :: Python :: 3 :: Only", "Topic :: Internet"),
    "keywords": ("weather", "Station"),
    "license": ("MIT License\n\nPermission is hereby granted",),
    "author": ("Ünal Örnek",),
    "requires-dist": ("barometer>=2", "thermometer[usb]; extra == 'usb'"),
}


def judge(rule: MetadataRule, facts: Facts | None) -> Verdict:
    """What *rule* says about release 1.0 of a project with these *facts*; None: its metadata is not known."""
    file = File("weather-1.0.tar.gz", "http://127.0.0.1/weather-1.0.tar.gz", "0" * 64)
    context = Context(0.0, metadata={} if facts is None else {"1.0": facts})
    return rule.judge(Subject(Project("weather", (file,)), file, Version("1.0"), "1.0", context))


def wanted(patterns: dict[str, list[str]], facts: Facts | None = None, missing: str = "keep") -> bool:
    """Whether a release with *facts* passes the wanted *patterns*."""
    return judge(MetadataRule.of(patterns, missing=missing), FACTS if facts is None else facts).wanted


def unwanted(patterns: dict[str, list[str]], facts: Facts | None = None) -> bool:
    """Whether a release with *facts* is refused by the unwanted *patterns*."""
    return not judge(MetadataRule.of(unwanted=patterns), FACTS if facts is None else facts).wanted


MATCHES = [
    ("classifier", MIT, True),
    ("classifier", MIT.upper(), True),
    ("classifier", "License :: OSI Approved", True),
    ("classifier", "license", True),
    ("classifier", "Licen", False),
    ("classifier", "License :: OSI", False),
    ("classifier", "Topic :: Internet :: WWW", False),
    ("classifier", "Programming Language :: * :: Only", True),
    ("classifier", "*MIT*", True),
    ("classifier", r"/Python :: 3(\.\d+)?\b/", True),
    ("classifier", "/python/", False),
    ("classifier", "/(?i)python/", True),
    ("keywords", "station", True),
    ("keywords", "stat", False),
    ("keywords", "st?tion", True),
    ("keywords", "/stat/", False),
    ("keywords", "/Stat/", True),
    ("license", "MIT*", True),
    ("license", "MIT License", False),
    ("license", "/hereby granted$/", True),
    ("author", "ünal *", True),
    ("requires_dist", "barometer*", True),
    ("Requires-Dist", "thermometer[usb]*", True),
    ("requires-dist", "thermometer[a-z]*", False),
]


@pytest.mark.parametrize(("field", "pattern", "matches"), MATCHES)
def test_patterns(field: str, pattern: str, matches: bool) -> None:
    """Plain text is a glob for a whole value without case, a classifier has children, and slashes search."""
    assert wanted({field: [pattern]}) is matches
    assert unwanted({field: [pattern]}) is matches


def test_wanted_fields_are_all_needed() -> None:
    """Of every wanted field one pattern has to match, of every field of all_of each pattern."""
    assert wanted({"keywords": ["no", "weather"], "classifier": ["Topic"]})
    assert not wanted({"keywords": ["weather"], "classifier": ["Framework"]})
    assert judge(MetadataRule.of(all_of={"keywords": ["weather", "station"]}), FACTS).wanted
    verdict = judge(MetadataRule.of(all_of={"keywords": ["weather", "tides"]}), FACTS)
    assert not verdict.wanted
    assert str(verdict.origin) == "metadata.all.keywords = tides"


def test_one_unwanted_value_refuses() -> None:
    """Any unwanted value refuses, also beside wanted ones; the reason has the value, the origin its pattern."""
    rule = MetadataRule.of({"classifier": ["License"]}, unwanted={"summary": ["x"], "classifier": ["Foo", "Topic"]})
    verdict = judge(rule, FACTS)
    assert (verdict.rule, verdict.wanted, verdict.reason) == (
        "metadata",
        False,
        "its classifier is 'Topic :: Internet'",
    )
    assert str(verdict.origin) == "metadata.unwanted.classifier = Topic"


@pytest.mark.parametrize("facts", [None, {}, {"summary": ("x",)}, {"keywords": ()}])
def test_what_is_missing(facts: Facts | None) -> None:
    """A field that is not said, and metadata that is not known, is judged by ``missing``, and never unwanted."""
    for of in ({"wanted": {"keywords": ["x"]}}, {"all_of": {"keywords": ["x"]}}):
        assert judge(MetadataRule.of(**of, missing="keep"), facts).wanted
        verdict = judge(MetadataRule.of(**of, missing="drop"), facts)
        assert not verdict.wanted
        assert str(verdict.origin) == "metadata.missing = drop"
    assert judge(MetadataRule.of(unwanted={"keywords": ["*"]}, missing="drop"), facts).wanted


def test_a_field_that_is_there_is_judged_whatever_is_missing() -> None:
    """``missing = keep`` lets nothing pass that another wanted field refuses."""
    assert not wanted({"keywords": ["tides"], "summary": ["*"]})


@pytest.mark.parametrize(
    ("expression", "accepted", "is_wanted"),
    [
        ("MIT", ["MIT"], True),
        ("mit", ["MIT"], True),
        ("MIT", ["Apache-2.0"], False),
        ("MIT OR Apache-2.0", ["Apache-2.0"], True),
        ("MIT AND Apache-2.0", ["Apache-2.0"], False),
        ("MIT and Apache-2.0", ["mit", "apache-2.0"], True),
        ("MIT AND (BSD-3-Clause OR GPL-3.0-only)", ["MIT", "BSD-3-Clause"], True),
        ("(MIT OR 0BSD) AND (BSD-3-Clause OR GPL-3.0-only)", ["MIT", "0BSD"], False),
        ("MIT OR 0BSD AND GPL-3.0-only", ["MIT"], True),
        ("MIT OR 0BSD AND GPL-3.0-only", ["0BSD"], False),
        ("Apache-2.0 WITH LLVM-exception", ["Apache-2.0"], True),
        ("Apache-2.0 WITH LLVM-exception", ["Apache-2.0 WITH LLVM-exception"], True),
        ("Apache-2.0", ["Apache-2.0 WITH LLVM-exception"], False),
        ("Apache-2.0+", ["Apache-2.0"], True),
        ("GPL-3.0-or-later", ["GPL-3.0-only"], False),
        ("GPL-3.0-or-later AND LGPL-2.1-only", ["*GPL-*"], True),
        ("LicenseRef-Weather-1", ["LicenseRef-Weather-1"], True),
        ("MIT OR GPL-3.0-only", ["/^MIT OR/"], True),
        ("a licence of ours", ["MIT"], False),
        ("MIT OR", ["MIT"], False),
        ("a licence of ours", ["/ours/"], True),
    ],
)
def test_wanted_licences(expression: str, accepted: list[str], is_wanted: bool) -> None:
    """A licence expression is wanted if wanted licences satisfy it; one that cannot be read is not."""
    assert wanted({"license_expression": accepted}, {"license-expression": (expression,)}) is is_wanted


@pytest.mark.parametrize(
    ("expression", "refused", "is_unwanted"),
    [
        ("GPL-3.0-only", ["GPL-*"], True),
        ("LGPL-3.0-only", ["GPL-*"], False),
        ("MIT OR GPL-3.0-only", ["GPL-*"], False),
        ("MIT AND GPL-3.0-only", ["GPL-*"], True),
        ("GPL-2.0-only OR GPL-3.0-only", ["GPL-*"], True),
        ("GPL-2.0-only OR GPL-3.0-only", ["GPL-3.0-only"], False),
        ("GPL-2.0-only WITH Classpath-exception-2.0", ["GPL-2.0-only"], True),
        ("MIT OR GPL-3.0-only", ["/GPL/"], True),
        ("MIT OR GPL-3.0-only AND", ["GPL-*"], True),
        ("a licence of ours", ["GPL-*"], False),
    ],
)
def test_unwanted_licences(expression: str, refused: list[str], is_unwanted: bool) -> None:
    """It is unwanted if it cannot be had without an unwanted licence; one that cannot be read, if it has the word."""
    assert unwanted({"license_expression": refused}, {"license-expression": (expression,)}) is is_unwanted


def test_all_of_licences() -> None:
    """Each pattern of all_of has to be one of the licences that the expression names."""
    rule = MetadataRule.of(all_of={"license-expression": ["MIT", "Apache-2.0"]})
    assert judge(rule, {"license-expression": ("MIT OR Apache-2.0 WITH LLVM-exception",)}).wanted
    assert not judge(rule, {"license-expression": ("MIT OR 0BSD",)}).wanted


def test_what_cannot_be_used() -> None:
    """Every problem is reported at once, with its key and what to do."""
    with pytest.raises(UsageError) as caught:
        MetadataRule.of(
            {"classifiers": ["x"], "license-expression": ["MIT OR 0BSD", "Foo"], "summary": ["/(/", "/x/"]},
            {"nonsense": ["x"], "keywords": []},
            {"author": [" "]},
            missing="ask",
        )
    problems = [str(problem) for problem in caught.value.problems]
    assert [one.partition(": ")[0] for one in problems] == [
        "metadata.wanted.classifiers",
        "metadata.wanted.license-expression",
        "metadata.wanted.license-expression",
        "metadata.wanted.summary",
        "metadata.all.nonsense",
        "metadata.all.keywords",
        "metadata.unwanted.author",
        "metadata.missing",
    ]
    assert "do you mean classifier?" in problems[0]


def test_the_digest() -> None:
    """It depends on what is wanted, not on the order in which it is written; the rule asks for metadata."""
    first = MetadataRule.of({"keywords": ["a", "b"], "summary": ["c"]}, unwanted={"author": ["d"]})
    same = MetadataRule.of({"Summary": ["c"], "keywords": ["b", "a"]}, unwanted={"author": ["d"]})
    assert first.digest == same.digest
    others = [
        MetadataRule.of({"keywords": ["a"], "summary": ["c"]}, unwanted={"author": ["d"]}),
        MetadataRule.of({"keywords": ["a", "b"], "summary": ["c"], "author": ["d"]}),
        MetadataRule.of({"keywords": ["a", "b"], "summary": ["c"]}, unwanted={"author": ["d"]}, missing="drop"),
        MetadataRule.of({"keywords": ["/a/", "b"], "summary": ["c"]}, unwanted={"author": ["d"]}),
    ]
    assert len({first.digest, *(one.digest for one in others)}) == 5
    rule: Rule = first
    assert rule.name == "metadata"
    assert first.needs_metadata


def test_reasons_can_be_shown() -> None:
    """A reason quotes a value in one short line of ASCII, whatever upstream sends."""
    reason = judge(MetadataRule.of({"summary": ["x"]}), {"summary": ("a\n\x1b[31mé" + "y" * 500, "z")}).reason
    assert reason.startswith(r"its summary is 'a \x1b[31m\xe9yyy")
    assert reason.endswith(" and 1 more")
    assert len(reason) < 130


LICENCES = ("MIT", "0BSD", "Apache-2.0", "GPL-3.0-only")
expressions = st.recursive(
    st.sampled_from([(one, frozenset((frozenset((one,)),))) for one in LICENCES]),
    lambda inner: st.builds(
        lambda left, right, word: (
            f"({left[0]} {word} {right[0]})",
            left[1] | right[1] if word == "OR" else frozenset(a | b for a in left[1] for b in right[1]),
        ),
        inner,
        inner,
        st.sampled_from(["AND", "OR"]),
    ),
    max_leaves=8,
)


@given(expressions, st.frozensets(st.sampled_from(LICENCES)))
def test_expressions(given: tuple[str, frozenset[frozenset[str]]], accepted: frozenset[str]) -> None:
    """An expression is satisfied if all of one of its alternatives is accepted, multiplied out."""
    expression, alternatives = given
    expected = any(alternative <= accepted for alternative in alternatives)
    assert satisfied(expression, accepted.__contains__) is expected


@given(st.text(alphabet=st.sampled_from("()+ ANDORWITHmit-0BSD\n"), max_size=40) | st.text(max_size=40))
def test_any_expression(text: str) -> None:
    """Whatever is written as an expression is judged; accepting everything satisfies all that can be read."""
    assert satisfied(text, lambda licence: True) in (True, None)
    assert isinstance(wanted({"license-expression": ["MIT"]}, {"license-expression": (text,)}), bool)


def test_a_huge_expression() -> None:
    """An expression without end is not read."""
    assert satisfied(" OR ".join(["MIT"] * MAX_EXPRESSION), lambda licence: True) is None
