"""Pages of an older form are made anew from what is known of them, without a question to upstream.

Another version of this program may write its pages in another way, and so do other keys under ``[publish]``; the facts
are the same. The catalogue has those of the files. What it does not keep (the project's status, the spelling of
versions, upstream's files where only the page is wanted) is on the published page in JSON, whose digest it has.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from itertools import islice
from math import inf

from bandersnatch import layout, publish
from bandersnatch.catalogue.base import Commit, Entry, Published
from bandersnatch.errors import BadContent
from bandersnatch.model import Held, Project
from bandersnatch.simple import json
from bandersnatch.sync import events
from bandersnatch.sync.found import MAX_PAGE, NOWHERE
from bandersnatch.sync.mirror import Mirror
from bandersnatch.sync.run import Ready, Run, failure
from bandersnatch.sync.settle import make_visible, take_off
from bandersnatch.values import replace

FORM = "pages-form"
"""The fact that holds the form that all pages have, once they have."""

AT_ONCE = 64

MOST = 500
"""Batches in one run, some minutes' work: what upstream has meanwhile waits no longer than that for the next."""

FILES_END = "packages0"
"""A key that stands between those of all files, with what lies beside them, and those of all pages."""

TOLD = 10_000
"""After so many projects it is told how far it is."""

DAMAGED = "its page is to be made anew in another form, and the published one is not what was published"


async def reform(run: Run) -> None:
    """
    Publish pages of an older form in the present one, until the run had its share or the disk is in doubt.

    The next run goes on, also after a cut. Raises what ends a run.
    """
    await asyncio.to_thread(_take_off_rest, run)
    batches, count = islice(_old_pages(run.mirror), MOST), 0
    while not run.health.is_disk_doubtful and (batch := await asyncio.to_thread(next, batches, None)):
        working = asyncio.ensure_future(asyncio.to_thread(_reform, batch, run))
        try:
            before, count = count, count + await asyncio.shield(working)
        except asyncio.CancelledError:
            await working  # what was made visible is committed, too
            raise
        if count // TOLD > before // TOLD:
            run.tell(events.Reformed(count))
    if count % TOLD:
        run.tell(events.Reformed(count))


def _take_off_rest(run: Run) -> None:
    """Take off pages that earlier runs took out of the record and did not come to delete. Blocks."""
    take_off(islice(run.mirror.catalogue.leaving(inf, after=FILES_END), MOST * AT_ONCE), run)


def _old_pages(mirror: Mirror) -> Iterator[list[Entry]]:
    """
    The projects whose pages have an older form, in batches. Blocks.

    Pages that are in doubt are left out: they are due, and get their form with their facts.
    """
    if mirror.catalogue.get(FORM) == mirror.rules.publish.fingerprint:
        return
    mirror.catalogue.set({FORM: None})  # from here on some have one form, some another, whichever is wanted next
    old = _of_older_form(mirror)
    while names := list(islice(old, AT_ONCE)):
        yield [entry for name in names if (entry := mirror.catalogue.entry(name)) is not None]
    mirror.catalogue.set({FORM: mirror.rules.publish.fingerprint})


def _of_older_form(mirror: Mirror) -> Iterator[str]:
    known = mirror.catalogue.known()
    return (one.name for one in known if one.published and one.selection and not mirror.has_form(one.selection))


def outlook(mirror: Mirror) -> tuple[int, int]:
    """Of how many projects the pages are to be made anew, and how many pages go with that, for good. Blocks."""
    if mirror.catalogue.get(FORM) == mirror.rules.publish.fingerprint:
        return 0, 0
    makes = mirror.rules.publish.makes
    unmade = [
        sum(not makes(key) for key, _ in mirror.catalogue.published(name).pages) for name in _of_older_form(mirror)
    ]
    return len(unmade), sum(unmade)


def _reform(batch: Sequence[Entry], run: Run) -> int:
    """
    Publish the pages of *batch* in the present form, and return how many were. Blocks.

    A page that cannot be made anew is behind: a later run asks upstream for it.
    """
    mirror, ready, failures = run.mirror, [], []
    for entry in batch:
        before = mirror.catalogue.published(entry.name)
        shown = _shown(entry.name, before, mirror) if entry.published and not entry.departing else None
        if shown is not None:
            new = replace(entry, selection=mirror.in_present_form(entry.name, entry.selection))
            ready.append(Ready(Commit(new, before), shown, index_only=_held(shown, before)[1]))
        elif entry.published and not entry.departing:
            failures.append(failure(entry, DAMAGED, run.now))
    mirror.catalogue.expect({one.commit.entry.name: _new_keys(one, mirror) for one in ready})
    commits, failed = make_visible(ready, run)
    mirror.catalogue.reform(commits)
    take_off((one for commit in commits for one in commit.leaving), run)
    failures += failed
    if failures:
        mirror.catalogue.suspect([one.name for one in failures], run.now, files=False)
        mirror.catalogue.fail(failures, run.now)
    for one in failures:
        run.tell(events.FellBehind(one.name, one.reason, one.tries == 1, one.next_try))
    return len(commits)


def _shown(name: str, before: Published, mirror: Mirror) -> Project | None:
    """
    The project as its published page says it; None if that is not the page that was published.

    After a cut it may have the present form already though the catalogue has not heard of it: then what it says makes
    just this page again.
    """
    key = layout.page_keys(name)["json"][0]
    data = mirror.storage.read(key, MAX_PAGE)
    if data is None:
        return None
    try:
        shown = json.parse(data, NOWHERE + key, name)
    except BadContent:
        return None
    if dict(before.pages).get(key) == publish.page_digest(data):
        return shown
    held, linked = _held(shown, before)
    return shown if publish.page_in_json(shown, held, mirror.rules.publish, upstream_files=linked) == data else None


def _held(shown: Project, before: Published) -> tuple[tuple[Held, ...], bool]:
    """The files on the page, and whether they are upstream's own (of which the mirror holds none)."""
    linked = bool(shown.files) and not before.held
    return (publish.linked(shown.files) if linked else before.held), linked


def _new_keys(one: Ready, mirror: Mirror) -> list[str]:
    """What becomes visible that the catalogue does not vouch for yet."""
    assert one.shown is not None
    held, linked = _held(one.shown, one.commit.published)
    known = dict(one.commit.published.pages)
    keys = publish.keys(one.shown, held, mirror.rules.publish, upstream_files=linked)
    return [key for key in keys if key not in known]
