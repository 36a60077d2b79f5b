"""What another configuration makes of a mirror: what failed is tried again, and the selection is asked anew."""

from __future__ import annotations

from itertools import islice

from bandersnatch import plan
from bandersnatch.catalogue.base import Known
from bandersnatch.model import Project
from bandersnatch.selection import Context
from bandersnatch.sync.context import LONG_AGO
from bandersnatch.sync.mirror import Mirror
from bandersnatch.sync.page import strict

ASK_LIST = "list-ask"
"""
The fact that is set while the rules are others than those that the last list was believed under: neither a changelog
will do then, nor a part of a list.
"""

AT_ONCE = 5000
"""Projects that the selection is asked about between two writes to the catalogue."""

UNREAD = "list-unread"
"""The fact that holds since when the list cannot be read, so that named projects do without it for a day."""

REACH = "upstream-reach"
"""The fact that holds the digest of the keys that say how upstream is reached."""


def note_reach(mirror: Mirror, now: float) -> None:
    """What failed is tried at once, and not when its wait is over, if upstream is reached in another way. Blocks."""
    before = mirror.catalogue.get(REACH)
    if before != mirror.rules.reach:
        mirror.catalogue.set({REACH: mirror.rules.reach, UNREAD: None})
        if before is not None:
            mirror.catalogue.cut_waits(now)


def note_rules(mirror: Mirror, now: float) -> bool:
    """Whether the rules are others than in the last run; then each project whose part could change is due. Blocks."""
    if mirror.catalogue.get("rules") == mirror.digest:
        return False
    _reselect(mirror, now)
    old = ("list-etag", "list-modified", "list-long", UNREAD)
    facts: dict[str, str | None] = {**dict.fromkeys(old), ASK_LIST: "1"}
    mirror.catalogue.set({"rules": mirror.digest, **facts})
    return True


def _reselect(mirror: Mirror, now: float) -> None:
    """Ask the selection about every project that is known: one pass, whatever the rules are."""
    known = mirror.catalogue.known()
    while part := list(islice(known, AT_ONCE)):
        wanted = {one.name for one in part if mirror.selection.wants(one.name)}
        due = [one.name for one in part if one.name in wanted and _is_other(one, mirror)]
        leaving = [one.name for one in part if one.name not in wanted and _leaves(one, mirror, now)]
        staying = sorted({one.name for one in part} - wanted - set(leaving))
        mirror.catalogue.reselect(due, leaving, now, leave=True)
        mirror.catalogue.reselect([], staying, now, leave=False)


def _leaves(known: Known, mirror: Mirror, now: float) -> bool:
    """Whether anything of a project that is not selected has to leave."""
    if mirror.rules.policies.deselected is not plan.Policy.KEEP:
        return True
    if not known.published:
        return False
    held = mirror.catalogue.published(known.name).held
    if not held:
        return True  # a page that links upstream's files, and there is nothing here to be kept
    rules = strict(mirror.selection)
    told = Context(now, {one.file.sha256: LONG_AGO for one in held})
    return bool(rules.apply(Project(known.name, tuple(one.file for one in held)), told).dropped)


def _is_other(known: Known, mirror: Mirror) -> bool:
    """Whether the rules may have another answer than when they were last asked; a new project is due anyway."""
    asked = known.published or known.selection != ""
    return asked and (not known.wanted or not mirror.has_asked(known.name, known.selection))
