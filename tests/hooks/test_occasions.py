"""When a hook is called."""

from __future__ import annotations

import pytest

from bandersnatch.hooks.base import Hook, Occasion
from bandersnatch.hooks.occasions import occasions

ALL = tuple(Occasion)


def of(outcome: str, previous: str, *, behind: bool = False, changed: bool = False, repeat: bool = False) -> str:
    hook = Hook("demo", ALL, command=("true",), repeat=repeat)
    return " ".join(occasions(hook, outcome, previous, fell_behind=behind, changed=changed))


@pytest.mark.parametrize(
    ("outcome", "previous", "wanted"),
    [
        ("clean", "clean", "run"),
        ("clean", "", "run"),
        ("clean", "behind", "run recovered"),
        ("clean", "disk", "run recovered"),
        ("behind", "clean", "run behind"),
        ("behind", "behind", "run"),
        ("refused", "behind", "run refused"),
        ("unreachable", "clean", "run unreachable"),
        ("disk", "", "run disk"),
        ("disk", "disk", "run"),
    ],
)
def test_outcomes(outcome: str, previous: str, wanted: str) -> None:
    """How a run ended is told when it is new, and that all is well again."""
    assert of(outcome, previous) == wanted


def test_news() -> None:
    """A project that falls behind is news in every run, and so is what changed; repeat tells what lasts each time."""
    assert of("behind", "behind", behind=True) == "run behind"
    assert of("refused", "refused", behind=True) == "run behind"
    assert of("clean", "clean", changed=True) == "run changed"
    assert of("disk", "disk", repeat=True) == "run disk"


def test_only_what_is_wanted() -> None:
    """A hook is called for what it names, and not at all for anything else."""
    hook = Hook("demo", (Occasion.REFUSED,), command=("true",))
    assert occasions(hook, "refused", "clean", fell_behind=True, changed=True) == (Occasion.REFUSED,)
    assert occasions(hook, "clean", "clean", fell_behind=True, changed=True) == ()
