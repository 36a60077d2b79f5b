"""Upstream as a closure reads it: the releases of a project, and what each release needs. Each thing is read once."""

from __future__ import annotations

import asyncio
import hashlib
import io
from collections.abc import Callable, Coroutine, Iterable
from functools import lru_cache
from typing import Any, TypeVar

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from bandersnatch import names
from bandersnatch.closure import sources
from bandersnatch.closure.base import Interpreter
from bandersnatch.closure.sources import Source
from bandersnatch.errors import BadContent, NotFound
from bandersnatch.model import File, Project, Validators
from bandersnatch.simple import metadata
from bandersnatch.upstream.base import Upstream
from bandersnatch.values import Struct

MAX_METADATA = 16 << 20
MAX_FILE = 128 << 20
"""Bytes of a distribution file that is fetched only to be looked into; where metadata is offered, none is."""

Narrow = Callable[[Project], Project]
"""What the selection's rules leave of a page, whatever is admitted: young files, unwanted types and so on are gone."""

T = TypeVar("T")


class Release(Struct, frozen=True):
    """The files of one version."""

    name: str
    """Of the project, normalised."""
    version: Version
    files: tuple[File, ...]

    @property
    def yanked(self) -> bool:
        return all(file.yanked is not None for file in self.files)

    def installable(self, interpreter: Interpreter) -> tuple[File, ...]:
        """What installers could take there: every wheel that suits; without any, the source distribution."""
        fitting = [file for file in self.files if _admits(file.requires_python, interpreter.python)]
        wheels = tuple(file for file in fitting if interpreter.suits(file.filename))
        return wheels or tuple(file for file in fitting if sources.is_source(file.filename))[:1]


def releases(project: Project) -> tuple[Release, ...]:
    """The releases of *project*, the newest first; files whose version is none (PEP 440) are left out."""
    found: dict[Version, list[File]] = {}
    for file in project.files:
        text = names.version_of(file.filename, project.name)
        try:
            found.setdefault(Version(text or ""), []).append(file)
        except InvalidVersion:
            continue
    return tuple(Release(project.name, version, tuple(found[version])) for version in sorted(found, reverse=True))


@lru_cache(maxsize=1 << 12)  # the thousands of files of a project share a few
def _admits(requires_python: str | None, python: str) -> bool:
    """Whether Requires-Python lets *python* in; one that cannot be read forbids nothing, as installers have it."""
    try:
        return SpecifierSet(requires_python or "").contains(python, prereleases=True)
    except InvalidSpecifier:
        return True


class Needs(Struct, frozen=True):
    """What a release needs, as one of its files says."""

    requires: tuple[Requirement, ...]
    doubt: str = ""
    """Why there may be more; empty if there is not."""


class Shelf:
    """
    Reads from *upstream*, at most *at_once* things at a time.

    What is wanted is first loaded, many things together, and then looked up. *narrow* is applied to every page.
    """

    def __init__(self, upstream: Upstream, *, narrow: Narrow = lambda project: project, at_once: int = 16) -> None:
        self._upstream = upstream
        self._narrow = narrow
        self._slots = asyncio.Semaphore(at_once)
        self._pages: dict[str, tuple[Release, ...] | None] = {}
        self._needs: dict[str, Needs] = {}
        self._sources: dict[str, Source | BadContent] = {}

    async def load_releases(self, projects: Iterable[str]) -> None:
        """Read the pages of *projects*."""
        await gather(self._load_page(name) for name in sorted(set(projects) - self._pages.keys()))

    def releases(self, name: str) -> tuple[Release, ...] | None:
        """The releases of a project that was loaded, the newest first; None if upstream has no such project."""
        return self._pages[name]

    def release(self, name: str, version: Version) -> Release | None:
        """One release of a project that was loaded, or None."""
        return next((one for one in self._pages[name] or () if one.version == version), None)

    async def load_needs(self, files: Iterable[File]) -> None:
        """Read what *files* need: one of those that have the same metadata."""
        wanted = {_identity(file): file for file in files}
        await gather(self._load_needs(wanted[key]) for key in sorted(wanted.keys() - self._needs.keys()))

    def needs(self, file: File) -> Needs:
        """What a file needs to run, once loaded. What could not be read is in doubt, and no error."""
        return self._needs[_identity(file)]

    async def build_requires(self, file: File) -> tuple[str, ...]:
        """What the source distribution *file* needs to be built. Raises BadContent."""
        return (await self._source(file)).build_requires

    async def _load_page(self, name: str) -> None:
        async with self._slots:
            try:
                fetched = await self._upstream.project(name, Validators(), at_least=None)
            except NotFound:
                self._pages[name] = None
                return
        assert fetched is not None  # nothing was known of it, so it cannot be unchanged
        self._pages[name] = releases(self._narrow(fetched.project))

    async def _load_needs(self, file: File) -> None:
        try:
            read = self._of_wheel if file.filename.endswith(".whl") else self._of_source
            self._needs[_identity(file)] = await read(file)
        except (BadContent, NotFound) as error:
            self._needs[_identity(file)] = Needs((), f"{file.filename}: {error}")

    async def _of_source(self, file: File) -> Needs:
        source = await self._source(file)
        if source.requires is not None:
            return _parsed(source.requires)
        needs = _parsed(sources.requires_of(source.metadata))
        return Needs(needs.requires, needs.doubt or f"{file.filename} says what it needs only when it is built")

    async def _of_wheel(self, file: File) -> Needs:
        if file.core_metadata:
            try:
                async with self._slots:
                    data = await self._upstream.read(f"{file.url}.metadata", limit=MAX_METADATA)
                if not isinstance(file.core_metadata, str) or _sha256(data) == file.core_metadata:
                    return _parsed(sources.requires_of(data))
            except NotFound:
                pass  # promised and not there: the wheel itself has it
        content = io.BytesIO(await self._content(file))
        return _parsed(sources.requires_of(metadata.from_wheel(content, limit=MAX_METADATA)))

    async def _source(self, file: File) -> Source:
        if file.sha256 not in self._sources:
            try:
                self._sources[file.sha256] = sources.read(file.filename, await self._content(file))
            except BadContent as error:
                self._sources[file.sha256] = error
        found = self._sources[file.sha256]
        if isinstance(found, BadContent):
            raise found
        return found

    async def _content(self, file: File) -> bytes:
        data = bytearray()
        async with self._slots, self._upstream.open(file.url) as body:
            async for chunk in body:
                data += chunk
                if len(data) > MAX_FILE:
                    raise BadContent(f"more than {MAX_FILE} bytes", url=file.url)
        if _sha256(data) != file.sha256:
            raise BadContent("what came has another SHA-256 than the page says", url=file.url)
        return bytes(data)


async def gather(work: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """The results of all, which run at the same time; the first error stops the others, and is raised."""
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _identity(file: File) -> str:
    """The same for files with the same metadata, where the page tells."""
    return file.core_metadata if isinstance(file.core_metadata, str) else file.sha256


def _parsed(lines: Iterable[str]) -> Needs:
    found, doubts = [], []
    for line in lines:
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            doubts.append(f"cannot read what it requires: {line!r:.200}")
            continue
        if requirement.url:
            doubts.append(f"requires a URL and not a project: {line!r:.200}")
        elif names.is_project_name(requirement.name):
            found.append(requirement)
    return Needs(tuple(found), "; ".join(doubts))


def _sha256(data: bytes | bytearray) -> str:
    return hashlib.sha256(data).hexdigest()
