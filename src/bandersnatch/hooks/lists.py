"""Changed objects as hooks want them: one a line, streamed from a queue of changes into files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

from bandersnatch import layout
from bandersnatch.hooks import changes
from bandersnatch.hooks.base import Form, Lists

Names = Callable[[str], tuple[str, ...]]
"""What one key is called in a list."""

INDEX = "/index."
"""What the last part of a page's key begins with: its folder is an address as well."""


def naming(form: Form, web: Path, base_url: str) -> Names:
    """How keys are named in *form*; *base_url* ends in a slash."""
    match form:
        case Form.URLS:
            return lambda key: tuple(base_url + layout.url_of(one) for one in addresses(key))
        case Form.PATHS:
            return lambda key: (f"{web}/{key}",)  # a Path remembers its parts
        case Form.KEYS:
            return lambda key: (key,)


def addresses(key: str) -> tuple[str, ...]:
    """Under which paths a web server offers the object *key*: a page under its folder, too."""
    folder, index, _ = key.rpartition(INDEX)
    return (f"{folder}/", key) if index else (key,)


def write(queue: Path, names: Names, is_there: Callable[[str], bool], folder: Path) -> Lists:
    """
    The lists of *queue*, as files in *folder*, which are to be deleted when they have been read.

    What *is_there* counts as changed and all else as removed, whatever was done to it in between. A name may be there
    more than once, though never twice in a row. Raises OSError, and StorageError of *is_there*.
    """
    changed, removed = Writer(folder / "changed"), Writer(folder / "removed")
    complete = True
    with changed, removed:
        for sign, key in changes.lines(queue):
            if sign == changes.DROPPED:
                complete = False
                continue
            target = changed if is_there(key) else removed
            for name in names(key):
                target.add(name)
    return Lists(changed.path, removed.path, changed.count, removed.count, complete)


class Writer:
    """One list in the making: whole under its name, or not there at all."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self._last = ""
        self._temporary = path.with_name(f".{path.name}.new")

    def __enter__(self) -> Self:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
        handle = os.open(self._temporary, flags, 0o666)
        self._file = os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape", newline="\n")
        return self

    def add(self, name: str) -> None:
        """One more line."""
        if name != self._last:
            self._file.write(f"{name}\n")
            self._last = name
            self.count += 1

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            with self._file:
                if kind is None:
                    self._file.flush()
                    os.fsync(self._file.fileno())
            if kind is None:
                self._temporary.replace(self.path)
        finally:
            self._temporary.unlink(missing_ok=True)


def batches(lists: Lists, size: int) -> Iterator[tuple[list[str], list[str]]]:
    """Both lists in parts of *size* lines in all, changed ones first; one empty part where there is no line."""
    part: tuple[list[str], list[str]] = ([], [])
    count = 0
    for at, path in enumerate((lists.changed, lists.removed)):
        with path.open(encoding="utf-8", errors="surrogateescape", newline="\n") as file:
            for line in file:
                if count == size:
                    yield part
                    part, count = ([], []), 0
                part[at].append(line.rstrip("\n"))
                count += 1
    yield part
