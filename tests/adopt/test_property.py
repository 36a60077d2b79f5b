"""Any mixture of good, damaged, missing and strange files: adopted and run, it is a fresh mirror and what must stay."""

from __future__ import annotations

import random
import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bandersnatch.adopt.base import Fate, Wish
from tests.adopt import trees
from tests.adopt.conftest import FILES, Adopter, fates

HARM = ("nothing", "nothing", "nothing", "cut", "emptied", "flipped", "removed", "renamed", "linked")
"""What may have happened to a file; mostly nothing."""

MAKERS = {**trees.IN_PLACE, **trees.ELSEWHERE}


def harm(path: Path, how: str) -> None:
    data = path.read_bytes()
    if how == "cut":
        path.write_bytes(data[: len(data) // 2])
    elif how == "emptied":
        path.write_bytes(b"")
    elif how == "flipped":
        path.write_bytes(bytes([data[0] ^ 1]) + data[1:])
    elif how == "removed":
        path.unlink()
    elif how == "renamed":
        path.rename(path.with_name(f"{path.name}.part"))
    elif how == "linked":
        moved = path.rename(path.with_name(f".{path.name}"))
        path.symlink_to(moved)


@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(
    make=st.sampled_from(sorted(MAKERS)),
    harms=st.lists(st.sampled_from(HARM), min_size=FILES, max_size=FILES),
    strangers=st.sets(st.sampled_from(["notes.txt", "web/x.tar.gz", "web/packages/odd-1.0.zip", "a/b/c.d"])),
    threads=st.sampled_from([1, 3]),
    twice=st.booleans(),
    order=st.randoms(use_true_random=False),
)
def test_any_tree(
    world: Adopter,
    fresh: dict[str, str],
    make: str,
    harms: list[str],
    strangers: set[str],
    threads: int,
    twice: bool,
    order: random.Random,
) -> None:
    """The run fetches what was harmed and nothing else, and what nobody knows is as it was."""
    home = Path(tempfile.mkdtemp(dir=world.directory.parent))
    try:
        one = Adopter(world.upstream, home / "mirror")
        source = one.directory if make in trees.IN_PLACE else one.theirs
        MAKERS[make](source, one.index)
        names = {file.filename for _, _, files in trees.projects(one.index) for file in files}
        found = sorted(path for path in source.rglob("*") if path.name in names and path.is_file())
        order.shuffle(harms)
        for path, how in zip(found, harms, strict=True):
            harm(path, how)
        for name in strangers:
            trees.write(source / name, b"strange")
        good = harms.count("nothing")
        told = fates(one.adopt(source, Wish(threads=threads)))
        if twice:
            told = fates(one.adopt(source, Wish(threads=threads)))
        assert told.get(Fate.KEPT, 0) + told.get(Fate.TAKEN, 0) >= good
        finished = one.run()
        assert (finished.outcome, finished.files) == ("clean", FILES - good)
        assert fresh.items() <= one.tree().items()
        assert all((source / name).read_bytes() == b"strange" for name in strangers)
        one.check()
    finally:
        shutil.rmtree(home)
