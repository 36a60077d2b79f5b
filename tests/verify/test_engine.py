"""Verifying beside a running mirror, in part, in pieces, slowly; and what is called unwanted."""

from __future__ import annotations

import errno
import os
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

import pytest

from bandersnatch.catalogue.base import Commit, RunRecord
from bandersnatch.catalogue.sqlite import SqliteCatalogue
from bandersnatch.errors import StorageError, UsageError
from bandersnatch.model import Listed
from bandersnatch.storage.base import Stat
from bandersnatch.values import replace
from bandersnatch.verify.base import Finding, Ground, Kind, Place
from bandersnatch.verify.engine import Wish, verify
from bandersnatch.verify.reading import CHUNK, Pace, Reader, Stopped
from bandersnatch.verify.shards import shards
from tests.verify.conftest import ALL, Tree


@pytest.fixture
def three(tree: Tree) -> Tree:
    """Three projects with two files each, mirrored."""
    for name in ("alpha", "beta", "gamma"):
        tree.index.upload(name, "1.0")
        tree.index.upload(name, "2.0rc1")
    assert tree.run().outcome == "clean"
    return tree


def kinds(found: list[Finding]) -> list[tuple[Kind, str]]:
    return [(one.kind, one.project) for one in found]


class Watching:
    """A place that *before* is told of each object that is looked at, and may refuse."""

    def __init__(self, place: Place, before: Callable[[str], None]) -> None:
        self._place = place
        self._before = before

    def stat(self, key: str) -> Stat | None:
        self._before(key)
        return self._place.stat(key)

    def open(self, key: str) -> BinaryIO:
        self._before(key)
        return self._place.open(key)

    def survey(self, prefix: str = "") -> Iterator[tuple[str, Stat | None]]:
        return self._place.survey(prefix)

    def buried(self, key: str) -> Stat | None:
        return self._place.buried(key)

    def open_buried(self, key: str) -> BinaryIO:
        return self._place.open_buried(key)

    def list_buried(self) -> Iterator[tuple[str, int, float]]:
        return self._place.list_buried()

    def list_partial(self) -> Iterator[tuple[str, int, int]]:
        return self._place.list_partial()


def findings(tree: Tree, ground: Ground, wish: Wish) -> list[Finding]:
    return list(verify(ground, wish, tree.now + 100, pause=tree.pauses.append))


# --- beside a run --------------------------------------------------------------------------------------------------


def under_way(tree: Tree) -> None:
    """Have the catalogue say that a run has begun and not ended."""
    with closing(SqliteCatalogue(tree.state / "catalogue.sqlite")) as catalogue:
        catalogue.record_run(RunRecord(tree.now + 50, None, "", None))


def test_changed_while_looked_at(three: Tree) -> None:
    """What a run changes between two looks is looked at again, and is no finding."""
    three.index.yank("beta", "1.0")
    ran: list[str] = []

    def run_once(key: str) -> None:
        if key == "simple/beta/index.v1_json" and not ran:
            ran.append("begun")
            ran.append(three.run().outcome)

    with three.ground() as ground:
        assert findings(three, replace(ground, place=Watching(ground.place, run_once)), ALL) == []
    assert ran == ["begun", "clean"]


def test_files_that_arrive(three: Tree) -> None:
    """Files that a run under way has stored are not yet known, and no garbage; after the run they would be."""
    path = three.web / "packages/aa/bb/cc/delta-1.0.whl"
    path.parent.mkdir(parents=True)
    path.write_text("new")
    assert kinds(three.verify()) == [(Kind.UNKNOWN_OBJECT, "")]
    under_way(three)
    assert kinds(three.verify()) == [(Kind.UNKNOWN_OBJECT, "")], "it was there before the run began"
    os.utime(path, (three.now + 60, three.now + 60))
    assert three.verify() == []


def test_catalogue_made_anew(three: Tree) -> None:
    """Old files of a project that a run has yet to look at may be taken over by it; others are garbage."""
    for name in ("delta-1.0.whl", "stranger.txt"):
        (three.web / name).write_text("old")
    under_way(three)
    assert {one.key for one in three.verify()} == {"delta-1.0.whl", "stranger.txt"}
    with closing(SqliteCatalogue(three.state / "catalogue.sqlite")) as catalogue:
        catalogue.want([Listed("delta", "delta")], three.now)
    assert [one.key for one in three.verify()] == ["stranger.txt"]


