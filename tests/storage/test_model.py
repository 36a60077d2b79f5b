"""Any sequence of calls leaves storage as a plain dict would be left."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from bandersnatch.storage.base import Storage
from bandersnatch.storage.filesystem import FileStorage
from bandersnatch.storage.memory import MemoryStorage
from tests.storage.watched import Quick

KEYS = st.sampled_from(
    ["last-modified", "simple/a/index.html", "simple/a/x", "packages/aa/bb/f", "packages/aa/cc/g", "packages/h"]
)
TOKENS = st.sampled_from(["a" * 64, "b" * 64])
DATA = st.binary(max_size=20)


class Model(RuleBasedStateMachine):
    """The rules; a subclass says how storage is opened."""

    def __init__(self) -> None:
        super().__init__()
        self.visible: dict[str, bytes] = {}
        self.staged: list[tuple[str, bytes]] = []
        self.partial: dict[str, bytes] = {}
        self.buried: dict[str, bytes] = {}
        self.storage = self.reopen()

    def reopen(self) -> Storage:
        raise NotImplementedError

    @rule(keys=st.lists(KEYS, min_size=1, max_size=3, unique=True), data=DATA, in_memory=st.booleans())
    def put(self, keys: list[str], data: bytes, in_memory: bool) -> None:
        self.storage.put(tuple(keys), data if in_memory else iter([data]))
        self.staged += [(key, data) for key in keys]

    @rule(token=TOKENS, data=DATA, restart=st.booleans())
    def receive_and_keep(self, token: str, data: bytes, restart: bool) -> None:
        incoming = self.storage.receive(token)
        assert incoming.size == len(self.partial.get(token, b""))
        if restart:
            incoming.restart()
            self.partial[token] = b""
        incoming.write(data)
        incoming.keep()
        self.partial[token] = self.partial.get(token, b"") + data

    @rule(token=TOKENS, key=KEYS)
    def receive_and_stage(self, token: str, key: str) -> None:
        self.storage.receive(token).stage(key)
        self.staged.append((key, self.partial.pop(token, b"")))

    @rule(token=TOKENS)
    def receive_and_discard(self, token: str) -> None:
        self.storage.receive(token).discard()
        self.partial.pop(token, None)

    @rule(token=TOKENS)
    def holds(self, token: str) -> None:
        assert self.storage.holds(token) == bool(self.partial.get(token))

    @rule(key=KEYS)
    def delete(self, key: str) -> None:
        self.storage.delete(key)
        self.visible.pop(key, None)

    @rule(key=KEYS)
    def bury(self, key: str) -> None:
        self.storage.bury(key)
        if key in self.visible:
            self.buried[key] = self.visible.pop(key)

    @rule(key=KEYS)
    def unbury(self, key: str) -> None:
        assert self.storage.unbury(key) == (key in self.buried)
        if key in self.buried:
            self.visible.setdefault(key, self.buried.pop(key))

    @rule(key=KEYS)
    def purge(self, key: str) -> None:
        self.storage.purge(key)
        self.buried.pop(key, None)

    @rule()
    def settle(self) -> None:
        self.storage.settle()
        self.visible.update(self.staged)
        self.staged.clear()

    @rule(old=st.booleans())
    def sweep(self, old: bool) -> None:
        self.storage.sweep(keep_partial_ns=2**63 if old else 0)
        if old:
            self.partial.clear()

    @rule()
    def begin_a_new_run(self) -> None:
        self.storage.close()
        self.storage = self.reopen()
        self.staged.clear()

    @invariant()
    def same_as_the_model(self) -> None:
        assert {key: self.storage.read(key, 100) for key in dict(self.storage.keys())} == self.visible
        for key, stat in self.storage.keys("packages"):
            assert self.storage.stat(key) == stat
            assert stat.size == len(self.visible[key])

    @invariant()
    def same_trash_as_the_model(self) -> None:
        assert {key: size for key, size, _ in self.storage.list_buried()} == {
            key: len(data) for key, data in self.buried.items()
        }
        for key, data in self.buried.items():
            with self.storage.open_buried(key) as stream:
                assert stream.read() == data


class FilesModel(Model):
    def __init__(self) -> None:
        self.directory = Path(tempfile.mkdtemp())
        super().__init__()

    def reopen(self) -> Storage:
        return FileStorage(self.directory / "web", self.directory / "state", fs=Quick())

    @invariant()
    def no_more_than_the_model(self) -> None:
        assert len(list((self.directory / "state/tmp").iterdir())) <= len(self.staged)
        for root in ("web", "state/trash"):
            for folder in (self.directory / root).glob("*/*/**/"):
                assert not folder.is_dir() or any(folder.iterdir()), f"{folder} is empty"

    def teardown(self) -> None:
        self.storage.close()
        shutil.rmtree(self.directory)


class MemoryModel(Model):
    def __init__(self) -> None:
        self.memory = MemoryStorage()
        super().__init__()

    def reopen(self) -> Storage:
        return self.memory


TestFiles = FilesModel.TestCase
TestMemory = MemoryModel.TestCase
TestFiles.settings = TestMemory.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
