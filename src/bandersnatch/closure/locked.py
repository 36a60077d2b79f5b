"""The closure of one version each: what the resolver chooses for each interpreter, and what building needs besides."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from packaging.utils import canonicalize_name
from packaging.version import Version

from bandersnatch.closure import relay
from bandersnatch.closure.base import Closure, Interpreter, Item, Unknown
from bandersnatch.closure.shelf import Shelf
from bandersnatch.closure.sources import is_source
from bandersnatch.closure.together import gather
from bandersnatch.errors import Conflict, UpstreamError
from bandersnatch.model import File
from bandersnatch.resolver.base import Pin, Resolver, read_requirements
from bandersnatch.values import Struct


class Question(Struct, frozen=True):
    """How the resolver is asked, whatever for."""

    resolver: Resolver
    constraints: tuple[str, ...] = ()
    build: bool = False
    """Whether source distributions may be chosen: their build code then runs here, see ``Resolver``."""

    async def ask(self, requirements: Sequence[str], interpreter: Interpreter, shelf: Shelf) -> tuple[Pin, ...]:
        """As the port's ``resolve``, from what *shelf* reads and nothing else."""
        await shelf.load_releases(canonicalize_name(one.name) for one in read_requirements(requirements))
        async with relay.serve(shelf) as index:
            try:
                return await self.resolver.resolve(
                    requirements, interpreter.target, index, constraints=self.constraints, build=self.build
                )
            except Conflict:
                shelf.check()  # nothing fits together where nobody answers
                raise


async def lock(
    requirements: Sequence[str],
    interpreters: Sequence[Interpreter],
    question: Question,
    shelf: Shelf,
    *,
    at_once: int = 2,
) -> Closure:
    """
    The versions that the resolver chooses for each of *interpreters*, all together.

    At most *at_once* resolvers run at a time. What cannot be resolved is told for every interpreter, in the resolver's
    words, and what does not fit together is resolved apart. Raises UpstreamError.
    """
    slots = asyncio.Semaphore(at_once)
    locks = [_Lock(interpreter, question, shelf, slots) for interpreter in interpreters]
    await gather(one.run(requirements) for one in locks)
    items = {requirement: because for one in reversed(locks) for requirement, because in one.items.items()}
    unknown = {one for lock in locks for one in lock.unknown}
    return Closure(tuple(Item(*pair) for pair in sorted(items.items())), tuple(sorted(unknown)))


class _Lock:
    """One interpreter's pins; ``items`` gives for each why it is there."""

    def __init__(self, interpreter: Interpreter, question: Question, shelf: Shelf, slots: asyncio.Semaphore) -> None:
        self._interpreter = interpreter
        self._question = question
        self._shelf = shelf
        self._slots = slots
        self._asked: set[frozenset[str]] = set()
        self.items: dict[str, str] = {}
        self.unknown: set[Unknown] = set()

    async def run(self, requirements: Sequence[str]) -> None:
        """Resolve *requirements*, and what building needs, to a fixed point."""
        impossible = await self._fit(requirements)
        if 0 < len(impossible) < len(requirements):
            await self._fit([one for one in requirements if one not in impossible])

    async def _fit(self, requirements: Sequence[str]) -> list[str]:
        """Resolve *requirements* together, or by halves if that cannot be; those that cannot be by themselves."""
        try:
            await self._resolve(requirements, "it is asked for")
        except Conflict as error:
            half = len(requirements) // 2
            if not half:
                self._give_up(requirements[0], "", "", error)
                return [*requirements]
            impossible = await self._fit(requirements[:half]) + await self._fit(requirements[half:])
            if not impossible:
                self._give_up("", "", "", error)
            return impossible
        return []

    def _give_up(self, project: str, version: str, about: str, error: Conflict) -> None:
        text = f"{about}{self._interpreter}: {' '.join(str(error).split()).removesuffix('.')}"
        self.unknown.add(Unknown(project, version, text, unresolved=True))

    async def _resolve(self, requirements: Sequence[str], because: str) -> None:
        if frozenset(requirements) in self._asked:
            return
        self._asked.add(frozenset(requirements))
        async with self._slots:
            pins = await self._question.ask(requirements, self._interpreter, self._shelf)
        new = [pin for pin in pins if str(pin) not in self.items]
        for pin in new:
            self.items[str(pin)] = f"{' and '.join(pin.via)} needs it" if pin.via else because
        if self._question.build:
            await self._build(new)

    async def _build(self, pins: Sequence[Pin]) -> None:
        """Every build has an environment of its own, so each is resolved for itself."""
        await self._shelf.load_releases(pin.name for pin in pins)
        for pin in pins:
            release = self._shelf.release(pin.name, Version(pin.version))
            files = release.installable(self._interpreter) if release else ()
            if not files:
                text = f"it has no file that can be installed on {self._interpreter}"
                self.unknown.add(Unknown(pin.name, pin.version, text))
            elif is_source(files[0].filename):
                await self._resolve_build(pin, files[0])

    async def _resolve_build(self, pin: Pin, file: File) -> None:
        try:
            requires = await self._shelf.build_requires(file)
        except UpstreamError as error:
            self.unknown.add(Unknown(pin.name, pin.version, f"what {file.filename} needs to be built: {error}"))
            return
        try:
            await self._resolve(requires, f"{pin} needs it to be built")
        except Conflict as error:
            self._give_up(pin.name, pin.version, f"what {file.filename} needs to be built: ", error)
