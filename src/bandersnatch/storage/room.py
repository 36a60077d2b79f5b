"""How much may still be written: what the operator wants to stay free is kept free by whoever writes an object."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from bandersnatch.errors import OutOfSpace
from bandersnatch.storage.keys import split
from bandersnatch.storage.oserrors import translated
from bandersnatch.storage.tree import Tree

_BLOCK = 4096
"""Bytes in which file systems give away room: an object that grows within its last one takes nothing."""

Coming = tuple[str, int, int]
"""An object's key, its size, and how many bytes of it are still to be written."""

Admit = Callable[[Iterable[Coming]], None]
"""Raises OutOfSpace unless there is room for all of these."""


class Room:
    """
    Keeps *reserve* bytes free on the file system of *tree*.

    What replaces an object needs room for what it is larger only, so that pages can lose files, and a mirror can be
    made smaller, when the reserve is touched already.
    """

    def __init__(self, tree: Tree, reserve: int) -> None:
        self._tree = tree
        self._reserve = reserve

    def admit(self, coming: Iterable[Coming]) -> None:
        """Raises OutOfSpace unless there is room for all of these."""
        coming = list(coming)
        if not coming or not self._reserve:
            return
        with translated(None, self._tree.place("")):
            left = self._tree.free() - self._reserve
            if sum(_room(now) for _, _, now in coming) <= left:
                return
            more = sum(min(_room(now), _room(size) - self._taken(key)) for key, size, now in coming)
        if more > max(0, left):
            raise OutOfSpace(
                f"{coming[0][0]}: {more} bytes more would leave less than the reserve of {self._reserve} bytes "
                f"([mirror] reserve; {left + self._reserve} are free); make room, or make the reserve smaller",
                key=coming[0][0],
            )

    def _taken(self, key: str) -> int:
        stat = self._tree.stat(split(key))
        return 0 if stat is None else _room(stat.size)


def _room(size: int) -> int:
    return -(-size // _BLOCK) * _BLOCK
