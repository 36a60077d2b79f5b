"""An upstream in memory: releases told as requirements, with real files behind them."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Container, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from bandersnatch.errors import NotFound, UpstreamError
from bandersnatch.model import File, Project, Validators
from bandersnatch.names import normalise
from bandersnatch.testing.distributions import KINDS, Build
from bandersnatch.upstream.base import Absorb, Body, Change, Fetched, Listing
from bandersnatch.values import replace


@dataclass
class Bytes:
    """A body in pieces of 64 KiB. Implements ``upstream.base.Body``."""

    data: bytes
    of: Memory
    offset: int = 0
    direct: bool = True
    validators: Validators = Validators()
    is_unchanged: bool = False

    @property
    def length(self) -> int:
        return self.offset + len(self.data)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self.data), 1 << 16):
            self.of.sent += len(self.data[start : start + (1 << 16)])
            yield self.data[start : start + (1 << 16)]


@dataclass
class Memory:
    """Implements ``upstream.base.Upstream``, and counts what it is asked."""

    pages: dict[str, list[File]] = field(default_factory=dict)
    contents: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    faults: dict[str, UpstreamError] = field(default_factory=dict)
    """What is raised for a project or a URL."""
    ranges: bool = True
    sent: int = 0
    """Bytes of files."""

    def add(
        self,
        name: str,
        version: str,
        *requires: str,
        kind: str = "wheel",
        tags: tuple[str, str, str] = ("py3", "none", "any"),
        metadata: bool = True,
        content: bytes | None = None,
        requires_python: str | None = None,
        yanked: str | None = None,
    ) -> str:
        """One more file; its URL."""
        python, abi, platform = tags
        build = Build(name, version, python, abi, platform, requires_python, requires)
        data = KINDS[kind].make(build) if content is None else content
        file = File(
            KINDS[kind].filename(build),
            f"https://files.example.org/{KINDS[kind].filename(build)}",
            hashlib.sha256(data).hexdigest(),
            len(data),
            requires_python=requires_python,
            yanked=yanked,
        )
        self.contents[file.url] = data
        if kind == "wheel" and metadata:
            file = replace(file, core_metadata=hashlib.sha256(build.metadata).hexdigest())
            self.contents[f"{file.url}.metadata"] = build.metadata
        self.pages.setdefault(normalise(name), []).append(file)
        return file.url

    async def changes(self, since: int) -> Sequence[Change] | None:
        raise AssertionError("a closure reads no changelog")

    async def listing(
        self, known: Validators, absorb: Absorb, *, limit: int | None = None, slices: Container[bytes] = frozenset()
    ) -> Listing | None:
        raise AssertionError("a closure reads no list of projects")

    async def project(self, name: str, known: Validators, *, at_least: int | None) -> Fetched | None:
        self._ask(name)
        if name not in self.pages:
            raise NotFound(f"{name}: not there")
        return Fetched(Project(name, tuple(self.pages[name])), Validators(), "")

    @asynccontextmanager
    async def open(
        self,
        url: str,
        *,
        offset: int = 0,
        direct: bool = False,
        size: int | None = None,
        project: str = "",
        known: Validators = Validators(),  # noqa: B008  # frozen
    ) -> AsyncIterator[Body]:
        data = await self.read(url, limit=1 << 30)
        if offset and self.ranges:
            yield Bytes(data[offset:], self, offset)
        else:
            yield Bytes(data, self)

    async def read(self, url: str, *, limit: int) -> bytes:
        self._ask(url)
        if url not in self.contents:
            raise NotFound(f"{url}: not there", url=url)
        return self.contents[url]

    def _ask(self, what: str) -> None:
        self.asked.append(what)
        if what in self.faults:
            raise self.faults[what]

    async def legacy(self, name: str, release: str, *, limit: int) -> bytes:
        raise AssertionError("a closure reads core metadata")

    async def close(self) -> None:
        """Nothing is open."""
