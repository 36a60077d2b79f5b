"""What holds for every selection and every page."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from bandersnatch.model import File, Project
from bandersnatch.selection import Context, Rule, Selected, Selection
from bandersnatch.selection.cooldown import CoolDown
from bandersnatch.selection.files import (
    ExcludedNames,
    Line,
    MaxProjectSize,
    MaxSize,
    Python,
    Types,
    UploadedAfter,
    UploadedBefore,
)
from bandersnatch.selection.releases import (
    AtLeast,
    AtMost,
    HiddenYanked,
    Newest,
    NoDevelopment,
    NoPrereleases,
    NoYanked,
    Unwanted,
)
from bandersnatch.values import replace
from tests.selection.samples import CONTEXT, DAY, file, items

VERSIONS = ["0.9", "1.0", "1.0.0", "1.1a1", "1.1", "2.0.dev1", "2.0", "2.0.post1", "3.0rc1", "1!0.1", "2004d", "x"]
ENDINGS = [".tar.gz", "-py3-none-any.whl", ".zip"]
ITEMS = [
    "demo",
    "demo<2",
    "demo==1.0",
    "demo>=2.0.dev0",
    "d*!=1.1",
    "/demo/===2004d",
    "other",
    "demo==3.0rc1",
    "d*==1.1a1",
]
RULES: list[Rule] = [
    NoPrereleases(), NoDevelopment(), NoYanked(), Unwanted((r"2\..*",)), AtLeast(2), AtMost(5), Types(("sdist",)),
    MaxSize(5), MaxProjectSize(40), UploadedAfter(Line(age=5 * DAY)), UploadedBefore(Line(age=3 * DAY)),
    UploadedAfter(Line(moment=CONTEXT.now - 4 * DAY)), Python(("3.11",)), ExcludedNames(("*.zip",)),
    CoolDown(age=2 * DAY), CoolDown(age=4 * DAY, exempt=items("demo==1.0"), break_glass=items("demo==1.1a1")),
    CoolDown(age=DAY, clock="first-seen"), HiddenYanked(), MaxProjectSize(20, exempt=items("d*")),
    AtMost(3, exempt=items("demo")), AtLeast(9, exempt=items("other")),
]  # fmt: skip

files = st.builds(
    lambda version, ending, days, size, yanked, python: file(
        f"demo-{version}{ending}", days, size=size, yanked=yanked, requires_python=python
    ),
    st.sampled_from(VERSIONS),
    st.sampled_from(ENDINGS),
    st.one_of(st.none(), st.integers(0, 6)),
    st.one_of(st.none(), st.integers(0, 9)),
    st.sampled_from([None, None, "", "broken"]),
    st.sampled_from([None, ">=3.12", ">=3.8"]),
)


def page(of: list[File]) -> Project:
    """Upstream names every version (PEP 700), also those that no file is of."""
    return Project("demo", tuple(of), ("1.0", "1.1"))


pages = st.lists(files, max_size=12, unique_by=lambda one: one.filename).map(page)
newest = st.one_of(st.none(), st.builds(Newest, st.integers(1, 3), st.sampled_from(["version", "time"]), st.booleans()))
texts = st.lists(st.sampled_from(ITEMS), max_size=4)
selections = st.builds(
    lambda everything, wanted, unwanted, index_only, rules, newest, waive_for: Selection(
        everything, items(*wanted), items(*unwanted), items(*index_only), tuple(rules), newest, waive_for
    ),
    st.booleans(),
    texts,
    st.lists(st.sampled_from(["demo==2.0", "d*<1", "demo"]), max_size=1),
    st.lists(st.sampled_from(["demo", "other"]), max_size=1),
    st.lists(st.sampled_from(RULES), max_size=3),
    newest,
    st.sampled_from(["none", "pins", "ranges"]),
)


def kept(selected: Selected) -> set[File]:
    return set(selected.project.files)


@settings(max_examples=400)
@given(selections, pages)
def test_applying_again_changes_nothing(selection: Selection, project: Project) -> None:
    """What is left is wanted: apply is idempotent where upstream names its versions."""
    named = replace(project, versions=tuple(VERSIONS))
    once = selection.apply(named, CONTEXT).project
    assert selection.apply(once, CONTEXT).project == once


@settings(max_examples=400)
@given(selections, pages, st.sampled_from(ITEMS))
def test_an_item_more_never_removes(selection: Selection, project: Project, item: str) -> None:
    """Whatever admits more admits only more, with the newest too."""
    more = (
        replace(selection, items=items(*(one.origin.text for one in selection.items), item)),
        replace(selection, everything=True),
        replace(selection, index_only=items("demo")),
    )
    for one in more:
        assert kept(selection.apply(project, CONTEXT)) <= kept(one.apply(project, CONTEXT))


@settings(max_examples=200)
@given(selections, pages)
def test_order_does_not_matter(selection: Selection, project: Project) -> None:
    """Items, rules and the files of the page may stand in any order: the same files stay, and for the same time."""
    other = replace(
        selection,
        items=items(*(one.origin.text for one in reversed(selection.items.all))),
        rules=selection.rules[::-1],
    )
    reordered = replace(project, files=project.files[::-1])
    before, after = selection.apply(project, CONTEXT), other.apply(reordered, CONTEXT)
    assert (kept(before), before.until) == (kept(after), after.until)
    assert selection.fingerprint("demo") == other.fingerprint("demo")
    assert selection.digest == other.digest


@settings(max_examples=200)
@given(selections, pages)
def test_explaining_agrees_with_applying(selection: Selection, project: Project) -> None:
    """Each file's explanation ends as the file does, by the same verdict."""
    selected = selection.apply(project, CONTEXT)
    explained = selection.explain(project, CONTEXT)
    dropped = {one.file.filename: one.verdict for one in selected.dropped}
    assert [one.filename for one in explained] == [one.filename for one in project.files]
    for one in explained:
        assert one.wanted == (one.filename not in dropped)
        assert one.deciding == dropped.get(one.filename, one.deciding)
        assert one.deciding in one.verdicts
        assert one.deciding.wanted == one.wanted


