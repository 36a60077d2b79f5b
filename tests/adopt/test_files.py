"""What is kept, what is damaged, what is strange; what is read, and how often."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from threading import Event
from typing import BinaryIO, cast

import pytest

from bandersnatch.adopt import engine
from bandersnatch.adopt.base import Digests, Fate, Found, Promise, Source, Wish
from bandersnatch.adopt.recognise import recognise
from bandersnatch.assemble import adopting
from bandersnatch.errors import UpstreamError
from bandersnatch.model import File
from bandersnatch.storage.base import Stat
from bandersnatch.storage.foreign import Foreign
from bandersnatch.storage.fsops import FileSystem
from bandersnatch.testing import Behaviour, Status
from tests.adopt import trees
from tests.adopt.conftest import FILES, Adopter, fates
from tests.storage.watched import Quick


def one(found: list[Found], fate: Fate) -> Found:
    [found_one] = [each for each in found if each.fate is fate]
    return found_one


def wheel(world: Adopter) -> Path:
    """A file of a tree that lies in the places that digests make."""
    [path] = (world.directory / "web/packages").rglob("alpha-1.0-*.whl")
    return path


# --- damage --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("damage", [b"", b"short", None], ids=["empty", "short", "same size"])
@pytest.mark.parametrize("make", ["pypa 8", "bandersnatch 1.5", "pep381client"])
def test_damage(make: str, damage: bytes | None, world: Adopter, fresh: dict[str, str]) -> None:
    """A file that is not what its place or its page promises is named, left, and fetched by the run; no other is."""
    trees.IN_PLACE[make](world.directory, world.index)
    [path] = (world.directory / "web/packages").rglob("alpha-1.0-*.whl")
    path.write_bytes(bytes(reversed(path.read_bytes())) if damage is None else damage)
    found = world.adopt()
    damaged = one(found, Fate.DAMAGED)
    assert damaged.path == str(path.relative_to(world.directory))
    assert "promises" in damaged.reason
    assert fates(found).get(Fate.KEPT, 0) + fates(found).get(Fate.TAKEN, 0) == FILES - 1
    assert path.exists()
    finished = world.run()
    assert (finished.outcome, finished.files, world.fetched()) == ("clean", 1, 1)
    assert fresh.items() <= world.tree().items()


@pytest.mark.parametrize("make", ["shadowmire", "morgan", "devpi"])
def test_damage_elsewhere(make: str, world: Adopter) -> None:
    """Damage is seen by the place, by the digest beside the file, by the digits of the folder; it is not taken."""
    trees.ELSEWHERE[make](world.theirs, world.index)
    [path] = world.theirs.rglob("beta-1.0.tar.gz")
    path.write_bytes(path.read_bytes() + b"!")
    found = world.adopt(world.theirs)
    assert one(found, Fate.DAMAGED).path == str(path.relative_to(world.theirs))
    assert world.run().files == 1


def test_damage_that_nobody_promised_otherwise(world: Adopter, fresh: dict[str, str]) -> None:
    """In a folder of files nothing tells damage. But the place of such a file is its digest: no page links it."""
    trees.folder(world.theirs, world.index)
    (world.theirs / "beta-1.0.tar.gz").write_bytes(b"damaged")
    assert fates(world.adopt(world.theirs)) == {Fate.TAKEN: FILES}
    assert world.run().files == 1
    assert {one.key.rpartition("/")[2] for one in world.verify()} == {"beta-1.0.tar.gz"}


def test_unreadable(world: Adopter, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that the disk does not give is damaged; the others are taken."""
    from bandersnatch.adopt import judging
    from bandersnatch.errors import StorageError

    trees.folder(world.theirs, world.index)
    read = judging.read

    def fail(source: Source, path: str, promise: Promise | None, stopped: Event) -> Digests:
        if path == "beta-1.0.tar.gz":
            raise StorageError("Input/output error", errno=5)
        return read(source, path, promise, stopped)

    monkeypatch.setattr(judging, "read", fail)
    found = world.adopt(world.theirs)
    assert "Input/output error" in one(found, Fate.DAMAGED).reason
    assert fates(found)[Fate.TAKEN] == FILES - 1


