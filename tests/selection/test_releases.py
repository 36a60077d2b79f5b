"""Rules about releases."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from bandersnatch.model import Project, Rejected
from bandersnatch.selection import Rule, Selection
from bandersnatch.selection.files import Types
from bandersnatch.selection.releases import (
    AtLeast,
    AtMost,
    HiddenYanked,
    Newest,
    NoDevelopment,
    NoPrereleases,
    NoYanked,
    Unwanted,
    releases_of,
)
from bandersnatch.values import replace
from tests.selection.samples import CONTEXT, file, items, sdists, subject, versions

ALL = ("1.0", "1.1a1", "1.1.dev3", "1.1.post1", "2004d", "2.0rc1.dev1", "1!1.0+local")


@pytest.mark.parametrize(
    ("rule", "refused"),
    [
        (NoPrereleases(), ["1.1a1", "1.1.dev3", "2.0rc1.dev1"]),
        (NoDevelopment(), ["1.1.dev3", "2.0rc1.dev1"]),
        (Unwanted((r".*\.post\d+", r"/.*\+.*/")), ["1.1.post1", "1!1.0+local"]),
        (Unwanted(("2004", "1.1alpha1|1.1a1")), ["1.1a1"]),
        (AtLeast(7), []),
        (AtLeast(8), list(ALL)),
        (AtMost(7), []),
        (AtMost(6), list(ALL)),
    ],
)
def test_rules(rule: Rule, refused: list[str]) -> None:
    """A rule about releases refuses exactly the versions that it names, whatever admits them."""
    selected = Selection(everything=True, rules=(rule,)).apply(sdists(*ALL), CONTEXT)
    assert versions(one.file for one in selected.dropped) == refused
    assert {one.verdict.rule for one in selected.dropped} <= {rule.name}


@pytest.mark.parametrize("rule", [AtLeast(9, exempt=items("d*")), AtMost(1, exempt=items("other", "demo"))])
def test_exempt_from_the_number_of_releases(rule: Rule) -> None:
    """A project that is named passes with any number of releases; others do not."""
    selection = Selection(everything=True, rules=(rule,))
    assert versions(selection.apply(sdists(*ALL), CONTEXT)) == list(ALL)
    assert not selection.apply(sdists("1.0", "2.0", name="strange"), CONTEXT).project.files


@pytest.mark.parametrize(
    ("waive_for", "wanted", "kept"),
    [
        ("none", ["demo", "demo==1.1a1"], ["1.0"]),
        ("pins", ["demo", "demo==1.1a1"], ["1.0", "1.1a1"]),
        ("pins", ["demo", "demo===1.1.dev3"], ["1.0", "1.1.dev3"]),
        ("pins", ["demo", "demo==1.1.*", "demo>1.0,<1.1.post0"], ["1.0"]),
        ("ranges", ["demo", "demo<1.1.dev4,>1.0"], ["1.0", "1.1.dev3"]),
        ("ranges", ["demo", "d*==1.1.post1"], ["1.0", "1.1.post1"]),
        ("ranges", ["demo"], ["1.0"]),
    ],
)
def test_waived(waive_for: str, wanted: Sequence[str], kept: list[str]) -> None:
    """What is pinned, or has any range, passes all rules about versions where they are waived for it."""
    rules = (NoPrereleases(), NoDevelopment(), NoYanked(), Unwanted((r".*post\d+",)))
    page = sdists("1.0", "1.1a1", "1.1.dev3", "1.1.post1")
    page = replace(page, files=tuple(replace(one, yanked="" if "post" in one.filename else None) for one in page.files))
    selection = replace(Selection.of(wanted), rules=rules, waive_for=waive_for)
    assert versions(selection.apply(page, CONTEXT)) == kept


@pytest.mark.parametrize("rule", [AtLeast(9), HiddenYanked(), Types(("wheel",))])
def test_not_waived(rule: Rule) -> None:
    """What counts a project's releases, and what is no rule of [releases], holds for pinned versions as well."""
    selection = replace(Selection.of(["demo==1.0"]), rules=(rule,), waive_for="pins")
    page = Project("demo", (file("demo-1.0.tar.gz", yanked=""),))
    assert not selection.apply(page, CONTEXT).project.files