def test_damage_beside_a_run(three: Tree) -> None:
    """Damage is found while a run is under way too, after more looks than one."""
    three.stored("beta", "beta-1.0-py3-none-any.whl").unlink()
    under_way(three)
    assert kinds(three.verify(Wish())) == [(Kind.MISSING_FILE, "beta")]
    assert len(three.pauses) == 3


def test_list_that_a_run_will_write(three: Tree) -> None:
    """The list of projects may be older than the catalogue as long as a run is under way, and no longer."""
    with closing(SqliteCatalogue(three.state / "catalogue.sqlite")) as catalogue:
        entry = catalogue.entry("beta")
        assert entry is not None
        catalogue.commit([Commit(replace(entry, display="Beta"), catalogue.published("beta"))])
    assert {kind for kind, _ in kinds(three.verify(Wish()))} == {Kind.STALE_INDEX}
    under_way(three)
    assert three.verify(Wish()) == []


# --- in part, in pieces --------------------------------------------------------------------------------------------


def test_some_projects(three: Tree) -> None:
    """Only what was asked about is looked at, strangers beside its pages among it."""
    three.stored("alpha", "alpha-1.0-py3-none-any.whl").unlink()
    three.stored("beta", "beta-1.0-py3-none-any.whl").unlink()
    (three.web / "simple/beta/old.html").write_text("x")
    (three.web / "robots.txt").write_text("x")
    assert kinds(three.verify(Wish(projects=("beta",)))) == [(Kind.MISSING_FILE, "beta"), (Kind.UNKNOWN_OBJECT, "")]


def test_from_a_project_on(three: Tree) -> None:
    """Projects that were done before are passed over, and what they hold is no garbage."""
    three.stored("alpha", "alpha-1.0-py3-none-any.whl").unlink()
    three.stored("gamma", "gamma-1.0-py3-none-any.whl").unlink()
    assert kinds(three.verify(Wish(after="beta"))) == [(Kind.MISSING_FILE, "gamma")]


def test_told_in_order(three: Tree) -> None:
    """Who listens hears of each project once it is done, in the order of names."""
    told: list[str] = []
    with three.ground() as ground:
        list(verify(ground, Wish(contents=True), three.now, tell=lambda name, _: told.append(name)))
    assert told == ["alpha", "beta", "gamma"]


def test_stops_at_once(three: Tree) -> None:
    """Who stops listening does not wait for what is being read."""
    three.stored("alpha", "alpha-1.0-py3-none-any.whl").unlink()
    with three.ground() as ground:
        found = verify(ground, Wish(contents=True), three.now + 100)
        assert next(found).kind is Kind.MISSING_FILE
        found.close()  # type: ignore[attr-defined]  # it is a generator
        reader = Reader(ground.place, Pace(0))
        reader.stop()
        with pytest.raises(Stopped):
            reader.sha256("simple/index.html")


def test_disk_errors(three: Tree) -> None:
    """What the disk refuses is a finding each time, and the rest is verified."""
    bad = str(three.stored("beta", "beta-1.0-py3-none-any.whl").relative_to(three.web))

    def refuse(key: str) -> None:
        if key == bad:
            raise StorageError("the disk failed", key=key, errno=errno.EIO)

    three.stored("gamma", "gamma-1.0-py3-none-any.whl").unlink()
    with three.ground() as ground:
        found = findings(three, replace(ground, place=Watching(ground.place, refuse)), Wish())
    assert kinds(found) == [(Kind.UNREADABLE, "beta"), (Kind.MISSING_FILE, "gamma")]


def test_nothing_mirrored(tree: Tree) -> None:
    """Where nothing was ever mirrored there is nothing to verify."""
    with pytest.raises(UsageError, match="nothing was mirrored here yet"):
        tree.verify()