# --- one reading ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", ["pypa 8", "bandersnatch 1.5"])
def test_one_reading(make: str, world: Adopter, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each file is read once in all: by the adoption, and neither by a second one nor by the run after it."""
    from bandersnatch.transfer import present

    trees.IN_PLACE[make](world.directory, world.index)
    world.adopt()
    assert sorted(path.rpartition("/")[2] for path in world.read if "/packages/" in path) == sorted(
        file.filename for _, _, files in trees.projects(world.index) for file in files
    )
    again = world.adopt()
    assert [path for path in world.read if "/packages/" in path] == []
    assert fates(again).get(Fate.KEPT, 0) >= FILES
    checked: list[str] = []
    read = present._checked

    def note(wanted: File, stream: BinaryIO, size: int) -> File | None:
        checked.append(wanted.filename)
        return read(wanted, stream, size)

    monkeypatch.setattr(present, "_checked", note)
    assert world.run().adopted == FILES
    assert checked == []


def test_full_run_reads_again(world: Adopter, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full run trusts nobody: damage of the same size and time is found."""
    trees.PyPA().make(world.directory, world.index)
    world.adopt()
    path = wheel(world)
    before = path.stat()
    path.write_bytes(bytes(reversed(path.read_bytes())))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert world.run(full=True).files == 1


def test_changed_after_adoption(world: Adopter) -> None:
    """What was written to after it was adopted is read again, by the run as by another adoption."""
    trees.PyPA().make(world.directory, world.index)
    world.adopt()
    path = wheel(world)
    path.write_bytes(bytes(reversed(path.read_bytes())))
    os.utime(path)
    assert fates(world.adopt())[Fate.DAMAGED] == 1
    assert world.run().files == 1


def test_old_vouchers_are_forgotten(world: Adopter) -> None:
    """A month later nobody believes an adoption any more."""
    trees.PyPA().make(world.directory, world.index)
    world.adopt()
    assert (world.state / "adopted.sqlite").exists()
    world.now += 31 * 86400
    assert world.run().adopted == FILES
    assert not (world.state / "adopted.sqlite").exists()


def test_broken_vouchers(world: Adopter) -> None:
    """Vouchers that cannot be read cost a reading and nothing else."""
    trees.PyPA().make(world.directory, world.index)
    world.adopt()
    for path in world.state.glob("adopted.sqlite*"):
        path.write_bytes(b"no database" * 100)
    assert fates(world.adopt())[Fate.KEPT] == FILES
    for path in world.state.glob("adopted.sqlite*"):
        path.write_bytes(b"no database" * 100)
    assert world.run().files == 0


# --- trusting ------------------------------------------------------------------------------------------------------


def test_trust_size(world: Adopter, fresh: dict[str, str]) -> None:
    """Files whose size and time are those that the pages state are not read, by nobody."""
    trees.PyPA().make(world.directory, world.index)
    found = world.adopt(wish=Wish(trust_size=True))
    assert fates(found)[Fate.KEPT] == FILES
    assert [path for path in world.read if "/packages/" in path] == []
    assert world.run().files == 0
    assert fresh.items() <= world.tree().items()


@pytest.mark.parametrize("json", [True, False], ids=["older JSON", "PEP 691"])
def test_trust_size_sees_other_times(json: bool, world: Adopter) -> None:
    """A file with another size is damaged; one with another time is read."""
    trees.PyPA(json=json).make(world.directory, world.index)
    touched, cut = sorted((world.directory / "web/packages").rglob("alpha-*.tar.gz"))
    os.utime(touched)
    cut.write_bytes(b"short")
    found = world.adopt(wish=Wish(trust_size=True))
    assert one(found, Fate.DAMAGED).path.endswith(cut.name)
    assert sorted(path.rpartition("/")[2] for path in world.read if "/packages/" in path) == sorted(
        [touched.name, cut.name]
    )


def test_trust_size_believes_no_digest_elsewhere(world: Adopter) -> None:
    """A page that promises another digest than the file has is believed, if asked to; the run finds out."""
    trees.PyPA(json=False).make(world.directory, world.index)
    path = wheel(world)
    before = path.stat()
    path.write_bytes(bytes(reversed(path.read_bytes())))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert fates(world.adopt(wish=Wish(trust_size=True)))[Fate.KEPT] == FILES
    assert world.run().files == 0
    assert world.run(full=True).files == 1


# --- upstream ------------------------------------------------------------------------------------------------------


def test_ask_upstream(world: Adopter) -> None:
    """With upstream's word, damage is seen and what it lacks is passed over, in a folder of files too."""
    trees.folder(world.theirs, world.index)
    trees.write(world.theirs / "beta-1.0.tar.gz", b"damaged")
    trees.write(world.theirs / "unknown-1.0.tar.gz", b"of somebody else")
    trees.write(world.theirs / "alpha-9.9.tar.gz", b"of nobody")
    found = world.adopt(world.theirs, ask=True)
    assert one(found, Fate.DAMAGED).path == "beta-1.0.tar.gz"
    strange = {each.path: each.reason for each in found if each.fate is Fate.STRANGER}
    assert strange == dict.fromkeys(("unknown-1.0.tar.gz", "alpha-9.9.tar.gz"), "upstream does not list it")
    assert fates(found)[Fate.TAKEN] == FILES - 1
    assert world.fetched() == 0
    assert world.run().files == 1
    assert world.verify() == []


def test_upstream_is_away(changing: Adopter) -> None:
    """An upstream that was to be asked and does not answer ends the adoption; done again, it goes on."""
    trees.folder(changing.theirs, changing.index)
    changing.upstream.fault("/simple/beta/", Status(503), times=None)
    with pytest.raises(UpstreamError):
        changing.adopt(changing.theirs, ask=True)
    changing.upstream.clear_faults()
    assert fates(changing.adopt(changing.theirs, ask=True))[Fate.TAKEN] == FILES


def test_many_names_of_a_file(changing: Adopter) -> None:
    """Dashes in the name of an sdist leave open whose it is: upstream, or its folder, says."""
    changing.index.upload("one-two", "1.0", "sdist", filename="one-two-1.0.tar.gz")
    changing.index.upload("one", "2.0")
    trees.folder(changing.theirs, changing.index)
    found = changing.adopt(changing.theirs, ask=True)
    assert fates(found) == {Fate.TAKEN: FILES + 2}
    assert changing.run().files == 0


# --- strangers -----------------------------------------------------------------------------------------------------


def hostile(place: Path, secret: Path) -> None:
    """Names and links that somebody else put there."""
    trees.write(secret, b"not for everybody")
    for name in (
        b"caf\xe9-1.0.tar.gz",
        b"new\nline-1.0.tar.gz",
        b"\x1b[2J-1.0.tar.gz",
        b"%2e%2e-1.0.zip",
        b".hidden-1.zip",
    ):
        Path(os.fsdecode(os.fsencode(place) + b"/" + name)).write_bytes(b"hostile")
    (place / "link-1.0.tar.gz").symlink_to(secret)
    (place / "folder").symlink_to(secret.parent)
    os.mkfifo(place / "pipe-1.0.tar.gz")
    trees.write(place / "notes.txt", b"of the operator")
    (place / "directory-1.0.tar.gz").mkdir()


@pytest.mark.parametrize("below", ["", "web", "web/packages", "web/packages/source"])
def test_hostile(below: str, world: Adopter) -> None:
    """Nothing is followed out of the tree, nothing with a hostile name is taken, and all of it is named and left."""
    trees.PyPA(None, False).make(world.directory, world.index)
    place = world.directory / below
    hostile(place, world.directory.with_name("secret-1.0.tar.gz"))
    before = set(place.iterdir())
    found = world.adopt()
    strange = [each for each in found if each.fate is Fate.STRANGER]
    assert len(strange) == 9
    assert all(each.reason for each in strange)
    assert before - {place / "status"} <= set(place.iterdir())
    assert fates(found)[Fate.TAKEN] == FILES
    assert b"not for everybody" not in {path.read_bytes() for path in world.web.glob("packages/??/*/*/*")}
    assert world.run().files == 0


def test_a_link_where_pages_belong(world: Adopter) -> None:
    """A link in the place of a folder that a run writes to is named, with what to do."""
    trees.PyPA().make(world.directory, world.index)
    moved = world.directory.with_name("elsewhere")
    (world.directory / "web/simple/alpha").rename(moved)
    (world.directory / "web/simple/alpha").symlink_to(moved)
    strange = one(world.adopt(), Fate.STRANGER)
    assert (strange.path, "remove it" in strange.reason) == ("web/simple/alpha", True)


def test_link_in_the_way_of_a_file(world: Adopter) -> None:
    """Where a link keeps a file from its place, that file is named, and the others are taken."""
    trees.folder(world.theirs, world.index)
    [beta] = [file for _, _, files in trees.projects(world.index) for file in files if file.project == "beta"]
    place = world.web / "packages" / beta.blake2b[:2]
    place.parent.mkdir(parents=True)
    place.symlink_to(world.theirs)
    found = world.adopt(world.theirs)
    assert one(found, Fate.STRANGER).path == beta.filename
    assert fates(found)[Fate.TAKEN] == FILES - 1


def test_swapped_while_it_is_read(world: Adopter, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is another one when it is linked than when it was read is not taken."""
    from bandersnatch.adopt.placing import Placed, Placing

    trees.folder(world.theirs, world.index)
    place = Placing.place

    def swap(self: Placing, placed: Placed) -> list[Found]:
        if placed.found.path == "beta-1.0.tar.gz":
            trees.write(world.theirs / "beta-1.0.tar.gz", b"swapped")
        return place(self, placed)

    monkeypatch.setattr(Placing, "place", swap)
    found = world.adopt(world.theirs)
    assert "changed while it was read" in one(found, Fate.STRANGER).reason
    assert not any(path.read_bytes() == b"swapped" for path in world.web.rglob("*.gz"))


# --- how it gets there ---------------------------------------------------------------------------------------------


class NoLinks(Quick):
    """A file system without hard links between these folders."""

    def link_across(self, source: str, target: str, *, source_dir: int, target_dir: int) -> None:
        raise OSError(18, "Invalid cross-device link")


class Cloning(NoLinks):
    """And with shared blocks instead."""

    def __init__(self) -> None:
        super().__init__()
        self.cloned = 0

    def clone(self, source: int, target: int) -> None:
        self.cloned += 1
        os.write(target, os.pread(source, 1 << 20, 0))


@pytest.mark.parametrize("make_fs", [NoLinks, Cloning])
@pytest.mark.parametrize("by", ["link", "move"])
def test_without_links(make_fs: Callable[[], FileSystem], by: str, world: Adopter, fresh: dict[str, str]) -> None:
    """Where there can be no hard link, blocks are shared, or else bytes copied."""
    trees.folder(world.theirs, world.index)
    fs = make_fs()
    assert fates(world.adopt(world.theirs, Wish(by=by), fs=fs)) == {Fate.TAKEN: FILES}
    assert not isinstance(fs, Cloning) or fs.cloned == FILES
    assert len(list(world.theirs.iterdir())) == (0 if by == "move" else FILES)
    assert world.run().files == 0
    assert world.tree() == fresh


def test_the_same_file_twice(world: Adopter) -> None:
    """Two names of the same bytes become one object."""
    trees.folder(world.theirs, world.index)
    trees.folder(world.theirs / "again", world.index)
    assert fates(world.adopt(world.theirs))[Fate.TAKEN] == 2 * FILES
    assert len([path for path in (world.web / "packages").rglob("*") if path.is_file()]) == FILES


def test_another_shape_of_addresses(changing: Adopter) -> None:
    """An upstream whose addresses have another shape gets its files where its pages will want them."""
    assert isinstance(changing.upstream.behaviour, Behaviour)
    trees.folder(changing.theirs, changing.index)
    changing.adopt(changing.theirs, Wish(places="sha256"))
    keys = [path.relative_to(changing.web).parts for path in changing.web.rglob("*.whl")]
    digests = {file.sha256 for _, _, files in trees.projects(changing.index) for file in files}
    assert {"".join(parts[1:4]) for parts in keys} <= digests


class _Endless(Foreign):
    """A file in it is never read to its end, and comes before everything that needs no reading."""

    def survey(self, prefix: str = "", *, without: Sequence[str] = ()) -> Iterator[tuple[str, Stat | None]]:
        yield from sorted(super().survey(prefix, without=without))

    def open(self, path: str) -> BinaryIO:
        class Stream(io.BytesIO):
            def read(self, size: int | None = -1, /) -> bytes:
                return b"more"

        return Stream()


def test_stopped_in_a_large_file(world: Adopter) -> None:
    """Who stops an adoption does not wait until the files are read that were begun."""
    trees.write(world.theirs / "alpha-1.0.tar.gz", b"more")
    trees.write(world.theirs / "notes.txt", b"")
    config = world.config()
    with closing(_Endless(world.theirs)) as tree:
        kind = recognise(tree)
        plan = engine.plan(tree, kind, os.path.realpath(world.directory))
        with adopting.ground(config, {}, tree, kind, fs=Quick()) as ground:
            going = engine.adopt(ground, plan, Wish(), world.now)
            assert next(going).path == "notes.txt"
            cast("Generator[Found, None, None]", going).close()  # as ^C does
