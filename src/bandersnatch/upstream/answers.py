"""How an index answers: its list, read as it arrives, and what the heads of its answers say."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Container, Iterator
from contextlib import contextmanager

from bandersnatch import simple
from bandersnatch.errors import BadContent
from bandersnatch.model import Slice, Validators
from bandersnatch.upstream import bodies
from bandersnatch.upstream.base import Absorb, Listing
from bandersnatch.upstream.decoding import Decoder
from bandersnatch.upstream.response import Response

BATCH = 5_000
"""Projects given to *absorb* at a time."""

_SERIAL = re.compile(r"[0-9]{1,18}\Z")


async def absorb_all(
    response: Response, decoder: Decoder, absorb: Absorb, slices: Container[bytes], kept: Validators
) -> Listing:
    """Read the list of projects to its end, giving it on in batches."""
    kind, url = response.header("content-type"), plain_url(response)
    parser = simple.listing_parser(kind, url, slices, whole=response.is_delimited)
    batch: list[Slice] = []
    count = waiting = 0
    async for piece in bodies.decoded(response, decoder):
        await asyncio.sleep(0)  # of what is packed well, many pieces come at once
        found = parser.feed(piece)
        batch += found
        waiting += sum(len(one.lines) for one in found)
        if waiting >= BATCH:
            await absorb(batch)
            count, waiting, batch = count + waiting, 0, []
    last, head = parser.finish()
    batch += last
    if batch:
        count += sum(len(one.lines) for one in batch)
        await absorb(batch)
    stated = head.serial if head.serial is not None else serial(response)
    return Listing(stated, kept, count, head.rejected, decoder.given)


def plain_url(response: Response) -> str:
    """Where the answer came from, to resolve relative URLs and for messages: without the query, which may be secret."""
    return str(response.url.at(response.url.path))


@contextmanager
def masked(response: Response) -> Iterator[None]:
    """What cannot read the answer says where it came from; this hides what may be secret in that."""
    try:
        yield
    except BadContent as error:
        shown = response.url.masked
        raise BadContent(str(error).replace(plain_url(response), shown), url=shown) from None


def serial(response: Response) -> int | None:
    """The serial that the answer's head states, where the page itself has none."""
    text = response.header("x-pypi-last-serial") or ""
    return int(text) if _SERIAL.match(text) else None
