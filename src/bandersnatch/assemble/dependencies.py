"""What the requirements of a selection need: found anew from time to time, and kept in between."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterator, Mapping

from packaging.requirements import Requirement
from packaging.tags import platform_tags
from packaging.utils import canonicalize_name

from bandersnatch import layout
from bandersnatch.assemble.machine import this_machine
from bandersnatch.assemble.selection import environments, with_closure
from bandersnatch.catalogue.base import Catalogue
from bandersnatch.closure import base as closures
from bandersnatch.closure.base import Interpreter
from bandersnatch.closure.find import find
from bandersnatch.closure.interpreters import interpreters
from bandersnatch.closure.locked import Question
from bandersnatch.closure.shelf import MAX_METADATA, Shelf
from bandersnatch.config.schema import Config
from bandersnatch.errors import Problem, StorageError, UpstreamError
from bandersnatch.model import File, Project
from bandersnatch.resolver import uv
from bandersnatch.selection import Context, Origin, Selection
from bandersnatch.selection.platform_rules import Environments
from bandersnatch.sync.mirror import Mirror
from bandersnatch.values import replace

KEPT, KEY, FOUND_AT = "closure", "closure-key", "closure-time"
"""The facts that hold the closure, what it was found from, and when."""

FILES, OURS, ALL = "closure-files", "environments", "all"
"""The fact that says whose files are mirrored where ``files.environments`` does not: our environments', or all."""

FRESH = 3600.0
"""Seconds for which a closure is used again: upstream changes all the time, and resolving asks it a lot."""

DEPENDENCIES = "select.dependencies"


async def needed(
    mirror: Mirror,
    config: Config,
    environment: Mapping[str, str],
    now: float,
    *,
    constraints: tuple[str, ...] = (),
    anew: bool = False,
) -> tuple[Mirror, tuple[Problem, ...]]:
    """*mirror* with what its selection needs, and what may be missing; as ``closing.close``."""
    requirements, passed_over = requirements_of(mirror.selection)
    places = _places(config)
    policy = closures.policy(config.select.dependency_versions)
    key = _key(mirror, config, constraints)
    closure = None if anew else await asyncio.to_thread(_recall, mirror, key, now)
    if closure is None:
        resolver = uv.UvResolver(uv.find(environment), environment)
        question = Question(resolver, constraints, build=config.select.dependency_builds)
        shelf = Shelf(mirror.upstream, narrow=_narrow(mirror, now), kept=_kept(mirror))
        try:
            closure = await find(requirements, places, policy, shelf, question)
        except UpstreamError as error:
            raise UpstreamError(f"what is needed ({DEPENDENCIES}) cannot be found: {error}") from error
        if shelf.is_shaky or closure.unresolved:
            closure |= await asyncio.to_thread(_last, mirror)
        await asyncio.to_thread(_remember, mirror, closure, key, now)
    where = _asked_at(mirror.selection)
    unknown = tuple(_unknown(one, where) for one in closure.unknown)
    unresolved = tuple(str(_unresolved(one, where)) for one in closure.unresolved)
    closed = replace(mirror, selection=_closed(mirror, config, closure), unresolved=unresolved)
    return closed, (*passed_over, *unknown)


def recalled(mirror: Mirror, config: Config, constraints: tuple[str, ...]) -> Selection | None:
    """The selection with what it needed when that was found last, however long ago; as ``closing.recall``. Blocks."""
    closure = _recall(mirror, _key(mirror, config, constraints), _found_at(mirror))
    return None if closure is None else _closed(mirror, config, closure)


def keeps_all(config: Config, catalogue: Catalogue) -> bool:
    """Whether a mirror that is there goes on to hold files for machines that no environment of *config* has."""
    chosen = config.files.environments or not config.environments or not config.select.dependencies
    return not chosen and catalogue.get(FILES) != OURS


def _closed(mirror: Mirror, config: Config, closure: closures.Closure) -> Selection:
    """
    The selection with a *closure*, whose files are those of the environments that it was found for.

    A mirror from before that was so goes on with all, and so does one that patterns or everything select for, too.
    """
    selection = with_closure(mirror.selection, _origins(closure))
    others = selection.everything or any(item.pattern is not None for item in selection.items)
    if others or config.files.environments or not config.environments or keeps_all(config, mirror.catalogue):
        return selection
    origin = Origin("files.environments", "not set, so all of [environments]")
    return replace(selection, rules=(*selection.rules, Environments(environments(config), origin=origin)))


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


def _remember(mirror: Mirror, closure: closures.Closure, key: str, now: float) -> None:
    """Keep *closure*, and whether there was a mirror before the first one. Blocks."""
    catalogue = mirror.catalogue
    facts: dict[str, str | None] = {KEPT: closure.to_json(), KEY: key, FOUND_AT: str(now)}
    if catalogue.get(FILES) is None:
        is_new = catalogue.get(KEPT) is None and next(mirror.storage.keys("simple"), None) is None
        facts[FILES] = OURS if is_new else ALL
    catalogue.set(facts)


def _last(mirror: Mirror) -> closures.Closure:
    """What was needed when that was found last: what could not be asked about now takes none of it away. Blocks."""
    last = closures.Closure.from_json(mirror.catalogue.get(KEPT) or "")
    return closures.Closure(last.items if last else ())


def _kept(mirror: Mirror) -> Callable[[File], bytes | None]:
    def kept(file: File) -> bytes | None:
        try:
            return mirror.storage.read(layout.metadata_key(file), MAX_METADATA)
        except (StorageError, ValueError):
            return None  # upstream is asked

    return kept


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


def _origins(closure: closures.Closure) -> Iterator[Origin]:
    for item in closure.items:
        yield Origin(DEPENDENCIES, item.requirement)


def _asked_at(selection: Selection) -> dict[str, Origin]:
    """Where each requirement, and each project, is asked for."""
    asked: dict[str, Origin] = {}
    for item in selection.items:
        if item.pattern is None:
            requirement = Requirement(item.origin.text)
            asked |= dict.fromkeys((str(requirement), canonicalize_name(requirement.name)), item.origin)
    return asked


def _unresolved(one: closures.Unknown, where: Mapping[str, Origin]) -> Problem:
    origin = where.get(one.project)
    return Problem(str(one), *((origin.file, origin.line) if origin else ()))


def _unknown(one: closures.Unknown, where: Mapping[str, Origin]) -> Problem:
    problem = _unresolved(one, where)
    done = "all else is mirrored" if one.unresolved else "the closure of dependencies may lack something"
    return replace(problem, message=f"{problem.message}; {done}", key=DEPENDENCIES)
