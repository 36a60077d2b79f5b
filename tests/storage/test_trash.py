"""The contract of the trash, kept by every adapter."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from bandersnatch.errors import StorageError
from bandersnatch.storage.base import Storage
from tests.storage.conftest import Reopen

KEY = "packages/aa/bb/demo.whl"


def stored(storage: Storage, *keys: str, data: bytes = b"wheel") -> None:
    storage.put(keys, data)
    storage.settle()


def served(storage: Storage) -> dict[str, bytes | None]:
    return {key: storage.read(key, 10**6) for key in dict(storage.keys())}


def held(storage: Storage) -> dict[str, bytes]:
    """All that is in the trash."""
    found = {}
    for key, size, _ in storage.list_buried():
        with storage.open_buried(key) as stream:
            found[key] = stream.read()
        assert len(found[key]) == size
    return found


def test_buried_is_not_served(reopen: Reopen) -> None:
    """What is buried is under no key any more; its bytes are in the trash, in a later run too; neighbours stay."""
    storage = reopen()
    stored(storage, KEY, "packages/aa/cc/other.whl")
    storage.bury(KEY)
    storage.settle()
    storage.close()
    storage = reopen()
    assert storage.stat(KEY) is None
    assert storage.read(KEY, 10) is None
    with pytest.raises(StorageError, match="no such object"):
        storage.open(KEY)
    assert list(served(storage)) == ["packages/aa/cc/other.whl"]
    assert held(storage) == {KEY: b"wheel"}


def test_bury_and_back(storage: Storage) -> None:
    """unbury puts the very object back, with its time, and the trash has it no more."""
    stored(storage, KEY)
    before = storage.stat(KEY)
    storage.bury(KEY)
    assert storage.buried(KEY) == before
    assert storage.unbury(KEY)
    storage.settle()
    assert storage.stat(KEY) == before
    assert served(storage) == {KEY: b"wheel"}
    assert held(storage) == {}
    assert not storage.unbury(KEY)


def test_bury_again(storage: Storage) -> None:
    """To bury what is in the trash already, or nowhere, or a folder, does nothing."""
    stored(storage, KEY)
    for key in (KEY, KEY, "packages/aa", "packages/aa/bb", "packages/x/y", "z"):
        storage.bury(key)
    assert held(storage) == {KEY: b"wheel"}


def test_newer_takes_the_place_in_the_trash(storage: Storage) -> None:
    """Of two objects that had one key, the trash holds the one that was buried last."""
    for data in (b"a long old one", b"new"):
        stored(storage, KEY, data=data)
        storage.bury(KEY)
    assert held(storage) == {KEY: b"new"}


def test_served_wins(storage: Storage) -> None:
    """Where the key has an object again, unbury leaves that one and drops the buried one."""
    stored(storage, KEY, data=b"old")
    storage.bury(KEY)
    stored(storage, KEY, data=b"new")
    assert storage.unbury(KEY)
    assert served(storage) == {KEY: b"new"}
    assert held(storage) == {}


def test_purge(storage: Storage) -> None:
    """purge removes from the trash for good, and nothing else; to do it again, or to a folder, does nothing."""
    stored(storage, KEY, "packages/aa/bb/kept", "packages/aa/cc/served")
    storage.bury(KEY)
    storage.bury("packages/aa/bb/kept")
    for key in (KEY, KEY, "packages/aa/bb", "packages/aa/cc/served", "packages/x/y"):
        storage.purge(key)
    storage.settle()
    assert held(storage) == {"packages/aa/bb/kept": b"wheel"}
    assert served(storage) == {"packages/aa/cc/served": b"wheel"}
    assert not storage.unbury(KEY)


def test_nothing_there(storage: Storage) -> None:
    """What the trash does not hold is None, False, or an error with its key."""
    stored(storage, KEY)
    for key in (KEY, "packages", "x/y"):
        assert storage.buried(key) is None
        assert not storage.unbury(key)
        with pytest.raises(StorageError, match=f"{key}: there is no such object") as caught:
            storage.open_buried(key)
        assert caught.value.key == key
    assert list(storage.list_buried()) == []
    assert served(storage) == {KEY: b"wheel"}


def test_bury_spares_staged(storage: Storage) -> None:
    """bury takes what is served, not what is staged; that comes when it is settled."""
    stored(storage, KEY, data=b"old")
    storage.put((KEY,), b"new")
    storage.bury(KEY)
    assert served(storage) == {}
    storage.settle()
    assert served(storage) == {KEY: b"new"}
    assert held(storage) == {KEY: b"old"}


def test_delete_and_sweep_spare_the_trash(storage: Storage) -> None:
    """The trash is let go of by purge alone."""
    stored(storage, KEY)
    storage.bury(KEY)
    storage.delete(KEY)
    storage.sweep(keep_partial_ns=2**63)
    assert held(storage) == {KEY: b"wheel"}


def test_one_of_several_keys(storage: Storage) -> None:
    """Of an object with several keys one can be buried; the others are served as before."""
    storage.put((KEY, "packages/cc/demo.whl"), iter([b"wheel"]))
    storage.settle()
    storage.bury(KEY)
    storage.bury("packages/cc/demo.whl")
    stored(storage, "packages/cc/demo.whl", data=b"another")
    assert storage.unbury(KEY)
    assert served(storage) == {KEY: b"wheel", "packages/cc/demo.whl": b"another"}
    assert held(storage) == {"packages/cc/demo.whl": b"wheel"}


def test_open_buried_is_seekable(storage: Storage) -> None:
    """A buried object is read as a served one is, also by who opened it before it was restored."""
    stored(storage, KEY)
    storage.bury(KEY)
    with storage.open_buried(KEY) as stream:
        storage.unbury(KEY)
        assert stream.seek(2) == 2
        assert stream.read() == b"eel"


def test_list_while_purging(storage: Storage) -> None:
    """The list gives key, bytes and time, in seconds, of each; what it gives can be purged while it goes on."""
    keys = {f"packages/{number % 7}/{number}": number for number in range(50)}
    for key, size in keys.items():
        storage.put((key,), b"x" * size)
    storage.settle()
    times = {key: stat.mtime_ns / 1e9 for key, stat in dict(storage.keys()).items()}
    for key in keys:
        storage.bury(key)
    seen = {}
    for key, size, time in storage.list_buried():
        storage.purge(key)
        seen[key] = size
        assert time == times[key]
    assert seen == keys
    assert held(storage) == {}


def test_threads(storage: Storage) -> None:
    """Whatever threads bury, restore, replace and read at once, no object is lost and none is in two places."""
    threads, rounds = 6, 60
    together = Barrier(threads)
    stored(storage, KEY, "packages/aa/bb/other")

    def work(me: int) -> None:
        own = f"packages/aa/bb/{me}"
        together.wait()
        for _ in range(rounds):
            storage.bury(KEY)
            storage.put((own,), b"own")
            storage.settle()
            storage.unbury(KEY)
            storage.bury(own)
            storage.purge(own)
            list(storage.list_buried())

    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(work, me) for me in range(threads)]:
            done.result()
    assert [*served(storage).items(), *held(storage).items()].count((KEY, b"wheel")) == 1
    assert len(served(storage)) + len(held(storage)) == 2


@pytest.mark.parametrize(
    "move", [lambda storage: storage.bury(KEY), lambda storage: storage.unbury(KEY)], ids=["bury", "unbury"]
)
def test_settle_at_the_same_time(storage: Storage, move: Callable[[Storage], object]) -> None:
    """A new object that comes while its key is buried or restored is served in the end, or the trash has it."""
    for turn in range(40):
        stored(storage, KEY, data=b"old")
        storage.bury(KEY)
        new = b"new %d" % turn
        storage.put((KEY,), new)
        with ThreadPoolExecutor(2) as pool:
            settled, moved = pool.submit(storage.settle), pool.submit(move, storage)
            settled.result()
            moved.result()
        assert new in [served(storage).get(KEY), held(storage).get(KEY)]
