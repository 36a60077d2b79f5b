"""A storage that says what it is about to change, whoever changes it and whatever it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Protocol, cast

from bandersnatch.storage.base import Incoming, Storage


class Changes(Protocol):
    """Takes note. Blocks briefly, is safe for several threads, raises nothing."""

    def changed(self, keys: Iterable[str]) -> None:
        """The objects *keys* are about to be new, or other ones."""

    def removed(self, key: str) -> None:
        """The object *key* is about to be gone."""

    def flush(self) -> None:
        """What was noted must now outlive this process."""

    def close(self) -> None:
        """There is no more to come."""


def recorded(storage: Storage, changes: Changes) -> Storage:
    """*storage*, with every change of what is served told to *changes* before it can be seen."""
    return cast(Storage, _Recorded(storage, changes))


class _Recorded:
    """What changes what is served passes through here; everything else of the port is the other storage's."""

    def __init__(self, storage: Storage, changes: Changes) -> None:
        self._storage = storage
        self._changes = changes

    def __getattr__(self, name: str) -> Any:
        return getattr(self._storage, name)

    def receive(self, token: str) -> Incoming:
        return cast(Incoming, _Arriving(self._storage.receive(token), self._changes))

    def put(self, keys: tuple[str, ...], data: bytes | Iterator[bytes]) -> None:
        self._changes.changed(keys)
        self._storage.put(keys, data)

    def settle(self) -> None:
        self._changes.flush()
        self._storage.settle()

    def delete(self, key: str) -> None:
        self._changes.removed(key)
        self._storage.delete(key)

    def bury(self, key: str) -> None:
        self._changes.removed(key)
        self._storage.bury(key)

    def unbury(self, key: str) -> bool:
        self._changes.changed((key,))
        self._changes.flush()
        return self._storage.unbury(key)

    def close(self) -> None:
        self._storage.close()
        self._changes.close()


class _Arriving:
    """An object on its way in, whose last step is told."""

    def __init__(self, incoming: Incoming, changes: Changes) -> None:
        self._incoming = incoming
        self._changes = changes

    def __getattr__(self, name: str) -> Any:
        return getattr(self._incoming, name)

    def stage(self, key: str) -> None:
        self._changes.changed((key,))
        self._incoming.stage(key)
