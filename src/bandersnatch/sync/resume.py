"""What the last run left undone, taken up before this one begins."""

from __future__ import annotations

from bandersnatch.catalogue.base import Leaving
from bandersnatch.sync.mirror import Mirror

CUT_OFF = "a run was cut off before its page was committed"
"""Why what nothing links leaves."""

ANY_DIGEST = "any-digest"
"""The fact that is set once pages that list nothing were looked at by a program that takes more than SHA-256."""


def resume(mirror: Mirror, now: float, *, full: bool) -> None:
    """
    See to what the last run left undone. Blocks.

    If it could not record all that it published, nobody knows what is published of what is due. What it made visible
    and did not commit leaves, unless this run commits it. And what it named is not on the disk for certain.
    """
    storage, catalogue = mirror.storage, mirror.catalogue
    if catalogue.get(ANY_DIGEST) is None:
        catalogue.doubt_empty(now)
        catalogue.set({ANY_DIGEST: "1"})
    last = catalogue.last_runs(1)
    was_cut_off = bool(last) and last[0].outcome in ("", "disk", "failed")
    if was_cut_off:
        catalogue.doubt()
    if was_cut_off or full or (not last and next(storage.keys(), None) is not None):
        storage.synchronise()
    expected = list(catalogue.expected())
    if expected:
        visible = {key for _, key in expected if storage.stat(key) is not None}
        for _, key in expected:
            if key not in visible:
                storage.delete(key)  # the folders that were made for it
        catalogue.abandon([Leaving(key, name, CUT_OFF) for name, key in expected if key in visible])
