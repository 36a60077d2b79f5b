"""What leaves the mirror: whether so much can be right is judged over the whole run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bandersnatch import layout
from bandersnatch.catalogue.base import Commit, Entry, Leaving
from bandersnatch.model import Project, Validators
from bandersnatch.plan import Cause, Policy
from bandersnatch.sync.run import Gone, Outcome, Prepared, Ready, Run, failure
from bandersnatch.sync.settle import settle

AT_ONCE = 64


class Departures:
    """Holds back what is gone until all projects were asked; past the brake it removes nothing. Blocks."""

    def __init__(self, run: Run, *, accepted: bool) -> None:
        self._run = run
        self._accepted = accepted
        self._gone: list[Gone] = []
        self._published: int | None = None
        self.refused = ""
        """Why nothing is removed; empty as long as the brake has nothing against it."""

    def hold(self, batch: Sequence[Outcome]) -> list[Outcome]:
        """The outcomes of *batch* that can be settled now."""
        gone = [one for one in batch if isinstance(one, Gone)]
        rest: list[Outcome] = [one for one in batch if not isinstance(one, Gone)]
        if not gone:
            return rest
        self._gone += gone
        self._judge()
        if self.refused:
            rest += [failure(one.entry, f"{_why(one)}; {self.refused}", self._run.now) for one in self._gone]
            self._gone = []
        return rest

    def settle(self) -> None:
        """Take the projects off their pages: all of them, since the brake would have spoken by now."""
        for first in range(0, len(self._gone), AT_ONCE):
            settle([self._depart(one) for one in self._gone[first : first + AT_ONCE]], self._run)
        self._gone = []

    def _judge(self) -> None:
        mirror = self._run.mirror
        if self._published is None:
            self._published = mirror.catalogue.totals().projects
        if not self._accepted and mirror.rules.brake.refuses(len(self._gone), self._published):
            self.refused = (
                f"more projects would leave than [removal] allows ({len(self._gone)} or more of {self._published}), "
                "so none was removed. If that is right, run once with --accept-removals"
            )

    def _depart(self, gone: Gone) -> Ready:
        """The project with an empty page: the page itself goes once the list of projects does not name it."""
        entry = gone.entry
        before = self._run.mirror.catalogue.published(entry.name)
        serial = entry.promised if entry.promised is not None else entry.serial
        since = entry.missing_since
        if gone.cause is Cause.DELETED and since is None:
            since = self._run.now
        new = replace(
            entry, indexed=False, departing=True, validators=Validators(), digest="", serial=serial, missing_since=since
        )
        hidden = self._run.mirror.rules.policies.of(gone.cause) is Policy.HIDE
        leaving = tuple(
            Leaving(key, entry.name, str(gone.cause), hidden)
            for one in before.held
            for key in layout.keys_of(entry.name, one)
        )
        commit = Commit(new, replace(before, held=(), seen=()), leaving)
        return Ready(commit, Project(entry.name, serial=serial), self._run.trusts(entry))


def _why(gone: Gone) -> str:
    return "it is not selected any more" if gone.cause is Cause.DESELECTED else "upstream has no page for it any more"


class Losses:
    """
    Projects whose page loses files take their turn last, when it is known how many files leave in all.

    They are prepared once more then: to hold back a name costs nothing, to hold back a page would.
    """

    def __init__(self, run: Run, *, accepted: bool) -> None:
        self._run = run
        self._accepted = accepted
        self._files = 0
        self.entries: list[Entry] = []

    def postpone(self, prepared: Prepared) -> bool:
        """Whether the project has to wait until the others were looked at."""
        if self._accepted or not prepared.leaving:
            return False
        self._files += len(prepared.leaving)
        self.entries.append(prepared.entry)
        return True

    def judge(self) -> str:
        """Why no file may leave; empty if all may. Blocks."""
        held = self._run.mirror.catalogue.totals().files
        if not self._run.mirror.rules.brake.refuses_files(self._files, held):
            return ""
        return (
            f"{self._files} of {held} files would leave their pages, more than [removal] allows, so none was removed. "
            "If that is right, run once with --accept-removals"
        )
