"""Other inputs out of seeds, for where no atheris is: it knows nothing of the code, and needs nothing."""

from __future__ import annotations

import random
from collections.abc import Sequence

_SPLICES = (
    b"\0",
    b"\n",
    b"\r\n",
    b'"',
    b"'",
    b"<",
    b">",
    b"&",
    b"\\",
    b"/",
    b"../",
    b"%2e",
    b"%00",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"#",
    b"@",
    b"\xff",
    b"\xed\xa0\x80",
    b"\xc2\x80",
    b"-1",
    b"9" * 30,
    b"1e999",
    b"null",
    b"NaN",
    b"true",
    b" " * 9,
    b"<script>",
    b"file://",
    b"http://",
    b"\x1b[2J",
    b"\xe2\x80\xae",
    b"\xe2\x84\xaa",
    b"=",
    b"!",
    b"\\u0000",
    b"\\ud800",
)


def mutated(seeds: Sequence[bytes], chance: random.Random) -> bytes:
    """One of *seeds*, changed in one to six ways."""
    data = bytearray(chance.choice(seeds))
    for _ in range(chance.randint(1, 6)):
        start = chance.randint(0, len(data))
        end = min(len(data), start + chance.choice((0, 1, 1, 2, 4, 16, 64)))
        how = chance.randrange(5)
        if how == 0:
            del data[start:end]
        elif how == 1:
            data[start:end] = chance.choice(_SPLICES)
        elif how == 2:
            data[start:start] = chance.choice(_SPLICES)
        elif how == 3:
            other = chance.choice(seeds)
            data[start:end] = other[chance.randint(0, len(other)) :][: chance.randint(1, 40)]
        elif start < len(data):
            data[start] ^= 1 << chance.randrange(8)
    return bytes(data)
