"""A request and a response, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class Request:
    """One request that a server was asked."""

    method: str
    path: str
    """As it was sent, percent-encoded, without the query."""
    headers: Mapping[str, str]
    """Names in lower case; a repeated header has its values joined by commas."""
    status: int = 0
    """The answer's; 0 when a fault let no well-formed answer begin."""
    query: str = ""
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Response:
    """What is to be sent, before any fault. Content-Length is not among the headers: it follows from the body."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    def having(self, headers: Mapping[str, str]) -> Response:
        """The same with these *headers* added or replaced."""
        return replace(self, headers={**self.headers, **headers})

    def without(self, name: str) -> Response:
        """The same without the header *name*."""
        return replace(self, headers={key: value for key, value in self.headers.items() if key != name})


def plain(status: int, text: str, headers: Mapping[str, str] | None = None) -> Response:
    """A short answer for people."""
    return Response(status, f"{text}\n".encode(), {"Content-Type": "text/plain; charset=UTF-8", **(headers or {})})


def not_found() -> Response:
    """404: the only thing that tells a client that something is not there."""
    return plain(404, "not found")
