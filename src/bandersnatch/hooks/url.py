"""A hook that is a URL: the document is sent by POST, the lists in parts that fit into memory."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from bandersnatch.errors import BandersnatchError, UsageError
from bandersnatch.hooks import lists as streams
from bandersnatch.hooks.base import Hook, Lists, Result, Told

BATCH = 1000
"""Changed objects that one POST names, at most."""

_TOKEN = re.compile(rb"[!-~]+")


class Sender(Protocol):
    """POSTs to one address. Raises BandersnatchError, whose text has no secret, for any answer but 2xx."""

    async def send(self, body: bytes) -> str:
        """What was answered, its beginning."""

    async def close(self) -> None: ...


Open = Callable[[Hook, dict[str, str]], Sender]
"""A sender for the hook, with the headers."""


class UrlCaller:
    """The ``Caller`` of URLs. The time limit is that of each POST; the first one that fails is the last one."""

    def __init__(self, open_sender: Open) -> None:
        self._open = open_sender

    async def call(self, hook: Hook, told: Told, lists: Lists | None) -> Result:
        output = ""
        try:
            sender = self._open(hook, _headers(hook))
            try:
                for body in _bodies(hook, told, lists):
                    async with asyncio.timeout(hook.timeout):
                        output = await sender.send(body)
            finally:
                await sender.close()
        except TimeoutError:
            return Result(f"it took longer than {hook.timeout:g} s", output)
        except (BandersnatchError, OSError, ValueError) as error:  # the last: of an address that there cannot be
            return Result(str(error), output)
        return Result("", output)


def _headers(hook: Hook) -> dict[str, str]:
    headers = {"Content-Type": "application/json", **hook.headers}
    if hook.token_file is not None:
        token = Path(hook.token_file).read_bytes().strip()
        if not _TOKEN.fullmatch(token):
            raise UsageError(f"{hook.token_file}: a token is one line of ASCII without spaces")
        headers["Authorization"] = f"Bearer {token.decode()}"
    return headers


def _bodies(hook: Hook, told: Told, lists: Lists | None) -> Iterator[bytes]:
    """One document, or one for each part of the lists, of which each says which it is."""
    document = told.document(hook, lists)
    if lists is None:
        yield json.dumps(document).encode()
        return
    parts = max(1, -(-(lists.changes + lists.removals) // BATCH))
    for number, (changed, removed) in enumerate(streams.batches(lists, BATCH), 1):
        part = {"part": number, "parts": parts, "changed": changed, "removed": removed}
        yield json.dumps({**document, "lists": part}).encode()
