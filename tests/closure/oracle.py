"""A resolver that knows the answers: ``{requirement: pins}``; what it does not know is a conflict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bandersnatch.closure.locked import Question
from bandersnatch.errors import Conflict
from bandersnatch.resolver.base import Pin, Target


@dataclass
class Oracle:
    """Implements ``resolver.base.Resolver``. Answers are ``name==version``, with ``<name`` for what needs it."""

    answers: Mapping[str, str]
    asked: list[tuple[str, ...]] = field(default_factory=list)

    async def resolve(
        self,
        requirements: Sequence[str],
        target: Target,
        index: str,
        *,
        constraints: Sequence[str] = (),
        build: bool = False,
    ) -> tuple[Pin, ...]:
        self.asked.append(tuple(requirements))
        pins = []
        for requirement in requirements:
            answer = self.answers.get(f"{requirement} on {target.platform}", self.answers.get(requirement))
            if answer is None:
                raise Conflict(f"no {requirement}")
            for text in answer.split():
                pin, _, via = text.partition("<")
                name, _, version = pin.partition("==")
                pins.append(Pin(name, version, (via,) if via else ()))
        return tuple(pins)

    def question(self, *, build: bool = False) -> Question:
        """This resolver, which asks no index."""
        return Question(self, build=build)
