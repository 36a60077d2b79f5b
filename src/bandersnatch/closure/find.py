"""The closure of requirements, by whichever policy."""

from __future__ import annotations

from collections.abc import Sequence

from bandersnatch.closure.base import Closure, Interpreter, Locked, Policy, Ranges, Unknown
from bandersnatch.closure.locked import Question, lock
from bandersnatch.closure.shelf import Shelf
from bandersnatch.closure.walk import walk
from bandersnatch.errors import Conflict
from bandersnatch.resolver.base import read_requirements


async def find(
    requirements: Sequence[str],
    interpreters: Sequence[Interpreter],
    policy: Policy,
    shelf: Shelf,
    question: Question,
) -> Closure:
    """
    Every project and version that *requirements* (PEP 508, no URLs) need on each of *interpreters*.

    *shelf* reads upstream; *question* asks the resolver, and gives the constraints for every policy. ``Newest`` has
    what ``Locked`` has, too: the newest versions of each range need not fit together. Raises UsageError with every
    requirement that cannot be used, Conflict (``Locked`` only: elsewhere what cannot be had is ``unknown``), and
    UpstreamError: then there is no closure, rather than one with holes.
    """
    wanted = read_requirements(requirements)
    limits = read_requirements(question.constraints)
    if isinstance(policy, Locked):
        return await lock([str(one) for one in wanted], interpreters, question, shelf)
    walked = await walk(wanted, interpreters, policy, shelf, constraints=limits)
    if isinstance(policy, Ranges):
        return walked
    try:
        return walked | await lock([str(one) for one in wanted], interpreters, question, shelf)
    except Conflict as error:
        return walked | Closure((), (Unknown("", "", str(error)),))
