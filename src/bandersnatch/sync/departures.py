"""What leaves the mirror: whether so much can be right is judged over the whole run."""

from __future__ import annotations

from collections.abc import Sequence

from bandersnatch import layout
from bandersnatch.catalogue.base import Commit, Entry, Failure, Leaving
from bandersnatch.model import Project, Validators
from bandersnatch.plan import Cause, Policy
from bandersnatch.sync.run import Gone, Outcome, Prepared, Ready, Run, failure
from bandersnatch.sync.settle import settle
from bandersnatch.values import replace

AT_ONCE = 64


class Departures:
    """Holds back what is gone until all projects were asked; past the brake it removes nothing. Blocks."""

    def __init__(self, run: Run, *, accepted: bool) -> None:
        self._run = run
        self._accepted = accepted
        self._gone: list[Gone] = []
        self._published: int | None = None
        self._held_back = 0
        """Projects that earlier runs held back and that this one has not come to yet."""
        self.refused = ""
        """Why nothing is removed; empty as long as the brake has nothing against it."""

    def hold(self, batch: Sequence[Outcome]) -> list[Outcome]:
        """The outcomes of *batch* that can be settled now."""
        gone = [one for one in batch if isinstance(one, Gone)]
        rest: list[Outcome] = [one for one in batch if not isinstance(one, Gone)]
        if not gone:
            return rest
        self._gone += gone
        self._judge(gone)
        if self.refused:
            rest += [self._refuse(one) for one in self._gone]
            self._gone = []
        return rest

    def settle(self) -> None:
        """Take the projects off their pages: all of them, since the brake would have spoken by now."""
        for first in range(0, len(self._gone), AT_ONCE):
            settle([self._depart(one) for one in self._gone[first : first + AT_ONCE]], self._run)
        self._gone = []

    def _judge(self, gone: Sequence[Gone]) -> None:
        mirror = self._run.mirror
        if self._published is None:
            self._published = mirror.catalogue.totals().projects
            self._held_back, _ = mirror.catalogue.held_back()
        self._held_back -= sum(one.entry.losing > 0 for one in gone)
        leaving = len(self._gone) + max(0, self._held_back)
        if not self._accepted and mirror.rules.brake.refuses(leaving, self._published):
            self.refused = _too_much(f"{leaving} or more of {self._published} projects would leave")

    def _refuse(self, gone: Gone) -> Failure:
        held = len(self._run.mirror.catalogue.published(gone.entry.name).held)
        return failure(gone.entry, f"{_why(gone)}; {self.refused}", self._run.now, losing=max(1, held))

    def _depart(self, gone: Gone) -> Ready:
        """The project with an empty page: the page itself goes once the list of projects does not name it."""
        entry = gone.entry
        before = self._run.mirror.catalogue.published(entry.name)
        serial = entry.promised if entry.promised is not None else entry.serial
        since = entry.missing_since
        if gone.cause is Cause.DELETED and since is None:
            since = self._run.now
        new = replace(
            entry,
            indexed=False,
            departing=True,
            validators=Validators(),
            digest="",
            serial=serial,
            missing_since=since,
            suspect=False,
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
    Projects whose page loses files take their turn last, when it is known how much leaves in all.

    They are prepared once more then: to hold back a name costs nothing, to hold back a page would. What was held
    back in earlier runs counts, so that what is too much in one run cannot go bit by bit.
    """

    def __init__(self, run: Run, *, accepted: bool) -> None:
        """Blocks."""
        catalogue = run.mirror.catalogue
        totals = catalogue.totals()
        self._run = run
        self._accepted = accepted
        self._held = totals.files
        self._published = totals.projects
        self._emptied, self._files = catalogue.held_back()
        self._waiting: list[tuple[Entry, int]] = []
        self.refused = ""
        """Why no file leaves; empty as long as the brake has nothing against it."""

    @property
    def waiting(self) -> list[Entry]:
        """The projects whose turn comes last."""
        return [entry for entry, _ in self._waiting]

    def postpone(self, prepared: Prepared) -> Sequence[Failure] | None:
        """
        None if the project need not wait for the others.

        Otherwise what is to be settled now: nothing as long as all may leave, or all that is refused.
        """
        losing = len(prepared.leaving)
        self._count(prepared, losing)
        if self._accepted or not losing:
            return None
        self._waiting.append((prepared.entry, losing))
        brake = self._run.mirror.rules.brake
        if brake.refuses_files(self._files, self._held):
            self.refused = _too_much(f"{self._files} of {self._held} files would leave their pages")
        elif brake.refuses(self._emptied, self._published):
            self.refused = _too_much(f"nothing would be left of {self._emptied} of {self._published} projects")
        return self._refuse() if self.refused else ()

    def _count(self, prepared: Prepared, losing: int) -> None:
        """Count what leaves now in place of what was held back of the same project before."""
        before, all_ = prepared.entry.losing, len(prepared.before.held)
        self._files += losing - before
        self._emptied += (0 < all_ <= losing) - (0 < all_ <= before)

    def _refuse(self) -> Sequence[Failure]:
        waiting, self._waiting = self._waiting, []
        return [failure(entry, self.refused, self._run.now, losing=losing) for entry, losing in waiting]


def _too_much(what: str) -> str:
    return f"{what}, more than [removal] allows, so none was removed. If that is right, run once with --accept-removals"
