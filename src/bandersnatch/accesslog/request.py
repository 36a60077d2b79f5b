"""One request of a log, as far as downloads are concerned."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias


class Request(NamedTuple):
    """One line of a log."""

    time: float
    """Seconds since the epoch."""
    method: str
    path: str
    """As it was asked for: percent-encoded, with what follows a question mark."""
    status: int
    bytes: int
    """Sent, as the server counts them; -1 where the log does not say."""
    range: str
    """The Range header of the request; empty where there is none, or where the log does not have it."""
    agent: str
    """The User-Agent header, without the escapes of the log; empty where there is none."""
    client: int
    """The same for the same address within this process, and worth nothing elsewhere; 0 where the log names none."""


Reader: TypeAlias = Callable[[bytes], Request]
"""Makes a request of a line without its end. Raises LogError for whatever is none."""


_NOBODY = frozenset(("", "-", b"", b"-"))


def client_of(address: bytes | str) -> int:
    """The number that stands for an address: Python's own hash, which has another key in every process."""
    return 0 if address in _NOBODY else hash(address)
