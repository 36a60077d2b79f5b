"""One file, from upstream or from storage, to the stage: tried again, and resumed, as long as that helps."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from bandersnatch.errors import BadContent, NotAllowed, NotFound, UpstreamError
from bandersnatch.model import File, Held, Validators
from bandersnatch.storage.base import Storage
from bandersnatch.transfer import companions, present
from bandersnatch.transfer.arriving import Transfer
from bandersnatch.transfer.check import Check
from bandersnatch.transfer.rules import Rules
from bandersnatch.upstream.base import Body, Upstream
from bandersnatch.values import Struct, replace

TRIES = 5
"""How often a transfer that was cut is taken up again within one run, as long as it makes progress."""


class Arrived(Struct, frozen=True):
    """A file that is held or staged now."""

    held: Held
    fetched: int
    """Bytes that came from upstream for it; 0 for a file that was found in storage."""
    warning: str = ""
    """What an operator should know; the same for every file that it is true of."""
    problem: str = ""
    """Why a companion is missing that a later try may get: the file is here all the same."""
    withheld: bool = False
    """Whether upstream does not give a companion that it says it has."""


Progress = Callable[[File, int], None]
"""Told of each further number of bytes of a file."""


Named = Callable[[File], Awaitable[None]]
"""Told of a file whose key could not be known before it came, just before it is staged."""


def _silent(file: File, count: int) -> None: ...


async def _unheard(file: File) -> None: ...


async def file(
    project: str,
    wanted: File,
    upstream: Upstream,
    storage: Storage,
    rules: Rules,
    progress: Progress = _silent,
    *,
    twins: Sequence[File] = (),
    named: Named = _unheard,
    new: bool = False,
) -> Arrived:
    """
    Bring *wanted* into storage, whole and verified, or raise and leave everything as it was.

    What storage has under the file's key already is taken over if its size and digests are right, and replaced if
    they are not; *new* says that ``look`` has found nothing. What comes from upstream may be one of the *twins* as
    well. Raises UpstreamError, StorageError.
    """
    rules = rules.on_page_of(project, wanted.filename)
    transfer = Transfer(wanted, storage, rules, twins=twins, new=new)
    found = None if new else await asyncio.to_thread(_begin, transfer, wanted, storage, rules)
    count = 0
    if found is None:
        found, count = await _fetch(transfer, project, upstream, progress, named)
    one = await companions.complete(project, *found, upstream, storage, rules)
    return Arrived(one.held, count, one.warning, one.problem, one.withheld)


def _begin(transfer: Transfer, wanted: File, storage: Storage, rules: Rules) -> tuple[Held, bytes] | None:
    """The file, if storage has it; else the transfer goes on with what is there. Blocks."""
    found = present.find(wanted, storage, rules)
    if found is None:
        transfer.resume()
    return found


async def _fetch(
    transfer: Transfer, project: str, upstream: Upstream, progress: Progress, named: Named
) -> tuple[tuple[Held, bytes], int]:
    """The file, as ``stage`` leaves it, and how many bytes of it came now."""
    try:
        count = await _pour(transfer, project, upstream, progress)
        small = transfer.is_small
        file = transfer.verify() if small else await asyncio.to_thread(transfer.verify)
        if file.sha256 != transfer.wanted.sha256:
            await named(file)
        return transfer.stage(file) if small else await asyncio.to_thread(transfer.stage, file), count
    except BadContent:
        if not transfer.mixed:
            await asyncio.to_thread(transfer.discard)
            raise
    except BaseException:
        await asyncio.to_thread(transfer.keep)
        raise
    # What is wrong may have come in an earlier try, or from a download mirror: once more, all from upstream itself.
    await asyncio.to_thread(transfer.restart)
    transfer.direct = True
    return await _fetch(transfer, project, upstream, progress, named)


async def _pour(transfer: Transfer, project: str, upstream: Upstream, progress: Progress) -> int:
    """Read the file to its end, taking it up again after each cut that came after some progress."""
    total = 0
    for tries_left in reversed(range(TRIES)):
        if transfer.size == transfer.wanted.size:
            break
        before, shortcut = total, False
        try:
            wanted = transfer.wanted
            async with upstream.open(
                wanted.url, offset=transfer.size, direct=transfer.direct, size=wanted.size, project=project
            ) as body:
                shortcut = not body.direct
                await _align(transfer, body)
                transfer.validators = Validators() if transfer.is_certain else body.validators
                async for data in body:
                    total += len(data)
                    progress(wanted, len(data))
                    if transfer.gather(data):
                        await asyncio.to_thread(transfer.write)
            break
        except (BadContent, NotFound, NotAllowed):
            raise
        except UpstreamError:
            if not tries_left or (total == before and not shortcut):
                raise
            transfer.direct = transfer.direct or shortcut
            if not transfer.is_certain:
                await asyncio.to_thread(transfer.restart)
    return total


async def same(project: str, held: Held, known: Validators, upstream: Upstream, *, whole: bool) -> Held:
    """
    *held*, of which upstream states no digest, if upstream still has the same bytes; it is asked with what is *known*.

    Where nothing is known only the length is compared, and what there is to know is kept, unless the *whole* is to be
    read.
    Raises BadContent if it has others, and UpstreamError.
    """
    file = replace(held.file, size=held.size)
    check = Check(file, held.size)
    async with upstream.open(file.url, direct=True, project=project, known=known) as body:
        if body.is_unchanged:
            return replace(held, etag=known.etag, last_modified=known.last_modified)
        if whole or known or body.length not in (None, held.size):
            async for data in body:
                check.update(data)
            check.finish()
    return replace(held, etag=body.validators.etag, last_modified=body.validators.last_modified)


async def _align(transfer: Transfer, body: Body) -> None:
    """Begin where *body* begins, if its length can be right at all."""
    transfer.mixed = transfer.mixed or not body.direct
    if body.offset != transfer.size:
        await asyncio.to_thread(transfer.restart)
    wanted = transfer.wanted
    if body.length is not None and transfer.sizes.isdisjoint((body.length, None)):
        raise BadContent(
            f"{wanted.filename}: {body.length} bytes are announced, {wanted.size} were promised", url=wanted.url
        )
