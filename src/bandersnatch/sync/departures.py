"""What leaves the mirror: whether so much can be right is judged over the whole run."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock

from bandersnatch import layout
from bandersnatch.catalogue.base import Catalogue, Commit, Entry, Failure, Leaving
from bandersnatch.model import Project, Validators
from bandersnatch.plan import Brake, Cause, Policy
from bandersnatch.sync.run import Gone, Outcome, Prepared, Ready, Run, failure
from bandersnatch.sync.settle import settle
from bandersnatch.values import replace

AT_ONCE = 64


class Reckoning:
    """
    How much leaves in all, and whether that is too much: of a run, or of the plan of one. Safe for several threads.

    What earlier runs held back counts until this one comes to it, so that what is too much in one run cannot go bit by
    bit.
    """

    def __init__(self, catalogue: Catalogue, brake: Brake) -> None:
        """Blocks."""
        totals = catalogue.totals()
        self._lock = Lock()
        self._brake = brake
        self._held = totals.files
        self.published = totals.projects
        self._emptied, self._files = catalogue.held_back()
        self._held_back = self._emptied
        """Projects of which nothing was to be left in earlier runs, and that this one has not come to."""
        self._gone = 0
        self._is_any_lost = False

    @property
    def gone(self) -> int:
        """Projects that leave, as far as is known by now."""
        return self._gone + max(0, self._held_back)

    def leaves(self, entry: Entry, held: int) -> None:
        """The whole project leaves, with the files that are held."""
        with self._lock:
            self._come_to(entry, held)
            self._gone += 1

    def loses(self, entry: Entry, losing: int, held: int) -> None:
        """The project's page loses so many of the files that are held."""
        with self._lock:
            self._come_to(entry, held)
            self._files += losing
            self._emptied += 0 < held <= losing
            self._is_any_lost = self._is_any_lost or losing > 0

    def are_too_many_gone(self) -> bool:
        """Whether the brake refuses that so many projects leave; where none does, it has nothing to say."""
        return self._gone > 0 and self._brake.refuses(self.gone, self.published)

    def too_many_lost(self) -> str:
        """Of what pages lose that is too much; empty if they lose nothing, or the brake has nothing against it."""
        if self._is_any_lost and self._brake.refuses_files(self._files, self._held):
            return f"{self._files} of {self._held} files would leave their pages"
        if self._is_any_lost and self._brake.refuses(self._emptied, self.published):
            return f"nothing would be left of {self._emptied} of {self.published} projects"
        return ""

    def _come_to(self, entry: Entry, held: int) -> None:
        """What was held back of the project before counts no more: now it is known what leaves."""
        if entry.losing:
            self._files -= entry.losing
            self._emptied -= entry.losing >= held
            self._held_back -= entry.losing >= held


class Departures:
    """Holds back what is gone until all projects were asked; past the brake it removes nothing. Blocks."""

    def __init__(self, run: Run, reckoning: Reckoning, *, accepted: bool) -> None:
        self._run = run
        self._reckoning = reckoning
        self._accepted = accepted
        self._gone: list[Gone] = []
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
        reckoning = self._reckoning
        for one in gone:
            reckoning.leaves(one.entry, self._held_by(one))
        if not self._accepted and reckoning.are_too_many_gone():
            self.refused = _too_much(f"{reckoning.gone} or more of {reckoning.published} projects would leave")

    def _refuse(self, gone: Gone) -> Failure:
        losing = max(1, self._held_by(gone))
        return failure(gone.entry, f"{_why(gone)}; {self.refused}", self._run.now, losing=losing)

    def _held_by(self, gone: Gone) -> int:
        return len(self._run.mirror.catalogue.published(gone.entry.name).held)

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

    They are prepared once more then: to hold back a name costs nothing, to hold back a page would.
    """

    def __init__(self, run: Run, reckoning: Reckoning, *, accepted: bool) -> None:
        self._run = run
        self._reckoning = reckoning
        self._accepted = accepted
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
        self._reckoning.loses(prepared.entry, losing, len(prepared.before.held))
        if self._accepted or not losing:
            return None
        self._waiting.append((prepared.entry, losing))
        too_much = self._reckoning.too_many_lost()
        if too_much:
            self.refused = _too_much(too_much)
        return self._refuse() if self.refused else ()

    def _refuse(self) -> Sequence[Failure]:
        waiting, self._waiting = self._waiting, []
        return [failure(entry, self.refused, self._run.now, losing=losing) for entry, losing in waiting]


def _too_much(what: str) -> str:
    return f"{what}, more than [removal] allows, so none was removed. If that is right, run once with --accept-removals"
