"""What the statistics say: downloads summed up by whatever was asked for, from the ledger and from files of days."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from datetime import date
from functools import lru_cache

from bandersnatch import names
from bandersnatch.accesslog.agents import Agent, agent_of
from bandersnatch.ledger.base import Ledger
from bandersnatch.stats import days
from bandersnatch.stats.base import Shelf
from bandersnatch.values import Struct

UNKNOWN = "unknown"


class By(Struct, frozen=True):
    """One way to sum up: which columns it needs, and what it makes of their values."""

    columns: tuple[str, ...]
    label: Callable[..., str]


_agent = lru_cache(maxsize=10_000)(agent_of)


def _of_agent(label: Callable[[Agent], str]) -> By:
    return By(("agent",), lambda said: label(_agent(said)) or UNKNOWN)


def _installer_version(agent: Agent) -> str:
    return f"{agent.installer} {agent.version}".strip()


def _python(agent: Agent) -> str:
    other = agent.implementation if agent.implementation != "CPython" else ""
    return f"{other} {agent.python}".strip()


WAYS: Mapping[str, By] = {
    "project": By(("project",), str),
    "version": By(
        ("project", "filename"),
        lambda project, filename: f"{project} {names.version_of(filename, project) or UNKNOWN}",
    ),
    "file": By(("filename",), str),
    "installer": _of_agent(lambda agent: agent.installer),
    "installer-version": _of_agent(_installer_version),
    "python": _of_agent(_python),
    "implementation": _of_agent(lambda agent: agent.implementation),
    "system": _of_agent(lambda agent: agent.system),
    "day": By(("day",), str),
    "month": By(("day",), lambda day: day[:7]),
    "year": By(("day",), lambda day: day[:4]),
}
"""What downloads can be summed up by. A Python's version stands alone where it is CPython's or nobody says whose."""

BY_TIME = frozenset({"day", "month", "year"})
"""What is shown in its own order, and not the largest first."""


class Statistics(Struct, frozen=True):
    """
    All that is known of downloads: the *ledger*, if there is one, and for days that it does not have the files.

    Methods raise LogError for a file that cannot be read, and StorageError.
    """

    ledger: Ledger | None
    shelf: Shelf

    def days(self) -> tuple[date, ...]:
        """The days of which there is something, in order."""
        known = {one.day for one in self.ledger.days()} if self.ledger else set()
        return tuple(sorted(known | set(days.written(self.shelf))))

    def sums(self, by: str, first: date, last: date, projects: Collection[str] = ()) -> Counter[str]:
        """Downloads from one day to another by one of ``WAYS``; with *projects*, of these only. All of it in memory."""
        way, found = WAYS[by], Counter[str]()
        known = {one.day for one in self.ledger.days()} if self.ledger else set()
        if self.ledger:
            for values, number in self.ledger.sums(way.columns, first, last, projects):
                found[way.label(*values)] += number
        for day in days.written(self.shelf):
            if first <= day <= last and day not in known:
                self._add_file(found, way, day, projects)
        return found

    def _add_file(self, found: Counter[str], way: By, day: date, projects: Collection[str]) -> None:
        for row in days.read(self.shelf.path(days.name_of(day)), day):
            project = names.normalise(row.project) if names.is_project_name(row.project) else row.project
            if row.number and (not projects or project in projects):
                values = {"day": day.isoformat(), "project": project, "filename": row.filename, "agent": row.agent}
                found[way.label(*(values[column] for column in way.columns))] += row.number


def ordered(found: Counter[str], by: str) -> list[tuple[str, int]]:
    """The largest first, equals by name; what is a time in the order of time."""
    if by in BY_TIME:
        return sorted(found.items())
    return sorted(found.items(), key=lambda one: (-one[1], one[0]))
