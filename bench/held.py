"""A mirror that holds many projects, made without fetching them: what a run costs then is what is measured.

A small upstream is mirrored by the product itself, so that all facts of its state are real. The other projects are
put into the catalogue through its port, as if each had been published with three files; storage does not have them,
and no run looks as long as nothing about them changes.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from bandersnatch.catalogue.base import Catalogue, Commit, Entry, Published
from bandersnatch.catalogue.sqlite import SqliteCatalogue
from bandersnatch.model import File, Held, Validators
from bench import measure, peers
from bench.context import Bench
from bench.draws import Drawn
from bench.serve import Site, is_free, serve
from bench.tree import UPLOADED, Shape, Tree, make

FILES = 3
SMALL = 20
"""Projects that are really there."""

_BATCH = 2_000


def shape(count: int) -> Shape:
    """An upstream that lists *count* projects, of which a few are really there."""
    return Shape(SMALL, files=FILES, size=2_000, listed=count - SMALL)


@contextmanager
def standing(bench: Bench, count: int, room: Path) -> Iterator[tuple[Site, Path]]:
    """
    An upstream that lists *count* projects, and an up-to-date mirror of it, both in *room* and free to be changed.

    They are copies of what is kept for the next scenario: to make them takes minutes where a million are listed. The
    server's port is kept as well, since a mirror whose upstream has another address would look at everything.
    """
    kept = bench.work / "held" / shape(count).label
    if not (kept / "complete").exists() or not is_free(int((kept / "port").read_text())):
        _keep(kept, shape(count))
    for part in ("tree", "mirror"):
        subprocess.run(["cp", "-a", "--reflink=auto", kept / part, room], check=True)
    with serve(Tree(room / "tree", shape(count)), room / "site", port=int((kept / "port").read_text())) as site:
        yield site, room / "mirror"


def _keep(kept: Path, wanted: Shape) -> None:
    shutil.rmtree(kept, ignore_errors=True)
    os.rename(make(kept / "made", wanted).root, kept / "tree")
    with serve(Tree(kept / "tree", wanted), kept / "site") as site:
        seed(site, kept)
        (kept / "port").write_text(site.url.rpartition(":")[2])
    (kept / "complete").touch()


def seed(site: Site, room: Path) -> Path:
    """A mirror in *room* of all that *site* lists, whose tree ``shape`` describes. It is up to date."""
    mirror, first = room / "mirror", room / "first"
    first.mkdir()
    with site.tree.shortened():
        measure.run(peers.ours(first, site, mirror=mirror))
    with closing(SqliteCatalogue(mirror / "state" / "catalogue.sqlite")) as catalogue:
        fill(catalogue, itertools.islice(site.tree.listed, SMALL, None))
    measure.run(peers.ours(first, site, mirror=mirror))  # the list of projects is written for all of them
    return mirror


def fill(catalogue: Catalogue, projects: Iterable[Drawn]) -> None:
    """Let *projects* be published."""
    stream = iter(projects)
    while batch := list(itertools.islice(stream, _BATCH)):
        catalogue.commit([commit(one, one.serial) for one in batch])


def commit(drawn: Drawn, serial: int) -> Commit:
    """The state of a project that was just published with *serial*."""
    entry = Entry(
        drawn.name,
        drawn.display,
        promised=serial,
        serial=serial,
        published=True,
        indexed=True,
        selection="bench",
        validators=Validators(f'"{serial:x}"', "Mon, 06 May 2024 07:08:09 GMT"),
        digest=_digest(f"{drawn.name} {serial}"),
    )
    pages = tuple((f"simple/{drawn.name}/index.{form}", _digest(form)[:32]) for form in ("html", "v1_html", "v1_json"))
    held = tuple(_held(drawn.name, f"{serial}.{number}") for number in range(FILES))
    return Commit(entry, Published(held, (*pages, (f"pypi/{drawn.name}/json", _digest(drawn.name)[:32]))))


def _held(name: str, version: str) -> Held:
    filename = f"{name.replace('-', '_')}-{version}-py3-none-any.whl"
    blake2 = _digest(filename)
    url = f"https://files.example.org/packages/{blake2[:2]}/{blake2[2:4]}/{blake2[4:]}/{filename}"
    metadata = _digest(f"{filename} metadata")
    file = File(filename, url, _digest(f"{filename} content"), 2_000, UPLOADED, ">=3.9", core_metadata=metadata)
    return Held(file, 2_000, metadata, provenance=False)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
