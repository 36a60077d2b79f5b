"""Items that match nothing."""

from __future__ import annotations

from bandersnatch.selection import Items, Selection
from bandersnatch.selection.files import MaxProjectSize
from bandersnatch.selection.releases import AtLeast, AtMost
from bandersnatch.sync.unmatched import Unmatched
from tests.selection.samples import items


def test_exempt_projects_are_named_once() -> None:
    """A project that is exempt and does not exist is told, once where two rules share the list."""
    counted = items("alpha", "betta", key="releases.count-exempt")
    large = items("gam*", key="files.max-project-size-exempt")
    rules = (AtLeast(1, exempt=counted), AtMost(9, exempt=counted), MaxProjectSize(1, exempt=large))
    unmatched = Unmatched(Selection(everything=True, items=Items(), rules=rules))
    unmatched.absorb(["alpha", "beta"])
    assert [one.message for one in unmatched.warnings()] == [
        "releases.count-exempt = betta: upstream has no project of this name; did you mean beta?",
        "files.max-project-size-exempt = gam*: no project of upstream has a name that matches",
    ]
