"""The selection as a whole: order of judging, reasons, names, fingerprints."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from bandersnatch.model import Project
from bandersnatch.selection import Items, Origin, Rule, Selection, Subject, Verdict
from bandersnatch.selection.cooldown import CoolDown
from bandersnatch.selection.files import Line, MaxProjectSize, Types, UploadedAfter
from bandersnatch.selection.releases import AtMost, Newest, NoPrereleases, NoYanked
from bandersnatch.values import replace
from tests.selection.samples import CONTEXT, DAY, file, items, sdists, versions

WINDOWS: tuple[Mapping[str, str], ...] = ({"sys_platform": "win32"},)


def excluding(*texts: str) -> Items:
    return items(*texts, key="exclude.projects")


def index_only(*texts: str) -> Items:
    return items(*texts, key="select.index-only")


FULL = Selection(
    everything=Origin("select.everything", "true", "my.toml", 3),
    items=items("demo<3"),
    exclusions=excluding("demo==1.1"),
    rules=(NoPrereleases(), Types(("sdist",))),
    newest=Newest(1),
)


def test_verdicts_stand_in_order() -> None:
    """All that judge a file are told in order: admission, exclusion, rules, newest; the first refusal decides."""
    explained = FULL.explain(sdists("1.0", "1.1", "2.0", "2.1a1"), CONTEXT)
    assert [(one.wanted, one.deciding.rule) for one in explained] == [
        (False, "releases.newest"),
        (False, "exclude.projects"),
        (True, "select.everything"),
        (False, "releases.prereleases"),
    ]
    assert [one.rule for one in explained[1].verdicts] == [
        "select.everything", "select.projects", "exclude.projects", "releases.prereleases", "files.types",
    ]  # fmt: skip
    assert [one.rule for one in explained[2].verdicts] == [
        "select.everything", "select.projects", "releases.prereleases", "files.types", "releases.newest",
    ]  # fmt: skip
    assert str(explained[2].deciding.origin) == "select.everything = true (my.toml:3)"


@pytest.mark.parametrize(
    ("selection", "wanted", "reason"),
    [
        (Selection(), False, "the project is not selected"),
        (Selection(everything=True), True, "everything is"),
        (Selection.of(["demo"]), True, "the project is named"),
        (Selection.of(["d*"]), True, "the project's name matches"),
        (Selection.of(["demo>=1"]), True, "version 1.0 is in >=1"),
        (Selection.of(["demo>=2", "demo<1"]), False, "version 1.0 is not in >=2 or <1"),
        (replace(Selection.of(["demo"]), exclusions=excluding("d*")), False, "the project is excluded"),
        (
            replace(Selection.of(["demo"]), exclusions=excluding("demo<2")),
            False,
            "version 1.0 is in <2, which is excluded",
        ),
        (Selection(index_only=index_only("demo")), True, "its page points at upstream's files"),
        (
            replace(Selection.of(["demo; sys_platform == 'linux'"]), environments=WINDOWS),
            False,
            "the marker of \"demo; sys_platform == 'linux'\" is true in none of the environments",
        ),
    ],
)
def test_reasons(selection: Selection, wanted: bool, reason: str) -> None:
    """What decides about a file says with which facts."""
    [explained] = selection.explain(sdists("1.0"), CONTEXT)
    assert (explained.wanted, explained.deciding.reason) == (wanted, reason)


@pytest.mark.parametrize(
    ("selection", "wanted", "rules"),
    [
        (Selection(), False, ["select.projects"]),
        (Selection(everything=True, exclusions=excluding("demo<2")), True, ["select.everything", "exclude.projects"]),
        (Selection.of(["demo>=1", "d*"]), True, ["select.projects"] * 2),
        (
            replace(Selection.of(["demo>=1"]), exclusions=excluding("demo", "demo<2")),
            False,
            ["select.projects", "exclude.projects"],
        ),
        (Selection(index_only=index_only("demo")), True, ["select.index-only"]),
    ],
)
def test_a_name_alone(selection: Selection, wanted: bool, rules: list[str]) -> None:
    """What the name alone decides is told without a page, and is what ``wants`` says."""
    explained = selection.explain_name("demo")
    assert (explained.filename, explained.wanted) == ("", wanted)
    assert [one.rule for one in explained.verdicts] == rules
    assert selection.wants("demo") == wanted


@pytest.mark.parametrize(
    ("selection", "names"),
    [
        (Selection(), set()),
        (Selection(everything=True), None),
        (Selection.of(["a", "B>=2", "b<1"]), {"a", "b"}),
        (Selection.of(["a", "b*"]), None),
        (replace(Selection.of(["a", "b"]), exclusions=excluding("/b|c/", "a<2")), {"a"}),
        (replace(Selection.of(["a"]), index_only=index_only("c")), {"a", "c"}),
        (replace(Selection.of(["a"]), index_only=index_only("*")), None),
        (replace(Selection.of(["a", "b; sys_platform == 'linux'"]), environments=WINDOWS), {"a"}),
        (replace(Selection.of(["b*; sys_platform == 'linux'"]), environments=WINDOWS), set()),
    ],
)
def test_names(selection: Selection, names: set[str] | None) -> None:
    """All wanted names are known unless a pattern or everything needs the list of projects."""
    assert selection.names == names


def test_index_only() -> None:
    """An index-only project is admitted and judged like others, whatever else selects it."""
    selection = Selection(items=items("demo==1.0"), index_only=index_only("de*"), rules=(NoPrereleases(),))
    assert selection.is_index_only("demo")
    assert not selection.is_index_only("other")
    assert versions(selection.apply(sdists("1.0", "2.0", "3.0a1"), CONTEXT)) == ["1.0", "2.0"]


def test_the_page_stays_what_it_is() -> None:
    """Only the files are fewer: status, versions and order of the page are upstream's."""
    page = replace(sdists("2.0", "1.0", "3.0"), status="archived", serial=7)
    project = Selection.of(["demo!=1.0"]).apply(page, CONTEXT).project
    assert project == replace(page, files=(page.files[0], page.files[2]))


