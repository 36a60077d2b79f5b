"""Hooks, and what they are told."""

from __future__ import annotations

from bandersnatch.hooks.base import Hook, Occasion, Told
from bandersnatch.sync.events import Finished


def finished(outcome: str = "clean", reason: str = "") -> Finished:
    return Finished(
        outcome=outcome, reason=reason, seconds=1.0, refreshed=1, confirmed=0, removed=0, files=1, adopted=0, bytes=10,
        skipped=0, behind=0, waiting=0, serial=7,
    )  # fmt: skip


def told(outcome: str = "clean", reason: str = "", behind: int = 0) -> Told:
    names = tuple((f"project-{number}", "why" * 1000) for number in range(behind))
    return Told("/srv/pypi", "https://index.example.org/simple/", 1e9, finished(outcome, reason), "behind", names)


def command(*words: str, timeout: float = 20.0) -> Hook:
    return Hook("demo", (Occasion.RUN,), command=words, timeout=timeout)


def url(address: str, timeout: float = 20.0, **more: object) -> Hook:
    return Hook("demo", (Occasion.RUN,), url=address, timeout=timeout, **more)  # type: ignore[arg-type]  # its fields
