"""Pages and files to select from."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from bandersnatch.model import File, Project
from bandersnatch.selection import Context, Items, Origin, Selected, Subject
from bandersnatch.selection.distributions import release_of

NOW = datetime(2026, 1, 31, tzinfo=UTC)
CONTEXT = Context(now=NOW.timestamp())
DAY = 86400.0


def ago(days: float) -> str:
    """An upload time, so many days before NOW."""
    return (NOW - timedelta(days=days)).isoformat().replace("+00:00", "Z")


def file(filename: str, days: float | None = None, **facts: object) -> File:
    """A file of that name, uploaded so many days before NOW; its digest is made of its name."""
    digest = filename.encode().hex()[:64].ljust(64, "0")
    time = None if days is None else ago(days)
    return File(filename, f"https://example.org/{filename}", digest, upload_time=time, **facts)  # type: ignore[arg-type] # a fact more is an error when the test runs


def sdists(*versions: str, name: str = "demo") -> Project:
    """A project with an sdist of each version."""
    return Project(name, tuple(file(f"{name}-{version}.tar.gz") for version in versions), versions)


def subject(one: File, project: Project | None = None, context: Context = CONTEXT) -> Subject:
    """*one* as a rule sees it, of its own project ``demo``."""
    project = project or Project("demo", (one,))
    release, version = release_of(one.filename, project.name)
    return Subject(project, one, version, release, context)


def items(*texts: str, key: str = "select.projects") -> Items:
    return Items.read(Origin(key, text) for text in texts)


def versions(selected: Selected | Iterable[File]) -> list[str]:
    """The versions that are left, as they are spelled, in the order of the page."""
    files = selected.project.files if isinstance(selected, Selected) else selected
    return list(dict.fromkeys(release_of(one.filename, "demo")[0] for one in files))