def test_the_earliest_change_by_itself() -> None:
    """A file that two rules refuse changes when the last of them does, a wanted one with the first that leaves it."""
    page = Project("demo", (file("demo-1.tar.gz", 5, yanked=""), file("demo-2.tar.gz", 2), file("demo-3.tar.gz", 8)))
    young, window = CoolDown(age=7 * DAY), UploadedAfter(Line(age=30 * DAY))
    for rules, until in (
        ((young,), 2),
        ((young, NoYanked()), 5),
        ((NoYanked(), young), 5),
        ((young, CoolDown(age=20 * DAY), NoYanked()), 12),
        ((window,), 22),
        ((window, young), 2),
        ((NoYanked(),), None),
    ):
        selected = Selection(everything=True, rules=rules).apply(page, CONTEXT)
        assert selected.until == (None if until is None else CONTEXT.now + until * DAY)


@dataclass(frozen=True)
class Counted:
    """A rule that counts how often it is asked."""

    scope: str
    asked: list[str]
    name: str = "rules.counted"
    digest: str = ""
    needs_metadata: bool = True

    def judge(self, subject: Subject) -> Verdict:
        self.asked.append(subject.file.filename)
        return Verdict(self.name, True, "it is counted")


@pytest.mark.parametrize(("scope", "times"), [("project", 1), ("release", 2), ("file", 3), ("unknown", 3)])
def test_shared_verdicts(scope: str, times: int) -> None:
    """A rule is asked once for all that its verdict holds for."""
    page = Project("demo", (file("demo-1.tar.gz"), file("demo-1-py3-none-any.whl"), file("demo-2.tar.gz")))
    rule = Counted(scope, [])
    Selection(everything=True, rules=(rule,)).apply(page, CONTEXT)
    assert len(rule.asked) == times


def test_metadata_is_asked_for_where_it_is_needed() -> None:
    """Core metadata is needed where a rule asks for it, and only of projects that are wanted."""
    selection = Selection(items=items("a", "b"), exclusions=excluding("b"), rules=(Counted("file", []),))
    assert [selection.needs_metadata(name) for name in "abc"] == [True, False, False]
    assert not Selection(everything=True, rules=(NoYanked(),)).needs_metadata("a")


