"""What ``adopt`` works with: another tool's tree, and the mirror that is to have its files."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from bandersnatch import assemble
from bandersnatch.adopt.base import Ask, Ground, Layout, Source
from bandersnatch.assemble.reaching import upstream_settings
from bandersnatch.catalogue.vouchers import open_vouchers
from bandersnatch.config.schema import Config
from bandersnatch.errors import NotFound, Problem, StorageError, UsageError
from bandersnatch.model import File, Validators
from bandersnatch.storage.base import Stat
from bandersnatch.storage.filesystem import FileStorage
from bandersnatch.storage.foreign import Foreign
from bandersnatch.storage.fsops import FileSystem
from bandersnatch.storage.lock import Lock
from bandersnatch.upstream.client import Client
from bandersnatch.upstream.index import IndexUpstream

FORMER = "former"
"""The folder in the state for what was the other tool's."""

THEIR_LOCK = ".lock"


@contextmanager
def tree(place: str, *, fs: FileSystem | None = None) -> Iterator[Foreign]:
    """The tree at *place*. Raises UsageError if there is no such folder, and StorageError."""
    if not os.path.isdir(place):
        raise UsageError(Problem("there is no such folder", place))
    with closing(Foreign(place, fs=fs)) as source:
        yield source


@contextmanager
def ground(
    config: Config,
    environment: Mapping[str, str],
    source: Foreign,
    layout: Layout,
    *,
    ask: bool = False,
    fs: FileSystem | None = None,
) -> Iterator[Ground]:
    """
    The mirror of *config*, open to take the files of *source*; both tools' locks are held meanwhile.

    *ask*: upstream can be asked. Raises Locked, StorageError, CatalogueError, UsageError.
    """
    with ExitStack() as stack:
        stack.enter_context(assemble.locked(config))
        stack.enter_context(_their_lock(source, layout, config))
        state = assemble.state_directory(config)
        web, reserve = assemble.web_directory(config), config.mirror.reserve
        storage = stack.enter_context(closing(FileStorage(web, state, fs=fs, reserve=reserve)))
        storage.sweep(keep_partial_ns=0)
        vouchers = stack.enter_context(closing(open_vouchers(state / assemble.VOUCHERS)))
        asking = stack.enter_context(_upstream(config, environment)) if ask else None
        yield Ground(source, _Shelf(storage, source), vouchers, os.path.realpath(state / FORMER), asking)


class _Shelf:
    """A storage that takes from one source."""

    def __init__(self, storage: FileStorage, source: Foreign) -> None:
        self._storage = storage
        self._source = source

    def stat(self, key: str) -> Stat | None:
        return self._storage.stat(key)

    def borrow(self, path: str, key: str, seen: Stat, *, copy: bool) -> None:
        self._storage.borrow(self._source, path, key, seen, copy=copy)

    def settle(self) -> None:
        self._storage.settle()


@contextmanager
def _their_lock(source: Source, layout: Layout, config: Config) -> Iterator[None]:
    """Keep PyPA bandersnatch away as well, as far as it looks at its lock."""
    with ExitStack() as stack:
        if THEIR_LOCK in layout.known and source.stat(THEIR_LOCK) is not None:
            lock = Lock(Path(source.place, THEIR_LOCK), datetime.now(UTC))
            with suppress(StorageError):  # a tree that this user may only read
                stack.enter_context(lock.acquire(config.mirror.wait))
        yield


@contextmanager
def _upstream(config: Config, environment: Mapping[str, str]) -> Iterator[Ask]:
    """What the upstream of *config* lists of a project."""
    settings = upstream_settings(config, environment)
    with asyncio.Runner() as runner:

        async def start() -> IndexUpstream:
            return IndexUpstream(settings, Client(settings))

        upstream = runner.run(start())

        async def files(name: str) -> dict[str, File]:
            try:
                fetched = await upstream.project(name, Validators(), at_least=None)
            except NotFound:
                return {}
            return {file.filename: file for file in fetched.project.files} if fetched else {}

        try:
            yield lambda name: runner.run(files(name))
        finally:
            runner.run(upstream.close())
