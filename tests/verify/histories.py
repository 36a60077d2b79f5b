"""Random upstreams that change, and random rules, for properties of whole mirrors."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

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

Rules = dict[str, object]

NARROW: list[tuple[str, object]] = [
    ("releases.prereleases", False),
    ("releases.development", False),
    ("releases.newest", 1),
    ("releases.newest", 2),
    ("releases.yanked", False),
    ("files.types", ["wheel"]),
    ("files.types", ["sdist"]),
    ("files.names", ["*1*"]),
    ("files.python", ["3.7"]),
    ("files.max-size", "1200 B"),
    ("files.uploaded-after", "30d"),
    ("files.uploaded-after", "10d"),
    ("exclude.projects", ["beta"]),
    ("exclude.projects", ["alpha>=2", "*-one"]),
    ("cool-down.age", "7d"),
]
"""Rules each of which only ever makes less wanted."""

OTHER: list[tuple[str, object]] = [
    ("select.index-only", ["beta"]),
    ("files.max-project-size", "5 KiB"),
    ("releases.at-least", 2),
    ("releases.at-most", 2),
    ("files.metadata", False),
    ("files.provenance", False),
    ("publish.html", False),
    ("publish.legacy-json", "none"),
    ("publish.legacy-json", "releases"),
    *(
        (f"removal.{cause}", policy)
        for cause in ("deleted", "quarantined", "yanked", "deselected")
        for policy in ("hide", "keep")
    ),
    ("removal.trash", "0s"),
    ("metadata.unwanted", {"summary": ["/.*beta.*/"]}),
    ("cool-down.clock", "first-seen"),
]


def _some(settings: list[tuple[str, object]], most: int) -> st.SearchStrategy[Rules]:
    """Up to *most* settings, no key twice."""
    return st.lists(st.sampled_from(settings), max_size=most, unique_by=lambda one: one[0]).map(dict)


NARROWING = _some(NARROW, 3)
RULES = _some([*NARROW, *OTHER], 5).map(
    # A clock alone is refused, since it would change nothing.
    lambda rules: {"cool-down.age": "7d", **rules} if "cool-down.clock" in rules else rules
)


@contextmanager
def empty(upstream: UpstreamServer) -> Iterator[Tree]:
    """A mirror of its own for one example, of *upstream* as if nothing had ever happened there."""
    upstream.index = Index()
    with tempfile.TemporaryDirectory() as folder:
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