def test_a_foreign_rule_needs_no_more_than_the_protocol() -> None:
    """A rule of the four members of the protocol is enough."""

    class Short:
        name = "rules.short"
        digest = "1"

        def judge(self, subject: Subject) -> Verdict:
            return Verdict(self.name, len(subject.release) < 4, "its version is short")

    rule: Rule = Short()
    assert versions(Selection(everything=True, rules=(rule,)).apply(sdists("1.0", "1.10"), CONTEXT)) == ["1.0"]


BASE = Selection(items=items("demo>=1"))
OTHERS = [
    Selection(),
    Selection(everything=True),
    replace(BASE, everything=True),
    replace(BASE, items=items("demo>=2")),
    replace(BASE, items=items("demo>=1", "d*==0")),
    replace(BASE, exclusions=excluding("/demo/==3")),
    replace(BASE, index_only=index_only("demo")),
    replace(BASE, newest=Newest(1)),
    replace(BASE, newest=Newest(1, by="time")),
    replace(BASE, newest=Newest(1, counts_prereleases=True)),
    replace(BASE, rules=(NoYanked(),)),
    replace(BASE, rules=(MaxProjectSize(1),)),
    replace(BASE, rules=(MaxProjectSize(2),)),
    replace(BASE, rules=(MaxProjectSize(1, exempt=items("demo")),)),
    replace(BASE, rules=(AtMost(1, exempt=items("demo")),)),
    replace(BASE, rules=(AtMost(1),)),
    replace(BASE, waive_for="ranges"),
    replace(BASE, rules=(CoolDown(not_after=1.0),)),
    replace(BASE, rules=(UploadedAfter(Line(age=1.0)),)),
    replace(BASE, rules=(UploadedAfter(Line(moment=1.0)),)),
]


def test_fingerprints_differ() -> None:
    """Whatever could select other files has another fingerprint and another digest."""
    everyone = [BASE, *OTHERS]
    assert len({one.fingerprint("demo") for one in everyone}) == len(everyone)
    assert len({one.digest for one in everyone}) == len(everyone)


def test_fingerprints_stay() -> None:
    """Order, spelling, repetition, place in a file and other projects' items change no fingerprint."""
    rules = (NoYanked(), NoPrereleases())
    one = replace(Selection.of(["demo>=1,<3", "demo==5"]), rules=rules)
    moved = tuple(dataclasses.replace(rule, origin=Origin("releases", "", "my.toml", 9)) for rule in reversed(rules))
    other = replace(Selection.of(["Demo == 5", "demo <3, >=1", "demo==5", "other"]), rules=moved)
    assert one.fingerprint("demo") == other.fingerprint("demo")
    assert one.digest != other.digest
    assert one.fingerprint("absent") == Selection().fingerprint("absent")


def test_an_exemption_of_one_project_concerns_no_other() -> None:
    """Exempting a project, and waiving rules for pins, changes the fingerprints of the projects it is about alone."""
    strict = Selection(everything=True, items=items("pinned==1"), rules=(MaxProjectSize(1), AtMost(1)))
    exempting = replace(
        strict,
        rules=(MaxProjectSize(1, exempt=items("large")), AtMost(1, exempt=items("many"))),
        waive_for="pins",
    )
    same = [
        name for name in ("large", "many", "pinned", "demo") if strict.fingerprint(name) == exempting.fingerprint(name)
    ]
    assert same == ["demo"]
    assert strict.digest != exempting.digest


def test_what_is_exempt_stays_as_it_is_with_another_limit() -> None:
    """Another limit makes no page of an exempt project anew."""
    small, large = (
        Selection(everything=True, rules=(MaxProjectSize(limit, exempt=items("numpy")),)) for limit in (1, 2)
    )
    assert small.fingerprint("numpy") == large.fingerprint("numpy")
    assert small.fingerprint("demo") != large.fingerprint("demo")
