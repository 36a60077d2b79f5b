"""What a commit means for keys: which leave, which are held again, and which another project still links."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence

from bandersnatch import layout, names
from bandersnatch.catalogue.base import Commit, Leaving, Published
from bandersnatch.catalogue.statements import SQL


def leave(
    connection: sqlite3.Connection, commits: Sequence[Commit], now: float, published: Callable[[str], Published]
) -> None:
    """
    What leaves first, what is held second: a key that is both is held.

    *published* reads what a project's page is made of, within the transaction of *connection*.
    """
    guests = bool(connection.execute(SQL["any_guest"]).fetchone()[0])
    for commit in commits:
        _keep_guests(connection, commit, guests=guests)
    for commit in commits:
        for one in commit.leaving:
            if not _is_linked_elsewhere(connection, commit.entry.name, one.key, published):
                connection.execute(SQL["leave"], row(one, commit.entry.name, now))
    if connection.execute(SQL["any_leaving"]).fetchone()[0]:
        held = [{"key": key} for one in commits for key in _live(one)]
        connection.executemany(SQL["stay"], held)
        connection.executemany(SQL["purge"], held)


def abandon(
    connection: sqlite3.Connection, visible: Sequence[Leaving], now: float, published: Callable[[str], Published]
) -> None:
    """What became *visible* without a commit leaves, unless a page that was committed has it."""
    for one in visible:
        known = published(one.project)
        own = _keys(known, one.project) | {key for key, _ in known.pages}
        if one.key not in own and not _is_linked_elsewhere(connection, one.project, one.key, published):
            connection.execute(SQL["leave"], row(one, one.project, now))


def row(leaving: Leaving, project: str, now: float) -> dict[str, object]:
    """The parameters of ``leave``; *project*, where *leaving* names none."""
    return {
        "key": leaving.key,
        "since": now,
        "project": leaving.project or project,
        "reason": leaving.reason,
        "hidden": leaving.hidden,
    }


def _live(commit: Commit) -> Iterator[str]:
    """Every key that the project's new state vouches for: its pages, its files, and what lies beside these."""
    for key, _ in commit.published.pages:
        yield key
    for held in commit.published.held:
        yield from layout.keys_of(commit.entry.name, held)


# --- files that several projects may link --------------------------------------------------------------------------


def _keep_guests(connection: sqlite3.Connection, commit: Commit, *, guests: bool) -> None:
    """Note which files on the project's page do not bear its name; *guests*: whether there are such files at all."""
    name = commit.entry.name
    found = [layout.file_key(one.file) for one in commit.published.held if not _bears(one.file.filename, name)]
    if guests:
        connection.execute(SQL["drop_guests"], {"project": name})
    connection.executemany(SQL["add_guest"], [{"key": key, "project": name} for key in found])


def _bears(filename: str, project: str) -> bool:
    """Whether the file's name begins with the project's."""
    return names.canonical(filename[: len(project)]) == project or names.version_of(filename, project) is not None


def _is_linked_elsewhere(
    connection: sqlite3.Connection, project: str, key: str, published: Callable[[str], Published]
) -> bool:
    """Whether another project's page links *key* as well: one that its file's name begins with, or a guest."""
    if connection.execute(SQL["is_guest"], {"key": key, "project": project}).fetchone()[0]:
        return True
    if not key.startswith("packages/"):
        return False
    owners = set(_owners(key.rpartition("/")[2])) - {project}
    return any(key in _keys(published(owner), owner) for owner in owners)


def _owners(filename: str) -> Iterator[str]:
    """The projects whose name the file's name can begin with."""
    for position, letter in enumerate(filename):
        if letter == "-" and names.is_project_name(filename[:position]):
            yield names.canonical(filename[:position])


def _keys(published: Published, project: str) -> set[str]:
    return {key for held in published.held for key in layout.keys_of(project, held)}