def test_nothing_changes(three: Tree) -> None:
    """A verification writes nothing, neither below web/ nor below state/."""

    def stamps() -> dict[Path, int]:
        # Whoever reads the catalogue shares its log with who writes it.
        return {path: path.stat().st_mtime_ns for path in three.directory.rglob("*[!lm]") if path != three.state}

    before = stamps()
    three.verify()
    assert stamps() == before


# --- no faster than allowed, in no more memory ---------------------------------------------------------------------


def test_pace() -> None:
    """Over any time, no more bytes pass than allowed and one chunk."""
    clock, slept = [0.0], []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        clock[0] += seconds

    pace = Pace(CHUNK / 2, clock=lambda: clock[0], sleep=sleep)
    for _ in range(11):
        pace.take(CHUNK)
    assert clock[0] == pytest.approx(20.0)
    assert len(slept) == 10
    Pace(0, sleep=sleep).take(10**12)
    assert len(slept) == 10


def test_shards_are_flat() -> None:
    """Of 50,000 keys none is lost, no other is known, and only a small part of them is in memory."""
    keys = [
        f"packages/{number % 256:02x}/{number % 251:02x}/{number:060x}/demo-{number}.whl" for number in range(50_000)
    ]
    with shards() as known:
        tracemalloc.start()
        for key in keys:
            known.add(key)
        assert all(known.has(key) for key in sorted(keys))
        assert not any(known.has(f"{key}.x") for key in keys[:512])
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 5 * 2**20, "the keys themselves have 8 MB"


# --- unwanted ------------------------------------------------------------------------------------------------------


def test_policies(three: Tree) -> None:
    """What a policy keeps is not called unwanted, as no run would remove it."""
    assert three.unwanted(exclude__projects=["beta"]) == {f"beta-{one}-py3-none-any.whl" for one in ("1.0", "2.0rc1")}
    assert three.unwanted(exclude__projects=["beta"], removal__deselected="keep") == set()
    assert three.unwanted(releases__prereleases=False, removal__deselected="keep") == set()
    assert len(three.unwanted(releases__prereleases=False)) == 3
    assert len(three.unwanted(select__index_only=["beta"])) == 2


def test_page_of_index_only_project(three: Tree) -> None:
    """A page that is mirrored without its files is unwanted itself once its project is."""
    three.run(select__index_only=["beta"])
    found = three.verify(Wish(), exclude__projects=["beta"])
    assert [(one.kind, one.key) for one in found] == [(Kind.UNWANTED, "simple/beta/index.v1_json")]


def test_metadata_that_is_here(three: Tree) -> None:
    """Rules about core metadata are judged by what the mirror holds of it."""
    three.index.upload("secret", "1.0", summary="Not for you")
    three.run()
    found = three.unwanted(metadata__unwanted={"summary": ["/Not .*/"]})
    assert found == {"secret-1.0-py3-none-any.whl"}


def test_rule_that_needs_all_of_upstream(three: Tree) -> None:
    """A rule by which a project with fewer releases looks worse says nothing: upstream may have more than is held."""
    assert three.unwanted(releases__at_least=3) == set()


def test_kept_files_and_the_newest(three: Tree) -> None:
    """A file that upstream deleted and the policy keeps does not make older ones unwanted."""
    three.index.upload("alpha", "3.0")
    three.settings |= {"releases.newest": 1, "removal.deleted": "keep"}
    three.run(accept_removals=True)
    three.index.remove_release("alpha", "3.0")
    three.run(accept_removals=True)
    assert "alpha-3.0-py3-none-any.whl" in three.held()
    assert three.unwanted() == set()


@pytest.mark.parametrize("threads", [1, 4])
def test_threads(three: Tree, threads: int) -> None:
    """However many threads look, the findings are the same, in the same order."""
    for name in ("alpha", "gamma"):
        path = Path(three.stored(name, f"{name}-1.0-py3-none-any.whl"))
        path.write_bytes(bytes(path.stat().st_size))
    found = three.verify(Wish(contents=True, threads=threads))
    assert kinds(found) == [(Kind.WRONG_BYTES, "alpha"), (Kind.WRONG_BYTES, "gamma")]
