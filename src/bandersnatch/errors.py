"""What can go wrong, by whose fault; the facts are attributes, the words are in ``str()``.

Adapters translate the errors of their library into these, once, with ``raise … from``; only the command line exits.
"""

from __future__ import annotations

from bandersnatch.values import Struct


class BandersnatchError(Exception):
    """Everything that this program raises on purpose."""


# --- the operator's side -------------------------------------------------------------------------------------------


class Problem(Struct, frozen=True):
    """One thing that is wrong with what the operator wrote: where it stands, and what to do."""

    message: str
    file: str | None = None
    line: int | None = None
    key: str | None = None

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line) if part is not None)
        return ": ".join(part for part in (place, self.key, self.message) if part)


class UsageError(BandersnatchError):
    """The command line or the configuration is wrong. Carries every problem found, not just the first."""

    def __init__(self, *problems: Problem | str) -> None:
        self.problems = tuple(Problem(p) if isinstance(p, str) else p for p in problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class Locked(BandersnatchError):
    """Another run holds this mirror's lock. *odd*: it may be none, and somebody should look at it."""

    def __init__(self, message: str, *, odd: bool = False) -> None:
        self.odd = odd
        super().__init__(message)


class Refused(BandersnatchError):
    """What upstream says is implausible, so nothing was removed; an operator has to look at it."""


class Conflict(BandersnatchError):
    """No set of versions satisfies the requirements. The text is the resolver's own explanation."""


class LogError(BandersnatchError):
    """A line of an access log cannot be understood. What it says is never part of the message: it has an address."""


# --- upstream's side -----------------------------------------------------------------------------------------------


class UpstreamError(BandersnatchError):
    """Upstream could not be reached, or answered with an error. Trying again later may help."""

    def __init__(self, message: str, *, url: str | None = None, status: int | None = None) -> None:
        super().__init__(message)
        self.url = url
        self.status = status


class NotFound(UpstreamError):
    """Upstream answered 404 or 410: it does not have this."""


class Stale(UpstreamError):
    """Upstream answered with an older state than it had promised; a cache on the way has not caught up."""

    def __init__(
        self, message: str, *, promised: int, got: int | None, url: str | None = None, page: object | None = None
    ) -> None:
        super().__init__(message, url=url)
        self.promised = promised
        self.got = got
        self.page = page
        """What came, as the upstream port's ``Fetched``: it may still be newer than what the mirror has."""


class BadContent(UpstreamError):
    """Upstream answered, but what came is not what it should be: a wrong digest, a page that cannot be read."""


class NotAllowed(UpstreamError):
    """Upstream named a place that we must not ask: another host, another scheme."""


# --- our own side --------------------------------------------------------------------------------------------------


class StorageError(BandersnatchError):
    """The mirror's disk (or object store) failed. *errno* is the system's number where there is one."""

    def __init__(self, message: str, *, key: str | None = None, errno: int | None = None) -> None:
        super().__init__(message)
        self.key = key
        self.errno = errno


class OutOfSpace(StorageError):
    """The storage is full, or would leave less than the configured reserve."""


class NotDurable(StorageError):
    """A synchronisation failed: whatever was written lately may not be on the disk, and a second one would lie."""


class CatalogueError(BandersnatchError):
    """The catalogue cannot be read or written."""
