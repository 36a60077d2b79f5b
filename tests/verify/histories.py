"""Random upstreams that change, and random rules, for properties of whole mirrors."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from bandersnatch.testing import Index, UpstreamServer
from tests.verify.conftest import Tree

PROJECTS = ("alpha", "beta", "beta-one")
VERSIONS = ("1.0", "2.0", "2.1", "3.0rc1", "3.0.dev1")
KINDS = ("wheel", "sdist")

Change = tuple[str, str, str, str, int]
"""What happens, the project, the version, the kind of file, and how many days ago the file is uploaded."""

CHANGES: st.SearchStrategy[Change] = st.tuples(
    st.sampled_from(["upload"] * 6 + ["yank", "unyank", "remove", "remove project", "quarantine", "archive", "role"]),
    st.sampled_from(PROJECTS),
    st.sampled_from(VERSIONS),
    st.sampled_from(KINDS),
    st.integers(0, 60),
)

Rules = dict[str, Any]

NARROWING: st.SearchStrategy[Rules] = st.fixed_dictionaries(
    {},
    optional={
        "releases.prereleases": st.just(False),
        "releases.development": st.just(False),
        "releases.newest": st.integers(1, 2),
        "releases.yanked": st.just(False),
        "files.types": st.sampled_from([["wheel"], ["sdist"]]),
        "files.names": st.sampled_from([["*1*"], ["*.whl"]]),
        "files.python": st.just(["3.7"]),
        "files.max-size": st.sampled_from(["400 B", "1 KiB"]),
        "files.uploaded-after": st.sampled_from(["30d", "10d"]),
        "exclude.projects": st.sampled_from([["beta"], ["alpha>=2"], ["*-one", "alpha==1.0"]]),
        "cool-down.age": st.sampled_from(["7d", "20d"]),
    },
)
"""Rules each of which only ever makes less wanted."""

RULES: st.SearchStrategy[Rules] = st.tuples(
    NARROWING,
    st.fixed_dictionaries(
        {},
        optional={
            "select.index-only": st.just(["beta"]),
            "files.max-project-size": st.sampled_from(["1500 B", "5 KiB"]),
            "releases.at-least": st.just(2),
            "releases.at-most": st.integers(1, 3),
            "files.metadata": st.booleans(),
            "files.provenance": st.booleans(),
            "publish.html": st.booleans(),
            "publish.legacy-json": st.booleans(),
            "removal.deleted": st.sampled_from(["follow", "hide", "keep"]),
            "removal.quarantined": st.sampled_from(["follow", "hide", "keep"]),
            "removal.yanked": st.sampled_from(["follow", "hide", "keep"]),
            "removal.deselected": st.sampled_from(["follow", "hide", "keep"]),
            "removal.trash": st.sampled_from(["0s", "7d"]),
            "metadata.unwanted": st.just({"summary": [".*beta.*"]}),
            "metadata.missing": st.sampled_from(["keep", "drop"]),
        },
    ),
).map(lambda both: {**both[0], **both[1]})


@contextmanager
def empty() -> Iterator[Tree]:
    """An upstream and a mirror of its own for one example."""
    with UpstreamServer() as upstream, tempfile.TemporaryDirectory() as folder:
        yield Tree(upstream, Path(folder, "mirror"))


def happen(tree: Tree, changes: list[Change]) -> None:
    """What cannot happen to the upstream as it is, does not."""
    for what, project, version, kind, days in changes:
        try:
            _happen(tree.index, what, project, version, kind, tree.now - days * 86400)
        except (KeyError, ValueError):
            continue


def _happen(index: Index, what: str, project: str, version: str, kind: str, moment: float) -> None:
    match what:
        case "upload":
            when = datetime.fromtimestamp(moment, UTC)
            index.upload(
                project, version, kind, upload_time=when, provenance=version == "2.0", summary=f"This is {project}",
                requires_python=">=3.8" if version == "2.1" else None, padding=len(project) * 100,
            )  # fmt: skip
        case "remove":
            state = index.project(project)
            index.remove_file(state.files[0].filename if state and state.files else "nothing")
        case "remove project":
            index.remove_project(project)
        case "yank":
            index.yank(project, version, "broken")
        case "unyank":
            index.unyank(project, version)
        case "quarantine":
            index.quarantine(project)
        case "archive":
            index.archive(project)
        case _:
            index.change_role(project)
