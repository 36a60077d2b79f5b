"""The hooks port: when somebody is called, what is told, and what may come of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from bandersnatch.sync.events import Finished
from bandersnatch.values import Struct, to_builtins

OUTPUT = 16 << 10
"""Bytes of what a hook prints, or answers, that are kept: the last ones."""

NAMED = 100
"""So many projects at most are named in what a hook is told."""


class Occasion(StrEnum):
    """When a hook is called."""

    RUN = "run"
    """After every run, however it ended."""
    CHANGED = "changed"
    """When published objects changed."""
    BEHIND = "behind"
    """When a project fell behind, or a run ends so for the first time."""
    REFUSED = "refused"
    """When a run refuses to remove so much, for the first time; likewise the next three."""
    UNREACHABLE = "unreachable"
    DISK = "disk"
    FAILED = "failed"
    """An unexpected error: a fault of this program."""
    RECOVERED = "recovered"
    """When a run ends clean and the one before did not."""


class Form(StrEnum):
    """How changed objects are named in lists."""

    URLS = "urls"
    """Below the mirror's own address; a page counts under each of its addresses."""
    PATHS = "paths"
    """Absolute, in the file system."""
    KEYS = "keys"
    """Relative to the web server's root."""


@dataclass(frozen=True, slots=True)
class Hook:
    """One table ``[hooks.NAME]``: either a *command* or a *url*."""

    name: str
    on: tuple[Occasion, ...]
    command: tuple[str, ...] = ()
    """Program and arguments; no shell reads them."""
    url: str | None = field(default=None, repr=False)
    """Where to POST to: it may hold a secret, as the next may."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    token_file: str | None = None
    """A file whose content is sent as ``Authorization: Bearer``."""
    timeout: float = 60.0
    """Seconds."""
    form: Form = Form.PATHS
    repeat: bool = False
    """Whether what lasts is told after every run, and not only at first."""

    @property
    def target(self) -> str:
        """What is called, as it may be shown."""
        return self.command[0] if self.command else masked(self.url or "")


def masked(url: str) -> str:
    """*url* without what may be secret in it, which is all but scheme and host: services put tokens into paths."""
    found = re.match(r"(https?://)(?:[^/?#]*@)?([^/?#@]*)(/?)", url)
    return f"{found[1]}{found[2]}/***" if found else "***"


class Lists(Struct, frozen=True):
    """The changed objects of one hook, in files with one a line."""

    changed: Path
    """New, or replaced."""
    removed: Path
    changes: int
    """Lines of the first."""
    removals: int
    complete: bool = True
    """False if so much gathered while the hook failed that the oldest was dropped: assume that all has changed."""


class Told(Struct, frozen=True):
    """What a hook is told of a run."""

    directory: str
    upstream: str
    started: float
    """Seconds since the epoch."""
    finished: Finished
    previous: str
    """How the run before ended; empty if there was none."""
    fell_behind: tuple[tuple[str, str], ...] = ()
    """Projects whose first try failed in this run, ``NAMED`` at most, with the reason."""
    occasions: tuple[Occasion, ...] = ()

    def document(self, hook: Hook, lists: Lists | None) -> dict[str, object]:
        """As JSON has it; lists are told by their number of lines and, for commands, by their files."""
        told: dict[str, object] = {
            "hook": hook.name,
            "occasions": list(map(str, self.occasions)),
            "directory": self.directory,
            "upstream": self.upstream,
            "started": self.started,
            "previous_outcome": self.previous,
            "run": to_builtins(self.finished),
            "fell_behind": [{"project": name, "reason": reason} for name, reason in self.fell_behind],
        }
        if lists is not None:
            told["changes"] = {"changed": lists.changes, "removed": lists.removals, "complete": lists.complete}
        return told


class Result(Struct, frozen=True):
    """What came of a call."""

    problem: str = ""
    """Empty if all went well."""
    output: str = ""
    """The last of what it printed or answered, ``OUTPUT`` bytes at most."""


class Caller(Protocol):
    """Calls hooks of one kind. What goes wrong is in the result; only a cancellation is raised."""

    async def call(self, hook: Hook, told: Told, lists: Lists | None) -> Result: ...


VARIABLES = {
    "BANDERSNATCH_HOOK": "the name of the hook",
    "BANDERSNATCH_HOOK_OCCASIONS": "why it is called: words of `on`, with spaces between",
    "BANDERSNATCH_HOOK_DIRECTORY": "the mirror's directory",
    "BANDERSNATCH_HOOK_OUTCOME": "how the run ended: `clean`, `behind`, `refused`, `unreachable`, `disk` or `failed`",
    "BANDERSNATCH_HOOK_PREVIOUS_OUTCOME": "how the one before ended; empty if there was none",
    "BANDERSNATCH_HOOK_REASON": "why, for every outcome but `clean`",
    "BANDERSNATCH_HOOK_BEHIND": "how many projects are behind",
    "BANDERSNATCH_HOOK_SERIAL": "the mirror's serial; empty if there is none",
    "BANDERSNATCH_HOOK_CHANGED": "a file with what is new or replaced, one a line; on `changed` only, as the next",
    "BANDERSNATCH_HOOK_REMOVED": "a file with what is gone, one a line",
}
"""What a command finds in its environment, and what each says."""


def variables(hook: Hook, told: Told, lists: Lists | None) -> dict[str, str]:
    """The ``VARIABLES`` of one call."""
    run = told.finished
    values = (
        hook.name, " ".join(told.occasions), told.directory, run.outcome, told.previous, run.reason, str(run.behind),
        "" if run.serial is None else str(run.serial),
        "" if lists is None else str(lists.changed), "" if lists is None else str(lists.removed),
    )  # fmt: skip
    # A NUL, which a disk's or an upstream's words might hold, ends a string for the system.
    return {name: value.replace("\0", "") for name, value in zip(VARIABLES, values, strict=True)}
