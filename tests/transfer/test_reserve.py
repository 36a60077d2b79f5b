"""A file that comes in takes nothing of what is to stay free."""

from __future__ import annotations

import hashlib

import pytest

from bandersnatch.errors import OutOfSpace
from bandersnatch.model import File
from bandersnatch.storage.memory import MemoryStorage
from bandersnatch.transfer import Rules
from bandersnatch.transfer.arriving import Transfer

MIB = 1 << 20


def test_before_it_is_written() -> None:
    """What would take of the reserve is refused before it is written, though upstream stated no size."""
    content = bytes(3 * MIB)
    wanted = File("demo-1.tar.gz", "https://files.example.org/demo-1.tar.gz", hashlib.sha256(content).hexdigest())
    storage = MemoryStorage(free=3 * MIB)
    transfer = Transfer(wanted, storage, Rules(reserve=2 * MIB))
    transfer.gather(content[:MIB])
    transfer.write()
    storage.space = 2 * MIB
    transfer.gather(content[MIB : 2 * MIB])
    with pytest.raises(OutOfSpace, match="reserve of 2097152 bytes"):
        transfer.write()
    transfer.keep()
    assert [size for _, size, _ in storage.list_partial()] == [MIB]
