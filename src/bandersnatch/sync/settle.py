"""Making it true: files durable and visible, then the pages that link them, then the catalogue that vouches for them.

The order is the whole of the crash safety: cut off anywhere, what is visible is consistent, and the next run does
again what was not committed. A batch of projects shares each synchronisation of the disk. Everything here blocks.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator, Sequence

from bandersnatch import layout, publish
from bandersnatch.catalogue.base import Commit, Failure, Leaving
from bandersnatch.errors import StorageError
from bandersnatch.storage.base import Removal
from bandersnatch.sync import events
from bandersnatch.sync.run import Kept, Outcome, Ready, Run, Unchanged, ends_the_run, failure
from bandersnatch.sync.sweep import delete_pages
from bandersnatch.values import replace

UNMADE = "pages of its kind are not published any more"


def settle(batch: Sequence[Outcome], run: Run) -> None:
    """Publish and commit what a batch of projects came to. Raises only what ends the whole run."""
    ready = [one for one in batch if isinstance(one, Ready)]
    commits, failures = make_visible(ready, run)
    if failures:
        # Part of their pages may be visible: the next try looks.
        run.mirror.catalogue.suspect([one.name for one in failures], run.now, files=False)
    failures += [one for one in batch if isinstance(one, Failure)]
    unchanged = [one.name for one in batch if isinstance(one, Unchanged)]
    catalogue = run.mirror.catalogue
    leaving = [one for commit in commits for one in commit.leaving]
    if commits:
        catalogue.commit(commits)
        take_off(leaving, run)
    if unchanged:
        catalogue.unchanged(unchanged, run.now)
    kept = [one.name for one in batch if isinstance(one, Kept)]
    if kept:
        catalogue.keep(kept)
    if failures:
        catalogue.fail(failures, run.now)
    left = [one for one in leaving if one.reason != UNMADE]
    run.mirror.journal.write([Removal(run.now, "left", one.project, one.key, one.reason) for one in left])
    for event in _events(commits, failures, [*unchanged, *kept]):
        run.tell(event)


def make_visible(ready: Sequence[Ready], run: Run) -> tuple[list[Commit], list[Failure]]:
    """Make the files of all visible, then the pages of all; one by one once the disk has refused anything."""
    if not ready:
        return [], []
    if not run.health.is_disk_doubtful:
        try:
            run.mirror.storage.settle()
            commits = [_stage_pages(one, run) for one in ready]
            run.mirror.storage.settle()
            return commits, []
        except StorageError as error:
            if ends_the_run(error):
                raise
            # What other projects had staged by now may be lost with what failed: from here on, each is looked at.
            run.health.doubt_disk()
    return _publish_one_by_one(ready, run)


def _publish_one_by_one(ready: Sequence[Ready], run: Run) -> tuple[list[Commit], list[Failure]]:
    """So that a folder which one project may not write to does not hold back the others of its batch."""
    commits: list[Commit] = []
    failures: list[Failure] = []
    for one in ready:
        entry = one.commit.entry
        try:
            _settle_all(run)
            _refuse_absent(one, run)
            commit = _stage_pages(one, run)
            run.mirror.storage.settle()
            commits.append(commit)
        except StorageError as error:
            if ends_the_run(error):
                raise
            failures.append(failure(entry, str(error), run.now))
    return commits, failures


def _settle_all(run: Run) -> None:
    """Make visible whatever can be: an object that fails is not this project's, or ``_refuse_absent`` tells."""
    try:
        run.mirror.storage.settle()
    except StorageError as error:
        if ends_the_run(error):
            raise


def _refuse_absent(one: Ready, run: Run) -> None:
    """Raises StorageError unless storage has every file of the project, with its companions."""
    for held in one.commit.published.held:
        for key in layout.keys_of(one.commit.entry.name, held):
            stat = run.mirror.storage.stat(key)
            if stat is None or (key == layout.file_key(held.file) and stat.size != held.size):
                raise StorageError(f"{key} could not be stored", key=key, errno=errno.ENOENT)


def _stage_pages(one: Ready, run: Run) -> Commit:
    commit = one.commit
    if one.shown is None:
        return commit
    held = publish.linked(one.shown.files) if one.index_only else commit.published.held
    pages = publish.project(
        one.shown,
        commit.entry.display,
        held,
        commit.published.pages,
        run.mirror.output,
        trust=one.trusted,
        upstream_files=one.index_only,
    )
    makes = run.mirror.rules.publish.makes
    unmade = [Leaving(key, reason=UNMADE) for key, _ in commit.published.pages if not makes(key)]
    return replace(commit, published=replace(commit.published, pages=pages), leaving=(*commit.leaving, *unmade))


def take_off(leaving: Iterable[Leaving], run: Run) -> None:
    """
    Delete the pages among what is *leaving* that are of a kind that is not made any more, unless the disk is in doubt.

    By now no record vouches for them, and until they are gone they stay on the list of what leaves: so nothing calls
    them damaged or unknown, and a later run takes off what this one does not come to.
    """
    pages = [one.key for one in leaving if not run.mirror.rules.publish.makes(one.key)]
    if not pages or run.health.is_disk_doubtful:
        return
    try:
        stuck = delete_pages(pages, run.mirror)
    except StorageError as error:
        if ends_the_run(error):
            raise
        run.health.doubt_disk()
        return
    run.mirror.catalogue.left([key for key in pages if key not in stuck])
    if stuck:
        what = f"of the pages that are not published any more {len(stuck)} cannot be deleted; each run tries again"
        run.tell(events.Warned(f"{what}: {next(iter(stuck.values()))}"))


def _events(commits: Sequence[Commit], failures: Sequence[Failure], unchanged: Sequence[str]) -> Iterator[events.Event]:
    for commit in commits:
        if commit.entry.departing:
            yield events.Removed(commit.entry.name, _why(commit))
        else:
            yield events.Refreshed(commit.entry.name, commit.entry.serial, len(commit.published.held))
    for name in unchanged:
        yield events.Confirmed(name)
    late = [commit.failure for commit in commits if commit.failure is not None]
    for one in (*failures, *late):
        yield events.FellBehind(one.name, one.reason, one.tries == 1, one.next_try)


def _why(commit: Commit) -> str:
    """Why a project leaves, in the word of what left its page last."""
    if commit.entry.wanted and commit.entry.missing_since is None:
        return "nothing of it is selected any more"
    return "upstream does not have it any more" if commit.entry.wanted else "it is not selected any more"
