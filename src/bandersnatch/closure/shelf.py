"""Upstream as a closure reads it: the releases of a project, and what each release needs. Each thing is read once."""

from __future__ import annotations

import asyncio
import hashlib
import io
import re
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import TypeVar

from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import Version

from bandersnatch import names
from bandersnatch.closure import peeking, sources
from bandersnatch.closure.base import Unknown
from bandersnatch.closure.peeking import NoRanges
from bandersnatch.closure.releases import Release, releases
from bandersnatch.closure.sources import Source, requires_of
from bandersnatch.closure.together import Once, gather
from bandersnatch.errors import BadContent, NotAllowed, NotFound, UpstreamError
from bandersnatch.model import File, Project, Validators
from bandersnatch.simple import metadata
from bandersnatch.transfer.check import Check
from bandersnatch.upstream.base import Upstream
from bandersnatch.values import Struct

MAX_METADATA = 16 << 20
SMALL = 1 << 20
"""Bytes of a wheel without metadata beside it up to which it is read whole, and checked."""
MAX_FILE = 128 << 20
"""Bytes of a distribution file that is fetched only to be looked into; where metadata is offered, none is."""

SILENCES = 8
"""So many failures one after the other, without an answer, say that nobody is there."""

Narrow = Callable[[Project], Project]
"""What the selection's rules leave of a page, whatever is admitted: young files, unwanted types and so on are gone."""

Kept = Callable[[File], bytes | None]
"""The core metadata of a file, if it is here already. Blocks."""

T = TypeVar("T")

_END_OF_FIELDS = re.compile(rb"\r?\n\r?\n")


class Needs(Struct, frozen=True):
    """What a release needs, as one of its files says."""

    requires: tuple[Requirement, ...]
    doubt: str = ""
    """Why there may be more; empty if there is not."""
    withheld: bool = False
    """Whether upstream lists the file and forbids to read a word of it: no installer would get further."""


