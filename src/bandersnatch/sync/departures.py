"""Projects that upstream does not have any more: whether so many can have gone is judged over all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bandersnatch import layout
from bandersnatch.catalogue.base import Commit, Entry
from bandersnatch.model import Project, Validators
from bandersnatch.sync.project import Gone, Outcome, Ready, Run, failure
from bandersnatch.sync.settle import settle

AT_ONCE = 64


class Departures:
    """Holds back what is gone until all projects were asked; past the brake it removes nothing. Blocks."""

    def __init__(self, run: Run, *, accepted: bool) -> None:
        self._run = run
        self._accepted = accepted
        self._gone: list[Entry] = []
        self._published: int | None = None
        self.refused = ""
        """Why nothing is removed; empty as long as the brake has nothing against it."""

    def hold(self, batch: Sequence[Outcome]) -> list[Outcome]:
        """The outcomes of *batch* that can be settled now."""
        gone = [one.entry for one in batch if isinstance(one, Gone)]
        rest: list[Outcome] = [one for one in batch if not isinstance(one, Gone)]
        if not gone:
            return rest
        self._gone += gone
        self._judge()
        if self.refused:
            rest += [failure(entry, "upstream has no page for it any more; " + self.refused, self._run.now)
                     for entry in self._gone]  # fmt: skip
            self._gone = []
        return rest

    def settle(self) -> None:
        """Take the projects off their pages: all of them, since the brake would have spoken by now."""
        for first in range(0, len(self._gone), AT_ONCE):
            settle([self._depart(entry) for entry in self._gone[first : first + AT_ONCE]], self._run)
        self._gone = []

    def _judge(self) -> None:
        mirror = self._run.mirror
        if self._published is None:
            self._published = mirror.catalogue.totals().projects
        if not self._accepted and mirror.rules.brake.refuses(len(self._gone), self._published):
            self.refused = (
                "the pages of more projects are gone than [removal] allows, so none was removed. "
                "If that is right, run once with --accept-removals"
            )

    def _depart(self, entry: Entry) -> Ready:
        """The project with an empty page: the page itself goes once the list of projects does not name it."""
        before = self._run.mirror.catalogue.published(entry.name)
        serial = entry.promised if entry.promised is not None else entry.serial
        gone = replace(
            entry, indexed=False, departing=True, validators=Validators(), digest="", serial=serial,
            missing_since=self._run.now if entry.missing_since is None else entry.missing_since,
        )  # fmt: skip
        leaving = tuple(key for one in before.held for key in layout.keys_of(entry.name, one))
        return Ready(Commit(gone, replace(before, held=()), leaving), Project(entry.name, serial=serial))
