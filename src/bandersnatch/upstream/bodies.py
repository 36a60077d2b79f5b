"""Bodies of answers: a file's raw bytes with their place in the file, and text decoded up to a limit."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

from bandersnatch.errors import BadContent, UpstreamError
from bandersnatch.model import Validators
from bandersnatch.upstream.decoding import CutOff, Decoder, TooMuch, Unreadable
from bandersnatch.upstream.pacing import Transient
from bandersnatch.upstream.response import Response

_AS_IT_IS = {"Accept-Encoding": "identity"}
_RANGE = re.compile(r"bytes (?P<start>[0-9]{1,18})-[0-9]{1,18}/(?P<size>[0-9]{1,18}|\*)\Z")


Ask = Callable[..., Awaitable[Response]]
"""``Client.ask``, of which a part is said."""


class FileBody:
    """Implements ``upstream.base.Body``."""

    def __init__(self, response: Response, asked: int, *, direct: bool) -> None:
        self.response = response
        self.direct = direct
        self.offset = 0
        self.length = response.length
        self.validators = Validators()
        self.is_unchanged = response.status == 304
        if response.status == 206:
            self.offset, self.length = _content_range(response, asked)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self.response.chunks()


async def ask_for(ask: Ask, offset: int, conditions: Mapping[str, str], *, direct: bool) -> FileBody:
    """The file that *ask* asks for, from byte *offset* on, or all of it; under *conditions*, if there are any."""
    if offset:
        response = await ask({**_AS_IT_IS, "Range": f"bytes={offset}-"}, expect={200, 206, 416})
        if response.status != 416:
            return await of_file(response, offset, direct=direct)
        await response.close()
    # Upstream has no byte there, so what we have is not a part of its file: begin again.
    expect = {200, 304} if conditions else {200}
    return await of_file(await ask({**_AS_IT_IS, **conditions}, expect=expect), 0, direct=direct)


class Opened:
    """A file that is asked for when this is entered, and whose answer is closed when it is left."""

    def __init__(self, ask: Callable[[], Awaitable[FileBody]]) -> None:
        self._ask = ask

    async def __aenter__(self) -> FileBody:
        self._body = await self._ask()
        return self._body

    async def __aexit__(self, *exception: object) -> None:
        await self._body.response.__aexit__(*exception)


async def of_file(response: Response, asked: int, *, direct: bool) -> FileBody:
    """The body in *response*, which is closed if it is not what was *asked* for."""
    try:
        return FileBody(response, asked, direct=direct)
    except BaseException:
        await response.close()
        raise


def _content_range(response: Response, asked: int) -> tuple[int, int | None]:
    """Where a partial answer begins, which must be where it was *asked* to, and the size of the whole file."""
    shown = response.url.masked
    found = _RANGE.match(response.header("content-range") or "")
    if found is None or int(found["start"]) != asked:
        raise UpstreamError(f"{shown}: asked for the bytes from {asked} on, got others", url=shown, status=206)
    return asked, None if found["size"] == "*" else int(found["size"])


async def whole(response: Response, limit: int, *, last: bool = True) -> bytes:
    """The decoded body. Raises BadContent when it is longer than *limit*; TooMuch if that is not the *last* limit."""
    decoding = decoder(response, limit)
    try:
        return b"".join([piece async for piece in decoded(response, decoding)])
    except TooMuch:
        if not last:
            raise
        raise too_long(response, limit) from None


async def decoded(response: Response, decoding: Decoder) -> AsyncIterator[bytes]:
    """The body in decoded pieces. Raises TooMuch at the decoder's limit, at once where the head announces more."""
    shown = response.url.masked
    if response.length is not None and response.length > decoding.limit:
        raise TooMuch
    try:
        async for chunk in response.chunks():
            for piece in decoding.feed(chunk):
                yield piece
        decoding.finish()
    except Unreadable as error:
        raise BadContent(f"{shown}: {error}", url=shown) from error
    except CutOff as error:
        raise Transient(f"{shown}: the body was cut off", url=shown) from error


def decoder(response: Response, limit: int) -> Decoder:
    """What undoes the answer's Content-Encoding, up to *limit* decoded bytes. Raises BadContent for an unknown one."""
    shown = response.url.masked
    try:
        return Decoder(response.header("content-encoding"), limit)
    except Unreadable as error:
        raise BadContent(f"{shown}: {error}", url=shown) from error


def too_long(response: Response, limit: int) -> BadContent:
    """The error for a body with more than *limit* bytes."""
    shown = response.url.masked
    return BadContent(f"{shown}: longer than {limit} bytes, the most that is taken", url=shown)
