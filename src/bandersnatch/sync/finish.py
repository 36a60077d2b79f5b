"""After the projects: the list of projects, what upstream removed, the date, and, last of all, the sweep."""

from __future__ import annotations

from datetime import UTC, datetime

from bandersnatch import layout, publish
from bandersnatch.sync.mirror import Mirror
from bandersnatch.sync.run import Run
from bandersnatch.sync.sweep import sweep

INDEX_STALE = "index-stale"
"""The fact that a commit sets when the list of projects has to be written anew."""

INDEX_MADE_FROM = "index-made-from"
"""The fact that holds what else the published list of projects depends on: its serial, and the way of publishing."""


def finish(run: Run, *, reached: bool, believed: bool) -> None:
    """
    Publish the list of projects, then take down the pages that it no longer names, then sweep. Blocks.

    Nothing is swept in a run that did not reach upstream (*reached*), or to which upstream gave a list of projects that
    could not be *believed*: such a run knows too little to delete.
    Raises StorageError and CatalogueError.
    """
    mirror = run.mirror
    publish_index(mirror, anew=run.full)
    take_down(mirror)
    if reached:
        mirror.storage.put((layout.LAST_MODIFIED,), date(run.now))
        mirror.storage.settle()
    if reached and believed:
        sweep(mirror, run.now)


def publish_index(mirror: Mirror, *, anew: bool = False) -> None:
    """Publish the list of projects, only if it is to change or is not there, or *anew*. Blocks."""
    catalogue = mirror.catalogue
    serial = catalogue.serial()
    here = mirror.storage.stat(layout.index_keys()["json"][0]) is not None
    made_from = f"{serial} {mirror.rules.publish.fingerprint}"
    if here and not anew and catalogue.get(INDEX_STALE) is None and catalogue.get(INDEX_MADE_FROM) == made_from:
        return
    publish.index(catalogue.index, serial, mirror.output)
    mirror.storage.settle()
    catalogue.set({INDEX_STALE: None, INDEX_MADE_FROM: made_from})


def take_down(mirror: Mirror) -> None:
    """Take down the pages that the list of projects no longer names. Blocks."""
    departing = mirror.catalogue.departing()
    for name in departing:
        publish.remove(mirror.catalogue.published(name).pages, mirror.storage)
    if departing:
        mirror.storage.settle()
        mirror.catalogue.retire(departing)


def date(now: float) -> bytes:
    """PEP 381's ``last-modified``, in the form that mirrors have always written: when the run began, UTC."""
    return datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H:%M:%S\n").encode()
