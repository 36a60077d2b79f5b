"""What leaves the mirror: whether so much can be right is judged over the whole run."""

from __future__ import annotations

from collections.abc import Sequence

from bandersnatch import layout
from bandersnatch.catalogue.base import Catalogue, Commit, Entry, Leaving
from bandersnatch.model import Project, Validators
from bandersnatch.plan import Brake, Cause, Policy, is_too_much
from bandersnatch.sync.fetch import fetch
from bandersnatch.sync.page import prepare
from bandersnatch.sync.room import Keeping
from bandersnatch.sync.run import HELD_BACK, Gone, Outcome, Prepared, Ready, Run, failure
from bandersnatch.values import replace


class Reckoning:
    """
    How much leaves in all, and whether that is too much: of a run, or of the plan of one.

    What earlier runs held back counts until this one comes to it, so that what is too much in one run cannot go bit by
    bit.
    """

    def __init__(self, catalogue: Catalogue, brake: Brake) -> None:
        """Blocks."""
        totals = catalogue.totals()
        self._brake = brake
        self._held = totals.files
        self._published = totals.projects
        self._projects_held_back, self._files_held_back = catalogue.held_back()
        """What was to leave in earlier runs, of projects that this one has not come to."""
        self._projects = self._files = 0
        """Projects of which nothing is left, and files that leave the pages of projects that stay."""
        self._fewer = 0
        """By so many files the mirror shrinks: what comes in place of others is no loss."""
        self._is_any_lost = False

    def leaves(self, entry: Entry, held: int) -> None:
        """The whole project leaves, with the files that are held."""
        self._come_to(entry, held)
        self._projects += 1
        self._fewer += held
        self._is_any_lost = True

    def loses(self, page: Prepared) -> None:
        """What the project's page loses."""
        held, losing = len(page.before.held), len(page.leaving)
        if page.is_quarantined:
            held = max(held, page.entry.losing)  # what it lost when it was kept on the list
        self._come_to(page.entry, held)
        self._files += losing
        self._projects += page.vanishes
        self._fewer += max(0, held - len(page.shown.files))
        self._is_any_lost = self._is_any_lost or losing > 0 or page.vanishes

    def too_much(self, *, so_far: bool = False) -> str:
        """
        Of what leaves that is too much; empty if nothing does, or the brake has nothing against it.

        *so_far*: some projects are still to come, and those that were held back may be among them.
        """
        if not self._is_any_lost:
            return ""
        projects, files, fewer = self._projects, self._files, self._fewer
        if not so_far:
            projects += max(0, self._projects_held_back)
            files += self._files_held_back
            fewer += self._files_held_back
        if self._brake.refuses(projects, self._published):
            return f"nothing would be left of {projects} of {self._published} projects, more than [removal] allows"
        if self._brake.refuses_files(files, self._held):
            return f"{files} of {self._held} files would leave their pages, more than [removal] allows"
        if is_too_much(fewer, self._held):
            return f"{fewer} of {self._held} files would leave the mirror, more than a third of it"
        return ""

    def _come_to(self, entry: Entry, held: int) -> None:
        """What was held back of the project before counts no more: now it is known what leaves."""
        if entry.losing:
            self._files_held_back -= entry.losing
            self._projects_held_back -= entry.losing >= held


class Departures:
    """
    Projects that leave, or whose page loses something, take their turn last, when it is known how much leaves in all.

    Beyond ``room.KEPT``, pages are prepared once more then. What is in quarantine is not offered, whatever the brake
    says: that holds back only that it leaves the list.
    """

    def __init__(self, run: Run, reckoning: Reckoning, *, accepted: bool) -> None:
        self._run = run
        self._reckoning = reckoning
        self._accepted = accepted
        self._waiting: list[tuple[Entry | Prepared | Gone, int]] = []
        self._keeping = Keeping()
        self._quarantined: set[str] = set()
        self.refused = ""
        """Why nothing leaves; empty as long as the brake has nothing against it."""

    @property
    def waiting(self) -> list[Entry | Prepared | Gone]:
        """What takes its turn last."""
        return [one for one, _ in self._waiting]

    async def postpone(self, one: Prepared | Gone) -> bool:
        """Whether the project has to wait for the others, or is refused."""
        if self._accepted:
            return False
        if isinstance(one, Gone):
            before = await self._run.lane.ask(self._run.mirror.catalogue.published, one.entry.name)
            self._reckoning.leaves(one.entry, len(before.held))
            self._waiting.append((one, max(1, len(before.held))))
            return True
        self._reckoning.loses(one)
        losing = max(len(one.leaving), int(one.vanishes))
        if one.is_quarantined and losing:
            losing = max(losing, one.entry.losing)
            self._quarantined.add(one.entry.name)
        if losing:
            self._waiting.append((self._keeping.keep(one), losing))
        return losing > 0

    async def refuse(self, *, so_far: bool = False) -> Sequence[Outcome]:
        """What becomes of all that waits, once it is too much; nothing as long as it may leave."""
        too_much = self._reckoning.too_much(so_far=so_far)
        if too_much:
            self.refused = f"{too_much}, so none was removed. If that is right, run once with --accept-removals"
        if not self.refused:
            return ()
        waiting, self._waiting = self._waiting, []
        return [await self._hold_back(one, losing) for one, losing in waiting]

    async def _hold_back(self, one: Entry | Prepared | Gone, losing: int) -> Outcome:
        """The run has the numbers, which are of all projects and known at its end; a project's own mean nothing."""
        entry = one if isinstance(one, Entry) else one.entry
        if entry.name in self._quarantined:
            page = await prepare(entry, self._run) if isinstance(one, Entry) else one
            if isinstance(page, Prepared) and page.is_quarantined:
                return await fetch(replace(page, held_back=losing), self._run)
        reason = f"{_why(one)}; {HELD_BACK}" if isinstance(one, Gone) else HELD_BACK
        return failure(entry, reason, self._run.now, losing=losing)


def depart(gone: Gone, run: Run) -> Ready:
    """The project with an empty page: the page itself goes once the list of projects does not name it. Blocks."""
    entry = gone.entry
    before = run.mirror.catalogue.published(entry.name)
    serial = entry.promised if entry.promised is not None else entry.serial
    since = entry.missing_since
    if gone.cause is Cause.DELETED and since is None:
        since = run.now
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
    hidden = run.mirror.rules.policies.of(gone.cause) is Policy.HIDE
    leaving = tuple(
        Leaving(key, entry.name, str(gone.cause), hidden)
        for one in before.held
        for key in layout.keys_of(entry.name, one)
    )
    commit = Commit(new, replace(before, held=(), seen=()), leaving)
    return Ready(commit, Project(entry.name, serial=serial), run.trusts(entry))


def _why(gone: Gone) -> str:
    return "it is not selected any more" if gone.cause is Cause.DESELECTED else "upstream has no page for it any more"