def test_a_waiver_pushes_out_no_other_version() -> None:
    """What is there by a waiver alone takes the place of none of the newest, and is there besides."""
    selection = replace(
        Selection.of(["demo", "demo==3.0a1", "demo==1.0"]),
        rules=(NoPrereleases(),),
        newest=Newest(1, counts_prereleases=True),
        waive_for="pins",
    )
    assert versions(selection.apply(sdists("1.0", "1.1", "2.0", "3.0a1"), CONTEXT)) == ["1.0", "2.0", "3.0a1"]


def test_a_waiver_says_what_it_goes_over() -> None:
    """The verdict of a rule that is waived tells what it would have refused, and which item waives it."""
    selection = replace(
        Selection.of(["demo==1.0a1", "demo<1"]), rules=(NoPrereleases(),), newest=Newest(1), waive_for="ranges"
    )
    *_, pinned, range_ = selection.explain(sdists("0.2", "1.0a1", "0.1"), CONTEXT)
    assert [one.reason for one in pinned.verdicts[1:]] == [
        "1.0a1 is a pre-release, but it is pinned by select.projects = demo==1.0a1",
        "version 1.0a1 is not among the newest 1, but it is pinned by select.projects = demo==1.0a1",
    ]
    assert range_.verdicts[-1].reason == (
        "version 0.1 is not among the newest 1, but its version is asked for by select.projects = demo<1"
    )


def test_a_normal_form_is_unwanted_however_it_is_spelled() -> None:
    """An unwanted version is told by its normal form as well as by its spelling."""
    assert not Unwanted((r".*rc\d+",)).judge(subject(file("demo-1.0-RC.1.tar.gz"))).wanted
    assert not Unwanted((r".*-RC.*",)).judge(subject(file("demo-1.0-RC.1.tar.gz"))).wanted


@pytest.mark.parametrize(
    ("yanked", "wanted", "reason"),
    [(None, True, "it is not yanked"), ("", False, "it is yanked"), ("broken", False, "it is yanked: broken")],
)
def test_yanked(yanked: str | None, wanted: bool, reason: str) -> None:
    """A yanked file is refused with upstream's reason, also when there is none."""
    verdict = NoYanked().judge(subject(file("demo-1.tar.gz", yanked=yanked)))
    assert (verdict.wanted, verdict.reason) == (wanted, reason)


def test_releases_are_counted_once() -> None:
    """Counted is what upstream names and its files are of, also what cannot be taken; spellings and builds once."""
    files = (file("demo-1.0.tar.gz"), file("demo-1.0.0-py3-none-any.whl"), file("demo-2004d.tar.gz"))
    page = Project(
        "demo", files, ("1", "1+cpu", "3.0"), rejected=(Rejected("demo-4.zip", "no digest"), Rejected("x", "name"))
    )
    assert releases_of(page) == 4


