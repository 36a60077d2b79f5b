"""A project's page as it is served now: what its next page takes over where upstream is not asked."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from bandersnatch import layout
from bandersnatch.errors import BadContent, StorageError
from bandersnatch.model import Held, Project
from bandersnatch.plan import with_files
from bandersnatch.simple import json
from bandersnatch.sync import events
from bandersnatch.sync.mirror import Mirror
from bandersnatch.sync.run import Health, Ready, Run
from bandersnatch.sync.settle import settle
from bandersnatch.verify.base import Record
from bandersnatch.verify.links import ROOT
from bandersnatch.verify.reading import LARGEST


def page_with(mirror: Mirror, record: Record, held: Iterable[Held]) -> Project:
    """The page of *record* with the files *held*: status and versions are those of the page that is served. Blocks."""
    key = layout.page_keys(record.name)["json"][0]
    page = record.project
    try:
        data = mirror.storage.read(key, LARGEST)
        if data is not None:
            page = json.parse(data, ROOT + key, record.name)
    except (BadContent, StorageError):
        pass  # it is written anew from what the catalogue knows
    return with_files(page, tuple(one.file for one in held), page.status)


def settle_now(mirror: Mirror, ready: Sequence[Ready], now: float) -> None:
    """
    Publish and commit what becomes of some projects, as a run does. Blocks.

    Raises StorageError, also for what would only make a project behind in a run: here somebody waits for it.
    """
    heard: list[events.Event] = []
    settle(ready, Run(mirror, now, False, heard.append, asyncio.Semaphore(1), Health()))
    meant = {one.commit.failure.reason for one in ready if one.commit.failure is not None}
    for event in heard:
        if isinstance(event, events.FellBehind) and event.reason not in meant:
            raise StorageError(f"{event.project}: {event.reason}")
