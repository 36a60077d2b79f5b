"""Selection by projects and requirements."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandersnatch.errors import UsageError
from bandersnatch.model import File, Project
from bandersnatch.selection import Context, Selection

NOW = Context(now=1_700_000_000.0)
VERSIONS = ("0.9", "1.0", "1.1rc1", "2.0", "2.1.post1", "3.0.dev1")


def project(*versions: str, name: str = "demo") -> Project:
    return Project(
        name, tuple(File(f"{name}-{one}.tar.gz", f"https://example.org/{one}", "0" * 64) for one in versions)
    )


def selected(selection: Selection, *versions: str) -> list[str]:
    return [file.filename[5:-7] for file in selection.apply(project(*versions), NOW).project.files]


@pytest.mark.parametrize(
    ("requirements", "wanted"),
    [
        (["demo"], VERSIONS),
        (["demo>=2"], ("2.0", "2.1.post1", "3.0.dev1")),
        (["Demo ~= 1.0"], ("1.0", "1.1rc1")),
        (["demo==1.0", "demo==2.0"], ("1.0", "2.0")),
        (["demo==1.0", "demo"], VERSIONS),
        (["demo[extra]<1; python_version < '3'"], ("0.9",)),
        (["other"], ()),
    ],
)
def test_requirements(requirements: list[str], wanted: tuple[str, ...]) -> None:
    """A range selects its versions, pre-releases among them; several ranges of one project add up."""
    assert selected(Selection.of(requirements), *VERSIONS) == list(wanted)


def test_everything() -> None:
    """Everything wants every file of every project, also of versions that nobody can read."""
    everything = Selection(everything=True)
    assert selected(everything, "1.0", "2004d") == ["1.0", "2004d"]
    assert everything.names is None
    assert everything.wants("anything")


def test_unreadable_versions() -> None:
    """A version that cannot be compared is wanted with the whole project, and not with a range of it."""
    assert selected(Selection.of(["demo"]), "2004d") == ["2004d"]
    result = Selection.of(["demo>=1"]).apply(project("2004d"), NOW)
    assert result.project.files == ()
    assert "cannot be compared" in result.dropped[0].verdict.reason


def test_reasons() -> None:
    """Each dropped file has the reason, with the ranges that it is not in."""
    [dropped] = Selection.of(["demo>=2", "demo==1.0"]).apply(project("0.9", "1.0"), NOW).dropped
    assert dropped.file.filename == "demo-0.9.tar.gz"
    assert dropped.verdict.reason == "version 0.9 is not in >=2 or ==1.0"


def test_all_problems_at_once() -> None:
    """Everything that cannot be used is told in one error."""
    with pytest.raises(UsageError) as caught:
        Selection.of(["six", "###", "six @ https://example.org/six.zip", "a" * 201])
    assert len(caught.value.problems) == 3


@given(st.lists(st.sampled_from(["demo>=1", "demo<1", "demo==2.0", "demo!=1.0", "demo"]), min_size=1, max_size=4))
def test_properties(requirements: list[str]) -> None:
    """Applying again changes nothing, order does not matter, and a further requirement never removes."""
    selection = Selection.of(requirements)
    once = selection.apply(project(*VERSIONS), NOW).project
    assert selection.apply(once, NOW).project == once
    assert Selection.of(reversed(requirements)).apply(project(*VERSIONS), NOW).project == once
    more = Selection.of([*requirements, "demo>=3.dev0"]).apply(project(*VERSIONS), NOW).project
    assert set(once.files) <= set(more.files)


def test_fingerprint() -> None:
    """The fingerprint changes with what could be selected, and not with the order of words."""
    assert Selection.of(["demo>=1", "demo<3"]).fingerprint("demo") == Selection.of(["demo<3", "demo>=1"]).fingerprint(
        "demo"
    )
    assert Selection.of(["demo>=1"]).fingerprint("demo") != Selection.of(["demo>=2"]).fingerprint("demo")
    assert Selection(everything=True).fingerprint("demo") != Selection.of(["demo"]).fingerprint("demo")
