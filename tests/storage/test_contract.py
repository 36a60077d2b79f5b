"""The contract of the storage port, kept by every adapter."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from bandersnatch.errors import StorageError
from bandersnatch.storage.base import Incoming, Storage
from tests.storage.conftest import Reopen

KEY = "simple/demo/index.html"
TOKEN = "0123456789abcdef" * 4
FOREVER = 2**63
NOT_KEYS = ["", "/", "/simple", "simple/", "simple//demo", ".", "..", "simple/../demo", "simple/./demo", "a\0b"]


def stored(storage: Storage, **objects: bytes) -> None:
    """Put *objects*, named with two underscores for a slash, and settle."""
    for name, data in objects.items():
        storage.put((name.replace("__", "/"),), data)
    storage.settle()


def content(storage: Storage, prefix: str = "") -> dict[str, bytes | None]:
    """All that is visible."""
    return {key: storage.read(key, 10**6) for key, _ in storage.keys(prefix)}


# --- putting and settling ------------------------------------------------------------------------------------------


def test_staged_is_invisible(storage: Storage) -> None:
    """What is staged is under no key until it is settled."""
    storage.put((KEY,), b"page")
    assert storage.stat(KEY) is None
    assert storage.read(KEY, 10) is None
    assert content(storage) == {}
    storage.settle()
    assert content(storage) == {KEY: b"page"}


def test_replaced_whole(storage: Storage) -> None:
    """A longer object is replaced by a shorter one, whole, and a reader of the old one reads it to its end."""
    stored(storage, simple__demo=b"a long page")
    with storage.open("simple/demo") as reader:
        assert reader.read(2) == b"a "
        stored(storage, simple__demo=b"short")
        assert reader.read() == b"long page"
    assert storage.read("simple/demo", 100) == b"short"


def test_many_keys(storage: Storage) -> None:
    """One put gives the same bytes to every key; a key that is named twice is one key."""
    storage.put((KEY, "simple/demo/index.v1_html", KEY), iter([b"pa", b"", b"ge"]))
    storage.settle()
    assert content(storage) == {KEY: b"page", "simple/demo/index.v1_html": b"page"}


def test_keys_part_again(storage: Storage) -> None:
    """Keys that were put together can be replaced one without the other."""
    storage.put((KEY, "simple/other"), b"both")
    storage.settle()
    storage.put((KEY,), b"mine")
    storage.settle()
    assert content(storage) == {KEY: b"mine", "simple/other": b"both"}


def test_last_staged_wins(storage: Storage) -> None:
    """Of two objects staged under one key, the later is there in the end."""
    storage.put((KEY,), b"first")
    storage.put((KEY,), b"second")
    storage.settle()
    assert storage.read(KEY, 10) == b"second"


def test_caller_fails_while_putting(storage: Storage) -> None:
    """What the data's iterator raises passes unchanged, even an OSError, and nothing is staged."""

    def broken() -> Iterator[bytes]:
        yield b"half"
        raise ConnectionResetError("the caller's own")

    with pytest.raises(ConnectionResetError, match="the caller's own"):
        storage.put((KEY,), broken())
    storage.settle()
    assert content(storage) == {}


def test_closed_before_settling(reopen: Reopen) -> None:
    """What was staged and not settled is forgotten when storage is closed."""
    storage = reopen()
    storage.put((KEY,), b"page")
    storage.close()
    storage = reopen()
    storage.settle()
    assert content(storage) == {}


def test_settling_nothing(storage: Storage) -> None:
    """To settle with nothing staged does nothing."""
    storage.settle()
    storage.settle()
    assert content(storage) == {}


def test_empty_object(storage: Storage) -> None:
    """An object of no bytes is an object."""
    stored(storage, simple__empty=b"")
    assert storage.read("simple/empty", 0) == b""
    found = storage.stat("simple/empty")
    assert found is not None
    assert found.size == 0


# --- reading -------------------------------------------------------------------------------------------------------


