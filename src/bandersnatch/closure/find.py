"""The closure of requirements, by whichever policy."""

from __future__ import annotations

from collections.abc import Sequence

from bandersnatch.closure.base import Closure, Interpreter, Locked, Newest, Policy, Ranges, Unknown
from bandersnatch.closure.locked import Question, lock
from bandersnatch.closure.shelf import Shelf
from bandersnatch.closure.walk import walk
from bandersnatch.errors import Conflict
from bandersnatch.resolver.base import read_requirements

WITHOUT = "nothing fits together without what could not be had, so the newest of each range is taken"


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
    what ``Locked`` has, too: the newest versions of each range need not fit together. What upstream withholds is passed
    over, and told as ``unknown``; where ``Locked`` finds nothing that fits together without it, the newest version of
    each range takes its place. Raises UsageError with every requirement that cannot be used, Conflict (``Locked`` only,
    and if nothing is withheld), and UpstreamError if upstream does not answer at all.
    """
    wanted = read_requirements(requirements)
    limits = read_requirements(question.constraints)
    found = Closure(())
    if not isinstance(policy, Ranges):
        try:
            found = await lock([str(one) for one in wanted], interpreters, question, shelf)
        except Conflict as error:
            if isinstance(policy, Locked):
                if not shelf.noted:
                    raise
                policy = Newest(1)
            found = Closure((), (Unknown("", "", WITHOUT if shelf.noted else str(error)),))
    if not isinstance(policy, Locked):
        found = await walk(wanted, interpreters, policy, shelf, constraints=limits) | found
    return found | Closure((), tuple(shelf.noted))
