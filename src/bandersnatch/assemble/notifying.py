"""What a run leads to beside the mirror: hooks, the list of what it brought, the file that says how fresh it is."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from bandersnatch import layout
from bandersnatch.assemble.reaching import STATE, user_agent
from bandersnatch.catalogue.base import Catalogue
from bandersnatch.config.options import OPTIONS
from bandersnatch.config.schema import Config
from bandersnatch.errors import BandersnatchError, CatalogueError, StorageError, UsageError
from bandersnatch.hooks.changes import QUEUES, ChangeLog
from bandersnatch.storage.base import Storage
from bandersnatch.sync import events
from bandersnatch.sync.mirror import Mirror
from bandersnatch.upstream.address import Address, conceal
from bandersnatch.upstream.settings import Settings
from bandersnatch.values import Struct, field

# Most mirrors have no hook: what calls them is imported where there is one.
if TYPE_CHECKING:
    from bandersnatch.hooks import engine, lists
    from bandersnatch.hooks.base import Hook
    from bandersnatch.hooks.url import Sender

CHANGES = "changes"
"""The log of changes, in ``state/``."""

FAILED = "hooks-failed"
"""The fact that holds the names of what failed in the last run, with spaces between."""

DIFF_FILE, FRESHNESS_FILE, CHANGE_LOG = "diff-file", "freshness-file", "changes"
"""What stands for a hook's name where no hook failed but a file for others; no hook's name has a space in it."""


def change_log(config: Config) -> ChangeLog | None:
    """Where changes are written down, if anybody wants to hear of them. Raises OSError."""
    from bandersnatch.hooks.base import Occasion

    wanted = config.mirror.diff_file or any(Occasion.CHANGED in hook.on for hook in config.hooks.values())
    if not wanted:
        return None
    ignored = [layout.LAST_MODIFIED, *([config.publish.freshness_file] if config.publish.freshness_file else [])]
    return ChangeLog(Path(config.mirror.directory, STATE, CHANGES), ignored)


class News(Struct):
    """Passes on what a run tells, and keeps the little of it that hooks are told."""

    listener: events.Tell
    fell_behind: list[tuple[str, str]] = field(default_factory=list)

    def tell(self, event: events.Event) -> None:
        """Take note of *event*, and pass it on."""
        match event:
            case events.FellBehind(project=project, reason=reason, first=True):
                self._keep(project, reason)
            case _:
                pass
        self.listener(event)

    def _keep(self, project: str, reason: str) -> None:
        from bandersnatch.hooks.base import NAMED

        if len(self.fell_behind) < NAMED:
            self.fell_behind.append((project, reason))


def previous_outcome(catalogue: Catalogue) -> str:
    """How the last run ended that was not stopped or cut off; empty if there was none."""
    runs = catalogue.last_runs(20)
    return next((run.outcome for run in runs if run.outcome not in ("", "stopped")), "")


async def notify(
    mirror: Mirror,
    config: Config,
    environment: Mapping[str, str],
    news: News,
    finished: events.Finished,
    *,
    now: float,
    previous: str,
) -> None:
    """
    Write the files for others and call the hooks after a run that began at *now*, the mirror's lock being held.

    What fails is told, and is no failure of the run. Only a cancellation is raised.
    """
    failed = frozenset((_fact(mirror.catalogue) or "").split())
    own = await asyncio.to_thread(_write_files, mirror, config, finished, now)
    for name, problem in own.items():
        news.listener(events.HookFailed(name, "run", 0.0, "", problem, name not in failed))
    still: frozenset[str] = frozenset()
    if config.hooks:
        from bandersnatch.hooks import engine
        from bandersnatch.hooks.base import Told

        told = Told(mirror.directory, mirror.shown, now, finished, previous, tuple(news.fell_behind))
        ground = _ground(mirror.storage, config, environment, failed)
        still = await engine.call_all(tuple(config.hooks.values()), told, ground, news.listener)
    with suppress(CatalogueError):
        await asyncio.to_thread(mirror.catalogue.set, {FAILED: " ".join(sorted(still | own.keys())) or None})


async def alarm(
    config: Config,
    environment: Mapping[str, str],
    outcome: str,
    error: Exception,
    now: float,
    tell: events.Tell,
) -> None:
    """Call the hooks for a run that could not even begin, because of *error*. Nothing of the mirror is touched."""
    from dataclasses import replace

    from bandersnatch.hooks import engine
    from bandersnatch.hooks.base import Occasion, Told

    reason = str(error) if isinstance(error, BandersnatchError) else f"unexpected {type(error).__name__}: {error}"
    finished = events.Finished(
        outcome=outcome, reason=reason, seconds=0.0, refreshed=0, confirmed=0, removed=0, files=0, adopted=0,
        bytes=0, skipped=0, behind=0, waiting=0, serial=None,
    )  # fmt: skip
    told = Told(config.mirror.directory, conceal(config.mirror.upstream), now, finished, "")
    # What has changed is told when storage can say whether it is there.
    hooks = [
        replace(hook, on=tuple(one for one in hook.on if one is not Occasion.CHANGED)) for hook in config.hooks.values()
    ]
    await engine.call_all(hooks, told, _ground(None, config, environment, frozenset()), tell)


def _write_files(mirror: Mirror, config: Config, finished: events.Finished, now: float) -> dict[str, str]:
    """Write the files for others, and hand out changes. Returns what failed, with the reason. Blocks."""
    failed: dict[str, str] = {}
    state, web = Path(config.mirror.directory, STATE), Path(config.mirror.directory, "web")
    key, diff_file = config.publish.freshness_file, config.mirror.diff_file
    if key:
        from bandersnatch.assemble.outputs import FRESHNESS
        from bandersnatch.hooks import files
        from bandersnatch.storage import outputs

        try:
            outputs.check(web / key, FRESHNESS, config.mirror.directory)
            mirror.storage.put((key,), files.freshness(finished, now, mirror.catalogue))
            mirror.storage.settle()
        except (UsageError, StorageError, CatalogueError) as error:
            failed[FRESHNESS_FILE] = str(error)
    if diff_file:
        from bandersnatch.assemble.outputs import write_diff
        from bandersnatch.hooks import files

        epoch = int(now) if config.mirror.diff_append_epoch else None
        try:
            write_diff(config, files.brought(state / CHANGES, web, mirror.storage), epoch)
        except (OSError, UsageError, StorageError) as error:
            failed[DIFF_FILE] = f"{diff_file} cannot be written: {error}"
    # Where hooks were taken out of the configuration, what waits for them goes.
    waiting = config.hooks or any(Path(state, name).exists() for name in (CHANGES, QUEUES))
    if waiting and DIFF_FILE not in failed:  # or the next run's list would lack what this one brought
        from bandersnatch.hooks import engine

        try:
            engine.hand_out(state / CHANGES, tuple(config.hooks.values()), state)
        except OSError as error:
            failed[CHANGE_LOG] = f"the log of changes cannot be handed out: {error}"
    return failed


def _ground(
    storage: Storage | None, config: Config, environment: Mapping[str, str], failed: frozenset[str]
) -> engine.Ground:
    from bandersnatch.hooks import engine, lists
    from bandersnatch.hooks.command import CommandCaller
    from bandersnatch.hooks.url import UrlCaller
    from bandersnatch.upstream import sender

    directory = config.mirror.directory
    secret = {option.variable for option in OPTIONS if option.secret}
    passed = {name: value for name, value in environment.items() if name not in secret}

    def naming(hook: Hook) -> lists.Names:
        return lists.naming(hook.form, Path(directory, "web"), config.publish.base_url or "")

    def open_sender(hook: Hook, headers: dict[str, str]) -> Sender:
        assert hook.url is not None
        return sender.Sender(hook.url, hook.target, headers, _settings(hook.url, config))

    return engine.Ground(
        state=Path(directory, STATE),
        naming=naming,
        is_there=lambda key: storage is not None and storage.stat(key) is not None,
        commands=CommandCaller(passed, directory),
        urls=UrlCaller(open_sender),
        failed=failed,
    )


def _settings(url: str, config: Config) -> Settings:
    """How the address is reached: as upstream is, but for what is upstream's alone."""
    chosen = config.upstream
    return Settings(
        url=Address.parse(url).origin,
        user_agent=user_agent(chosen.user_agent_contact),
        timeout=chosen.timeout,
        tries=1,
        allow_http=chosen.allow_http,
        proxy=chosen.proxy,
        ca_file=Path(chosen.ca_file) if chosen.ca_file else None,
    )


def _fact(catalogue: Catalogue) -> str | None:
    try:
        return catalogue.get(FAILED)
    except CatalogueError:
        return None
