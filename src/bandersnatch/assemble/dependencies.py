"""What the requirements of a selection need: found anew from time to time, and kept in between."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from packaging.requirements import Requirement
from packaging.tags import platform_tags
from packaging.utils import canonicalize_name
from packaging.version import Version

from bandersnatch.assemble.machine import this_machine
from bandersnatch.assemble.reaching import STATE, upstream_settings
from bandersnatch.assemble.selection import environments, with_closure
from bandersnatch.closure import base as closures
from bandersnatch.closure.base import Interpreter
from bandersnatch.closure.find import find
from bandersnatch.closure.interpreters import interpreters
from bandersnatch.closure.locked import Question
from bandersnatch.closure.shelf import Shelf
from bandersnatch.config.schema import Config
from bandersnatch.errors import Conflict, Problem
from bandersnatch.model import Project
from bandersnatch.resolver import uv
from bandersnatch.resolver.base import Index
from bandersnatch.selection import Context, Origin, Selection
from bandersnatch.sync.mirror import Mirror
from bandersnatch.upstream.settings import Settings
from bandersnatch.values import replace

KEPT, KEY, FOUND_AT = "closure", "closure-key", "closure-time"
"""The facts that hold the closure, what it was found from, and when."""

FRESH = 3600.0
"""Seconds for which a closure is used again: upstream changes all the time, and resolving asks it a lot."""

RESOLVER_CACHE = "uv-cache"

ATTEMPTS = 20
"""How often the resolver is told what the rules refuse of what it chose."""

DEPENDENCIES = "select.dependencies"


async def needed(
    mirror: Mirror,
    config: Config,
    environment: Mapping[str, str],
    now: float,
    *,
    constraints: tuple[str, ...] = (),
    anew: bool = False,
) -> tuple[Selection, tuple[Problem, ...]]:
    """The selection with what it needs, and what may be missing; as ``closing.close``."""
    requirements, passed_over = requirements_of(mirror.selection)
    places = _places(config)
    policy = closures.policy(config.select.dependency_versions)
    key = _key(mirror, config, constraints)
    closure = None if anew else await asyncio.to_thread(_recall, mirror, key, now)
    if closure is None:
        settings = upstream_settings(config, environment)
        # The cache keeps what the resolver has read of upstream: without it every run would read all of it again.
        resolver = uv.UvResolver(
            uv.find(environment), environment, cache=Path(config.mirror.directory, STATE, RESOLVER_CACHE)
        )
        question = Question(
            resolver,
            _index(settings),
            constraints,
            _exclude_newer(config, now),
            build=config.select.dependency_builds,
        )
        shelf = Shelf(mirror.upstream, narrow=_narrow(mirror, now))
        closure = await _find(requirements, places, policy, shelf, question)
        facts: dict[str, str | None] = {KEPT: closure.to_json(), KEY: key, FOUND_AT: str(now)}
        await asyncio.to_thread(mirror.catalogue.set, facts)
    unknown = tuple(_unknown(one) for one in closure.unknown)
    selection = with_closure(mirror.selection, _origins(closure))
    return selection, (*passed_over, *unknown)


async def _find(
    requirements: Sequence[str],
    places: Sequence[closures.Interpreter],
    policy: closures.Policy,
    shelf: Shelf,
    question: Question,
) -> closures.Closure:
    """
    The closure whose versions the rules let pass: the resolver knows no rules, so it is told which it must not take.

    What it cannot do without, it says in a Conflict.
    """
    refused: set[str] = set()
    more: set[str] = set()
    for _ in range(ATTEMPTS):
        told = replace(question, constraints=(*question.constraints, *sorted(refused)))
        closure = await find(requirements, places, policy, shelf, told)
        more = await _refused(closure, shelf) - refused
        if not more:
            return closure
        refused |= more
    raise Conflict(f"the rules refuse version after version, at last {', '.join(sorted(more)).replace('!=', ' ')}")


async def _refused(closure: closures.Closure, shelf: Shelf) -> set[str]:
    """The versions that the closure pins and of which the rules leave nothing, as constraints against them."""
    pins = [one for one in map(Requirement, (item.requirement for item in closure.items)) if _pinned(one) is not None]
    await shelf.load_releases(canonicalize_name(one.name) for one in pins)
    refused = set()
    for one in pins:
        name, version = canonicalize_name(one.name), _pinned(one)
        if version is not None and shelf.releases(name) is not None and shelf.release(name, version) is None:
            refused.add(f"{name}!={version}")
    return refused


def _pinned(requirement: Requirement) -> Version | None:
    [*specifiers] = requirement.specifier
    if len(specifiers) != 1 or specifiers[0].operator != "==" or specifiers[0].version.endswith(".*"):
        return None
    return Version(specifiers[0].version)


def recalled(mirror: Mirror, config: Config, constraints: tuple[str, ...]) -> Selection | None:
    """The selection with what it needed when that was found last, however long ago; as ``closing.recall``. Blocks."""
    closure = _recall(mirror, _key(mirror, config, constraints), _found_at(mirror))
    return None if closure is None else with_closure(mirror.selection, _origins(closure))


def requirements_of(selection: Selection) -> tuple[list[str], tuple[Problem, ...]]:
    """What the items require; a pattern requires nothing that a resolver understands."""
    patterns = [item.origin for item in selection.items if item.pattern is not None]
    problems = tuple(
        Problem(f"{one.text!r} is a pattern: the dependencies of what it selects are not followed", one.file, one.line)
        for one in patterns
    )
    return [item.origin.text for item in selection.items if item.pattern is None], problems


def _places(config: Config) -> tuple[Interpreter, ...]:
    return interpreters(environments(config) or (this_machine(tuple(platform_tags())),))


def _key(mirror: Mirror, config: Config, constraints: tuple[str, ...]) -> str:
    """What the closure is found from."""
    requirements, _ = requirements_of(mirror.selection)
    policy = closures.policy(config.select.dependency_versions)
    facts = (config.select.dependency_builds, mirror.address, mirror.selection.digest)
    return closures.key(requirements, constraints, _places(config), policy, *facts)


def _recall(mirror: Mirror, key: str, now: float) -> closures.Closure | None:
    """The closure that was found last, if it was found from the same and is fresh. Blocks."""
    if mirror.catalogue.get(KEY) != key or not 0 <= now - _found_at(mirror) < FRESH:
        return None
    return closures.Closure.from_json(mirror.catalogue.get(KEPT) or "")


def _found_at(mirror: Mirror) -> float:
    """When the kept closure was found; not a number, which is never fresh, if that is not known. Blocks."""
    try:
        return float(mirror.catalogue.get(FOUND_AT) or "nan")
    except ValueError:
        return math.nan


def _narrow(mirror: Mirror, now: float) -> Callable[[Project], Project]:
    """What the rules leave of a page: nothing else is there to be needed. Those about metadata are not asked here."""
    judged = tuple(one for one in mirror.selection.rules if not getattr(one, "needs_metadata", False))
    rules = replace(mirror.selection, everything=True, newest=None, rules=judged)

    def narrow(project: Project) -> Project:
        before = mirror.catalogue.published(project.name)
        seen = {held.file.sha256: 0.0 for held in before.held} | dict(before.seen)
        return rules.apply(project, Context(now, seen)).project

    return narrow


def _exclude_newer(config: Config, now: float) -> str | None:
    """The resolver is to leave out what the cool-down does, as far as it goes by upload times."""
    chosen = config.cool_down
    if chosen.clock != "upload" or not (chosen.age or chosen.not_after):
        return None
    moments = [now - chosen.age] + ([chosen.not_after.timestamp()] if chosen.not_after else [])
    return datetime.fromtimestamp(min(moments), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _index(settings: Settings) -> Index:
    credentials = settings.credentials
    return Index(
        settings.url,
        user=credentials.user if credentials else None,
        password=credentials.secret if credentials else None,
        ca_file=str(settings.ca_file) if settings.ca_file else None,
        client_certificate=str(settings.client_certificate) if settings.client_certificate else None,
        proxy=settings.proxy,
    )


def _origins(closure: closures.Closure) -> Iterator[Origin]:
    for item in closure.items:
        yield Origin(DEPENDENCIES, item.requirement)


def _unknown(one: closures.Unknown) -> Problem:
    name = f"{one.project} {one.version}".strip() or "all of it together"
    return Problem(f"{name}: {one.reason}; the closure of dependencies may lack something", key=DEPENDENCIES)