@settings(max_examples=400)
@given(selections, pages)
def test_a_waiver_more_never_removes(selection: Selection, project: Project) -> None:
    """Who waives rules for pins keeps all that was there, and for ranges more again; pins are among the ranges."""
    none, pins, ranges = (
        kept(replace(selection, waive_for=what).apply(project, CONTEXT)) for what in ("none", "pins", "ranges")
    )
    assert none <= pins <= ranges


@given(selections, pages)
def test_names_decide_no_less_than_pages(selection: Selection, project: Project) -> None:
    """No file is wanted of a project whose name is not."""
    assert selection.explain_name("demo").wanted == selection.wants("demo")
    if not selection.wants("demo"):
        assert not selection.apply(project, CONTEXT).project.files


@settings(max_examples=300)
@given(selections, selections, pages)
def test_other_results_have_other_fingerprints(one: Selection, other: Selection, project: Project) -> None:
    """Two selections of the same fingerprint select the same of every page, and so do two of the same digest."""
    if one.fingerprint("demo") == other.fingerprint("demo"):
        assert one.apply(project, CONTEXT).project == other.apply(project, CONTEXT).project
        assert one.is_index_only("demo") == other.is_index_only("demo") or not one.wants("demo")
    else:
        assert one.digest != other.digest


@settings(max_examples=200)
@given(selections, pages, st.floats(0.001, 10.0))
def test_nothing_changes_before_it_was_announced(selection: Selection, project: Project, days: float) -> None:
    """Until the moment that ``until`` names, time alone changes no file's answer."""
    seen = {one.sha256: CONTEXT.now for one in project.files}
    selected = selection.apply(project, Context(CONTEXT.now, seen))
    later = CONTEXT.now + days * DAY
    if selected.until is None or later < selected.until:
        assert selection.apply(project, Context(later, seen)).project == selected.project
