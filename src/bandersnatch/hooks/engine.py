"""After a run: who has to be told what, one after the other, whatever becomes of the one before."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bandersnatch.errors import StorageError
from bandersnatch.hooks import changes, lists
from bandersnatch.hooks.base import Caller, Hook, Occasion, Result, Told
from bandersnatch.hooks.occasions import occasions
from bandersnatch.sync import events
from bandersnatch.values import Struct, replace


class Ground(Struct, frozen=True):
    """What hooks stand on."""

    state: Path
    naming: Callable[[Hook], lists.Names]
    is_there: Callable[[str], bool]
    """Whether storage has an object; blocks."""
    commands: Caller
    urls: Caller
    failed: frozenset[str] = frozenset()
    """The hooks whose last call failed: that they fail again is no news."""


async def call_all(hooks: Sequence[Hook], told: Told, ground: Ground, tell: events.Tell) -> frozenset[str]:
    """
    Call those of *hooks* that the run is an occasion for. Returns which calls failed, or have not been made up for.

    A hook that fails is told by an event, and changes nothing else. Only a cancellation is raised.
    """
    failed = set(ground.failed & {hook.name for hook in hooks})
    for hook in hooks:
        queue = ground.state / changes.QUEUES / hook.name
        due = occasions(
            hook,
            told.finished.outcome,
            told.previous,
            fell_behind=bool(told.fell_behind),
            changed=_holds(queue),
        )
        if not due:
            continue
        began = time.monotonic()
        result = await _call(hook, replace(told, occasions=due), queue if Occasion.CHANGED in due else None, ground)
        seconds = round(time.monotonic() - began, 3)
        why = " ".join(due)
        if result.problem:
            news = hook.name not in failed
            tell(events.HookFailed(hook.name, why, seconds, result.output, result.problem, news))
            failed.add(hook.name)
        else:
            tell(events.HookRan(hook.name, why, seconds, result.output))
            failed.discard(hook.name)
    return frozenset(failed)


async def _call(hook: Hook, told: Told, queue: Path | None, ground: Ground) -> Result:
    caller = ground.commands if hook.command else ground.urls
    if queue is None:
        return await caller.call(hook, told, None)
    try:
        with tempfile.TemporaryDirectory(prefix=f".{hook.name}.", dir=queue.parent) as folder:
            names = ground.naming(hook)
            made = await asyncio.to_thread(lists.write, queue, names, ground.is_there, Path(folder))
            result = await caller.call(hook, told, made)
        if not result.problem:
            await asyncio.to_thread(queue.unlink)
    except (OSError, StorageError) as error:
        return Result(f"its lists cannot be written: {error}")
    return result


def _holds(queue: Path) -> bool:
    """Whether there is anything in it."""
    try:
        return queue.stat().st_size > 0
    except OSError:
        return False


def hand_out(log: Path, hooks: Sequence[Hook], state: Path) -> None:
    """Put what is in the log of changes into the queue of each hook that wants it. Blocks. Raises OSError."""
    folder = state / changes.QUEUES
    wanting = {hook.name for hook in hooks if Occasion.CHANGED in hook.on}
    if folder.is_dir():
        for old in folder.iterdir():  # of hooks that are no more, and of calls that were cut off
            if old.is_dir():
                shutil.rmtree(old, ignore_errors=True)
            elif old.name not in wanting:
                old.unlink(missing_ok=True)
    changes.hand_out(log, [folder / name for name in sorted(wanting)])
