"""The closure of requirements, by whichever policy."""

from __future__ import annotations

from collections.abc import Sequence

from bandersnatch.closure.base import Closure, Interpreter, Locked, Policy
from bandersnatch.closure.locked import Question, lock
from bandersnatch.closure.shelf import Shelf
from bandersnatch.closure.walk import walk
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

    *shelf* reads upstream; *question* asks the resolver for ``Locked`` and gives the constraints for every policy.
    Raises UsageError with every requirement that cannot be used, Conflict (``Locked`` only: elsewhere what cannot
    be had is ``unknown``), and UpstreamError: then there is no closure, rather than one with holes.
    """
    wanted = read_requirements(requirements)
    limits = read_requirements(question.constraints)
    if isinstance(policy, Locked):
        return await lock([str(one) for one in wanted], interpreters, question, shelf)
    return await walk(wanted, interpreters, policy, shelf, constraints=limits)