class Shelf:
    """
    Reads from *upstream*, at most *at_once* things at a time, and each thing once.

    What is wanted is first loaded, many things together, and then looked up. *narrow* is applied to every page, and
    *kept* gives the metadata of files that are here already. What cannot be had spoils nothing else: it is noted.
    """

    def __init__(
        self,
        upstream: Upstream,
        *,
        narrow: Narrow = lambda project: project,
        kept: Kept | None = None,
        at_once: int = 16,
    ) -> None:
        self._upstream = upstream
        self._narrow = narrow
        self._kept = kept
        self._slots = asyncio.Semaphore(at_once)
        self._once = Once()
        self._heard = False
        self._silent: list[UpstreamError] = []
        """What was asked last and not answered at all, since the last answer."""
        self._pages: dict[str, tuple[Release, ...] | UpstreamError] = {}
        self._metadata: dict[str, bytes | UpstreamError] = {}
        self._needs: dict[str, Needs] = {}
        self._sources: dict[str, Source | BadContent] = {}
        self.noted: set[Unknown] = set()
        """What could not be had, and why."""
        self.is_shaky = False
        """Whether another try may get more: a page could not be had, or upstream did not answer about a file."""

    async def load_releases(self, projects: Iterable[str]) -> None:
        """Read the pages of *projects*. Raises UpstreamError as ``check`` does."""
        wanted = sorted(set(projects) - self._pages.keys())
        await gather(self._once.do(name, partial(self._load_page, name)) for name in wanted)
        self.check()

    @property
    def failures(self) -> dict[str, UpstreamError]:
        """Why the pages that could not be had could not, by project."""
        pages = self._pages.items()
        return {name: one for name, one in pages if isinstance(one, UpstreamError) and not isinstance(one, NotFound)}

    def releases(self, name: str) -> tuple[Release, ...] | None:
        """The releases of a project that was loaded, the newest first; None if its page is not to be had."""
        page = self._pages[name]
        return None if isinstance(page, UpstreamError) else page

    def release(self, name: str, version: Version) -> Release | None:
        """One release of a project that was loaded, or None."""
        return next((one for one in self.releases(name) or () if one.version == version), None)

    async def load_needs(self, files: Iterable[tuple[Release, File]]) -> None:
        """Read what *files* need, each with its release: one of those that have the same metadata. As ``check``."""
        wanted = {_identity(file): (release, file) for release, file in files}
        await gather(self._load_needs(*wanted[key]) for key in sorted(wanted.keys() - self._needs.keys()))
        self.check()

    def check(self) -> None:
        """Raises UpstreamError if nobody is there: one failure is a hole, nothing but failures is no closure."""
        if self._silent and (not self._heard or len(self._silent) >= SILENCES):
            raise self._silent[0]

    def needs(self, file: File) -> Needs:
        """What a file needs to run, once loaded. What could not be read is in doubt, and no error."""
        return self._needs[_identity(file)]

    def is_withheld(self, file: File) -> bool:
        """Whether it was seen that upstream forbids what it lists."""
        needs = self._needs.get(_identity(file))
        return needs is not None and needs.withheld

    async def metadata(self, release: Release, file: File) -> bytes:
        """The fields of a wheel's core metadata, without the description. Raises UpstreamError, and notes it."""
        key = _identity(file)
        if key not in self._metadata:
            await self._once.do((key, "metadata"), partial(self._load_metadata, key, release, file))
        found = self._metadata[key]
        if isinstance(found, UpstreamError):
            raise found
        return found

    async def build_requires(self, file: File) -> tuple[str, ...]:
        """What the source distribution *file* needs to be built. Raises UpstreamError."""
        return (await self._source(file)).build_requires

    async def content(self, file: File) -> bytes:
        """The bytes of *file*, checked. Raises UpstreamError."""

        async def fetch() -> bytes:
            data, check = bytearray(), Check(file, MAX_FILE)
            async with self._upstream.open(file.url) as body:
                async for chunk in body:
                    check.update(chunk)
                    data += chunk
            check.finish()
            return bytes(data)

        return await self._answer(fetch)

    def note(self, release: Release, file: File, error: UpstreamError) -> UpstreamError:
        """Note that *file* is passed over because of *error*, which is given back."""
        self.noted.add(Unknown(release.name, str(release.version), _about(file, error)))
        self.is_shaky = self.is_shaky or _may_pass(error)
        return error

    async def _answer(self, ask: Callable[[], Awaitable[T]]) -> T:
        """What *ask* gives, when it is its turn; nobody is asked any more where nobody is there."""
        async with self._slots:
            if len(self._silent) >= SILENCES:
                raise self._silent[0]
            try:
                answer = await ask()
            except UpstreamError as error:
                if error.status is None and _may_pass(error):
                    self._silent.append(error)
                    raise
                self._heard, self._silent = True, []
                raise
            self._heard, self._silent = True, []
            return answer

    async def _load_page(self, name: str) -> None:
        try:
            fetched = await self._answer(lambda: self._upstream.project(name, Validators(), at_least=None))
        except NotFound as error:
            self._pages[name] = error
        except UpstreamError as error:
            self._pages[name] = error
            self.noted.add(Unknown(name, "", str(error)))
            self.is_shaky = True
        else:
            assert fetched is not None  # nothing was known of it, so it cannot be unchanged
            self._pages[name] = releases(self._narrow(fetched.project))

    async def _load_metadata(self, key: str, release: Release, file: File) -> None:
        try:
            self._metadata[key] = _END_OF_FIELDS.split(await self._metadata_of(file), maxsplit=1)[0] + b"\n\n"
        except UpstreamError as error:
            self._metadata[key] = self.note(release, file, error)

    async def _load_needs(self, release: Release, file: File) -> None:
        try:
            if file.filename.endswith(".whl"):
                needs = _parsed(requires_of(await self.metadata(release, file)))
            else:
                needs = await self._of_source(file)
        except (BadContent, NotFound) as error:
            needs = Needs((), _about(file, error))
        except UpstreamError as error:
            needs = Needs((), _about(file, self.note(release, file, error)), withheld=not _may_pass(error))
        self._needs[_identity(file)] = needs

    async def _of_source(self, file: File) -> Needs:
        source = await self._source(file)
        if source.requires is not None:
            return _parsed(source.requires)
        needs = _parsed(requires_of(source.metadata))
        return Needs(needs.requires, needs.doubt or f"{file.filename} says what it needs only when it is built")

    async def _metadata_of(self, file: File) -> bytes:
        if file.core_metadata:
            kept = await asyncio.to_thread(self._kept, file) if self._kept else None
            if kept is not None and _sha256(kept) == file.core_metadata:
                return kept
            try:
                data = await self._answer(lambda: self._upstream.read(file.metadata_url, limit=MAX_METADATA))
                if _is_stated(data, file):
                    return data
            except UpstreamError as error:
                if _may_pass(error):
                    raise
                # promised and not given: the wheel itself has it
        if file.size is not None and file.size > SMALL:
            with suppress(NoRanges):
                size = file.size
                return await self._answer(
                    lambda: peeking.metadata_of(self._upstream, file.url, size, limit=MAX_METADATA)
                )
        return metadata.from_wheel(io.BytesIO(await self.content(file)), limit=MAX_METADATA)

    async def _source(self, file: File) -> Source:
        if file.url not in self._sources:
            try:
                self._sources[file.url] = sources.read(file.filename, await self.content(file))
            except BadContent as error:
                self._sources[file.url] = error
        found = self._sources[file.url]
        if isinstance(found, BadContent):
            raise found
        return found


def _identity(file: File) -> str:
    """The same for files with the same metadata, where the page tells."""
    return file.core_metadata if isinstance(file.core_metadata, str) else file.url


def _is_stated(data: bytes, file: File) -> bool:
    return not isinstance(file.core_metadata, str) or _sha256(data) == file.core_metadata


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _about(file: File, error: UpstreamError) -> str:
    return f"{file.filename}: {error}"


def _may_pass(error: UpstreamError) -> bool:
    """Whether *error* is one that another try may not meet: no answer, or one that says so."""
    if isinstance(error, (NotFound, NotAllowed, BadContent)):
        return False
    return error.status is None or error.status >= 500 or error.status in (408, 425, 429)


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
