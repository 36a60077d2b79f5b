"""Proof that a mirror alone suffices: its own pages are resolved against, and every file needed is looked at."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from packaging.version import Version

from bandersnatch.closure.base import Interpreter, Unknown
from bandersnatch.closure.locked import Question
from bandersnatch.closure.releases import Release
from bandersnatch.closure.shelf import Shelf
from bandersnatch.closure.sources import is_source
from bandersnatch.errors import BadContent, Conflict, NotFound, UpstreamError
from bandersnatch.model import File
from bandersnatch.resolver.base import Pin
from bandersnatch.upstream.base import Upstream
from bandersnatch.values import Struct, field

MAX_METADATA = 16 << 20


class Missing(Struct, frozen=True, order=True):
    """One thing that an installation would need and not get."""

    project: str
    version: str
    file: str
    """Empty where the release has none that would do."""
    why: str


class Proved(Struct, frozen=True):
    """How it stands for one interpreter."""

    environment: str
    python: str
    platform: str
    outcome: str
    """``ok``, ``conflict``: the resolver finds no solution, ``missing``, or ``failed``: the mirror does not answer."""
    message: str = ""
    """The resolver's explanation of a conflict, or what failed."""
    pins: tuple[str, ...] = ()
    """What would be installed, ``name==version``, with what is needed to build it."""
    missing: tuple[Missing, ...] = ()


class Proof(Struct, frozen=True):
    """The answers for all interpreters."""

    results: tuple[Proved, ...]

    @property
    def proved(self) -> bool:
        return all(one.outcome == "ok" for one in self.results)


async def prove(
    requirements: Sequence[str],
    interpreters: Sequence[Interpreter],
    question: Question,
    mirror: Upstream,
    *,
    digests: bool = False,
) -> Proof:
    """
    Whether *requirements* can be installed on each of *interpreters* from the mirror alone.

    *question* asks the resolver, and *mirror* reads pages and files, both of the mirror that is to be proved; the
    resolver must not answer from a cache. With *digests* every file is read whole. Raises UsageError.
    """
    files = _Files(mirror, digests=digests)
    return Proof(tuple([await _Attempt(one, question, Shelf(mirror), files).run(requirements) for one in interpreters]))


class _Attempt(Struct):
    """One interpreter's installation, tried on paper."""

    interpreter: Interpreter
    question: Question
    shelf: Shelf
    files: _Files
    pins: set[str] = field(default_factory=set)
    missing: set[Missing] = field(default_factory=set)
    asked: set[frozenset[str]] = field(default_factory=set)

    async def run(self, requirements: Sequence[str]) -> Proved:
        try:
            await self._resolve(requirements)
        except Conflict as error:
            unread = "".join(f"\n{one.project} {one.version}".rstrip() + f": {one.reason}" for one in self._unread())
            return self._result("failed" if unread else "conflict", f"{error}{unread}")
        except UpstreamError as error:
            return self._result("failed", str(error))
        self.missing.update(Missing(one.project, one.version, "", one.reason) for one in self._unread())
        return self._result("missing" if self.missing else "ok")

    def _result(self, outcome: str, message: str = "") -> Proved:
        target = self.interpreter.target
        return Proved(
            self.interpreter.environment,
            target.python,
            target.platform,
            outcome,
            message,
            tuple(sorted(self.pins)),
            tuple(sorted(self.missing)),
        )

    def _unread(self) -> list[Unknown]:
        """What the resolver asked for and could not have, whatever it then did without it."""
        told = {(one.project, one.version) for one in self.missing}
        return [one for one in sorted(self.shelf.noted) if (one.project, one.version) not in told]

    async def _resolve(self, requirements: Sequence[str]) -> None:
        if frozenset(requirements) in self.asked:
            return
        self.asked.add(frozenset(requirements))
        pins = await self.question.ask(requirements, self.interpreter, self.shelf)
        new = [pin for pin in pins if str(pin) not in self.pins]
        self.pins.update(map(str, new))
        await self.shelf.load_releases(pin.name for pin in new)
        for pin in new:
            await self._look_at(pin)

    async def _look_at(self, pin: Pin) -> None:
        release = self.shelf.release(pin.name, Version(pin.version))
        files = [
            file
            for file in (release.installable(self.interpreter) if release else ())
            if self.question.build or not is_source(file.filename)
        ]
        if not files:
            self._miss(pin, "", self._lack(release))
        for file in files:
            fault = await self.files.fault(file)
            if fault:
                self._miss(pin, file.filename, fault)
            elif is_source(file.filename):
                await self._build(pin, file)

    def _lack(self, release: Release | None) -> str:
        if release is None:
            return "the mirror has no file of this version"
        source = ", and it has no source distribution" if self.question.build else ""
        return f"no wheel of it suits{source}"

    async def _build(self, pin: Pin, file: File) -> None:
        try:
            await self._resolve(await self.shelf.build_requires(file))
        except (Conflict, BadContent) as error:
            self._miss(pin, file.filename, f"what it needs to be built: {error}")

    def _miss(self, pin: Pin, filename: str, why: str) -> None:
        self.missing.add(Missing(pin.name, pin.version, filename, why))


class _Files:
    """Looks at each file once, however many interpreters need it."""

    def __init__(self, mirror: Upstream, *, digests: bool) -> None:
        self._mirror = mirror
        self._digests = digests
        self._faults: dict[str, str] = {}

    async def fault(self, file: File) -> str:
        """What is wrong with the mirror's copy of *file*; empty if nothing is."""
        if file.url not in self._faults:
            self._faults[file.url] = await self._look(file)
        return self._faults[file.url]

    async def _look(self, file: File) -> str:
        try:
            return await self._bytes(file) or await self._metadata(file)
        except NotFound:
            return "the page links it, and it is not there"
        except UpstreamError as error:
            return str(error)

    async def _bytes(self, file: File) -> str:
        digest, size = hashlib.sha256(), 0
        async with self._mirror.open(file.url, direct=True) as body:
            if self._digests or body.length is None:
                async for chunk in body:
                    digest.update(chunk)
                    size += len(chunk)
            else:
                size = body.length
        if file.size is not None and size != file.size:
            return f"it has {size} bytes, and the page says {file.size}"
        wrong = self._digests and file.sha256 not in ("", digest.hexdigest())
        return "its SHA-256 is not the one on the page" if wrong else ""

    async def _metadata(self, file: File) -> str:
        if not file.core_metadata:
            return ""
        try:
            data = await self._mirror.read(file.metadata_url, limit=MAX_METADATA)
        except NotFound:
            return "the page offers its metadata, and that is not there"
        right = file.core_metadata is True or hashlib.sha256(data).hexdigest() == file.core_metadata
        return "" if right else "the SHA-256 of its metadata is not the one on the page"
