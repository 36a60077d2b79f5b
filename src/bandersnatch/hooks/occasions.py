"""Which occasions a run is. Pure."""

from __future__ import annotations

from bandersnatch.hooks.base import Hook, Occasion

LASTING = frozenset({Occasion.BEHIND, Occasion.REFUSED, Occasion.UNREACHABLE, Occasion.DISK, Occasion.FAILED})
"""What may be so for many runs in a row."""


def occasions(hook: Hook, outcome: str, previous: str, *, fell_behind: bool, changed: bool) -> tuple[Occasion, ...]:
    """
    Why *hook* is to be called after a run that ended in *outcome*, the one before in *previous*; empty if it is not.

    *fell_behind*: whether a project is behind now that was not before. *changed*: whether there are changes that the
    hook has not been told.
    """
    lasting = [one for one in LASTING if one == outcome]
    news = {Occasion.RUN}
    news |= {one for one in lasting if previous != outcome or hook.repeat}
    news |= {Occasion.BEHIND} if fell_behind else set()
    news |= {Occasion.CHANGED} if changed else set()
    news |= {Occasion.RECOVERED} if outcome == "clean" and previous in LASTING else set()
    return tuple(one for one in Occasion if one in news and one in hook.on)
