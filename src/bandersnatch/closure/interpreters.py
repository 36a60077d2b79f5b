"""Environments taken apart into single interpreters: an installation is made for one Python on one platform."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from bandersnatch.closure.base import Interpreter
from bandersnatch.errors import Problem, UsageError
from bandersnatch.resolver.base import Target
from bandersnatch.selection.environments import Environment
from bandersnatch.selection.file_tags import wheel_tags
from bandersnatch.values import replace


def interpreters(environments: Iterable[Environment]) -> tuple[Interpreter, ...]:
    """
    Every Python on every platform of *environments*.

    Raises UsageError, with all problems, for what the resolver cannot resolve for.
    """
    found: list[Interpreter] = []
    problems: list[Problem] = []
    for environment in environments:
        for python in environment.pythons:
            for platform in environment.platforms:
                try:
                    found.append(_interpreter(environment, python, platform))
                except UsageError as error:
                    problems += error.problems
    if problems:
        raise UsageError(*dict.fromkeys(problems))
    return tuple(found)


def _interpreter(environment: Environment, python: str, platform: str) -> Interpreter:
    single = replace(environment, pythons=(python,), platforms=(platform,))
    [uv], [markers] = single.uv_targets(), single.marker_environments()
    target = Target(uv.python, uv.platform, uv.variables)
    return Interpreter(environment.name, target, markers, _fits(single.tags(python)))


def _fits(accepted: frozenset[str]) -> Callable[[str], bool]:
    def fits(filename: str) -> bool:
        tags = wheel_tags(filename)
        return tags is not None and not accepted.isdisjoint(tags.each())

    return fits
