"""Write an access log as nginx does: ``write_log.py FILE LINES``; gzip, if FILE ends in .gz.

Every third line each is a page, core metadata and a file. Files and clients are drawn so that few are asked for often
and most seldom, over a week; agents are those of two installers with many versions of everything. Drawn from a seed, so
that it is the same log each time.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from random import Random

SEED = 1
FILES, AGENTS, CLIENTS = 200_000, 2_000, 5_000
BEGIN, DAYS = 20, 7
"""Of November 2026."""


def agents(random: Random) -> list[str]:
    """User agents as nginx writes them."""
    found = []
    for number in range(AGENTS):
        name = ("pip", "uv")[number % 2]
        version = f"{random.randrange(20, 27)}.{random.randrange(4)}.{random.randrange(30)}"
        python = f"3.{random.randrange(8, 16)}.{random.randrange(12)}"
        facts = {
            "ci": None, "cpu": "x86_64", "distro": {"id": "bookworm", "name": "Debian GNU/Linux", "version": "12"},
            "implementation": {"name": "CPython", "version": python}, "installer": {"name": name, "version": version},
            "openssl_version": "OpenSSL 3.0.11 19 Sep 2023", "python": python,
            "system": {"name": "Linux", "release": f"6.1.0-{number}"},
        }  # fmt: skip
        found.append(f"{name}/{version} {json.dumps(facts)}".replace('"', "\\x22"))
    return found


def lines(count: int) -> Iterator[str]:
    """The log's lines, with their ends."""
    random = Random(SEED)
    said = agents(random)
    for number in range(0, count, 3):
        second = number * DAYS * 86400 // count
        day, hour, minute, rest = second // 86400, second // 3600 % 24, second // 60 % 60, second % 60
        when = f"[{BEGIN + day:02}/Nov/2026:{hour:02}:{minute:02}:{rest:02} +0000]"
        file = int(FILES * random.random() ** 4)
        client = int(CLIENTS * random.random() ** 2)
        before = f"10.0.{client >> 8}.{client & 255} - - {when} "
        after = f'"-" "{said[int(AGENTS * random.random() ** 3)]}"\n'
        digits = f"{file:064x}"
        key = (
            f"/packages/{digits[-2:]}/{digits[-4:-2]}/{digits[:60]}/project_{file // 10}-1.{file % 10}-py3-none-any.whl"
        )
        yield f'{before}"GET /simple/project-{file // 10}/ HTTP/1.1" 200 4321 {after}'
        yield f'{before}"GET {key}.metadata HTTP/1.1" 200 1234 {after}'
        yield f'{before}"GET {key} HTTP/1.1" 200 {10_000 + file} {after}'


def main() -> None:
    """See the module."""
    path, count = Path(sys.argv[1]), int(sys.argv[2])
    with gzip.open(path, "wt", compresslevel=1) if path.suffix == ".gz" else path.open("w") as stream:
        stream.writelines(islice(lines(count), count))


if __name__ == "__main__":
    main()