def test_read_limit(storage: Storage) -> None:
    """An object of exactly the limit is read, a larger one is refused with its key."""
    stored(storage, simple__demo=b"12345")
    assert storage.read("simple/demo", 5) == b"12345"
    with pytest.raises(StorageError, match="simple/demo: 5 bytes where at most 4") as caught:
        storage.read("simple/demo", 4)
    assert caught.value.key == "simple/demo"
    assert caught.value.errno is not None


def test_open_seekable(storage: Storage) -> None:
    """A stream can be read at any place, as a zip archive has to be."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as writing:
        writing.writestr("METADATA", "Name: demo")
    stored(storage, packages__demo=archive.getvalue())
    with storage.open("packages/demo") as stream, zipfile.ZipFile(stream) as reading:
        assert reading.read("METADATA") == b"Name: demo"


def test_open_missing(storage: Storage) -> None:
    """To open what is not there raises StorageError with the key."""
    with pytest.raises(StorageError, match="simple/demo/index.html: there is no such object") as caught:
        storage.open(KEY)
    assert caught.value.key == KEY


def test_stat(storage: Storage) -> None:
    """stat knows the size and the time without reading; a folder is not an object."""
    stored(storage, simple__demo__index=b"page")
    found = storage.stat("simple/demo/index")
    assert found is not None
    assert found.size == 4
    assert found.mtime_ns > 10**18
    assert storage.stat("simple/demo") is None
    assert storage.read("simple/demo", 10) is None


def test_keys(storage: Storage) -> None:
    """keys gives every object of a folder with its stat, and no neighbour whose name begins alike."""
    stored(storage, simple__a=b"1", simple__b__c=b"22", simples__d=b"333", e=b"4444")
    assert {key: stat.size for key, stat in storage.keys("")} == {
        "simple/a": 1,
        "simple/b/c": 2,
        "simples/d": 3,
        "e": 4,
    }
    assert content(storage, "simple") == {"simple/a": b"1", "simple/b/c": b"22"}
    assert content(storage, "simple/b") == {"simple/b/c": b"22"}
    assert content(storage, "absent/folder") == {}


def test_two_listings(storage: Storage) -> None:
    """Two listings at once, as of two threads, take nothing from each other."""
    stored(storage, a=b"1", b=b"2", c=b"3")
    first = storage.keys()
    begun = [next(first)]
    assert len(list(storage.keys())) == 3
    assert sorted(key for key, _ in [*begun, *first]) == ["a", "b", "c"]


def test_keys_while_deleting(storage: Storage) -> None:
    """What keys gives can be deleted while it goes on."""
    for number in range(50):
        storage.put((f"packages/{number % 7}/{number}",), b"x")
    storage.settle()
    seen = []
    for key, _ in storage.keys("packages"):
        storage.delete(key)
        seen.append(key)
    assert len(seen) == len(set(seen)) == 50
    assert content(storage) == {}


# --- deleting ------------------------------------------------------------------------------------------------------


def test_delete(storage: Storage) -> None:
    """A deleted object is gone and its neighbours stay; to delete it again, or a folder, does nothing."""
    stored(storage, packages__a__b=b"1", packages__a__c=b"2", last=b"3")
    for key in ("packages/a/b", "packages/a/b", "packages/a", "packages/x/y/z", "last"):
        storage.delete(key)
    storage.settle()
    assert content(storage) == {"packages/a/c": b"2"}


def test_delete_spares_staged(storage: Storage) -> None:
    """delete removes what is visible, not what is staged; that comes when it is settled, folders and all."""
    stored(storage, packages__a__b__c=b"old")
    storage.put(("packages/a/b/c",), b"new")
    storage.delete("packages/a/b/c")
    assert content(storage) == {}
    storage.settle()
    assert content(storage) == {"packages/a/b/c": b"new"}


# --- receiving -----------------------------------------------------------------------------------------------------


def test_receive_and_stage(storage: Storage) -> None:
    """What is received is invisible until staged and settled, and its token then begins at zero."""
    incoming = storage.receive(TOKEN)
    assert incoming.size == 0
    incoming.write(b"whe")
    incoming.write(b"el")
    assert incoming.size == 5
    with incoming.reader() as stream:
        assert stream.read() == b"wheel"
        assert stream.seek(1) == 1
        assert stream.read(1) == b"h"
    incoming.stage(KEY)
    assert content(storage) == {}
    storage.settle()
    assert content(storage) == {KEY: b"wheel"}
    again = storage.receive(TOKEN)
    assert again.size == 0
    again.discard()


def test_resume(reopen: Reopen) -> None:
    """What keep left is there for a later run, which goes on after it."""
    storage = reopen()
    incoming = storage.receive(TOKEN)
    incoming.write(b"whe")
    incoming.keep()
    storage.close()
    storage = reopen()
    incoming = storage.receive(TOKEN)
    assert incoming.size == 3
    incoming.write(b"el")
    incoming.stage(KEY)
    storage.settle()
    assert storage.read(KEY, 10) == b"wheel"


def test_holds(reopen: Reopen) -> None:
    """holds is true of a token exactly while it is idle and has bytes that receive would go on with."""
    storage = reopen()
    assert not storage.holds(TOKEN)
    incoming = storage.receive(TOKEN)
    incoming.keep()
    assert not storage.holds(TOKEN)
    incoming = storage.receive(TOKEN)
    incoming.write(b"whe")
    assert not storage.holds(TOKEN)
    incoming.keep()
    assert storage.holds(TOKEN)
    assert not storage.holds(TOKEN[::-1])
    storage.close()
    storage = reopen()
    assert storage.holds(TOKEN)
    storage.receive(TOKEN).stage(KEY)
    assert not storage.holds(TOKEN)


def test_holds_nothing_any_more(storage: Storage) -> None:
    """What is discarded, begun again or swept is not held, though it was."""

    def forget(incoming: Incoming) -> None:
        incoming.restart()
        incoming.keep()

    def swept(incoming: Incoming) -> None:
        incoming.keep()
        assert storage.holds(TOKEN)
        storage.sweep(keep_partial_ns=FOREVER)

    for end in (lambda incoming: incoming.discard(), forget, swept):
        incoming = storage.receive(TOKEN)
        incoming.write(b"wheel")
        incoming.keep()
        assert storage.holds(TOKEN)
        end(storage.receive(TOKEN))
        assert not storage.holds(TOKEN)


def test_discard_and_restart(storage: Storage) -> None:
    """restart begins at zero within one try, discard for the next."""
    incoming = storage.receive(TOKEN)
    incoming.write(b"wrong bytes")
    incoming.restart()
    assert incoming.size == 0
    incoming.write(b"right")
    with incoming.reader() as stream:
        assert stream.read() == b"right"
    incoming.discard()
    incoming = storage.receive(TOKEN)
    assert incoming.size == 0
    incoming.discard()


def test_tokens_apart(storage: Storage) -> None:
    """A token that is being received is refused to a second, also after a wrong turn of the first; others are free."""
    incoming = storage.receive(TOKEN)
    with pytest.raises(StorageError, match="being received already") as caught:
        storage.receive(TOKEN)
    assert caught.value.errno is not None
    with pytest.raises(StorageError, match="being received already"):
        storage.receive(TOKEN)
    storage.receive(TOKEN[::-1]).discard()
    incoming.discard()
    storage.receive(TOKEN).discard()


@pytest.mark.parametrize("end", ["keep", "discard", "stage"])
def test_over(storage: Storage, end: str) -> None:
    """After its end, keep and discard do nothing to an incoming object, and everything else is refused."""
    incoming = storage.receive(TOKEN)
    incoming.write(b"wheel")
    incoming.stage(KEY) if end == "stage" else getattr(incoming, end)()
    incoming.keep()
    incoming.discard()
    refused: list[Callable[[], None]] = [
        lambda: incoming.write(b"more"),
        incoming.restart,
        lambda: incoming.stage(KEY),
    ]
    for call in refused:
        with pytest.raises(StorageError):
            call()
    storage.settle()
    assert content(storage) == ({KEY: b"wheel"} if end == "stage" else {})
    again = storage.receive(TOKEN)
    assert again.size == (5 if end == "keep" else 0)
    again.discard()


# --- the rest ------------------------------------------------------------------------------------------------------


def test_list_partial(storage: Storage) -> None:
    """What was kept is listed with its size and its time; what is being received, staged or discarded is not."""
    idle, busy, gone = "a" * 64, "b" * 64, "c" * 64
    for token in (idle, busy, gone):
        incoming = storage.receive(token)
        incoming.write(b"123")
        incoming.keep()
    storage.receive(gone).discard()
    incoming = storage.receive(busy)
    [(token, size, mtime_ns)] = storage.list_partial()
    assert (token, size) == (idle, 3)
    storage.sweep(keep_partial_ns=mtime_ns)
    assert storage.holds(idle)
    storage.sweep(keep_partial_ns=mtime_ns + 1)
    assert list(storage.list_partial()) == []
    incoming.discard()


def test_sweep(storage: Storage) -> None:
    """sweep removes partial objects that are old and idle; younger ones, those in use and what is staged stay."""
    idle, busy = "a" * 64, "b" * 64
    storage.put((KEY,), b"page")
    kept = storage.receive(idle)
    kept.write(b"123")
    kept.keep()
    incoming = storage.receive(busy)
    incoming.write(b"1234")
    storage.sweep(keep_partial_ns=0)
    resumed = storage.receive(idle)
    assert resumed.size == 3
    resumed.keep()
    storage.sweep(keep_partial_ns=FOREVER)
    incoming.keep()
    for token, size in ((idle, 0), (busy, 4)):
        again = storage.receive(token)
        assert again.size == size
        again.discard()
    storage.settle()
    assert content(storage) == {KEY: b"page"}


def test_free(storage: Storage) -> None:
    """free is a number of bytes, or None."""
    free = storage.free()
    assert free is None or free > 0


@pytest.mark.parametrize("key", NOT_KEYS)
def test_not_a_key(storage: Storage, key: str) -> None:
    """A key that could name a place outside the root is refused by every method, before anything else."""
    incoming = storage.receive(TOKEN)
    calls: list[Callable[[], object]] = [
        lambda: storage.stat(key),
        lambda: storage.open(key),
        lambda: storage.read(key, 1),
        lambda: storage.put((KEY, key), b""),
        lambda: storage.delete(key),
        lambda: storage.bury(key),
        lambda: storage.unbury(key),
        lambda: storage.buried(key),
        lambda: storage.open_buried(key),
        lambda: storage.purge(key),
        lambda: incoming.stage(key),
        *([lambda: storage.keys(key)] if key else []),
    ]
    for call in calls:
        with pytest.raises(ValueError, match="not a key"):
            call()
    incoming.discard()
    storage.settle()
    assert content(storage) == {}


@pytest.mark.parametrize("token", ["", "..", "a" * 63, "A" * 64, "../" + "a" * 61])
def test_not_a_token(storage: Storage, token: str) -> None:
    """A token is 64 hexadecimal digits and nothing else."""
    with pytest.raises(ValueError, match="not a token"):
        storage.receive(token)
    with pytest.raises(ValueError, match="not a token"):
        storage.holds(token)


def test_no_keys(storage: Storage) -> None:
    """An object without a key is a mistake."""
    with pytest.raises(ValueError, match="no key"):
        storage.put((), b"page")


def test_threads(storage: Storage) -> None:
    """Putting, settling, deleting and reading at once in the same folders loses nothing and mixes nothing."""
    threads, rounds = 6, 40
    together = Barrier(threads)

    def work(me: int) -> None:
        together.wait()
        for turn in range(rounds):
            shared, own = f"packages/aa/{turn % 3}/shared", f"packages/aa/{turn % 3}/{me}/own"
            storage.put((shared, own), b"%d" % me * 1000)
            storage.settle()
            storage.read(shared, 1000)
            storage.delete(shared)
            storage.delete(own)
        storage.put((f"packages/aa/end/{me}",), b"%d" % me)
        storage.settle()

    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(work, me) for me in range(threads)]:
            done.result()
    left = content(storage)
    assert {key for key in left if key.startswith("packages/aa/end/")} == {
        f"packages/aa/end/{me}" for me in range(threads)
    }
    for key, data in left.items():
        assert data is not None
        assert len(data) in (1, 1000), key
        assert len(set(data)) == 1, key
