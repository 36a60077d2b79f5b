"""POSTs to an address that the operator wrote: a host of its own, with nothing of upstream's credentials."""

from __future__ import annotations

from collections.abc import Mapping

from bandersnatch.errors import UpstreamError
from bandersnatch.upstream.address import Address
from bandersnatch.upstream.client import Client
from bandersnatch.upstream.settings import Settings

ACCEPTED = frozenset(range(200, 300))

READ = 16 << 10
"""Bytes of an answer that are read."""


class Sender:
    """
    Sends to *url*; *shown* is what messages call it, since a secret may be anywhere in it.

    *settings* say how to get there; the index that they name has to be at the same host. Redirects are not followed.
    """

    def __init__(self, url: str, shown: str, headers: Mapping[str, str], settings: Settings) -> None:
        self._url = url
        self._shown = shown
        self._headers = headers
        self._client = Client(settings)

    async def send(self, body: bytes) -> str:
        """POST *body*; returns the beginning of the answer. Raises UpstreamError."""
        try:
            async with self._client.post(self._url, self._headers, body, expect=ACCEPTED) as response:
                answer = b""
                async for chunk in response.chunks():
                    answer += chunk[: READ - len(answer)]
                    if len(answer) >= READ:
                        break
                return answer.decode("utf-8", "replace")
        except UpstreamError as error:
            address = Address.parse(self._url)
            text = str(error).replace(str(address), self._shown).replace(address.masked, self._shown)
            raise UpstreamError(text, url=self._shown, status=error.status) from None

    async def close(self) -> None:
        """Close all connections."""
        await self._client.close()
