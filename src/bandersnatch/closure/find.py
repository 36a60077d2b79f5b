"""The closure of requirements, by whichever policy."""

from __future__ import annotations

from collections.abc import Sequence

from bandersnatch.closure.base import Closure, Interpreter, Locked, Newest, Policy, Ranges
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

    *shelf* reads upstream; *question* asks the resolver, and gives the constraints for every policy. ``Newest`` has
    what ``Locked`` has, too: the newest versions of each range need not fit together. What upstream withholds is passed
    over, and told as ``unknown``. So is what cannot be resolved, which spoils nothing else: ``Locked`` then takes the
    newest version of each range that it leads to. Raises UsageError with every requirement that cannot be used, and
    UpstreamError if upstream does not answer at all.
    """
    wanted = read_requirements(requirements)
    limits = read_requirements(question.constraints)
    found = Closure(())
    if not isinstance(policy, Ranges):
        found = await lock([str(one) for one in wanted], interpreters, question, shelf)
    if isinstance(policy, Locked):
        impossible = {one.project for one in found.unresolved}
        wanted, policy = [one for one in wanted if str(one) in impossible], Newest(1)
    found = await walk(wanted, interpreters, policy, shelf, constraints=limits) | found
    return found | Closure((), tuple(shelf.noted))
