"""Rules about single files."""

from __future__ import annotations

import pytest

from bandersnatch.model import Project
from bandersnatch.selection import Rule, Selection
from bandersnatch.selection.files import (
    ExcludedNames,
    Line,
    MaxProjectSize,
    MaxSize,
    Names,
    Python,
    Types,
    UploadedAfter,
    UploadedBefore,
)
from bandersnatch.selection.times import shown
from bandersnatch.values import replace
from tests.selection.samples import CONTEXT, DAY, ago, file, items, subject

WHEEL, SDIST = "demo-1-py3-none-any.whl", "demo-1.tar.gz"


@pytest.mark.parametrize(
    ("rule", "filename", "wanted"),
    [
        (Types(("wheel", "egg")), WHEEL, True),
        (Types(("wheel", "egg")), SDIST, False),
        (Names(("*.WHL", "/.*[.]zip/")), WHEEL, True),
        (Names(("*.whl", "/.*[.]zip/")), SDIST, False),
        (Names(("/.*[.]zip/",)), "demo-1.zip", True),
        (ExcludedNames(("demo-?.tar.gz",)), SDIST, False),
        (ExcludedNames(("demo-?.tar.gz",)), WHEEL, True),
        (ExcludedNames(("/.*none.*/",)), WHEEL, False),
    ],
)
def test_names_and_types(rule: Rule, filename: str, wanted: bool) -> None:
    """A file's name decides by its ending, and by globs and regular expressions that match all of it, in any case."""
    assert rule.judge(subject(file(filename))).wanted == wanted


@pytest.mark.parametrize(
    ("size", "wanted", "reason"), [(10, True, "10 bytes"), (11, False, "11 bytes"), (None, False, "does not say")]
)
def test_max_size(size: int | None, wanted: bool, reason: str) -> None:
    """A larger file is refused, and one whose size nobody says."""
    verdict = MaxSize(10).judge(subject(file(SDIST, size=size)))
    assert verdict.wanted == wanted
    assert reason in verdict.reason


@pytest.mark.parametrize(
    ("sizes", "wanted", "reason"),
    [
        ((4, 6), True, "10 bytes"),
        ((4, 7), False, "11 bytes"),
        ((4, None), False, "does not say the size of 1 of them"),
        ((11, None), False, "11 bytes"),
    ],
)
def test_max_project_size(sizes: tuple[int | None, ...], wanted: bool, reason: str) -> None:
    """The project is refused for all its files at upstream together, also for those that are not wanted anyway."""
    files = tuple(file(f"demo-{number}.tar.gz", size=size) for number, size in enumerate(sizes))
    selection = Selection(everything=True, rules=(MaxProjectSize(10), ExcludedNames(("demo-1*",))))
    explained = selection.explain(Project("demo", files), CONTEXT)
    assert explained[0].wanted == wanted
    assert reason in explained[0].verdicts[1].reason


def test_exempt_from_the_size_of_a_project() -> None:
    """A project that is named passes however large it is, with the name of the item; others do not."""
    rule = MaxProjectSize(1, exempt=items("num*", key="files.max-project-size-exempt"))
    large = file("demo-1.tar.gz", size=2)
    verdict = rule.judge(subject(large, Project("numpy", (large,))))
    assert (verdict.wanted, verdict.reason) == (True, "files.max-project-size-exempt names num*")
    assert not rule.judge(subject(large)).wanted


@pytest.mark.parametrize(
    ("targets", "required", "wanted"),
    [
        (("3.11",), None, True),
        (("3.11",), "", True),
        (("3.11",), ">=3.11.4", True),
        (("3.11",), ">3.11.4,<3.11.6", True),
        (("3.11",), ">=3.12", False),
        (("3.11",), "!=3.11.*", False),
        (("3.11", "3.13t"), ">=3.12", True),
        (("3.11.2",), ">=3.11.4", False),
        (("3.11",), ">=3.6 <4", True),
        (("2.7",), "3.6", True),
    ],
)
def test_python(targets: tuple[str, ...], required: str | None, wanted: bool) -> None:
    """A file stays if one release of one target may use it; what installers cannot read, they ignore."""
    assert Python(targets).judge(subject(file(SDIST, requires_python=required))).wanted == wanted


FIXED = Line(moment=CONTEXT.now - 10 * DAY)
MOVING = Line(age=10 * DAY)


@pytest.mark.parametrize(
    ("line", "days", "after", "until_after", "before", "until_before"),
    [
        (FIXED, 9, True, None, False, None),
        (FIXED, 10, True, None, False, None),
        (FIXED, 11, False, None, True, None),
        (MOVING, 9, True, 1, False, 1),
        (MOVING, 10, False, None, True, None),
        (MOVING, 11, False, None, True, None),
        (MOVING, -1, True, 11, False, 11),
        (MOVING, None, False, None, False, None),
    ],
)
def test_upload_times(
    line: Line, days: float | None, after: bool, until_after: float | None, before: bool, until_before: float | None
) -> None:
    """A file lies before or after a line, and never both; a moving line says when it will have passed the file."""
    one = subject(file(SDIST, days))
    for rule, wanted, until in (
        (UploadedAfter(line), after, until_after),
        (UploadedBefore(line), before, until_before),
    ):
        verdict = rule.judge(one)
        assert verdict.wanted == wanted
        assert verdict.until == (None if until is None else CONTEXT.now + until * DAY)


@pytest.mark.parametrize("text", ["2025-13-01T00:00:00Z", "2026-01-01T00:00:00", "2026-01-01", "yesterday", ""])
def test_an_upload_time_that_cannot_be_read_is_unknown(text: str) -> None:
    """A time that is no ISO 8601 with its zone is refused like none, with a reason."""
    verdict = UploadedAfter(FIXED).judge(subject(replace(file(SDIST), upload_time=text)))
    assert (verdict.wanted, verdict.reason) == (False, "upstream does not say when it was uploaded")


def test_times_are_shown() -> None:
    """People read UTC, and are told of moments that no calendar has."""
    assert ago(0) == "2026-01-31T00:00:00Z"
    assert shown(CONTEXT.now) == "2026-01-31 00:00:00 UTC"
    assert shown(1e18) == "a moment out of all calendars"
    assert "10 days ago" in UploadedAfter(MOVING).judge(subject(file(SDIST, 5))).reason
    assert "30 seconds ago" in UploadedAfter(Line(age=30.0)).judge(subject(file(SDIST, 5))).reason
