"""The storage port: where published objects live, whatever that is.

Every method blocks: call it from a worker thread. Every method is safe to call from several threads at once, and
raises ``StorageError`` (``OutOfSpace`` for a full disk) and nothing else of its own.

Nothing becomes visible half. An object is *staged* first, under no key; ``settle`` then makes all that is staged
durable and names it. So one call pays for the disk's synchronisation of a whole batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import BinaryIO, Literal, Protocol

from bandersnatch.values import Struct


class Stat(Struct, frozen=True):
    """What storage knows of an object without reading it."""

    size: int
    """Bytes."""
    mtime_ns: int


class Incoming(Protocol):
    """One object on its way in, of which a part may be here since an earlier try. Owned by one task at a time."""

    @property
    def size(self) -> int:
        """Bytes held so far."""

    def write(self, data: bytes) -> None:
        """Append *data*."""

    def reader(self) -> BinaryIO:
        """A seekable stream of what is held so far; the caller closes it."""

    def restart(self) -> None:
        """Forget what is held and begin again at zero."""

    def keep(self) -> None:
        """Close, and keep the bytes for a later try with the same token."""

    def discard(self) -> None:
        """Close, and forget the bytes."""

    def stage(self, key: str) -> None:
        """Close; the next ``settle`` makes this object *key*, in place of what is there. The bytes must be verified."""


class Storage(Protocol):
    """Objects by key. See the module for what all methods share."""

    def stat(self, key: str) -> Stat | None:
        """What is known of *key*, or None if there is no such object."""

    def open(self, key: str) -> BinaryIO:
        """A seekable stream of the object's bytes; the caller closes it."""

    def read(self, key: str, limit: int) -> bytes | None:
        """The object's bytes, or None if there is none. Raises StorageError for one larger than *limit* bytes."""

    def holds(self, token: str) -> bool:
        """
        Whether ``receive`` with *token* would go on with bytes that an earlier try kept. Cheap: ask it of each file.

        False while the token is being received.
        """

    def receive(self, token: str) -> Incoming:
        """Begin an object, or go on with what ``keep`` left under *token* (64 hexadecimal digits)."""

    def put(self, keys: tuple[str, ...], data: bytes | Iterator[bytes]) -> None:
        """Stage *data* as the content of every one of *keys*, in place of what is there."""

    def settle(self) -> None:
        """
        Make all that is staged durable, then visible under its keys, in the order in which it was staged.

        What was staged is gone from the stage afterwards, whether this succeeds or not. Raises StorageError when
        anything failed: then each object is wholly old or wholly new, and nothing that was visible is damaged.
        Only this caller is told, also of what others had staged. After a power cut the order may be lost within one
        call, so what a page links must be settled before the page is.
        """

    def oddities(self) -> Sequence[str]:
        """What an operator should know about this storage before a run, a sentence each."""

    def synchronise(self) -> None:
        """
        Make durable whatever is visible, whoever made it so: a run that was cut off may have named objects and not
        have come to synchronise their names, and who takes them over now would vouch for them.
        """

    def delete(self, key: str) -> None:
        """Remove *key*, durably after the next ``settle``. Nothing happens if there is no such object."""

    def bury(self, key: str) -> None:
        """
        Take *key* out of what is served and keep its bytes in the trash, in place of older ones that had this key.

        An object is in the one place or in the other at any moment, durably after the next ``settle``. Nothing
        happens if there is no such object, so a bury that was cut off can be done again. Only the object moves: when
        it was buried, and why, is for the ``Journal``. In a directory the trash is ``state/trash``, on the file
        system of ``web/``; it is lost when ``state/`` is deleted.
        """

    def unbury(self, key: str) -> bool:
        """
        Put *key* back from the trash, durably after the next ``settle``. False if the trash does not hold it.

        Where *key* has an object again, that one stays and the buried one goes. What comes back is served as it is:
        verify it before anything links it.
        """

    def buried(self, key: str) -> Stat | None:
        """What is known of *key* in the trash, or None if it is not there."""

    def open_buried(self, key: str) -> BinaryIO:
        """A seekable stream of what the trash holds of *key*; the caller closes it."""

    def purge(self, key: str) -> None:
        """Remove *key* from the trash, durably after the next ``settle``. Nothing happens if it is not there."""

    def list_buried(self) -> Iterator[tuple[str, int, float]]:
        """
        Everything in the trash, in no order: key, bytes, and when the object was last written (POSIX seconds).

        The time is the object's own, which burying leaves alone.
        """

    def keys(self, prefix: str = "") -> Iterator[tuple[str, Stat]]:
        """Every object whose key begins with the folder *prefix*, in no order. The trash is apart."""

    def free(self) -> int | None:
        """Bytes that can still be written, or None where that cannot be known."""

    def list_partial(self) -> Iterator[tuple[str, int, int]]:
        """What ``keep`` left, in no order: token, bytes, and when it was last written (POSIX, nanoseconds)."""

    def sweep(self, *, keep_partial_ns: int) -> None:
        """Remove what interrupted runs left staged, and partial objects last touched before *keep_partial_ns*."""

    def close(self) -> None:
        """Let go of what is open. Staged objects that were not settled are forgotten."""


Action = Literal["left", "buried", "deleted", "purged"]
"""A file left its page; its bytes went to the trash, or for good; or they went from the trash for good."""


class Removal(Struct, frozen=True):
    """One line of the journal of removals."""

    time: float
    """POSIX seconds."""
    action: Action
    project: str
    """The normalised name."""
    key: str
    reason: str
    """For people: which rule, or what upstream did."""


class Journal(Protocol):
    """What was removed, and why, for as long as it is kept. Blocks, is safe and raises as ``Storage`` does."""

    @property
    def unreadable(self) -> int:
        """How many lines the latest ``read`` has skipped so far."""

    def write(self, lines: Sequence[Removal]) -> None:
        """Append *lines*; they are durable when this returns, and taken back, as well as that goes, if it raises."""

    def read(self) -> Iterator[Removal]:
        """Every line that is kept, the oldest first. A line that was cut off or damaged is skipped and counted."""
