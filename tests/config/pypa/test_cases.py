"""The examples of PyPA bandersnatch's documentation, and what they select."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from packaging.version import Version

from bandersnatch import names
from bandersnatch.assemble.selection import choose
from bandersnatch.config.load import load
from bandersnatch.model import Project
from bandersnatch.selection import Context, Selection
from bandersnatch.selection.distributions import release_of
from tests.config.pypa.cases import CASES, Case
from tests.config.pypa.helpers import ini, values
from tests.selection.samples import CONTEXT, file

PRERELEASES = "no pre-releases of one project"
"""Its value is an expression that says more by what it matches than by how it looks."""


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_examples_set_what_they_say(case: Case) -> None:
    """Each example sets exactly the keys that say the same here."""
    found = dict(values(case.ini))
    if case is CASES[PRERELEASES]:
        assert len(str(found.pop("files.exclude-names"))) > 0
    assert found == case.values


def projects(case: Case) -> list[Project]:
    """Upstream's pages: every file that the example names, by the project that its name tells."""
    pages: dict[str, list[str]] = {}
    for filename in f"{case.kept} {case.linked} {case.dropped}".split():
        name = re.split(r"-(?=\d)|\.(?=dmg|msi)", filename)[0]
        pages.setdefault(names.normalise(name), []).append(filename)
    return [
        Project(
            name,
            tuple(
                file(one, case.days.get(one), size=case.sizes.get(one, 1), requires_python=case.python.get(one))
                for one in filenames
            ),
        )
        for name, filenames in pages.items()
    ]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_examples_select_what_they_promise(tmp_path: Path, case: Case) -> None:
    """Read as it is, each example selects exactly the files that its documentation promises."""
    for name, text in case.files.items():
        (tmp_path / name).write_text(text)
    path = tmp_path / "bandersnatch.conf"
    path.write_text(ini(case.ini).replace("{folder}", str(tmp_path)))
    loaded = load(path, {})
    assert loaded.config.metadata.of == "newest"
    kept, linked = selected(choose(loaded).selection, case)
    assert kept == set(case.kept.split())
    assert linked == set(case.linked.split())


def selected(selection: Selection, case: Case) -> tuple[set[str], set[str]]:
    """The names of the files to hold, and of those to link only."""
    kept: set[str] = set()
    linked: set[str] = set()
    for page in projects(case):
        if selection.wants(page.name):
            place = linked if selection.is_index_only(page.name) else kept
            place |= {one.filename for one in selection.apply(page, context(page, case)).project.files}
    return kept, linked


def context(page: Project, case: Case) -> Context:
    """What a run tells the selection: the metadata of the newest release, for all releases."""
    releases = {one.filename: release_of(one.filename, page.name) for one in page.files}
    newest = max(releases, key=lambda filename: releases[filename][1] or Version("0"))
    facts = case.metadata.get(newest, {})
    return Context(CONTEXT.now, metadata={release: facts for release, _ in releases.values()})