@pytest.mark.parametrize(
    ("newest", "of", "kept"),
    [
        (Newest(2), ["1.0", "3.0", "2.0"], ["3.0", "2.0"]),
        (Newest(9), ["1.0", "3.0"], ["1.0", "3.0"]),
        # Pre-releases: neither counted nor dropped while they are newer than all finals, and no more than the count.
        (Newest(1), ["1.0", "2.0a1", "2.0", "3.0a1"], ["2.0", "3.0a1"]),
        (Newest(1), ["1.0", "2.0a1", "2.0a2", "2.0.dev1"], ["1.0", "2.0a2"]),
        (Newest(2), ["1.0.dev1", "1.0.dev2", "1.0a1"], ["1.0.dev2", "1.0a1"]),
        (Newest(1, counts_prereleases=True), ["1.0", "2.0", "3.0a1"], ["3.0a1"]),
        # What nobody can read is older than all others.
        (Newest(1), ["2004d", "1.0"], ["1.0"]),
        (Newest(2), ["2004d", "2003d", "1.0"], ["2004d", "1.0"]),
        # Local builds stand or fall with the release that they build.
        (
            Newest(2),
            ["1.0+cpu", "1.0+xpu", "2.0+cpu", "2.0+xpu", "3.0", "3.0+a"],
            ["2.0+cpu", "2.0+xpu", "3.0", "3.0+a"],
        ),
        (Newest(1), ["1.0", "2.0rc1+cpu", "2.0rc1+xpu", "2.0rc2+cpu"], ["1.0", "2.0rc2+cpu"]),
        (Newest(1), ["1.0+cpu", "2.0+cpu!", "2.0+xpu"], ["2.0+cpu", "2.0+xpu"]),
        (Newest(1), ["1.0+cpu", "2.0+cpu!", "2.0+xpu!"], ["1.0+cpu"]),
        (Newest(1, "time"), ["1.0+cpu@1", "1.0+xpu@9", "0.9@5"], ["0.9"]),
        # Yanked releases do not count, and are not kept, unless there is nothing else.
        (Newest(1), ["1.0", "2.0!"], ["1.0"]),
        (Newest(3), ["1.0", "2.0!"], ["1.0"]),
        (Newest(1), ["1.0!", "2.0!"], ["2.0"]),
        (Newest(1), ["1.0a1", "2.0!"], ["1.0a1"]),
        # By time: "@" and days ago.
        (Newest(1, "time"), ["1.0@1", "2.0@5"], ["1.0"]),
        (Newest(1, "time"), ["1.0@5", "2.0@5"], ["2.0"]),
        (Newest(1, "time"), ["1.0@9", "2.0", "2004d"], ["1.0"]),
        (Newest(1, "time"), ["1.0", "2.0"], ["2.0"]),
        (Newest(1, "time"), ["2.0@9", "3.0a1@10", "1.1a1@1"], ["2.0", "1.1a1"]),
    ],
)
def test_newest(newest: Newest, of: Sequence[str], kept: list[str]) -> None:
    """The newest are those that the documentation of ``Newest`` says; ``!`` is yanked here, ``@`` days ago."""
    files = []
    for text in of:
        version, _, days = text.rstrip("!").partition("@")
        one = file(f"demo-{version}.tar.gz", float(days) if days else None)
        files.append(replace(one, yanked="" if "!" in text else None))
    selection = Selection(everything=True, newest=newest)
    assert versions(selection.apply(Project("demo", tuple(files)), CONTEXT)) == kept


def test_a_release_is_as_old_as_its_oldest_file_and_stays_whole() -> None:
    """A wheel that was added later does not make its release newer; a kept release keeps all its files."""
    files = (file("demo-1.0.tar.gz", 9), file("demo-1.0-py3-none-any.whl", 1), file("demo-0.9.tar.gz", 5))
    selection = Selection(everything=True, newest=Newest(1, "time"))
    assert versions(selection.apply(Project("demo", files), CONTEXT)) == ["0.9"]
    whole = Selection(everything=True, newest=Newest(1)).apply(Project("demo", files), CONTEXT)
    assert whole.project.files == files[:2]


def test_a_half_yanked_release_counts() -> None:
    """A release counts as yanked only if all its files are."""
    files = (file("demo-2.0.tar.gz", yanked=""), file("demo-2.0-py3-none-any.whl"), file("demo-1.0.tar.gz"))
    selected = Selection(everything=True, newest=Newest(1)).apply(Project("demo", files), CONTEXT)
    assert selected.project.files == files[:2]


def test_newest_is_judged_for_each_item() -> None:
    """A pinned version stays beside the newest, and each range has its own newest."""
    selection = replace(Selection.of(["demo", "demo==1.0", "demo<2"]), newest=Newest(1))
    assert versions(selection.apply(sdists("1.0", "1.1", "1.2", "2.0", "3.0"), CONTEXT)) == ["1.0", "1.2", "3.0"]


def test_newest_of_what_rules_leave() -> None:
    """What a rule refuses, or an exclusion, does not count as one of the newest."""
    selection = Selection(everything=True, rules=(Unwanted(("3.0",)),), newest=Newest(1))
    selected = selection.apply(sdists("1.0", "2.0", "3.0"), CONTEXT)
    assert versions(selected) == ["2.0"]
    assert [one.verdict.rule for one in selected.dropped] == ["releases.newest", "releases.unwanted"]
