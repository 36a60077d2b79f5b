r"""The upstream port: where we read from. Every method is a coroutine and raises only ``UpstreamError``\\ s."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Container, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from bandersnatch.model import Project, Slice, Validators
from bandersnatch.values import Struct

Absorb = Callable[[Sequence[Slice]], Awaitable[None]]
"""Takes some slices of a list of projects, as they arrive."""


class Listing(Struct, frozen=True):
    """The end of a list of projects that came whole."""

    serial: int | None
    """The list's own ``_last-serial``, or the response's X-PyPI-Last-Serial; None where upstream has no serials."""
    validators: Validators
    count: int
    """Projects listed in what was read, the rejected ones left out."""
    rejected: int
    """Lines whose name is not a project's name."""
    bytes: int
    """Size of the list, decoded."""


class Change(Struct, frozen=True):
    """One project that the changelog names, with its newest serial."""

    name: str
    """Normalised."""
    display: str
    serial: int


class Fetched(Struct, frozen=True):
    """A project page as it came."""

    project: Project
    """Its ``serial`` is the page's own, or the response's header where the page has none."""
    validators: Validators
    digest: str
    """SHA-256 of the decoded body: tells a changed page where upstream has no serials and no validators."""


class TooLong(Exception):
    """A list of projects is longer than the caller wanted to read. Not an error: the caller asked for this."""


class Body(Protocol):
    """The bytes of one file, streaming."""

    @property
    def offset(self) -> int:
        """Where the bytes begin: what was asked for, or 0 when upstream does not serve ranges."""

    @property
    def direct(self) -> bool:
        """Whether they come from the file's own URL, and not from a download mirror."""

    @property
    def length(self) -> int | None:
        """Size of the whole file in bytes, where upstream says."""

    @property
    def validators(self) -> Validators:
        """What a later question for the same file can be made conditional with."""

    @property
    def is_unchanged(self) -> bool:
        """Whether upstream says that the file is the one that was *known*: then no bytes come."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        """The chunks, each of any size above 0."""


class Upstream(Protocol):
    """An index that we mirror, whatever it can and cannot do."""

    async def changes(self, since: int) -> Sequence[Change] | None:
        """
        The projects changed after serial *since*, each once, or None if upstream has no changelog (as configured).

        The whole feed up to now: a call returns when upstream has no more.
        """

    async def listing(
        self, known: Validators, absorb: Absorb, *, limit: int | None = None, slices: Container[bytes] = frozenset()
    ) -> Listing | None:
        """
        Read the list of projects, giving it to *absorb* batch by batch; None when unchanged since *known*.

        Where it can be cut, *slices* are the digests of those that need not be read again.

        Raises TooLong, having read no further, as soon as the list is longer than *limit* bytes.
        NotFound: this upstream has no list. An error can come after some batches: only a returned Listing
        means that the batches were all.
        """

    async def project(self, name: str, known: Validators, *, at_least: int | None) -> Fetched | None:
        """
        The page of the project with the normalised *name*; None when unchanged since *known*.

        Raises NotFound, Stale (the page is older than serial *at_least*) and
        BadContent (it cannot be read, or is another project's).
        """

    def open(
        self,
        url: str,
        *,
        offset: int = 0,
        direct: bool = False,
        size: int | None = None,
        project: str = "",
        known: Validators = Validators(),  # noqa: B008  # frozen
    ) -> AbstractAsyncContextManager[Body]:
        """
        Stream the file at *url*, from byte *offset* on. Errors come on entering or while reading.

        With *known* it is asked for only if it is another by now.

        Download mirrors, where there are any, are asked first; *direct* asks *url* itself at once. *size* is the
        file's, where that is known: a large one may be read ahead, so that what came last before a cut is lost.
        The files of one *project* never take all that may be asked of a host at a time.
        """

    async def read(self, url: str, *, limit: int) -> bytes:
        """The whole body at *url*, which must not be longer than *limit* bytes; for a file's companions."""

    async def legacy(self, name: str, release: str, *, limit: int) -> bytes:
        """PyPI's older JSON of one *release*, at most *limit* bytes. NotFound: this upstream has none."""

    async def close(self) -> None:
        """Close all connections."""
