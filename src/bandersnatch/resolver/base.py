"""The resolver port: which versions fit together, for one Python on one platform, taken from one index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from packaging.requirements import InvalidRequirement, Requirement

from bandersnatch.errors import Problem, UsageError
from bandersnatch.values import Struct


class Target(Struct, frozen=True):
    """Where the projects are to be installed."""

    python: str
    """``3.12`` or ``3.12.4``."""
    platform: str = ""
    """In uv's words, such as ``x86_64-manylinux_2_28`` or ``windows``; empty for the running machine."""
    variables: tuple[tuple[str, str], ...] = ()
    """Environment variables that tell uv the version of the system, where *platform* does not."""

    def __str__(self) -> str:
        return f"Python {self.python} on {self.platform or 'this machine'}"


class Pin(Struct, frozen=True):
    """One project of a resolution."""

    name: str
    """Normalised (PEP 503)."""
    version: str
    via: tuple[str, ...] = ()
    """The projects that need it; empty where the requirements themselves name it."""

    def __str__(self) -> str:
        return f"{self.name}=={self.version}"


class Resolver(Protocol):
    """Whoever knows how to choose versions."""

    async def resolve(
        self,
        requirements: Sequence[str],
        target: Target,
        index: str,
        *,
        constraints: Sequence[str] = (),
        build: bool = False,
    ) -> tuple[Pin, ...]:
        """
        The versions to install for *requirements* (PEP 508, no URLs), by name.

        *index* is the address of the list of projects of the one index that may be asked. With *build*, source
        distributions may be chosen, and **their build code runs on this machine** where their metadata says less
        than all; without it, only wheels are. Raises Conflict, UsageError for what cannot be asked, and
        UpstreamError if the index fails.
        """


def read_requirements(texts: Sequence[str]) -> list[Requirement]:
    """What *texts* (PEP 508) require. Raises UsageError with every one that cannot be resolved from an index."""
    found, problems = [], []
    for text in texts:
        try:
            requirement = Requirement(text)
        except InvalidRequirement as error:
            problems.append(Problem(f"{text!r}: not a requirement (PEP 508): {str(error).splitlines()[0]}"))
            continue
        if requirement.url:
            problems.append(Problem(f"{text!r}: comes from a URL and not from an index; name the project"))
        found.append(requirement)
    if problems:
        raise UsageError(*problems)
    return found
